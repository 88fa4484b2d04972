"""Kubernetes: what the network of a cluster permits, held against what the blueprint declares.

Promises: manifests in, permitted connections out, exactly as Kubernetes defines them; a blueprint
in, manifests out that permit what it declares and nothing else. Nothing is asked of a cluster.
``RuleBook`` is the plain form of what is enforced: numbered workloads, ranges of ports.
"""

from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, NO_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.binding import Binding, bind, cluster_in, stand_in
from holdfast.blueprint.kubernetes.comparison import Comparison, Difference, compare
from holdfast.blueprint.kubernetes.connectivity import Connectivity, OutsideAccess
from holdfast.blueprint.kubernetes.declared import (
    ENTRANCE,
    GATEWAY,
    Declaration,
    Entrance,
    Gateway,
    Party,
    Wanted,
    declaration,
)
from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.errors import ManifestError
from holdfast.blueprint.kubernetes.evidence import workloads_of
from holdfast.blueprint.kubernetes.exporting import FLAVOURS, Exported, Flavour, export
from holdfast.blueprint.kubernetes.exposure import Opening, openings
from holdfast.blueprint.kubernetes.manifests import Manifests, read_manifests
from holdfast.blueprint.kubernetes.placement import (
    Cluster,
    Inside,
    Nowhere,
    Outside,
    cluster_of,
    placements,
)
from holdfast.blueprint.kubernetes.ports import EVERY_PORT, NO_PORT, Ports, Protocol, ports_of
from holdfast.blueprint.kubernetes.rules import DIRECTIONS, Action, Direction, Layer, Rule, RuleBook
from holdfast.blueprint.kubernetes.settling import rule_book
from holdfast.blueprint.kubernetes.workloads import Workload

__all__ = [
    "DIRECTIONS",
    "ENTRANCE",
    "EVERY_ADDRESS",
    "EVERY_PORT",
    "FLAVOURS",
    "GATEWAY",
    "NO_ADDRESS",
    "NO_PORT",
    "Action",
    "Addresses",
    "Binding",
    "Cluster",
    "Comparison",
    "Connectivity",
    "Declaration",
    "Difference",
    "Direction",
    "Entrance",
    "Exported",
    "Flavour",
    "Gateway",
    "Inside",
    "Item",
    "Layer",
    "ManifestError",
    "Manifests",
    "Nowhere",
    "Opening",
    "Outside",
    "OutsideAccess",
    "Party",
    "Ports",
    "Protocol",
    "Rule",
    "RuleBook",
    "Wanted",
    "Workload",
    "bind",
    "cluster_in",
    "cluster_of",
    "compare",
    "declaration",
    "export",
    "openings",
    "placements",
    "ports_of",
    "read_manifests",
    "rule_book",
    "stand_in",
    "workloads_of",
]
