"""How content spreads over calls: from where it is written to everything that acts on it.

A call carries content both ways. What a node *gives*, whoever called it gets, and passes on to those
that it calls itself; what a node is *given* goes on to those that it calls. A model that is given
something bad therefore harms nobody else who calls it, and a store does only when it was written to.
Walks are breadth-first over two states a node, so linear.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import Edge, System
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.core import NodeId

Known: TypeAlias = bool | None
"""True, False, or not known."""

PASSING = frozenset({None, "call", "delegate"})
"""Purposes of relationships over which content passes that others act on."""
_LISTENING = frozenset({NodeKind.ACTOR, NodeKind.CLIENT})
"""Kinds that end an answer's way: nobody calls a person or a browser to be told what it was told."""


class Step(NamedTuple):
    """An edge over which content passes, the node at its other end, and whether that node keeps it
    for others to read."""

    onto: NodeId
    kept: Known
    edge: Edge


@dataclass(frozen=True, slots=True)
class Currents:
    """The edges over which content passes, with calls and against them: found once, for every walk
    of a review. Tuples, for walks take each of them up to twenty times."""

    system: System
    writes: Callable[[Edge], Known]
    onto: Mapping[NodeId, tuple[Step, ...]] = field(init=False)
    back: Mapping[NodeId, tuple[Step, ...]] = field(init=False)

    def __post_init__(self) -> None:
        nodes = self.system.nodes
        keeping = {name for name, node in nodes.items() if _keeps(node)}
        onto: dict[NodeId, list[Step]] = {name: [] for name in nodes}
        back: dict[NodeId, list[Step]] = {name: [] for name in nodes}
        for edge in self.system.edges:
            if edge.relationship.facts.purpose in PASSING:
                kept = self.writes(edge) if edge.destination in keeping else False
                onto[edge.source].append(Step(edge.destination, kept, edge))
                back[edge.destination].append(Step(edge.source, False, edge))
        object.__setattr__(self, "onto", {name: tuple(steps) for name, steps in onto.items()})
        object.__setattr__(self, "back", {name: tuple(steps) for name, steps in back.items()})


def _keeps(node: Node) -> bool:
    return node.kind is NodeKind.STORE or node.facts.stateful is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreading:
    """What a spread starts from and where it ends. ``source``: whether a node gives such content of
    itself. ``stops``: whether a node lets none of it pass. ``ends``: whether it goes no further from
    there, though it gets there. ``asks`` names the fact that would tell whether a node is a
    source."""

    source: Callable[[Node], Known]
    stops: Callable[[Node], Known]
    ends: Callable[[Node], bool]
    asks: Callable[[Node], str]


class Before(NamedTuple):
    """How content came to a node: from which, whether that gave it or was given it, and over what."""

    name: NodeId
    gave: bool
    step: Step


@dataclass(frozen=True, slots=True)
class Reach:
    """Every node that gives such content, and every one that is only given it, each with what is
    before it; sources have nothing."""

    gives: Mapping[NodeId, Before | None]
    given: Mapping[NodeId, Before | None]

    def way_to(self, name: NodeId) -> list[tuple[NodeId, Before | None]]:
        """A shortest way, from its source on."""
        way: list[tuple[NodeId, Before | None]] = []
        before = self.gives[name] if name in self.gives else self.given[name]
        way.append((name, before))
        while before is not None:
            name = before.name
            before = self.gives[name] if before.gave else self.given[name]
            way.append((name, before))
        return way[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Where such content gets for certain, and where it may get for all that is known."""

    system: System
    how: Spreading
    certain: Reach
    possible: Reach

    def gets_to(self, name: NodeId) -> Known:
        """Whether it reaches a node at all."""
        if name in self.certain.gives or name in self.certain.given:
            return True
        return None if name in self.possible.gives or name in self.possible.given else False

    def is_given_by(self, name: NodeId) -> Known:
        """Whether the node gives it to whoever calls."""
        if name in self.certain.gives:
            return True
        return None if name in self.possible.gives else False

    def nodes_to(self, name: NodeId) -> tuple[NodeId, ...]:
        """The nodes of a certain way."""
        return tuple(dict.fromkeys(node for node, _ in self.certain.way_to(name)))

    def missing_on(self, name: NodeId) -> tuple[str, ...]:
        """The facts that would tell whether a possible way to a node is one."""
        return tuple(dict.fromkeys(self._missing(name)))

    def missing_for_giving(self, name: NodeId) -> tuple[str, ...]:
        """The same, and whether the node keeps what it is given."""
        (*_, (_, before)) = self.possible.way_to(name)
        kept = _unsure_whether_kept(name, before)
        return tuple(dict.fromkeys((*self._missing(name), *kept)))

    def _missing(self, to: NodeId) -> Iterator[str]:
        for name, before in self.possible.way_to(to):
            node = self.system.nodes[name]
            if before is None and self.how.source(node) is None:
                yield fact_of(name, self.how.asks(node))
            if self.how.stops(node) is None:
                yield fact_of(name, "checks")
            if name != to:
                yield from _unsure_whether_kept(name, before)


def _unsure_whether_kept(name: NodeId, before: Before | None) -> Iterator[str]:
    unsure = before is not None and before.step.kept is None
    if before is not None and unsure and before.step.edge.destination == name:
        yield edge_fact(before.step.edge, "effect")


def spread(currents: Currents, how: Spreading) -> Spread:
    """Walk twice: taking only what is known, and taking whatever is not ruled out."""
    return Spread(
        system=currents.system,
        how=how,
        certain=_walk(currents, how, certain=True),
        possible=_walk(currents, how, certain=False),
    )


def _walk(currents: Currents, how: Spreading, *, certain: bool) -> Reach:
    """Breadth first, so that the ways are shortest. Who was given it and then gives it is walked on
    from again: answers go back from there."""
    nodes, onto, back = currents.system.nodes, currents.onto, currents.back
    gives, shut = _open(how, nodes, certain=certain)
    given: dict[NodeId, Before | None] = {}
    waiting = deque((name, True) for name in gives)
    while waiting:
        name, gave = waiting.popleft()
        if (gives if gave else given)[name] is not None and how.ends(nodes[name]):
            continue
        for step in onto[name]:
            there, kept, _ = step
            if there in gives or there in shut:
                continue
            if kept or (kept is None and not certain):
                gives[there] = Before(name, gave, step)
                waiting.append((there, True))
            elif there not in given:
                given[there] = Before(name, gave, step)
                waiting.append((there, False))
        for step in back[name] if gave else ():
            caller = step.onto
            if caller in gives or caller in shut:
                continue
            gives[caller] = Before(name, gave, step)
            if nodes[caller].kind not in _LISTENING:
                waiting.append((caller, True))
    return Reach(gives, given)


def _open(
    how: Spreading, nodes: Mapping[NodeId, Node], *, certain: bool
) -> tuple[dict[NodeId, Before | None], frozenset[NodeId]]:
    """The sources, and the nodes that let nothing pass; each node is looked at once."""
    shut: set[NodeId] = set()
    sources: dict[NodeId, Before | None] = {}
    for name, node in nodes.items():
        stops = how.stops(node)
        if stops or (stops is None and certain):
            shut.add(name)
            continue
        starts = how.source(node)
        if starts or (starts is None and not certain):
            sources[name] = None
    return sources, frozenset(shut)
