"""Every method of the two revisions, who may send it, and what it takes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from holdfast.providers.mcp.revisions import Revision

Sender: TypeAlias = Literal["client", "server"]
_BOTH = frozenset(Revision)
_NEW = frozenset({Revision.V2026_07_28})
_OLD = frozenset({Revision.V2025_11_25})
_ASKED_AGAIN = ("inputResponses", "requestState")


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One method. ``action`` is what policies call it, None for the protocol's own business.

    ``params`` are the members it takes beside ``_meta``; ``named_by`` the one that ``Mcp-Name``
    repeats. ``lists`` is the result's member that holds a page of items.
    """

    name: str
    revisions: frozenset[Revision]
    sender: Sender = "client"
    is_notification: bool = False
    action: str | None = None
    params: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    named_by: str | None = None
    lists: str | None = None
    is_cacheable: bool = False


def _list(name: str, lists: str) -> Method:
    return Method(
        name=name, revisions=_BOTH, action="list", params=("cursor",), lists=lists,
        is_cacheable=True,
    )  # fmt: skip


def _notification(
    name: str, *params: str, revisions: frozenset[Revision] = _BOTH, sender: Sender = "server",
    required: tuple[str, ...] = (),
) -> Method:  # fmt: skip
    return Method(
        name=name, revisions=revisions, sender=sender, is_notification=True, params=params,
        required=required,
    )  # fmt: skip


_METHODS = (
    Method(
        name="initialize", revisions=_OLD,
        params=("protocolVersion", "capabilities", "clientInfo"), required=("protocolVersion",),
    ),
    Method(name="ping", revisions=_OLD),
    Method(name="server/discover", revisions=_NEW, is_cacheable=True),
    _list("tools/list", "tools"),
    Method(
        name="tools/call", revisions=_BOTH, action="call", named_by="name",
        params=("name", "arguments", *_ASKED_AGAIN), required=("name",),
    ),
    _list("resources/list", "resources"),
    _list("resources/templates/list", "resourceTemplates"),
    Method(
        name="resources/read", revisions=_BOTH, action="read", named_by="uri",
        params=("uri", *_ASKED_AGAIN), required=("uri",), is_cacheable=True,
    ),
    Method(
        name="resources/subscribe", revisions=_OLD, action="read", params=("uri",),
        required=("uri",),
    ),
    Method(
        name="resources/unsubscribe", revisions=_OLD, action="read", params=("uri",),
        required=("uri",),
    ),
    _list("prompts/list", "prompts"),
    Method(
        name="prompts/get", revisions=_BOTH, action="prompt", named_by="name",
        params=("name", "arguments", *_ASKED_AGAIN), required=("name",),
    ),
    Method(
        name="completion/complete", revisions=_BOTH, action="complete",
        params=("ref", "argument", "context"), required=("ref", "argument"),
    ),
    Method(
        name="logging/setLevel", revisions=_OLD, params=("level",), required=("level",),
    ),
    Method(
        name="subscriptions/listen", revisions=_NEW, action="listen", params=("notifications",),
        required=("notifications",),
    ),
    _notification("notifications/initialized", revisions=_OLD, sender="client"),
    _notification(
        "notifications/cancelled", "requestId", "reason", sender="client", required=("requestId",)
    ),
    _notification("notifications/roots/list_changed", revisions=_OLD, sender="client"),
    _notification(
        "notifications/progress", "progressToken", "progress", "total", "message",
        required=("progressToken", "progress"),
    ),
    _notification("notifications/message", "level", "logger", "data", required=("level", "data")),
    _notification("notifications/resources/updated", "uri", required=("uri",)),
    _notification("notifications/resources/list_changed"),
    _notification("notifications/tools/list_changed"),
    _notification("notifications/prompts/list_changed"),
    _notification(
        "notifications/subscriptions/acknowledged", "notifications", revisions=_NEW,
        required=("notifications",),
    ),
    _notification("notifications/elicitation/complete", "elicitationId", revisions=_OLD),
    Method(
        name="sampling/createMessage", revisions=_OLD, sender="server",
        params=(
            "messages", "modelPreferences", "systemPrompt", "includeContext", "temperature",
            "maxTokens", "stopSequences", "metadata", "tools", "toolChoice",
        ),
        required=("messages", "maxTokens"),
    ),
    Method(name="roots/list", revisions=_OLD, sender="server"),
    Method(
        name="elicitation/create", revisions=_OLD, sender="server",
        params=("mode", "message", "requestedSchema", "url", "elicitationId"),
        required=("message",),
    ),
)  # fmt: skip

METHODS: Mapping[str, Method] = MappingProxyType({method.name: method for method in _METHODS})
"""By name. ``ping`` may also be sent by a server of 2025-11-25; progress and cancellation by both
sides of it."""
