"""Evidence from outside the blueprint that rules may use. What is None was not given: a rule that
needs it cannot decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.core import NodeId


class EvidenceKind(StrEnum):
    """The kinds of evidence, as ``holdfast review --evidence KIND=FILE`` names them."""

    TRACES = "traces"
    WORKLOADS = "workloads"
    CALLS = "calls"
    CONTROLS = "controls"
    COMPONENTS = "components"
    CHANGES = "changes"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEdge:
    """Calls seen from one node to another. None: not visible in what was seen."""

    source: NodeId
    destination: NodeId
    calls: int
    encrypted: bool | None = None
    authenticated: bool | None = None
    tools: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    """Tools called, each with the digest of its definition where that was seen."""
    models: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was observed: from traces, or from the gateway's own records."""

    edges: Mapping[tuple[NodeId, NodeId], SeenEdge]
    strangers: tuple[str, ...] = ()
    """Parties seen that no node declares, by the name they go by."""
    instrumented: frozenset[NodeId] = frozenset()
    """Nodes of which anything at all was seen."""
    days: float = 0.0
    approvals_per_hour: Mapping[NodeId, float] = field(default_factory=dict[NodeId, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the cluster's live objects or manifests say of a node."""

    ingress_isolated: bool
    egress_isolated: bool
    internet: bool
    """Whether the network lets it reach any address of the internet."""
    replicas: int | None = None
    zones: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    service_account: str | None = None
    secrets: frozenset[str] = frozenset()
    encrypted_volumes: bool | None = None
    sandboxed: bool | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workloads:
    """The enforced side: which declared nodes the network lets reach which others."""

    by_node: Mapping[NodeId, Workload]
    permitted: frozenset[tuple[NodeId, NodeId]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlProof:
    """A dated piece of evidence that a control is met, as CALM's ``evidence`` has it."""

    control: str
    subject: str
    """The node, relationship or flow it is about; empty for the whole system."""
    paths: tuple[str, ...]
    dated: str | None
    valid_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of an AI bill of materials (CycloneDX), or of an attestation."""

    name: str
    kind: str
    node: NodeId | None
    digest: str | None = None
    signed: bool | None = None
    provenance: bool | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change that was made to what runs."""

    day: str
    subject: str
    kind: str
    by: str | None = None
    adr: str | None = None
    reviewed: bool | None = None
    by_pipeline: bool | None = None
    release: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is at hand."""

    traces: Seen | None = None
    workloads: Workloads | None = None
    calls: Seen | None = None
    controls: tuple[ControlProof, ...] | None = None
    components: tuple[Component, ...] | None = None
    changes: tuple[Change, ...] | None = None
    documents: Mapping[str, str] | None = None
    """JSON texts by the URL they go by: control requirements, patterns, detailed architectures."""
