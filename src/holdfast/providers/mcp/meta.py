"""``_meta``: what a message says beside its subject, read strictly and passed on selectively."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp.errors import INVALID_PARAMS, McpParamsError, RequestId

PREFIX = "io.modelcontextprotocol/"
PROTOCOL_VERSION = PREFIX + "protocolVersion"
CLIENT_INFO = PREFIX + "clientInfo"
CLIENT_CAPABILITIES = PREFIX + "clientCapabilities"
LOG_LEVEL = PREFIX + "logLevel"
SUBSCRIPTION_ID = PREFIX + "subscriptionId"
SERVER_INFO = PREFIX + "serverInfo"
PROGRESS_TOKEN = "progressToken"  # noqa: S105

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
LogLevel: TypeAlias = Literal[
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"
]
SESSION = "holdfast/session"
"""Our own: what the client names as the conversation. ``x-session-id`` says it over HTTP."""
TRACE = ("traceparent", "tracestate", "baggage")
VALUE_CHARACTERS_MAX = 8192
INFO_CHARACTERS_MAX = 256


class Implementation(msgspec.Struct, frozen=True):
    """Who a client or server says it is: for people to read, never for decisions."""

    name: str
    version: str


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a message's ``_meta`` says, as far as we know it; the rest is not passed on.

    ``capabilities`` is None where the request does not say any; ``trace`` holds W3C trace context
    (``traceparent``, ``tracestate``, ``baggage``) as it was sent; ``session`` is whatever text the
    client gave the conversation.
    """

    version: str | None = None
    progress_token: RequestId | None = None
    client: Implementation | None = None
    capabilities: JsonObject | None = None
    log_level: LogLevel | None = None
    subscription: RequestId | None = None
    trace: Mapping[str, str] = MappingProxyType({})
    session: str | None = None


_NONE = Meta()


def read_meta(value: JsonValue) -> Meta:
    """The ``_meta`` of a request or notification; ``McpParamsError`` where it is malformed."""
    if value is None:
        return _NONE
    if not isinstance(value, dict):
        raise _wrong("", "is no object")
    return Meta(
        version=_string(value, PROTOCOL_VERSION),
        progress_token=_token(value, PROGRESS_TOKEN),
        client=_client(value),
        capabilities=_object(value, CLIENT_CAPABILITIES),
        log_level=_level(value),
        subscription=_token(value, SUBSCRIPTION_ID),
        trace=_trace(value),
        session=_string(value, SESSION),
    )


def _string(value: JsonObject, name: str) -> str | None:
    found = value.get(name)
    if found is None and name not in value:
        return None
    if not isinstance(found, str) or len(found) > VALUE_CHARACTERS_MAX:
        raise _wrong(name, "is no string of fitting length")
    return found


def _token(value: JsonObject, name: str) -> RequestId | None:
    found = value.get(name)
    if found is None and name not in value:
        return None
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise _wrong(name, "is neither a string nor a whole number")
    if isinstance(found, str) and len(found) > INFO_CHARACTERS_MAX:
        raise _wrong(name, f"has more than {INFO_CHARACTERS_MAX} characters")
    return found


def _object(value: JsonObject, name: str) -> JsonObject | None:
    found = value.get(name)
    if found is None and name not in value:
        return None
    if not isinstance(found, dict):
        raise _wrong(name, "is no object")
    return found


def _client(value: JsonObject) -> Implementation | None:
    found = _object(value, CLIENT_INFO)
    if found is None:
        return None
    return read_implementation(found, where=f"/params/_meta/{CLIENT_INFO.replace('/', '~1')}")


def read_implementation(value: JsonObject, *, where: str) -> Implementation:
    """A ``clientInfo`` or ``serverInfo``; ``McpParamsError`` where it has no name and version."""
    name, version = value.get("name"), value.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        raise McpParamsError(
            "a client's info has no textual `name` and `version`",
            number=INVALID_PARAMS,
            where=where,
        )
    return Implementation(name[:INFO_CHARACTERS_MAX], version[:INFO_CHARACTERS_MAX])


def _level(value: JsonObject) -> LogLevel | None:
    found = _string(value, LOG_LEVEL)
    for level in LEVELS:
        if level == found:
            return level
    if found is not None:
        raise _wrong(LOG_LEVEL, "is no log level")
    return None


def _trace(value: JsonObject) -> Mapping[str, str]:
    return MappingProxyType(
        {name: text for name in TRACE if (text := _string(value, name)) is not None}
    )


def _wrong(name: str, what: str) -> McpParamsError:
    where = "/params/_meta" + (f"/{name.replace('/', '~1')}" if name else "")
    return McpParamsError(f"`{name or '_meta'}` {what}", number=INVALID_PARAMS, where=where)
