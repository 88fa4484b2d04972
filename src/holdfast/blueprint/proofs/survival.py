"""Whether a flow survives any k failures: a question about all sets of k faults, put to z3.

Only *down* matters, and what is down follows by rules from what failed: a part is down when it
failed, or when more options of one of its needs are down than the need tolerates. z3 looks for a set
of at most k faults and an assignment that obeys these rules with the flow down. In circles of needs
such an assignment may support itself without any fault; so every set that z3 names is replayed in
the evaluator, and one that does not hold there is excluded, with all of its subsets, before z3 is
asked again.
"""

from dataclasses import dataclass, field
from typing import Any

from holdfast.blueprint.blast import (
    Assumptions,
    Bound,
    Equations,
    Need,
    State,
    flow_name,
    impact,
    load_z3,
)
from holdfast.blueprint.graph import System
from holdfast.blueprint.proofs.proof import Outcome, Proof

TIMEOUT_S = 20
"""How long z3 may think about one number of faults."""
PARTS_MAX = 5_000
"""Parts that a flow rests on, beyond which z3 is not asked."""
ROUNDS_MAX = 50
"""Assignments that hold themselves up, beyond which the search ends without an answer."""


def survives(
    system: System,
    flow: str,
    *,
    faults: int,
    timeout_s: float = TIMEOUT_S,
    equations: Equations | None = None,
) -> Proof:
    """Whether ``flow`` is not down after any ``faults`` failures of nodes or failure domains; else
    a smallest set that takes it down. Load is left out."""
    equations = equations or Equations(system, Assumptions())
    question = Survival(equations, flow)
    claim = f"{flow} survives any {faults} {'failure' if faults == 1 else 'failures'}"

    def said(outcome: Outcome, what: str, example: tuple[str, ...] = ()) -> Proof:
        return Proof(
            rule="survives",
            subject=flow,
            claim=claim,
            outcome=outcome,
            how="z3",
            what=what,
            example=_told(equations, flow, example) if example else (),
            nodes=example,
            size=f"{len(question.parts)} parts, {len(question.faults)} faults, at most {faults}",
        )

    if len(question.parts) > PARTS_MAX:
        what = f"too large: it rests on {len(question.parts)} parts (limit {PARTS_MAX})"
        return said(Outcome.NOT_PROVEN, what)
    for count in range(1, faults + 1):
        found = question.ended_by(count, timeout_s=timeout_s)
        if isinstance(found, str):
            return said(Outcome.NOT_PROVEN, f"{found} (sets of {count})")
        if found:
            return said(
                Outcome.REFUTED,
                f"it is down when {', '.join(found)} fail{'s' if len(found) == 1 else ''}",
                found,
            )
    return said(Outcome.PROVED, "no set of so many faults takes it down")


def _told(equations: Equations, flow: str, faults: tuple[str, ...]) -> tuple[str, ...]:
    fallen = impact(equations.system, faults, equations=equations)
    hops = reversed(fallen.way(flow_name(flow)))
    return tuple(
        f"{hop.part.removeprefix('flow!')} is {hop.state}: {hop.by} of {hop.cause}"
        + (f" over {hop.over}" if hop.over else "")
        for hop in hops
    )


@dataclass(frozen=True)
class Survival:
    """One flow's question: the parts it rests on, the faults that could reach them."""

    equations: Equations
    flow: str
    parts: tuple[int, ...] = field(init=False)
    faults: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        equations = self.equations
        parts = _below(equations, equations.number[flow_name(self.flow)])
        names = {equations.names[part] for part in parts}
        faults = tuple(f for f in equations.faults if not names.isdisjoint(equations.closed(f)))
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "faults", faults)

    def ended_by(self, count: int, *, timeout_s: float) -> tuple[str, ...] | str:
        """At most ``count`` faults that take the flow down; none when there are none; or why that
        is not known."""
        z3 = load_z3()
        solver = z3.Solver()
        solver.set("timeout", int(timeout_s * 1000))
        failed = {name: z3.Bool(f"fails {name}") for name in self.faults}
        solver.add(self.formula(z3, failed))
        solver.add(z3.AtMost(*failed.values(), count))
        for _ in range(ROUNDS_MAX):
            answer = solver.check()
            if answer == z3.unsat:
                return ()
            if answer != z3.sat:
                return f"z3 gave no answer within {timeout_s:g} s"
            model = solver.model()
            found = tuple(n for n, failing in failed.items() if z3.is_true(model[failing]))
            if self.falls(found):
                return self._least(found)
            solver.add(z3.Or([failing for name, failing in failed.items() if name not in found]))
        return f"z3 named {ROUNDS_MAX} sets that the evaluator does not confirm"

    def falls(self, faults: tuple[str, ...]) -> bool:
        """Whether the flow is down after these faults: the concrete evaluator."""
        found = impact(self.equations.system, faults, equations=self.equations, load=False)
        return found.flows[self.flow] is State.DOWN

    def _least(self, faults: tuple[str, ...]) -> tuple[str, ...]:
        """Without the faults that are not needed."""
        for name in faults:
            fewer = tuple(other for other in faults if other != name)
            if fewer and self.falls(fewer):
                faults = fewer
        return faults

    def formula(self, z3: Any, failed: dict[str, Any]) -> Any:
        """The rules, and the flow down. ``failed`` are the faults' variables."""
        equations = self.equations
        down = {part: z3.Bool(f"down {equations.names[part]}") for part in self.parts}
        causes: dict[int, list[Any]] = {part: [] for part in self.parts}
        for name, failing in failed.items():
            for other in equations.closed(name):
                number = equations.number[other]
                if number in causes:
                    causes[number].append(failing)
        rules: list[Any] = []
        for part in self.parts:
            for need in equations.needs[part]:
                if need.bound is not Bound.AT_WORST_DEGRADED:
                    causes[part].append(_unmet(z3, need, down))
            rules.append(down[part] == z3.Or(causes[part]))
        return z3.And([*rules, down[equations.number[flow_name(self.flow)]]])


def _unmet(z3: Any, need: Need, down: dict[int, Any]) -> Any:
    options = [down[option.part] for option in need.options]
    if len(options) == 1:
        return options[0]
    if need.tolerated == len(options) - 1:
        return z3.And(options)
    return z3.AtLeast(*options, need.tolerated + 1)


def _below(equations: Equations, root: int) -> tuple[int, ...]:
    seen = {root: None}
    waiting = [root]
    while waiting:
        needs = equations.needs[waiting.pop()]
        binding = (need for need in needs if need.bound is not Bound.AT_WORST_DEGRADED)
        options = dict.fromkeys(option.part for need in binding for option in need.options)
        fresh = {part: None for part in options if part not in seen}
        seen |= fresh
        waiting.extend(fresh)
    return tuple(seen)
