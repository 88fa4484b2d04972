"""How an objective stands in plain numbers, for programs: the control API's and the command's words."""

from dataclasses import dataclass

from holdfast.blueprint import CostPer, ObjectiveKind
from holdfast.telemetry.objectives.forms import ScopeKind, Severity, Standing, State

_MILLION = 1_000_000
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTold:
    """Both windows burn at `factor` or more."""

    severity: Severity
    factor: float
    long_min: int
    short_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveTold:
    """One objective and how it stands.

    `target` is the share that must be good, or, of a cost, the money for each `per`; `limit` is
    what good is: microseconds, or tokens a second. `now` is the share that was good, or the money;
    `left` the part of the budget that is left, below 0 when overspent: both null where nothing was
    counted. `few`: too few calls to judge by. `counted` is what the window counts, `used` what of
    it was bad (of a cost: money). `burn` is by minutes of its window.
    """

    id: str
    scope: ScopeKind
    name: str
    kind: ObjectiveKind
    target: float
    limit: float | None
    per: CostPer | None
    days: int
    state: State
    now: float | None
    left: float | None
    few: bool
    counted: int
    used: float
    burn: dict[str, float | None]
    alerts: tuple[AlertTold, ...]


def told(standing: Standing) -> ObjectiveTold:
    """An objective in plain numbers."""
    objective = standing.objective
    is_cost = objective.share_micro is None
    target = objective.limit if is_cost else objective.share_micro
    return ObjectiveTold(
        id=standing.id,
        scope=standing.scope.kind,
        name=standing.scope.name,
        kind=objective.kind,
        target=(target or 0) / _MILLION,
        limit=_limit(standing),
        per=objective.per,
        days=objective.days,
        state=standing.state,
        now=_rounded(standing.now),
        left=_rounded(standing.left),
        few=standing.few,
        counted=standing.counted,
        used=standing.used / _NANO if is_cost else standing.used,
        burn={str(each.window_min): _rounded(each.rate) for each in standing.burns},
        alerts=tuple(
            AlertTold(
                severity=alert.severity,
                factor=alert.factor,
                long_min=alert.long_min,
                short_min=alert.short_min,
            )
            for alert in standing.alerts
        ),
    )


def _limit(standing: Standing) -> float | None:
    objective = standing.objective
    if objective.kind in ("availability", "cost") or objective.limit is None:
        return None
    return objective.limit / 1_000 if objective.kind == "tokens_per_s" else objective.limit


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
