"""What the console shows of objectives and anomalies, ready for its templates. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from holdfast.faces.web.words import NONE_YET, day_and_minute, duration, moment
from holdfast.telemetry.anomalies import BUCKET_S, Anomaly, AnomalyMeasure, Baseline
from holdfast.telemetry.objectives import Standing, State

ENDED_SHOWN_MAX = 10
_STATES: Mapping[State, tuple[str, str, str]] = MappingProxyType(
    {
        "no-data": ("plain", "?", "no data"),
        "holds": ("good", "✓", "holds"),
        "burning-slow": ("warned", "▲", "burning slowly"),
        "burning-fast": ("failed", "▲▲", "burning fast"),
        "spent": ("refused", "✕", "budget spent"),
    }
)
_KINDS = MappingProxyType(
    {
        "availability": "availability",
        "first_token": "first token",
        "duration": "duration",
        "tokens_per_s": "speed",
        "cost": "cost",
    }
)
_MEASURES: Mapping[AnomalyMeasure, str] = MappingProxyType(
    {
        "rate": "calls",
        "latency": "slowest 5 %",
        "tokens": "tokens a call",
        "refused": "refusals",
        "cost": "cost a call",
    }
)
_BASELINES: Mapping[Baseline, str] = MappingProxyType(
    {"week": "at this hour of the week", "day": "at this hour", "recent": "in the last hours"}
)
_BURN_SHOWN_MIN = 60
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRow:
    """One objective. ``left_share`` is how much of its bar is full, from 0 to 100; ``evidence`` the
    calls that it counts, None where the address cannot say them."""

    id: str
    name: str
    kind: str
    target: str
    now: str
    left: str
    left_share: float
    burn: str
    tone: str
    glyph: str
    state: str
    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivesPart:
    """All of them, those first that somebody must look at."""

    rows: tuple[ObjectiveRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyRow:
    """One anomaly, in words."""

    relationship: str
    what: str
    value: str
    expected: str
    baseline: str
    since: str
    since_at: str
    until: str
    is_over: bool
    tone: str
    glyph: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomaliesPart:
    """Those that go on, then the last that ended."""

    rows: tuple[AnomalyRow, ...]
    current: int


def objectives_view(standings: Sequence[Standing]) -> ObjectivesPart:
    order = list(_STATES)
    gravest = sorted(standings, key=lambda each: -order.index(each.state))
    return ObjectivesPart(rows=tuple(map(_objective, gravest)))


def anomalies_view(anomalies: Sequence[Anomaly]) -> AnomaliesPart:
    current = [each for each in anomalies if each.until is None]
    ended = [each for each in anomalies if each.until is not None][:ENDED_SHOWN_MAX]
    return AnomaliesPart(rows=tuple(map(_anomaly, (*current, *ended))), current=len(current))


def _objective(standing: Standing) -> ObjectiveRow:
    tone, glyph, state = _STATES[standing.state]
    left = standing.left
    return ObjectiveRow(
        id=standing.id,
        name=standing.scope.name or "whole system",
        kind=_KINDS[standing.objective.kind],
        target=_target(standing),
        now=_now(standing),
        left=NONE_YET if left is None else _percent(left),
        left_share=0.0 if left is None else round(min(max(left, 0.0), 1.0) * 100, 2),
        burn=_burn(standing.burn(_BURN_SHOWN_MIN)),
        tone=tone,
        glyph=glyph,
        state=state,
        why=_why(standing),
        evidence=_calls(standing),
    )


def _target(standing: Standing) -> str:
    objective = standing.objective
    days = f"over {objective.days} days"
    if objective.share_micro is None:
        per = "day" if objective.per == "day" else "1,000 calls"
        return f"{(objective.limit or 0) / _MILLION:,.2f} per {per} {days}"
    share = f"{objective.share_micro / 10_000:.4f}".rstrip("0").rstrip(".") + " %"
    match objective.kind:
        case "first_token" | "duration":
            return f"{share} within {duration(objective.limit or 0)} {days}"
        case "tokens_per_s":
            return f"{share} at {(objective.limit or 0) / 1_000:g} tokens/s or more {days}"
        case _:
            return f"{share} {days}"


def _now(standing: Standing) -> str:
    if standing.now is None:
        return NONE_YET
    if standing.objective.share_micro is None:
        return f"{standing.now:,.2f}"
    # Never 100 % where anything was bad: three figures would hide it.
    percent = standing.now * 100
    return f"{min(percent, 99.999):.3f} %" if standing.used else "100 %"


def _percent(left: float) -> str:
    return f"{left * 100:,.0f} %"


def _burn(rate: float | None) -> str:
    return NONE_YET if rate is None else f"{rate:,.1f}x"


def _why(standing: Standing) -> str:
    if not standing.counted:
        return "nothing was counted yet"
    if standing.few:
        return f"only {standing.counted:,} counted: too few to judge by"
    if standing.alerts:
        alert = standing.alerts[0]
        span = duration(alert.long_min * 60 * _MILLION)
        return f"{_burn(standing.burn(alert.long_min))} in the last {span}"
    return f"{standing.counted:,} counted"


def _calls(standing: Standing) -> str:
    filters = {"system": {}, "node": {"callee": standing.scope.name}}
    words = filters.get(standing.scope.kind, {"relationship": standing.scope.name})
    if standing.objective.kind == "availability":
        words = {**words, "outcome": "failed"}
    return "/calls" + (f"?{urlencode(words)}" if words else "")


def _anomaly(each: Anomaly) -> AnomalyRow:
    is_over = each.until is not None
    towards = "more than usual" if each.direction == "above" else "less than usual"
    words = {"relationship": each.relationship, "since": _field(each.since)}
    if each.until is not None:
        words["until"] = _field(each.until + BUCKET_S * _MILLION)
    return AnomalyRow(
        relationship=each.relationship,
        what=f"{_MEASURES[each.measure]}: {towards}",
        value=_value(each.measure, each.value),
        expected=_value(each.measure, each.expected),
        baseline=_BASELINES[each.baseline],
        since=day_and_minute(each.since),
        since_at=moment(each.since),
        until="" if each.until is None else day_and_minute(each.until),
        is_over=is_over,
        tone="plain" if is_over else "warned",
        glyph="○" if is_over else "◆",
        evidence=f"/calls?{urlencode(words)}",
    )


def _field(instant: int) -> str:
    """As a form's date and time has it."""
    return moment(instant)[:16]


def _value(measure: AnomalyMeasure, value: float) -> str:
    match measure:
        case "rate":
            return f"{value:,.0f} in 5 min"
        case "latency":
            return duration(round(value * 1_000))
        case "refused":
            return f"{value * 100:.1f} %"
        case "tokens":
            return f"{value:,.0f}"
        case "cost":
            return f"{value / _MILLION:,.6f}"
