"""The forms of what people write about reviews: how grave rules are, waivers, their limits."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from holdfast.blueprint.facts import Day, Positive, Share
from holdfast.blueprint.fields import LIST_MAX, Form, Name, Text

Level: TypeAlias = Literal["off", "advise", "warn", "block"]
LEVELS: tuple[Level, ...] = ("off", "advise", "warn", "block")
RuleName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*(\*|)$", max_length=100)
]


class WaiverForm(Form):
    """A finding that somebody has taken on himself, for a time."""

    rule: RuleName = Field(description="The rule's id, such as `TB-01`.")
    at: Name | None = Field(
        default=None,
        description="The path of the finding, or the id of the node, relationship or flow. "
        "Default: everywhere.",
    )
    owner: Name = Field(description="Who has accepted it.")
    reason: Text = Field(description="Why.")
    expires: Day = Field(description="The last day on which it holds.")


class ReviewLimitsForm(Form):
    """From where on a rule calls something too much."""

    delegation_depth: Positive = Field(
        default=4, description="AG-04: the most agents in a chain of delegations."
    )
    retry_product: Positive = Field(
        default=8, description="RS-05: the most tries that one call may become along a chain."
    )
    failure_radius: Share = Field(
        default=0.5, description="RS-09: the largest share of nodes that one failure may take down."
    )
    compromise_radius: Share = Field(
        default=0.34, description="RS-10: the largest share of nodes that one takeover may reach."
    )
    evidence_days: Positive = Field(
        default=365, description="OB-04, RS-13: how old evidence may be, in days."
    )


class ReviewForm(Form):
    """What this system's reviews take into account. Nothing here changes how a call is carried."""

    levels: Annotated[dict[RuleName, Level], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="By rule id, or by a beginning such as `GV-*`: what a finding does. What an "
        "organisation's rule pack says can be made stricter here, never milder.",
    )
    waivers: Annotated[list[WaiverForm], Field(max_length=LIST_MAX)] | None = Field(
        default=None, description="Findings that are accepted for a time."
    )
    limits: ReviewLimitsForm = Field(
        default=ReviewLimitsForm(), description="From where on something is too much."
    )
    rules: Annotated[list[Name], Field(max_length=LIST_MAX)] | None = Field(
        default=None,
        description="Rules of your own: Cedar files (`.cedar`) and rule packs (`.yaml`) relative to "
        "the blueprint.",
    )
