"""What falls when something falls: the failure radius of a set of faults, and of each single one.

The state of every part is the greatest solution of its equations (``model``): as well as it can be,
given the faults. The same equations are solved for one question with the ways that damage takes,
or for all single failures together with one bit for each (``levels``).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from holdfast.blueprint import FlowFacts, NodeKind
from holdfast.blueprint.blast.errors import UnknownPartError
from holdfast.blueprint.blast.fixpoints import Drop, greatest, traced
from holdfast.blueprint.blast.hanging import How, hang
from holdfast.blueprint.blast.levels import WELL, Levels, count_at, counted, forced, meet, state_of
from holdfast.blueprint.blast.load import overloaded
from holdfast.blueprint.blast.model import Assumptions, Equations, flow_name
from holdfast.blueprint.blast.patience import Patience
from holdfast.blueprint.blast.states import LOSS, State, worth
from holdfast.blueprint.graph import System
from holdfast.core import NodeId

PEOPLE = frozenset({NodeKind.ACTOR, NodeKind.CLIENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of the way that damage takes: ``part`` is in ``state`` because of ``cause``, by a
    ``call`` or ``use`` (over the relationship ``over``), by being ``deployed-in`` or
    ``composed-of`` it, by a shared ``fate``, or by ``overload``."""

    part: str
    state: State
    cause: str
    by: str
    over: str | None


@dataclass(frozen=True, kw_only=True)
class Impact:
    """What a set of faults does. ``states`` has every node and failure domain that is worse than
    up, the faults among them; ``flows`` every flow; ``actors`` the people and clients among the
    nodes. ``unguarded`` are guards that fail open and are down: what they guard goes on without.
    ``overloads`` are nodes that fell because they took over more load than they bear. ``assumed``
    says in words what was taken for granted."""

    faults: tuple[str, ...]
    states: Mapping[str, State]
    flows: Mapping[str, State]
    how: How = "stops"
    unguarded: tuple[NodeId, ...] = ()
    overloads: tuple[NodeId, ...] = ()
    assumed: tuple[str, ...] = ()
    causes: Mapping[str, Hop] = field(default_factory=dict[str, Hop])
    actors: Mapping[NodeId, State] = field(default_factory=dict[NodeId, State])
    weight: float = 0.0

    def way(self, part: str) -> tuple[Hop, ...]:
        """How the damage came to a part, or to a flow (``flow!id``): from it back to a fault."""
        hops: list[Hop] = []
        while part in self.causes and len(hops) < len(self.causes):
            hops.append(self.causes[part])
            part = hops[-1].cause
        return tuple(hops)

    def down(self) -> tuple[str, ...]:
        """The parts that no longer work at all."""
        return tuple(name for name, state in self.states.items() if state is State.DOWN)


def impact(
    system: System,
    faults: Iterable[str],
    *,
    state: State = State.DOWN,
    assumptions: Assumptions | None = None,
    equations: Equations | None = None,
    load: bool = True,
    how: How = "stops",
) -> Impact:
    """What happens when ``faults`` (nodes, failure domains such as ``zone:a``) are down, or in
    another ``state``; or, where ``how`` is that it ``hangs``, take calls and never answer. Raises ``UnknownPartError`` for what the system does not have. Reuse ``equations``
    for several questions about one system. Without ``load``, nobody falls by overload."""
    equations = equations or Equations(system, assumptions or Assumptions())
    given = dict.fromkeys(faults, state)
    ailing = _own(equations, given)

    def solved(fallen: dict[int, Levels]) -> tuple[list[Levels], dict[int, Drop]]:
        if how == "hangs":
            return hang(equations, tuple(ailing), fallen)
        own = ailing | fallen
        return traced(equations, _spread(equations, own), affected=tuple(own))

    overloads: dict[int, int] = {}
    levels, drops = solved({})
    while load and (fresh := overloaded(equations, levels, known=overloads)):
        overloads |= fresh
        levels, drops = solved(dict.fromkeys(overloads, forced(State.DOWN, 1)))
    assumed = (*_assumed(equations), *(Patience(equations).assumed() if how == "hangs" else ()))
    return _impact(
        equations, tuple(given), levels, drops=drops, overloads=overloads, assumed=assumed, how=how
    )


def _own(equations: Equations, given: Mapping[str, State]) -> dict[int, Levels]:
    found: dict[int, Levels] = {}
    for name, state in given.items():
        if name not in equations.number:
            raise UnknownPartError.of(name, (*equations.system.nodes, *equations.domains))
        for part in equations.closed(name):
            number = equations.number[part]
            found[number] = meet(found.get(number, WELL), forced(state, 1))
    return found


def _spread(equations: Equations, own: Mapping[int, Levels]) -> list[Levels]:
    found = [WELL] * len(equations.names)
    for part, levels in own.items():
        found[part] = levels
    return found


def _impact(
    equations: Equations,
    faults: tuple[str, ...],
    levels: list[Levels],
    *,
    drops: Mapping[int, Drop],
    overloads: Mapping[int, int],
    assumed: tuple[str, ...],
    how: How,
) -> Impact:
    system, names = equations.system, equations.names
    worse = {names[i]: state_of(these, 0) for i, these in enumerate(levels) if these != WELL}
    states = {name: state for name, state in worse.items() if "!" not in name}
    flows = {flow.id: worse.get(flow_name(flow.id), State.UP) for flow in system.flows}
    people = {n: states[n] for n in system.nodes if n in states and system.nodes[n].kind in PEOPLE}
    return Impact(
        faults=faults,
        how=how,
        states=states,
        flows=flows,
        actors=people,
        unguarded=tuple(
            n for n in system.nodes if equations.fails_open(n) and states.get(n) is State.DOWN
        ),
        overloads=tuple(NodeId(names[part]) for part in overloads),
        assumed=assumed,
        causes=dict(_causes(equations, levels, drops=drops, overloads=overloads)),
        weight=_weight(system, states, flows),
    )


def _causes(
    equations: Equations,
    levels: list[Levels],
    *,
    drops: Mapping[int, Drop],
    overloads: Mapping[int, int],
) -> Iterator[tuple[str, Hop]]:
    names = equations.names
    for part, drop in drops.items():
        yield (
            names[part],
            Hop(
                part=names[part],
                state=state_of(levels[part], 0),
                cause=names[drop.part],
                by=drop.need.by,
                over=drop.need.over,
            ),
        )
    for part, cause in overloads.items():
        yield (
            names[part],
            Hop(part=names[part], state=State.DOWN, cause=names[cause], by="overload", over=None),
        )


def _assumed(equations: Equations) -> Iterator[str]:
    system = equations.system
    unsaid = sum(1 for edge in system.edges if edge.facts.strength is None)
    if unsaid:
        yield f"{unsaid} of {len(system.edges)} edges say no strength: taken as hard"
    guards = [n for n in system.nodes.values() if n.kind is NodeKind.GUARD]
    silent = sum(1 for guard in guards if guard.facts.fails is None)
    if silent:
        yield f"{silent} of {len(guards)} guards do not say how they fail: taken as closed"
    minutes = equations.assumptions.outage_s / 60
    yield f"the outage lasts {minutes:g} minutes"


def _weight(system: System, states: Mapping[str, State], flows: Mapping[str, State]) -> float:
    nodes = sum(
        worth(system.nodes[NodeId(name)].facts.criticality) * LOSS[state]
        for name, state in states.items()
        if name in system.nodes
    )
    facts: Mapping[str, FlowFacts] = {flow.id: flow.facts for flow in system.flows}
    return nodes + sum(worth(facts[n].criticality) * LOSS[state] for n, state in flows.items())


@dataclass(frozen=True)
class SingleFailures:
    """Every single failure of a node or of a failure domain, answered together; ``faults`` are those
    that can fail by themselves (a whole that answers through its parts cannot). Load is left out:
    what overload adds is found by ``impact``, one failure at a time."""

    equations: Equations
    faults: tuple[str, ...] = field(init=False)
    _levels: tuple[Levels, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        equations = self.equations
        faults = equations.faults
        own = [WELL] * len(equations.names)
        for bit, fault in enumerate(faults):
            for part in equations.closed(fault):
                number = equations.number[part]
                own[number] = meet(own[number], forced(State.DOWN, 1 << bit))
        affected = [part for part, levels in enumerate(own) if levels != WELL]
        every = (1 << len(faults)) - 1
        found = greatest(equations, own, every, affected=affected)
        object.__setattr__(self, "faults", faults)
        object.__setattr__(self, "_levels", tuple(found))

    @cached_property
    def _bit(self) -> Mapping[str, int]:
        return {fault: bit for bit, fault in enumerate(self.faults)}

    def state(self, part: str, fault: str) -> State:
        """The state of a node or failure domain when ``fault`` is down."""
        return state_of(self._levels[self.equations.number[part]], self._bit[fault])

    def flow_state(self, flow: str, fault: str) -> State:
        return self.state(flow_name(flow), fault)

    def worse(self, fault: str) -> dict[str, State]:
        """Every node that ``fault`` makes worse, the fault itself among them."""
        bit = self._bit[fault]
        return {
            name: state_of(self._levels[number], bit)
            for number, name in enumerate(self.equations.system.nodes)
            if (self._levels[number][0] >> bit) & 1
        }

    def ending(self, flow: str) -> tuple[str, ...]:
        """The single faults that take a flow down."""
        return self._standing(self._levels[self.equations.number[flow_name(flow)]][2])

    def hurting(self, flow: str) -> tuple[str, ...]:
        """The single faults that make a flow worse in any way."""
        return self._standing(self._levels[self.equations.number[flow_name(flow)]][0])

    def _standing(self, scenarios: int) -> tuple[str, ...]:
        return tuple(fault for bit, fault in enumerate(self.faults) if (scenarios >> bit) & 1)

    @cached_property
    def shares_down(self) -> Mapping[str, float]:
        """For each fault: the share of all nodes that it takes down, itself among them."""
        return self._shares(2)

    @cached_property
    def shares_worse(self) -> Mapping[str, float]:
        """For each fault: the share of all nodes that it makes worse in any way."""
        return self._shares(0)

    def _shares(self, level: int) -> dict[str, float]:
        nodes = len(self.equations.system.nodes)
        digits = counted(levels[level] for levels in self._levels[:nodes])
        found: dict[str, float] = {}
        for bit, fault in enumerate(self.faults):
            found[fault] = count_at(digits, bit) / nodes if nodes else 0.0
        return found


def single_failures(system: System, *, assumptions: Assumptions | None = None) -> SingleFailures:
    """All single failures at once: one walk over the equations with a bit for each failure."""
    return SingleFailures(Equations(system, assumptions or Assumptions()))
