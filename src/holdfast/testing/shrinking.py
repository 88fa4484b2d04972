"""Making a failing plan smaller: fewer faults, then fewer calls, as long as it still fails.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
"""

from collections.abc import Callable

import msgspec

from holdfast.testing.plan import Plan


class Shrunk(msgspec.Struct, frozen=True):
    """``kept`` are the indices, in the whole plan, of the faults that the failure needs."""

    plan: Plan
    kept: tuple[int, ...]


def shrunk(plan: Plan, *, fails: Callable[[Plan], bool], runs_max: int) -> Shrunk:
    """A smaller plan that still ``fails``; at most ``runs_max`` runs are spent on finding it."""
    budget = _Budget(fails, runs_max)
    kept = _fewer_faults(plan, budget)
    smaller = plan.with_faults([plan.faults[index] for index in kept])
    return Shrunk(plan=_fewer_calls(smaller, budget), kept=tuple(kept))


class _Budget:
    def __init__(self, fails: Callable[[Plan], bool], runs: int) -> None:
        self._fails = fails
        self._runs = runs

    def fails(self, plan: Plan) -> bool:
        """Whether the plan fails, as far as there are runs left to see it."""
        if self._runs <= 0:
            return False
        self._runs -= 1
        return self._fails(plan)


def _fewer_faults(plan: Plan, budget: _Budget) -> list[int]:
    kept = list(range(len(plan.faults)))
    parts = 2
    while kept:
        size = max(1, len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if budget.fails(plan.with_faults([plan.faults[index] for index in rest])):
                kept, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), parts * 2)
    return kept


def _fewer_calls(plan: Plan, budget: _Budget) -> Plan:
    """Calls are drawn one by one, so the first half of them is the first half of the run."""
    while plan.calls > 1:
        fewer = msgspec.structs.replace(plan, calls=plan.calls // 2)
        if not budget.fails(fewer):
            break
        plan = fewer
    return plan
