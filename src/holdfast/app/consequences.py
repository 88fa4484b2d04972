"""What follows from a failure or a takeover: the questions of ``holdfast blast``, with their
evidence read from files."""

from dataclasses import dataclass, field
from pathlib import Path

from holdfast.app.evidence_files import evidence_from, split_word
from holdfast.app.reviewing import declared_in, read_declared
from holdfast.app.texts import FileError
from holdfast.blueprint.blast import (
    Assumptions,
    CutSets,
    Equations,
    How,
    Impact,
    Plan,
    Question,
    State,
    Takeover,
    Threats,
    compromise,
    contain,
    cut_sets,
    impact,
)
from holdfast.blueprint.drawing import Mark, Tone, draw
from holdfast.blueprint.graph import System
from holdfast.core import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read who may call whom: as ``declared``, as ``enforced`` by the network, as
    ``observed``. ``leaky`` is what follows when the guards miss what they check."""

    name: str
    held: Takeover
    leaky: Takeover


@dataclass(frozen=True, kw_only=True)
class Consequences:
    """The answers about one set of nodes; what was not asked is None or empty."""

    system: System
    failure: Impact | None = None
    cuts: tuple[CutSets, ...] = ()
    readings: tuple[Reading, ...] = ()
    plan: Plan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to ask about ``parts``: nodes, failure domains, ``credential:NAME``."""

    file: Path
    parts: tuple[str, ...]
    failure: bool = True
    how: How = "stops"
    takeover: bool = True
    content: bool = False
    sets: int = 0
    """Up to this size, the sets of faults that end each flow that these parts are in."""
    contain: bool = False
    keep: tuple[str, ...] = ()
    outage_s: float | None = None
    evidence: tuple[str, ...] = field(default=())


def consequences(asked: Asked) -> Consequences:
    """All that was asked. Raises what reading the blueprint and the evidence raises, and
    ``UnknownPartError``."""
    system = System(declared_in(read_declared(asked.file), asked.file))
    assumptions = Assumptions() if asked.outage_s is None else Assumptions(outage_s=asked.outage_s)
    equations = Equations(system, assumptions)
    failure = None
    if asked.failure:
        failure = impact(system, asked.parts, equations=equations, how=asked.how)
    readings = tuple(_readings(asked, system)) if asked.takeover else ()
    return Consequences(
        system=system,
        failure=failure,
        cuts=_cuts(asked, equations),
        readings=readings,
        plan=_plan(asked, system) if asked.contain else None,
    )


def _cuts(asked: Asked, equations: Equations) -> tuple[CutSets, ...]:
    if not asked.sets:
        return ()
    system = equations.system
    return tuple(
        cut_sets(system, flow.id, size=asked.sets, equations=equations) for flow in system.flows
    )


def _readings(asked: Asked, system: System) -> list[Reading]:
    known = evidence_from([split_word(word) for word in asked.evidence], system)
    pairs: dict[str, frozenset[tuple[NodeId, NodeId]] | None] = {"declared": None}
    if known.workloads is not None:
        pairs["enforced"] = frozenset(known.workloads.permitted)
    seen = [found for found in (known.traces, known.calls) if found is not None]
    if seen:
        pairs["observed"] = frozenset(pair for found in seen for pair in found.edges)
    found: list[Reading] = []
    for name, these in pairs.items():
        held, leaky = (
            compromise(Threats(system, these, guards_hold=hold), asked.parts, content=asked.content)
            for hold in (True, False)
        )
        found.append(Reading(name=name, held=held, leaky=leaky))
    return found


def _plan(asked: Asked, system: System) -> Plan:
    return contain(
        Question(
            threats=Threats(system),
            entries=asked.parts,
            verbs=("controls", "leaks", "irreversible"),
            keep=asked.keep,
            content=asked.content,
        )
    )


def draw_consequences(found: Consequences, path: Path) -> None:
    """The map with what falls; or, where only a takeover was asked about, with what is reached."""
    marks = _fallen(found) if found.failure is not None else _taken(found)
    try:
        path.write_text(draw(found.system, marks), encoding="utf-8")
    except OSError as error:
        raise FileError(
            f"{path} cannot be written: {error.strerror}", fix="check the path and its permissions"
        ) from error


def _fallen(found: Consequences) -> dict[str, Mark]:
    failure = found.failure
    assert failure is not None
    marks: dict[str, Mark] = {}
    for name, state in failure.states.items():
        hops = failure.way(name)
        tone = Tone.LOST if state is State.DOWN else Tone.WEAK
        notes = tuple(f"{hop.part} is {hop.state} because of {hop.cause}" for hop in hops)
        marks[name] = Mark(tone=tone, badge=str(state), notes=notes)
        marks.update((hop.over, Mark(tone=Tone.WAY)) for hop in hops if hop.over is not None)
    for name in failure.faults:
        marks[name] = Mark(tone=Tone.ALARM, badge="fails")
    return marks


_VERBS = (
    ("controls", Tone.ALARM),
    ("irreversible", Tone.ALARM),
    ("leaks", Tone.LOST),
    ("writes", Tone.LOST),
    ("reads", Tone.WEAK),
    ("taints", Tone.WEAK),
    ("carry", Tone.WEAK),
    ("reaches", Tone.NOTICE),
    ("stops", Tone.NOTICE),
)
"""What a takeover does to a node, from the gravest on: the first that holds is shown."""


def _taken(found: Consequences) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    taken = found.readings[0].held
    for name in taken.reached:
        verb, tone = next(each for each in _VERBS if (each[0], name) in taken.proofs)
        notes = tuple(rule.why for rule in taken.way((verb, name)))
        marks[name] = Mark(tone=tone, badge=verb, notes=notes)
    for verb, of in taken.proofs:
        if verb in ("uses", "steers"):
            marks[of.partition(":")[0]] = Mark(tone=Tone.WAY)
    for step in found.plan.steps if found.plan is not None else ():
        action, _, of = step.action.partition(" ")
        marks[of] = Mark(tone=Tone.GOOD, badge=action, notes=(f"containment: {step.action}",))
    return marks
