"""Every objective of a blueprint, with what was counted for it and how it stands."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from holdfast.blueprint import Blueprint, Objective
from holdfast.history import Minute
from holdfast.telemetry.objectives.alerts import WINDOWS_MIN, alerts_of
from holdfast.telemetry.objectives.counting import count, covers
from holdfast.telemetry.objectives.forms import Alert, Burn, Scope, Standing, State
from holdfast.telemetry.objectives.ledger import Ledger, Sums

COUNTED_MIN = 30
"""Fewer calls in a window say nothing: no alert, and no word on the budget."""
BAD_MIN = 3
"""So many must have gone wrong in the long window: one failure of a quiet hour wakes nobody."""
OBJECTIVES_MAX = 1_000
"""Of one blueprint; each takes about 100 kB. What is beyond is not measured, and told so."""

_MINUTE_US = 60_000_000
_DAY_MIN = 24 * 60
_MILLION = 1_000_000
_NANO_OF_MICRO = 1_000


class Book:
    """What the objectives of one blueprint counted. Pure: time and minutes are told to it."""

    def __init__(self, blueprint: Blueprint) -> None:
        found = tuple(declared(blueprint))
        self._kept = tuple(
            (scope, objective, Ledger(objective.days))
            for scope, objective in found[:OBJECTIVES_MAX]
        )
        self.left_out = len(found) - len(self._kept)

    @property
    def is_empty(self) -> bool:
        return not self._kept

    @property
    def days(self) -> int:
        """How far back anything here looks."""
        return max((objective.days for _, objective, _ in self._kept), default=0)

    def take(self, minutes: Iterable[Minute]) -> None:
        """Minutes in their order, each with all its pairs; told again, the later word counts."""
        for at, pairs in groupby(minutes, key=lambda each: each.at):
            together = tuple(pairs)
            for scope, objective, ledger in self._kept:
                mine = [each for each in together if covers(scope, each)]
                if mine:
                    ledger.put(at // _MINUTE_US, count(objective, mine))

    def judge(self, now: int) -> tuple[Standing, ...]:
        """How all stand at an instant, in the order of the blueprint."""
        minute = now // _MINUTE_US
        for _, _, ledger in self._kept:
            ledger.reach(minute)
        return tuple(_standing(*each) for each in self._kept)


def declared(blueprint: Blueprint) -> Iterator[tuple[Scope, Objective]]:
    """Every objective with what it is about: the system's, nodes', relationships'."""
    for objective in blueprint.objectives:
        yield Scope(kind="system"), objective
    for node in blueprint.nodes.values():
        for objective in node.objectives:
            yield Scope(kind="node", name=node.id), objective
    for relationship in blueprint.relationships:
        for objective in relationship.objectives:
            yield Scope(kind="relationship", name=relationship.id), objective


def burn_rate(objective: Objective, sums: Sums, minutes: int) -> float | None:
    """How many times faster than it may the budget was used over so many minutes."""
    allowed = allowance(objective, sums, minutes)
    return sums.used / allowed if allowed else None


def allowance(objective: Objective, sums: Sums, minutes: int) -> float:
    """What may be used in so many minutes: calls that may be bad, or money in billionths. 0 where
    nothing was counted."""
    if not sums.counted:
        return 0.0
    if objective.share_micro is not None:
        return sums.counted * (_MILLION - objective.share_micro) / _MILLION
    money = (objective.limit or 0) * _NANO_OF_MICRO
    if objective.per == "day":
        return money * minutes / _DAY_MIN
    return money * sums.counted / 1_000


def _standing(scope: Scope, objective: Objective, ledger: Ledger) -> Standing:
    whole = ledger.whole()
    rate = burn_rate(objective, whole, objective.days * _DAY_MIN)
    left = None if rate is None else 1 - rate

    def burn(window: int) -> float | None:
        return burn_rate(objective, ledger.within(window), window)

    alerts = tuple(
        alerts_of(
            burn,
            enough=lambda window: _is_enough(objective, ledger.within(window)),
            days=objective.days,
        )
    )
    return Standing(
        scope=scope,
        objective=objective,
        state=_state(whole, left, alerts),
        counted=whole.counted,
        used=whole.used,
        now=_now(objective, whole, ledger),
        left=left,
        few=whole.counted < COUNTED_MIN,
        burns=tuple(
            Burn(window_min=window, rate=burn(window))
            for window in WINDOWS_MIN
            if window <= objective.days * _DAY_MIN
        ),
        alerts=alerts,
    )


def _is_enough(objective: Objective, sums: Sums) -> bool:
    return sums.counted >= COUNTED_MIN and (objective.kind == "cost" or sums.used >= BAD_MIN)


def _state(whole: Sums, left: float | None, alerts: tuple[Alert, ...]) -> State:
    if left is None or whole.counted < COUNTED_MIN:
        return "no-data"
    if left <= 0:
        return "spent"
    if any(alert.severity == "page" for alert in alerts):
        return "burning-fast"
    return "burning-slow" if alerts else "holds"


def _now(objective: Objective, whole: Sums, ledger: Ledger) -> float | None:
    """The share that was good, or the money for each ``per``, over what there is of the window."""
    if not whole.counted:
        return None
    if objective.share_micro is not None:
        return 1 - whole.used / whole.counted
    money = whole.used / (_MILLION * _NANO_OF_MICRO)
    if objective.per == "1000-calls":
        return money * 1_000 / whole.counted
    # Of the first day one cannot say what a day costs: until it is over, it counts as whole.
    seen = min(ledger.seen_min, objective.days * _DAY_MIN)
    return money * _DAY_MIN / max(seen, _DAY_MIN)
