"""Who needs whom, and over what: what rules about resilience reason from.

A call is *carried* when Holdfast sends it on: its deadline, its retries with their budget, the
breaker and the log are then settled, whatever the facts say. A relationship without a strength is
``hard``; over a queue's protocol it may as well be ``async``, so there it is unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from holdfast.blueprint import IMPORTANCES, Importance, Node, NodeKind, Strength
from holdfast.blueprint.graph import Edge, EdgeKind, System
from holdfast.core import NodeId, RelationshipId

UNNEEDED = frozenset({"stop", "deploy", "administer", "restore"})
"""Purposes for which the source does not need the destination in order to work."""
QUEUES = frozenset({"AMQP"})
"""Protocols over which nobody waits for an answer, as a rule."""


def fact_of(node: NodeId | str, name: str) -> str:
    """The place of a node's fact."""
    return f"nodes.{node}.facts.{name}"


def edge_fact(edge: Edge, name: str) -> str:
    """The place of a fact of the edge's relationship."""
    return f"relationships.{edge.id}.facts.{name}"


def flow_fact(flow: str, name: str) -> str:
    """The place of a flow's fact."""
    return f"flows.{flow}.facts.{name}"


def rank(importance: Importance | None) -> int | None:
    """From 0 for the least critical; None when that is not known."""
    return None if importance is None else IMPORTANCES.index(importance)


def is_described(node: Node) -> bool:
    """Whether anybody has said anything of the node. Of one that is not described even what has
    no negative, such as its owner, is unknown; of one that is, what is not named is not there."""
    return bool(node.facts.model_fields_set)


def models_of(system: System) -> Iterator[Node]:
    """Models that are one thing; not those composed of others that answer for them."""
    for node in system.nodes.values():
        if node.kind is NodeKind.MODEL and not any(
            system.nodes[part].kind is NodeKind.MODEL for part in system.parts.get(node.id, ())
        ):
            yield node


@dataclass(frozen=True)
class Dependence:
    """What the nodes of a system need of each other."""

    system: System

    def is_carried(self, edge: Edge) -> bool:
        """Whether calls over the edge go through Holdfast."""
        return edge.kind is EdgeKind.CALL and edge.destination in self.answering

    @cached_property
    def answering(self) -> frozenset[NodeId]:
        """The nodes that Holdfast sends calls to."""
        blueprint = self.system.blueprint
        return frozenset(
            name
            for name, node in self.system.nodes.items()
            if node.program is not None or blueprint.upstreams(node)
        )

    @cached_property
    def calls(self) -> tuple[Edge, ...]:
        """The edges over which the source needs the destination, one way or another."""
        return tuple(
            edge
            for edge in self.system.edges
            if edge.kind is EdgeKind.CALL and edge.facts.purpose not in UNNEEDED
        )

    @cached_property
    def substitutes(self) -> Mapping[RelationshipId, tuple[NodeId, ...]]:
        """What answers in the destination's place: fallbacks that Holdfast carries, and edges that
        are declared as alternatives. Relationships without any have no entry."""
        found: dict[RelationshipId, dict[NodeId, None]] = {}
        for edge in self.system.edges:
            if edge.relationship.fallback is not None:
                to = (NodeId(name) for name in edge.relationship.fallback.to)
                found.setdefault(edge.id, {}).update(dict.fromkeys(to))
            if edge.facts.alternative_to is not None:
                primary = RelationshipId(edge.facts.alternative_to)
                found.setdefault(primary, {})[edge.destination] = None
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def standbys(self) -> frozenset[tuple[NodeId, NodeId]]:
        """Source and destination of edges that are taken only when another cannot be."""
        found: set[tuple[NodeId, NodeId]] = set()
        for edge in self.system.edges:
            if edge.facts.alternative_to is not None:
                found.add((edge.source, edge.destination))
            if edge.relationship.fallback is not None:
                to = edge.relationship.fallback.to
                found.update((edge.source, NodeId(name)) for name in to)
        return frozenset(found)

    def strength(self, edge: Edge) -> Strength | None:
        """How the source depends on the destination; None when that cannot be told."""
        if edge.facts.strength is not None:
            return edge.facts.strength
        if (edge.source, edge.destination) in self.standbys or edge.id in self.substitutes:
            return "soft"
        return None if edge.relationship.protocol in QUEUES else "hard"

    def is_waited_for(self, edge: Edge) -> bool | None:
        """Whether the source waits for an answer; None when that cannot be told."""
        strength = self.strength(edge)
        return None if strength is None else strength != "async"

    @cached_property
    def hard(self) -> Mapping[NodeId, tuple[Edge, ...]]:
        """The calls without which each node fails; every node has an entry."""
        found: dict[NodeId, list[Edge]] = {name: [] for name in self.system.nodes}
        for edge in self.calls:
            if self.strength(edge) == "hard":
                found[edge.source].append(edge)
        return {name: tuple(edges) for name, edges in found.items()}

    @cached_property
    def unsure(self) -> Mapping[NodeId, tuple[Edge, ...]]:
        """The calls of which nobody knows whether the source fails with them."""
        found: dict[NodeId, list[Edge]] = {}
        for edge in self.calls:
            if self.strength(edge) is None:
                found.setdefault(edge.source, []).append(edge)
        return {name: tuple(edges) for name, edges in found.items()}

    def importance(self, flow: str) -> Importance | None:
        """How critical a flow is: by its own word, else by the system's."""
        own = self._flows[flow]
        return own if own is not None else self.system.blueprint.facts.criticality

    @cached_property
    def _flows(self) -> Mapping[str, Importance | None]:
        return {flow.id: flow.facts.criticality for flow in self.system.flows}

    def is_person(self, name: NodeId) -> bool:
        return self.system.nodes[name].kind is NodeKind.ACTOR
