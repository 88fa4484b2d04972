"""Objectives as people write them, and what they come to."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue, WithJsonSchema

from holdfast.blueprint import amounts
from holdfast.blueprint.fields import Form, MoneyMicro
from holdfast.blueprint.objectives import (
    OBJECTIVE_DAYS_DEFAULT,
    CostPer,
    Objective,
    ObjectiveKind,
)

OBJECTIVE_DAYS_MAX = 90
OBJECTIVE_MS_MAX = 600_000.0
OBJECTIVE_SPEED_MAX = 1_000_000.0
_MS_US = 1_000
_MILLI = 1_000

Target: TypeAlias = Annotated[
    int, BeforeValidator(amounts.read_target), WithJsonSchema(amounts.TARGET_SCHEMA)
]
Milliseconds: TypeAlias = Annotated[float, Field(ge=0.001, le=OBJECTIVE_MS_MAX)]
Days: TypeAlias = Annotated[int, Field(ge=1, le=OBJECTIVE_DAYS_MAX)]
_SHARE = "The share that must be good: `99.9%`, or 0.999; less than all."
_DAYS = f"Days of the window, which ends now. Default {OBJECTIVE_DAYS_DEFAULT}."


class _AvailabilityForm(Form):
    """How many calls must not fail."""

    share: Target = Field(description=_SHARE)
    days: Days | None = Field(default=None, description=_DAYS)


def _read_availability(value: object) -> object:
    """``99.9%`` is short for ``{share: 99.9%}``."""
    return {"share": value} if isinstance(value, str | int | float) else value


_AVAILABILITY_SCHEMA: dict[str, JsonValue] = {
    "anyOf": [
        amounts.TARGET_SCHEMA,
        {
            "type": "object",
            "properties": {
                "share": {**amounts.TARGET_SCHEMA, "description": _SHARE},
                "days": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": OBJECTIVE_DAYS_MAX,
                    "description": _DAYS,
                },
            },
            "required": ["share"],
            "additionalProperties": False,
        },
    ]
}
AvailabilityForm: TypeAlias = Annotated[
    _AvailabilityForm, BeforeValidator(_read_availability), WithJsonSchema(_AVAILABILITY_SCHEMA)
]


class LatencyForm(Form):
    """How many must be done within a time."""

    within_ms: Milliseconds = Field(description="Milliseconds in which it is good.")
    share: Target = Field(description=_SHARE)
    days: Days | None = Field(default=None, description=_DAYS)


class SpeedForm(Form):
    """How many streams must be at least so fast."""

    at_least: Annotated[float, Field(ge=0.001, le=OBJECTIVE_SPEED_MAX)] = Field(
        description="Tokens a second, from the first token on, from which a stream is good."
    )
    share: Target = Field(description=_SHARE)
    days: Days | None = Field(default=None, description=_DAYS)


class CostForm(Form):
    """What calls may cost. Nothing is refused for it: that is what `budget` is for."""

    money: MoneyMicro = Field(description="Money, in the currency of prices; six decimals count.")
    per: CostPer = Field(description="What the money is for: a `day`, or `1000-calls`.")
    days: Days | None = Field(default=None, description=_DAYS)


class ObjectivesForm(Form):
    """What calls are held to, measured over days; told when missed, never enforced."""

    availability: AvailabilityForm | None = Field(
        default=None,
        description="`99.9%`, or `{share: 99.9%, days: 7}`: the share of calls that did not fail. "
        "Refusals by policy, and calls that their caller gave up, are not counted.",
    )
    first_token: LatencyForm | None = Field(
        default=None, description="The share of streams whose first token came in time."
    )
    duration: LatencyForm | None = Field(
        default=None, description="The share of answered calls that took no longer."
    )
    tokens_per_s: SpeedForm | None = Field(
        default=None, description="The share of answered streams that were no slower."
    )
    cost: CostForm | None = Field(default=None, description="The money that calls should not pass.")


def settle_objectives(form: ObjectivesForm | None) -> tuple[Objective, ...]:
    """What is written, in the order of the kinds; nothing is handed down, each place has its own."""
    if form is None:
        return ()
    found: list[Objective] = []
    if form.availability is not None:
        found.append(_share("availability", form.availability))
    if form.first_token is not None:
        limit = round(form.first_token.within_ms * _MS_US)
        found.append(_share("first_token", form.first_token, limit=limit))
    if form.duration is not None:
        limit = round(form.duration.within_ms * _MS_US)
        found.append(_share("duration", form.duration, limit=limit))
    if form.tokens_per_s is not None:
        limit = round(form.tokens_per_s.at_least * _MILLI)
        found.append(_share("tokens_per_s", form.tokens_per_s, limit=limit))
    if form.cost is not None:
        own = form.cost
        found.append(Objective(kind="cost", days=_days(own.days), limit=own.money, per=own.per))
    return tuple(found)


def _share(
    kind: ObjectiveKind,
    form: AvailabilityForm | LatencyForm | SpeedForm,
    *,
    limit: int | None = None,
) -> Objective:
    return Objective(kind=kind, days=_days(form.days), share_micro=form.share, limit=limit)


def _days(written: int | None) -> int:
    return written or OBJECTIVE_DAYS_DEFAULT
