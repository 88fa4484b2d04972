"""Principals: who calls, as SPIFFE IDs (github.com/spiffe/spiffe, SPIFFE-ID.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NewType

from holdfast.blueprint import Blueprint, Node
from holdfast.core import NodeId

Principal = NewType("Principal", str)
"""``spiffe://<trust-domain>/t/<tenant>/<kind>/<node>``."""


def principal(blueprint: Blueprint, node: Node) -> Principal:
    """The SPIFFE ID of a node. All its parts are ids that need no escaping (section 2.2)."""
    return Principal(
        f"spiffe://{blueprint.trust_domain}/t/{blueprint.tenant}/{node.kind}/{node.id}"
    )


def principals(blueprint: Blueprint) -> Mapping[NodeId, Principal]:
    """The SPIFFE ID of every node, made once so that a call only looks it up."""
    return MappingProxyType(
        {node_id: principal(blueprint, node) for node_id, node in blueprint.nodes.items()}
    )
