"""The kinds of node: what CALM and its AI vocabulary call them, and the family each belongs to.

A family is what policies and principals speak of: ``ai:agent`` and ``ai:orchestrator`` are both an
agent there.
"""

from enum import StrEnum
from types import MappingProxyType


class NodeKind(StrEnum):
    """The family of a node; in Cedar ``Holdfast::Agent``, in a SPIFFE ID ``/agent/``."""

    ACTOR = "actor"
    AGENT = "agent"
    CLIENT = "client"
    GUARD = "guard"
    MODEL = "model"
    NETWORK = "network"
    OTHER = "other"
    SERVICE = "service"
    STORE = "store"
    SYSTEM = "system"
    TOOL = "tool"


NODE_TYPES = MappingProxyType(
    {
        "actor": NodeKind.ACTOR,
        "ecosystem": NodeKind.SYSTEM,
        "system": NodeKind.SYSTEM,
        "service": NodeKind.SERVICE,
        "database": NodeKind.STORE,
        "network": NodeKind.NETWORK,
        "ldap": NodeKind.STORE,
        "webclient": NodeKind.CLIENT,
        "data-asset": NodeKind.STORE,
        "ai:llm": NodeKind.MODEL,
        "ai:agent": NodeKind.AGENT,
        "ai:orchestrator": NodeKind.AGENT,
        "ai:vector-store": NodeKind.STORE,
        "ai:tool": NodeKind.TOOL,
        "ai:memory": NodeKind.STORE,
        "ai:guardrail": NodeKind.GUARD,
        "ai:embedding-model": NodeKind.MODEL,
        "ai:rag-pipeline": NodeKind.SERVICE,
        "ai:prompt-template": NodeKind.STORE,
        "ai:api-gateway": NodeKind.SERVICE,
        "ai:human-in-the-loop": NodeKind.ACTOR,
        "ai:knowledge-base": NodeKind.STORE,
        "ai:eval-monitor": NodeKind.SERVICE,
        "ai:mcp-server": NodeKind.TOOL,
        "ai:observability": NodeKind.SERVICE,
    }
)
"""The nine node types of CALM 1.2, then the sixteen of CALM's AI pack."""

OWN_TYPE_PREFIX = "x-"


def kind_of(node_type: str) -> NodeKind:
    """The family of a node type; types of your own (``x-...``) are ``other``."""
    return NODE_TYPES.get(node_type, NodeKind.OTHER)
