"""The parts of a blueprint: nodes, relationships, flows, policy files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from holdfast.blueprint.controls import Control, Limits, Timeouts, Upstream
from holdfast.blueprint.demands import Demands
from holdfast.blueprint.facts import FlowFacts, NodeFacts, RelationshipFacts
from holdfast.blueprint.kinds import NodeKind
from holdfast.blueprint.objectives import Objective
from holdfast.blueprint.resilience import (
    Breaker,
    Budget,
    Cache,
    Concurrency,
    Criticality,
    Ejection,
    Fallback,
    Health,
    Hedge,
    Price,
    Retries,
    Routing,
)
from holdfast.blueprint.tools import Program, Tools
from holdfast.core import NodeId, RelationshipId

Label: TypeAlias = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A way in to a node."""

    id: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """URLs of the architecture inside a node, and of the pattern that it must meet."""

    detailed_architecture: str | None = None
    required_pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of the system. ``labels`` are the plain values of its metadata, for policies;
    ``bulkhead`` is the most calls in flight that it makes or takes part in. ``program`` starts it
    where it is an MCP server of this machine; it has no ``upstream`` then."""

    id: NodeId
    type: str
    kind: NodeKind
    name: str
    description: str
    interfaces: Mapping[str, Interface]
    upstream: Upstream | None
    timeouts: Timeouts
    limits: Limits
    controls: Mapping[str, Control]
    labels: Mapping[str, Label]
    routing: Routing = field(default_factory=Routing)
    demands: Demands = field(default_factory=Demands)
    retries: Retries = field(default_factory=Retries)
    breaker: Breaker = field(default_factory=Breaker)
    ejection: Ejection = field(default_factory=Ejection)
    concurrency: Concurrency = field(default_factory=Concurrency)
    health: Health | None = None
    fallback: Fallback | None = None
    hedge: Hedge | None = None
    cache: Cache | None = None
    price: Price | None = None
    budget: Budget | None = None
    bulkhead: int | None = None
    program: Program | None = None
    objectives: tuple[Objective, ...] = ()
    tools: Tools = field(default_factory=Tools)
    facts: NodeFacts = field(default_factory=NodeFacts)
    details: Details = field(default_factory=Details)

    @property
    def is_mcp_server(self) -> bool:
        """Whether it answers as an MCP server, over HTTP or as a program."""
        return self.program is not None or (
            self.upstream is not None and self.upstream.dialect == "mcp"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connects:
    """``source`` may call ``destination``."""

    source: NodeId
    destination: NodeId
    source_interfaces: tuple[str, ...] = ()
    destination_interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interacts:
    """A person uses nodes."""

    actor: NodeId
    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedIn:
    """Nodes run inside a container."""

    container: NodeId
    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedOf:
    """A container is made of nodes."""

    container: NodeId
    nodes: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way a decision may go: the nodes and relationships it brings."""

    description: str
    nodes: tuple[NodeId, ...]
    relationships: tuple[RelationshipId, ...]
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A decision left open."""

    choices: tuple[Choice, ...]


Link: TypeAlias = Connects | Interacts | DeployedIn | ComposedOf | Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """How nodes stand to each other. ``timeouts``, ``limits``, ``retries``, ``fallback``, ``hedge``
    and ``cache`` are settled: its own, over the destination's, over the defaults; they mean
    something for ``Connects`` only."""

    id: RelationshipId
    link: Link
    description: str
    protocol: str | None
    timeouts: Timeouts
    limits: Limits
    controls: Mapping[str, Control]
    criticality: Criticality = "standard"
    demands: Demands = field(default_factory=Demands)
    retries: Retries = field(default_factory=Retries)
    fallback: Fallback | None = None
    hedge: Hedge | None = None
    cache: Cache | None = None
    budget: Budget | None = None
    bulkhead: int | None = None
    objectives: tuple[Objective, ...] = ()
    tools: Tools = field(default_factory=Tools)
    facts: RelationshipFacts = field(default_factory=RelationshipFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a flow, along a relationship or (``back``) against it."""

    over: RelationshipId
    description: str
    back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A journey through the system."""

    id: str
    name: str
    description: str
    steps: tuple[Step, ...]
    facts: FlowFacts = field(default_factory=FlowFacts)
    controls: Mapping[str, Control] = field(default_factory=dict[str, Control])


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A Cedar file, as named in the blueprint."""

    name: str
    text: str
