"""Principals: who calls, as SPIFFE IDs (github.com/spiffe/spiffe, SPIFFE-ID.md)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NewType

from holdfast.core import NodeId

if TYPE_CHECKING:  # a client library reads names and no blueprint, which takes 0.3 s to load
    from holdfast.blueprint import Blueprint, Node

Principal = NewType("Principal", str)
"""``spiffe://<trust-domain>/t/<tenant>/<kind>/<node>``."""


def principal(blueprint: "Blueprint", node: "Node") -> Principal:
    """The SPIFFE ID of a node. All its parts are ids that need no escaping (section 2.2)."""
    return Principal(
        f"spiffe://{blueprint.trust_domain}/t/{blueprint.tenant}/{node.kind}/{node.id}"
    )


def principals(blueprint: "Blueprint") -> Mapping[NodeId, Principal]:
    """The SPIFFE ID of every node, made once so that a call only looks it up."""
    return MappingProxyType(
        {node_id: principal(blueprint, node) for node_id, node in blueprint.nodes.items()}
    )


def issuer_name(trust_domain: str) -> str:
    """The ``iss`` of mandates that the issuer of a trust domain signs. No address: it stays when
    the machine moves."""
    return f"spiffe://{trust_domain}"


def gateway_name(trust_domain: str, tenant: str) -> str:
    """The resource that mandates are for (``aud``): the gateway of a tenant, wherever it listens."""
    return f"spiffe://{trust_domain}/t/{tenant}/gateway"
