"""The blueprint itself: a declared system, checked, settled, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.console import ConsoleAccess
from holdfast.blueprint.controls import Control, Limits, Timeouts
from holdfast.blueprint.errors import Problem
from holdfast.blueprint.facts import FlowFacts
from holdfast.blueprint.objectives import Objective
from holdfast.blueprint.parts import (
    ComposedOf,
    Connects,
    DeployedIn,
    Flow,
    Node,
    PolicyFile,
    Relationship,
)
from holdfast.blueprint.people import IdentityProvider
from holdfast.blueprint.resilience import Budget
from holdfast.blueprint.review_forms import ReviewForm
from holdfast.core import Digest, NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A declared system.

    ``digest`` names its meaning: comments, layout, the order of keys and of relationships, and
    defaults written out change nothing; the text of a policy file does. ``content`` is what is
    digested: canonical JSON. ``text`` is the file as written; ``warnings`` what to look at.
    """

    name: str
    description: str
    tenant: str
    trust_domain: str
    digest: Digest
    nodes: Mapping[NodeId, Node]
    relationships: tuple[Relationship, ...]
    flows: tuple[Flow, ...]
    policies: tuple[PolicyFile, ...]
    content: bytes
    text: str
    warnings: tuple[Problem, ...]
    budget: Budget | None = None
    bulkhead: int | None = None
    objectives: tuple[Objective, ...] = ()
    policy_keys: tuple[str, ...] = ()
    people: tuple[IdentityProvider, ...] = ()
    console: ConsoleAccess = field(default_factory=ConsoleAccess)
    facts: FlowFacts = field(default_factory=FlowFacts)
    review: ReviewForm = field(default_factory=ReviewForm)
    controls: Mapping[str, Control] = field(default_factory=dict[str, Control])
    adrs: tuple[str, ...] = ()
    _connects: Mapping[tuple[NodeId, NodeId], Relationship] = field(init=False, repr=False)
    _callees: Mapping[NodeId, tuple[Node, ...]] = field(init=False, repr=False)
    _members: Mapping[NodeId, tuple[Node, ...]] = field(init=False, repr=False)
    _zones: Mapping[NodeId, frozenset[NodeId]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        connects: dict[tuple[NodeId, NodeId], Relationship] = {}
        callees: dict[NodeId, list[Node]] = {}
        members: dict[NodeId, set[NodeId]] = {}
        zones: dict[NodeId, set[NodeId]] = {}
        for relationship in self.relationships:
            match relationship.link:
                case Connects(source=source, destination=destination):
                    connects[source, destination] = relationship
                    callees.setdefault(source, []).append(self.nodes[destination])
                case ComposedOf(container=container, nodes=nodes):
                    members.setdefault(container, set()).update(nodes)
                case DeployedIn(container=container, nodes=nodes):
                    for name in nodes:
                        zones.setdefault(name, set()).add(container)
                case _:
                    pass
        # Members by id: their order in the file means nothing, so it must decide nothing.
        ordered = {
            container: tuple(self.nodes[name] for name in sorted(names))
            for container, names in members.items()
        }
        object.__setattr__(self, "_connects", connects)
        object.__setattr__(self, "_callees", {name: tuple(all_) for name, all_ in callees.items()})
        object.__setattr__(self, "_members", ordered)
        object.__setattr__(self, "_zones", {name: frozenset(all_) for name, all_ in zones.items()})

    def relationship(self, source: NodeId, destination: NodeId) -> Relationship | None:
        """The declared ``connects`` from one node to another, or None: then no call may pass."""
        return self._connects.get((source, destination))

    def callees(self, source: NodeId) -> tuple[Node, ...]:
        """The nodes that ``source`` may call, in the order their relationships are declared."""
        return self._callees.get(source, ())

    def connections(self) -> Mapping[tuple[NodeId, NodeId], Relationship]:
        """Every declared ``connects``, by source and destination."""
        return self._connects

    def upstreams(self, node: Node) -> tuple[Node, ...]:
        """The nodes whose upstreams answer for ``node``: itself, or those it is composed of."""
        if node.upstream is not None:
            return (node,)
        members = self._members.get(node.id, ())
        return tuple(member for member in members if member.upstream is not None)

    def share_zone(self, one: NodeId, other: NodeId) -> bool:
        """Whether both are deployed in one container."""
        nowhere: frozenset[NodeId] = frozenset()
        return not self._zones.get(one, nowhere).isdisjoint(self._zones.get(other, nowhere))

    def timeouts(self, relationship: Relationship) -> Timeouts:
        """The settled timeouts: the relationship's over its destination's over the defaults."""
        return relationship.timeouts

    def limits(self, relationship: Relationship) -> Limits:
        """The settled limits: the relationship's over its destination's over the defaults."""
        return relationship.limits
