"""What follows from the facts of a system: zones, sensitivity, effects, guards, where content gets.

Found once, when it is first asked for, and shared by all rules of a review. Everything has three
values: what a missing fact could change is None.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from holdfast.blueprint import DATA_CLASSES, DataClass, Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind, System
from holdfast.blueprint.review.knowledge.approvals import Approval, approvals_in, is_approved
from holdfast.blueprint.review.knowledge.content import Currents, Known, Spread, Spreading, spread
from holdfast.blueprint.review.knowledge.dependence import Dependence
from holdfast.blueprint.review.knowledge.effects import (
    READ,
    WRITE,
    Span,
    irreversible_tools,
    span_over,
)
from holdfast.blueprint.review.knowledge.onward import Onward, onward_to, way_along
from holdfast.core import NodeId

CONFIDENTIAL = DATA_CLASSES.index("confidential")
HUMAN = "ai:human-in-the-loop"
GATEWAY = "ai:api-gateway"
MEMORY = "ai:memory"
TEMPLATE = "ai:prompt-template"
RETRIEVAL = frozenset({"ai:vector-store", "ai:knowledge-base"})
_RELAYS = frozenset({GATEWAY, TEMPLATE, HUMAN, "ai:observability", "ai:eval-monitor",
                     "ai:rag-pipeline"})  # fmt: skip
"""Types that give on what they were given, and write nothing of their own."""
_OF_THEIR_OWN = frozenset({NodeKind.MODEL, NodeKind.AGENT, NodeKind.GUARD, NodeKind.NETWORK})
"""Kinds whose own words are not an outsider's."""
PEOPLE = frozenset({NodeKind.ACTOR, NodeKind.CLIENT})
NOT_ACTED_ON = frozenset(
    {NodeKind.MODEL, NodeKind.GUARD, NodeKind.ACTOR, NodeKind.CLIENT, NodeKind.NETWORK}
)
"""Kinds on which nobody's rights are exercised."""


def rank(name: DataClass | None) -> int | None:
    """A data class as a number, the more sensitive the greater."""
    return None if name is None else DATA_CLASSES.index(name)


def held(node: Node) -> int | None:
    """The most sensitive class that a node holds: -1 for no data, None for not known."""
    data = node.facts.data
    if data is None:
        return None
    return max((DATA_CLASSES.index(each.data_class) for each in data), default=-1)


def is_sensitive(node: Node) -> Known:
    """Whether it holds confidential data, or worse."""
    found = held(node)
    return None if found is None else found >= CONFIDENTIAL


def is_private(node: Node) -> Known:
    """Whether it holds what outsiders must not see: confidential, or about people."""
    data = node.facts.data
    if data is None:
        return None
    if any(each.personal or DATA_CLASSES.index(each.data_class) >= CONFIDENTIAL for each in data):
        return True
    unsure = any(each.personal is None and each.data_class != "public" for each in data)
    return None if unsure else False


def checks(node: Node, *kinds: str) -> Known:
    """Whether all that passes the node is checked in one of these ways. What is no guardrail checks
    nothing unless it says so."""
    if node.facts.checks is None:
        return None if node.kind is NodeKind.GUARD else False
    return any(kind in node.facts.checks for kind in kinds)


def is_guard(node: Node) -> bool:
    """Whether it is there to check what passes."""
    return node.kind is NodeKind.GUARD or bool(node.facts.checks)


def gives_foreign_words(node: Node) -> Known:
    """Whether what the node gives of itself may be written by outsiders."""
    facts = node.facts
    if facts.untrusted_content is not None:
        return facts.untrusted_content
    if facts.trust == "untrusted":
        return True
    if node.type in _RELAYS or node.kind in _OF_THEIR_OWN or facts.data == []:
        return False
    if node.kind in PEOPLE and facts.trust in ("owned", "third-party"):
        return facts.trust == "third-party"
    return None


def is_store(node: Node) -> bool:
    """Whether it keeps data (a prompt template is no store of data)."""
    return node.kind is NodeKind.STORE and node.type != TEMPLATE


@dataclass(frozen=True)
class Knowledge:
    """What is known of one system."""

    system: System

    @cached_property
    def zones(self) -> Mapping[NodeId, str | None]:
        """Each node's trust zone: its own, or that of the nearest container that has one."""
        return {name: self._inherited(name, "zone") for name in self.system.nodes}

    @cached_property
    def regions(self) -> Mapping[NodeId, str | None]:
        """Where each node runs: by its own word, or its container's."""
        return {name: self._inherited(name, "region") for name in self.system.nodes}

    def _inherited(self, name: NodeId, fact: str) -> str | None:
        nodes = self.system.nodes
        own: str | None = getattr(nodes[name].facts, fact)
        if own is not None:
            return own
        above = (getattr(nodes[each].facts, fact) for each in self.system.around(name))
        return next((each for each in above if each is not None), None)

    @cached_property
    def answering(self) -> frozenset[NodeId]:
        """The nodes that Holdfast sends calls to."""
        return self.system.derived(Dependence).answering

    def is_carried(self, edge: Edge) -> bool:
        """Whether calls over the edge pass through Holdfast, which asks who calls, and records."""
        return edge.kind is EdgeKind.CALL and edge.destination in self.answering

    @cached_property
    def agents(self) -> tuple[Node, ...]:
        return tuple(node for node in self.system.nodes.values() if node.kind is NodeKind.AGENT)

    def is_server(self, node: Node) -> bool:
        """Whether it is an MCP server."""
        return node.type == "ai:mcp-server" or node.is_mcp_server

    def share_host(self, edge: Edge) -> bool:
        """Whether both ends are deployed in one container that is no mere network."""
        one, other = (self.system.hosts.get(end, ()) for end in (edge.source, edge.destination))
        return any(
            self.system.nodes[name].kind is not NodeKind.NETWORK for name in set(one) & set(other)
        )

    @cached_property
    def _spans(self) -> Mapping[int, Span]:
        """By the identity of the edge: hashing one whole would cost more than the answer."""
        nodes = self.system.nodes
        return {
            id(edge): span_over(edge, nodes[edge.destination], carried=self.is_carried(edge))
            for edge in self.system.edges
        }

    def span(self, edge: Edge) -> Span:
        """The least and the gravest that the gravest effect of a call over an edge of this system can
        be, as places in ``EFFECTS``; the same twice where it is known."""
        return self._spans[id(edge)]

    def writes(self, edge: Edge) -> Known:
        """Whether it changes what its destination keeps."""
        low, high = self.span(edge)
        if low >= WRITE:
            return True
        return False if high <= READ else None

    # Where content gets.

    @cached_property
    def currents(self) -> Currents:
        """The edges over which content passes."""
        return Currents(self.system, self.writes)

    @cached_property
    def foreign(self) -> Spread:
        """Where outsiders' words get, whatever stands in the way."""
        return self._spread()

    @cached_property
    def foreign_unchecked(self) -> Spread:
        """Where outsiders' words get past every check of input."""
        return self._spread("input", "sanitise")

    @cached_property
    def foreign_unproven(self) -> Spread:
        """Where outsiders' words get with nobody noting where they came from."""
        return self._spread("provenance")

    @cached_property
    def foreign_first_hand(self) -> Spread:
        """Which agents and models outsiders' words reach past every check of input, and through no
        other agent or model."""
        return self._spread("input", "sanitise", first_hand=True)

    def _spread(self, *stopping: str, first_hand: bool = False) -> Spread:
        nodes = self.system.nodes.values()
        if stopping and not first_hand and all(checks(node, *stopping) is False for node in nodes):
            return self.foreign  # nothing could stop it
        intelligent = (NodeKind.AGENT, NodeKind.MODEL)
        how = Spreading(
            source=gives_foreign_words,
            stops=lambda node: checks(node, *stopping) if stopping else False,
            ends=lambda node: first_hand and node.kind in intelligent,
            asks=lambda node: "trust" if node.kind in PEOPLE else "untrusted_content",
        )
        return spread(self.currents, how)

    # What stands between an agent and what it could do.

    @cached_property
    def approvals(self) -> tuple[Approval, ...]:
        return approvals_in(self.system.blueprint)

    @cached_property
    def approving(self) -> frozenset[NodeId]:
        """Nodes through which a call passes only when a person has said yes: people in the loop, and
        what waits for their approval. An agent or a model that is told of one may go on without."""
        found = {name for name, node in self.system.nodes.items() if node.type == HUMAN}
        for edge in self.system.edges:
            person = self.system.nodes[edge.source].kind is NodeKind.ACTOR
            waiting = self.system.nodes[edge.destination].kind
            bound = waiting not in (NodeKind.AGENT, NodeKind.MODEL, *PEOPLE)
            if person and bound and edge.facts.purpose == "approve":
                found.add(edge.destination)
        return frozenset(found)

    def waits(self, edge: Edge) -> tuple[Known, tuple[str, ...]]:
        """Whether each irreversible call over the edge waits for a person, by a policy that Holdfast
        enforces; and the policies that may be about it."""
        if not self.approvals or not self.is_carried(edge):
            return False, ()
        tools = irreversible_tools(edge, self.system.nodes[edge.destination])
        return is_approved(self.approvals, edge, tools)

    @cached_property
    def leashed(self) -> frozenset[NodeId]:
        """Agents all of whose calls Holdfast carries, or that call only such agents beside: whose
        credentials are revoked can do nothing more."""
        loose: set[NodeId] = set()
        waiting: deque[NodeId] = deque()
        for agent in self.agents:
            edges = self.system.leaving[agent.id]
            if not edges or any(not self._on_leash(edge) for edge in edges):
                loose.add(agent.id)
                waiting.append(agent.id)
        while waiting:
            for edge in self.system.entering[waiting.popleft()]:
                other = self.system.nodes[edge.source]
                if other.kind is NodeKind.AGENT and other.id not in loose:
                    loose.add(other.id)
                    waiting.append(other.id)
        return frozenset(agent.id for agent in self.agents if agent.id not in loose)

    def _on_leash(self, edge: Edge) -> bool:
        harmless = self.system.nodes[edge.destination].kind in (NodeKind.AGENT, NodeKind.ACTOR)
        return harmless or self.is_carried(edge)

    @cached_property
    def fronts(self) -> Mapping[NodeId, tuple[NodeId, ...]]:
        """The guards and gateways, each with those that it passes calls on to."""
        nodes = self.system.nodes
        there = {name for name, node in nodes.items() if is_guard(node) or node.type == GATEWAY}
        leaving = self.system.leaving
        return {
            name: tuple(edge.destination for edge in leaving[name] if edge.destination in there)
            for name in there
        }

    @cached_property
    def _privileged(self) -> tuple[Onward, Onward, Mapping[NodeId, Edge]]:
        certain: dict[NodeId, None] = {}
        unsure: dict[NodeId, Edge] = {}
        for edge in self.system.edges:
            node = self.system.nodes[edge.destination]
            low, high = self.span(edge)
            if low >= WRITE or is_sensitive(node) is True or node.facts.executes is not None:
                certain[edge.source] = None
            elif high >= WRITE or (is_store(node) and is_sensitive(node) is None):
                unsure.setdefault(edge.source, edge)
        return (
            onward_to(self.currents, certain),
            onward_to(self.currents, [*certain, *unsure]),
            unsure,
        )

    def is_privileged(self, name: NodeId) -> Known:
        """Whether a node calls, or calls on to, something privileged: that changes the world, runs
        code, or holds sensitive data."""
        certain, possible, _ = self._privileged
        return True if name in certain else None if name in possible else False

    def unsure_privilege(self, name: NodeId) -> Edge:
        """The nearest call of which nobody knows whether it is privileged."""
        _, possible, unsure = self._privileged
        return unsure[way_along(possible, name)[-1]]

    @cached_property
    def served(self) -> frozenset[NodeId]:
        """Nodes that work on what people send: what users and their programs lead to."""
        nodes = self.system.nodes
        found = {name for name, each in nodes.items() if each.kind in PEOPLE and each.type != HUMAN}
        waiting = list(found)
        while waiting:
            for step in self.currents.onto[waiting.pop()]:
                if step.onto not in found:
                    found.add(step.onto)
                    waiting.append(step.onto)
        return frozenset(found)
