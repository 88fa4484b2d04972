"""A declared system as nodes, directed edges and containers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeVar, cast

from holdfast.blueprint import (
    Blueprint,
    ComposedOf,
    Connects,
    DeployedIn,
    Flow,
    Interacts,
    Node,
    Relationship,
    RelationshipFacts,
)
from holdfast.core import NodeId, RelationshipId

Made = TypeVar("Made")


class EdgeKind(StrEnum):
    """How an edge came to be: a declared call, or a person's use of a node."""

    CALL = "call"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From one node to another, as one relationship declares it."""

    source: NodeId
    destination: NodeId
    kind: EdgeKind
    relationship: Relationship

    @property
    def id(self) -> RelationshipId:
        return self.relationship.id

    @property
    def facts(self) -> RelationshipFacts:
        return self.relationship.facts


@dataclass(frozen=True)
class System:
    """The graph of a blueprint. Edges stand in the order of their relationships in the file."""

    blueprint: Blueprint
    edges: tuple[Edge, ...] = field(init=False)
    _derived: dict[object, object] = field(
        default_factory=dict[object, object], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(_edges(self.blueprint.relationships)))

    @property
    def nodes(self) -> Mapping[NodeId, Node]:
        return self.blueprint.nodes

    @property
    def flows(self) -> tuple[Flow, ...]:
        return self.blueprint.flows

    @cached_property
    def leaving(self) -> Mapping[NodeId, tuple[Edge, ...]]:
        """The edges from each node; every node has an entry."""
        return _grouped(self.nodes, ((edge.source, edge) for edge in self.edges))

    @cached_property
    def entering(self) -> Mapping[NodeId, tuple[Edge, ...]]:
        """The edges to each node; every node has an entry."""
        return _grouped(self.nodes, ((edge.destination, edge) for edge in self.edges))

    @cached_property
    def edges_of(self) -> Mapping[RelationshipId, tuple[Edge, ...]]:
        """The edges of each relationship: one for a call, several for a use."""
        found: dict[RelationshipId, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.id, []).append(edge)
        return {name: tuple(edges) for name, edges in found.items()}

    @cached_property
    def hosts(self) -> Mapping[NodeId, tuple[NodeId, ...]]:
        """What each node is deployed in, directly; nodes deployed nowhere have no entry."""
        return self._containers(DeployedIn)

    @cached_property
    def wholes(self) -> Mapping[NodeId, tuple[NodeId, ...]]:
        """What each node is a part of (``composed-of``), directly."""
        return self._containers(ComposedOf)

    @cached_property
    def hosted(self) -> Mapping[NodeId, tuple[NodeId, ...]]:
        """What is deployed in each container, directly."""
        return _inverted(self.hosts)

    @cached_property
    def parts(self) -> Mapping[NodeId, tuple[NodeId, ...]]:
        """What each node is composed of, directly."""
        return _inverted(self.wholes)

    def around(self, node: NodeId) -> tuple[NodeId, ...]:
        """Everything that contains ``node``, at any depth, the nearest first; ends on cycles."""
        found: dict[NodeId, None] = {}
        waiting = [node]
        while waiting:
            here = waiting.pop(0)
            for container in (*self.hosts.get(here, ()), *self.wholes.get(here, ())):
                if container not in found and container != node:
                    found[container] = None
                    waiting.append(container)
        return tuple(found)

    def steps(self, flow: Flow) -> tuple[tuple[Edge, bool], ...]:
        """The edges of a flow's steps in order, each with whether it goes back as an answer."""
        return tuple(
            (edge, step.back) for step in flow.steps for edge in self.edges_of.get(step.over, ())
        )

    def members(self, flow: Flow) -> tuple[NodeId, ...]:
        """The nodes that a flow touches, in the order in which it reaches them."""
        found: dict[NodeId, None] = {}
        for edge, _ in self.steps(flow):
            found[edge.source] = None
            found[edge.destination] = None
        return tuple(found)

    def derived(self, make: Callable[["System"], Made]) -> Made:
        """What ``make`` makes of this system, worked out once however many ask for it."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("Made", self._derived[make])

    def _containers(self, kind: type[DeployedIn | ComposedOf]) -> dict[NodeId, tuple[NodeId, ...]]:
        found: dict[NodeId, tuple[NodeId, ...]] = {}
        for relationship in self.blueprint.relationships:
            link = relationship.link
            if isinstance(link, kind):
                for name in link.nodes:
                    found[name] = (*found.get(name, ()), link.container)
        return found


def _edges(relationships: Iterable[Relationship]) -> Iterator[Edge]:
    for relationship in relationships:
        match relationship.link:
            case Connects(source=source, destination=destination):
                yield Edge(
                    source=source,
                    destination=destination,
                    kind=EdgeKind.CALL,
                    relationship=relationship,
                )
            case Interacts(actor=actor, nodes=nodes):
                for name in nodes:
                    yield Edge(
                        source=actor,
                        destination=name,
                        kind=EdgeKind.USE,
                        relationship=relationship,
                    )
            case _:
                pass


def _grouped(
    nodes: Iterable[NodeId], pairs: Iterable[tuple[NodeId, Edge]]
) -> dict[NodeId, tuple[Edge, ...]]:
    found: dict[NodeId, list[Edge]] = {name: [] for name in nodes}
    for name, edge in pairs:
        found[name].append(edge)
    return {name: tuple(edges) for name, edges in found.items()}


def _inverted(above: Mapping[NodeId, tuple[NodeId, ...]]) -> dict[NodeId, tuple[NodeId, ...]]:
    found: dict[NodeId, list[NodeId]] = {}
    for name, containers in above.items():
        for container in containers:
            found.setdefault(container, []).append(name)
    return {name: tuple(names) for name, names in found.items()}
