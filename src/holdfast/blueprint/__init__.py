"""The blueprint: the declared system, read from one YAML file.

Promises: ``load`` gives a checked, settled, immutable ``Blueprint``, or a ``BlueprintError`` that
lists *every* problem with its line, column, path and fix. It reads no file itself. The digest names
the meaning: two files with one digest declare the same system. Secrets never stand in a blueprint,
only references to them.
"""

from holdfast.blueprint.architecture import Blueprint
from holdfast.blueprint.controls import (
    Control,
    Dialect,
    Limits,
    Requirement,
    SecretReference,
    Timeouts,
    Upstream,
)
from holdfast.blueprint.demands import ATTESTED_ORDER, PROOFS, Attested, Demands, ProofKind
from holdfast.blueprint.errors import BlueprintError, Problem, Severity, in_file_order, suggestion
from holdfast.blueprint.kinds import NODE_TYPES, NodeKind, kind_of
from holdfast.blueprint.parts import (
    Choice,
    ComposedOf,
    Connects,
    DeployedIn,
    Flow,
    Interacts,
    Interface,
    Label,
    Link,
    Node,
    Options,
    PolicyFile,
    Relationship,
    Step,
)
from holdfast.blueprint.people import IdentityProvider
from holdfast.blueprint.reading import check, load
from holdfast.blueprint.resilience import (
    Breaker,
    Budget,
    Cache,
    CacheScope,
    Concurrency,
    Criticality,
    Ejection,
    Fallback,
    Health,
    Hedge,
    Period,
    Price,
    Retries,
    Routing,
    RoutingBy,
)
from holdfast.blueprint.schema import json_schema, starter
from holdfast.blueprint.source import Document, Plain, read_yaml
from holdfast.blueprint.tools import (
    EFFECTS_ORDER,
    Program,
    SideEffects,
    ToolRules,
    Tools,
    ToolSettings,
)

__all__ = [
    "ATTESTED_ORDER",
    "EFFECTS_ORDER",
    "NODE_TYPES",
    "PROOFS",
    "Attested",
    "Blueprint",
    "BlueprintError",
    "Breaker",
    "Budget",
    "Cache",
    "CacheScope",
    "Choice",
    "ComposedOf",
    "Concurrency",
    "Connects",
    "Control",
    "Criticality",
    "Demands",
    "DeployedIn",
    "Dialect",
    "Document",
    "Ejection",
    "Fallback",
    "Flow",
    "Health",
    "Hedge",
    "IdentityProvider",
    "Interacts",
    "Interface",
    "Label",
    "Limits",
    "Link",
    "Node",
    "NodeKind",
    "Options",
    "Period",
    "Plain",
    "PolicyFile",
    "Price",
    "Problem",
    "Program",
    "ProofKind",
    "Relationship",
    "Requirement",
    "Retries",
    "Routing",
    "RoutingBy",
    "SecretReference",
    "Severity",
    "SideEffects",
    "Step",
    "Timeouts",
    "ToolRules",
    "ToolSettings",
    "Tools",
    "Upstream",
    "check",
    "in_file_order",
    "json_schema",
    "kind_of",
    "load",
    "read_yaml",
    "starter",
    "suggestion",
]
