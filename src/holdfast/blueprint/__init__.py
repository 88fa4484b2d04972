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
from holdfast.blueprint.reading import check, load
from holdfast.blueprint.schema import json_schema, starter

__all__ = [
    "NODE_TYPES",
    "Blueprint",
    "BlueprintError",
    "Choice",
    "ComposedOf",
    "Connects",
    "Control",
    "DeployedIn",
    "Dialect",
    "Flow",
    "Interacts",
    "Interface",
    "Label",
    "Limits",
    "Link",
    "Node",
    "NodeKind",
    "Options",
    "PolicyFile",
    "Problem",
    "Relationship",
    "Requirement",
    "SecretReference",
    "Severity",
    "Step",
    "Timeouts",
    "Upstream",
    "check",
    "in_file_order",
    "json_schema",
    "kind_of",
    "load",
    "starter",
    "suggestion",
]
