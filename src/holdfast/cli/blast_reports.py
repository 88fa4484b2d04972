"""What ``holdfast blast`` says to people and to programs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holdfast.app.consequences import Consequences, Reading
    from holdfast.blueprint.blast import CutSets, Hop, Impact, Plan, Takeover

SHOWN_MAX = 30
"""Nodes, sets and facts that a report spells out; ``--json`` has all of them."""


def blast_text(found: "Consequences") -> str:
    lines: list[str] = []
    if found.failure is not None:
        lines += _failure_lines(found, found.failure)
    for cuts in found.cuts:
        lines += ["", *_cut_lines(cuts)]
    for reading in found.readings:
        lines += ["", *_reading_lines(reading)]
    if found.plan is not None:
        lines += ["", *_plan_lines(found.plan)]
    return "\n".join(lines).strip("\n")


def _failure_lines(found: "Consequences", failure: "Impact") -> Iterator[str]:
    nodes = [name for name in failure.states if name in found.system.nodes]
    flows = {flow: state for flow, state in failure.flows.items() if str(state) != "up"}
    one = len(failure.faults) == 1
    word = ("hangs" if one else "hang") if failure.how == "hangs" else ("fails" if one else "fail")
    yield (
        f"When {' and '.join(failure.faults)} {word}: "
        f"{len(nodes)} of {len(found.system.nodes)} nodes and {len(flows)} of "
        f"{len(failure.flows)} flows are worse off (weight {failure.weight:g})"
    )
    rest = [name for name in failure.states if name not in failure.faults]
    rest.sort(key=lambda name: failure.states[name])
    for name in rest[:SHOWN_MAX]:
        yield f"  {failure.states[name]!s:<9} {name}  {_way(failure.way(name))}"
    yield from _more(rest)
    for flow, state in flows.items():
        yield f"  {state!s:<9} flow {flow}  {_way(failure.way(f'flow!{flow}'))}"
    for name in failure.unguarded:
        yield f"  UNGUARDED what {name} guards goes on without it: it fails open"
    yield from (f"  assumed: {text}" for text in failure.assumed)


def _way(hops: "Sequence[Hop]") -> str:
    return "".join(f" <- {hop.cause}" + (f" ({hop.over or hop.by})") for hop in hops).strip()


def _more(names: Sequence[object]) -> Iterator[str]:
    if len(names) > SHOWN_MAX:
        yield f"  and {len(names) - SHOWN_MAX} more"


def _cut_lines(cuts: "CutSets") -> Iterator[str]:
    yield f"Smallest sets of up to {cuts.size} faults that end {cuts.flow}: {len(cuts.sets)}"
    yield from (f"  {' + '.join(each)}" for each in cuts.sets[:SHOWN_MAX])
    yield from _more(cuts.sets)


def _reading_lines(reading: "Reading") -> Iterator[str]:
    held, leaky = reading.held, reading.leaky
    yield f"When {' and '.join(held.entries)} is taken over, as {reading.name}:"
    for label, nodes, other in (
        ("controls", held.controlled, leaky.controlled),
        ("reaches", held.reached, leaky.reached),
        ("reads", tuple(held.exposed), tuple(leaky.exposed)),
        ("carries outside", held.leaked, leaky.leaked),
        ("writes", held.writable, leaky.writable),
        ("does for good at", held.irreversible, leaky.irreversible),
        ("steers", held.steered, leaky.steered),
        ("ends the flows", held.stopped, leaky.stopped),
    ):
        more = [name for name in other if name not in nodes]
        if nodes or more:
            listed = ", ".join(_shown(nodes)) or "nothing"
            beyond = f"; if guards miss, also {', '.join(_shown(more))}" if more else ""
            yield f"  {label:<16} {len(nodes):>4}: {listed}{beyond}"
    classes = {c for c in held.exposed.values() if c is not None}
    if classes:
        yield f"  classes of data read: {', '.join(sorted(classes))}"
    yield from _derivations(held)
    yield from (f"  assumed: {text}" for text in held.assumed)


def _derivations(taken: "Takeover") -> Iterator[str]:
    """The gravest facts with how they come about."""
    for verb, nodes in (
        ("controls", taken.controlled),
        ("irreversible", taken.irreversible),
        ("leaks", taken.leaked),
    ):
        for name in [name for name in nodes if name not in taken.entries][:3]:
            steps = "; ".join(rule.why for rule in taken.way((verb, name)))
            yield f"  why {verb} {name}: {steps}"


def _shown(names: Sequence[str]) -> list[str]:
    more = [f"and {len(names) - SHOWN_MAX} more"] if len(names) > SHOWN_MAX else []
    return [*names[:SHOWN_MAX], *more]


def _plan_lines(plan: "Plan") -> Iterator[str]:
    if not plan.harm:
        yield "Containment: there is no harm beyond the entry to contain"
        return
    yield f"Smallest containment (cost {plan.cost}, by {plan.how}), in the order to take it:"
    for number, step in enumerate(plan.steps, 1):
        ended = ", ".join(f"{verb} {name}" for verb, name in step.ends[:SHOWN_MAX]) or "nothing yet"
        yield f"  {number}. {step.action} (cost {step.cost}): ends {ended}"
        yield f"     still reached: {step.reached} nodes"


def blast_value(found: "Consequences") -> dict[str, object]:
    """The same for programs, whole."""
    value: dict[str, object] = {}
    if found.failure is not None:
        value["failure"] = _failure_value(found.failure)
    if found.cuts:
        value["cut_sets"] = {cuts.flow: cuts.sets for cuts in found.cuts}
    if found.readings:
        value["compromise"] = {
            each.name: {"guards_hold": _taken(each.held), "guards_miss": _taken(each.leaky)}
            for each in found.readings
        }
    if found.plan is not None:
        value["containment"] = {
            "cost": found.plan.cost,
            "how": found.plan.how,
            "steps": [
                {
                    "action": step.action,
                    "cost": step.cost,
                    "ends": [f"{verb} {name}" for verb, name in step.ends],
                    "still_reached": step.reached,
                }
                for step in found.plan.steps
            ],
        }
    return value


def _failure_value(failure: "Impact") -> dict[str, object]:
    ways = (*failure.states, *(f"flow!{flow}" for flow in failure.flows))
    return {
        "faults": failure.faults,
        "how": failure.how,
        "states": {name: str(state) for name, state in failure.states.items()},
        "flows": {name: str(state) for name, state in failure.flows.items()},
        "unguarded": failure.unguarded,
        "overloads": failure.overloads,
        "weight": failure.weight,
        "assumed": failure.assumed,
        "ways": {
            name.replace("flow!", "flow "): [
                {"part": hop.part, "state": str(hop.state), "cause": hop.cause, "by": hop.by,
                 "over": hop.over}
                for hop in way
            ]
            for name in ways
            if (way := failure.way(name))
        },
    }  # fmt: skip


def _taken(taken: "Takeover") -> dict[str, object]:
    return {
        "controlled": taken.controlled,
        "reached": taken.reached,
        "confidentiality": {"exposed": dict(taken.exposed), "leaked": taken.leaked},
        "integrity": {"writable": taken.writable, "irreversible": taken.irreversible},
        "availability": {"flows": taken.stopped},
        "steered": taken.steered,
        "assumed": taken.assumed,
        "ways": {
            f"{verb} {name}": [rule.why for rule in taken.way((verb, name))]
            for verb, name in taken.proofs
            if verb in ("controls", "reads", "leaks", "writes", "irreversible", "stops")
        },
    }
