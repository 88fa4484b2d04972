"""An organisation's rule pack: how grave its rules are, its limits, which of them none may waive."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from holdfast.blueprint import Level, ReviewLimitsForm, read_yaml
from holdfast.blueprint.facts import Positive
from holdfast.blueprint.fields import LIST_MAX, Form, Name, Text
from holdfast.blueprint.review.errors import PackError
from holdfast.blueprint.review_forms import RuleName
from holdfast.blueprint.source import Document, dotted

_SHOWN_MAX = 20


class PackForm(Form):
    """A file of rules that an organisation has for all its systems."""

    pack: Literal[1] = Field(description="The format's version: 1.")
    name: Name = Field(description="What the pack is called.")
    description: Text | None = Field(default=None, description="What it is for.")
    levels: Annotated[dict[RuleName, Level], Field(max_length=LIST_MAX)] = Field(
        default_factory=dict[RuleName, Level],
        description="By rule id, or by a beginning such as `TB-*`: what a finding does. A team may "
        "make it stricter.",
    )
    limits: ReviewLimitsForm = Field(
        default=ReviewLimitsForm(),
        description="The most that a team's file may allow; what is not written here, it sets.",
    )
    no_waivers: Annotated[list[RuleName], Field(max_length=LIST_MAX)] = Field(
        default_factory=list[RuleName],
        description="Rules whose findings nobody may waive.",
    )
    waiver_days: Positive | None = Field(
        default=None,
        description="How far ahead a waiver may expire, in days; one that reaches further counts "
        "as none.",
    )
    rules: Annotated[list[Name], Field(max_length=LIST_MAX)] = Field(
        default_factory=list[Name],
        description="Cedar files with rules of your own, relative to the pack.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A rule pack as read. ``limits`` has only what it writes."""

    name: str
    levels: MappingProxyType[str, Level]
    limits: MappingProxyType[str, float]
    no_waivers: tuple[str, ...] = ()
    waiver_days: int | None = None
    rules: tuple[str, ...] = field(default=())


def read_pack(text: str, *, source: str) -> Pack:
    """The pack in a YAML file; ``PackError`` with all that is wrong with it."""
    document = read_yaml(text, source=source)
    if document.problems:
        raise PackError(
            f"{source} is no rule pack", fix="\n".join(str(each) for each in document.problems)
        )
    try:
        form = PackForm.model_validate(document.data)
    except ValidationError as error:
        raise PackError(f"{source} is no rule pack", fix=_told(document, source, error)) from error
    written = {name: getattr(form.limits, name) for name in sorted(form.limits.model_fields_set)}
    return Pack(
        name=form.name,
        levels=MappingProxyType(dict(form.levels)),
        limits=MappingProxyType(written),
        no_waivers=tuple(form.no_waivers),
        waiver_days=form.waiver_days,
        rules=tuple(form.rules),
    )


def _told(document: Document, source: str, error: ValidationError) -> str:
    lines: list[str] = []
    for detail in error.errors(include_url=False)[:_SHOWN_MAX]:
        place = document.place(detail["loc"], key=detail["type"] == "extra_forbidden")
        lines.append(
            f"{source}:{place.line}:{place.column}: {dotted(detail['loc'])}: {detail['msg']}"
        )
    return "\n".join(lines)


def limits_within(own: ReviewLimitsForm, packs: Iterable[Pack]) -> ReviewLimitsForm:
    """The team's limits, nowhere more than a pack allows; a pack's where the team says nothing."""
    whole: dict[str, float] = {name: getattr(own, name) for name in ReviewLimitsForm.model_fields}
    written = set(own.model_fields_set)
    for pack in packs:
        for name, most in pack.limits.items():
            whole[name] = min(whole[name], most) if name in written else most
            written.add(name)
    return ReviewLimitsForm.model_validate(whole)
