"""The window through which faces see who may do what, and why."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from holdfast.blueprint import Blueprint, Node, NodeKind
from holdfast.core import NodeId
from holdfast.faces.errors import NotThereError
from holdfast.policy import Explanation

Pair = tuple[NodeId, NodeId]

_ACTIONS: Mapping[NodeKind, tuple[str, ...]] = {
    NodeKind.MODEL: ("generate", "complete", "embed", "list"),
    NodeKind.AGENT: ("delegate",),
}
_OF_SERVERS = ("list", "call", "read", "prompt")


class PermissionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a caller on a callee. ``answers`` has one for each kind of caller: ``allowed``,
    ``refused``, or the code of the demand that is not met; ``policies`` determined it for the kind
    that comes furthest, ``others`` may decide otherwise on other facts of a call."""

    caller: str
    callee: str
    relationship: str
    action: str
    answers: tuple[str, ...]
    policies: tuple[str, ...]
    others: tuple[str, ...]


class PermissionsView(Protocol):
    """Read-only. Methods block and are used from a thread."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """How a principal may come, from the least proven to the most."""
        ...

    def permissions(self, pairs: Sequence[Pair]) -> tuple[PermissionSeen, ...]:
        """Everything about some declared pairs, facts of a call at their defaults."""
        ...

    def why(self, caller: NodeId, action: str, callee: NodeId, *, kind: str) -> Explanation:
        """Why a caller who comes as ``kind`` would be answered as it would."""
        ...

    def keys(self, caller: NodeId) -> int:
        """How many API keys of a node are in force."""
        ...


def known_kind(view: PermissionsView, kind: str) -> str:
    """How a caller comes: as named, else the most proven; ``NotThereError`` where nobody does."""
    kinds = view.kinds
    if kind and kind not in kinds:
        raise NotThereError(
            f"no caller comes as '{kind[:40]}'", fix=f"say one of: {', '.join(kinds)}"
        )
    return kind or kinds[-1]


def actions_on(node: Node) -> tuple[str, ...]:
    """What can be asked of a node through the gateway; nothing where calls to it do not pass."""
    return _OF_SERVERS if node.is_mcp_server else _ACTIONS.get(node.kind, ())


def pairs_of(blueprint: Blueprint, *, caller: str = "", callee: str = "") -> tuple[Pair, ...]:
    """Declared pairs that Holdfast carries calls over, narrowed to parts of names."""
    return tuple(
        (source, destination)
        for source, destination in blueprint.connections()
        if caller in source and callee in destination and actions_on(blueprint.nodes[destination])
    )
