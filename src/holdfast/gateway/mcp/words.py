"""What MCP clients read of us: JSON-RPC errors with our code and the call's id in ``data``.

An error of a request that was read travels under status 200, as JSON-RPC over HTTP does: older
clients take any other status for a broken connection and lose what it says. Only what the
specification gives a status of its own has it.
"""

from typing import Final

from holdfast.core import CallId, HoldfastError, JsonObject
from holdfast.gateway.call import Refused
from holdfast.gateway.mcp.asked import McpRefused, asked_of
from holdfast.gateway.replies import REQUEST_ID, Said, reply_headers
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers.mcp import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    RequestId,
    sse_event,
    write_error,
)
from holdfast.wire import Exchange, Header

EVENTS: Final[Header] = (b"content-type", b"text/event-stream")
_EVENTS_HEADERS: Final[tuple[Header, ...]] = (
    EVENTS,
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
_NUMBERS: Final = {
    "tool.unknown": INVALID_PARAMS,
    "tool.arguments": INVALID_PARAMS,
    "request.body": INVALID_REQUEST,
}
_OWN_STATUS: Final = frozenset((401, 405, 415))


def number_of(rule: Rule) -> int:
    """The JSON-RPC number of a rule: the protocol's own where it has one, else the status, which
    is outside the range that JSON-RPC keeps for itself."""
    return _NUMBERS.get(rule.code, INTERNAL_ERROR if rule.status >= 500 else rule.status)


def event_headers(call: CallId) -> tuple[Header, ...]:
    """Of an answer in events."""
    return (*_EVENTS_HEADERS, (REQUEST_ID, call.encode("ascii")))


def error_of(
    rule: Rule,
    what: str,
    fix: str,
    *,
    call: CallId,
    identity: RequestId | None,
    uri: str | None = None,
) -> bytes:
    """The error answer of a rule. ``uri`` names the resource that is not there (SEP-2164)."""
    message = f"{what} ({fix})" if fix and fix != what else what
    data: JsonObject = {"code": rule.code, "call": call, "status": rule.status}
    if uri is not None:
        data["uri"] = uri
    return write_error(identity, number_of(rule), message, data=data)


def say(rule: Rule, what: str, *, call: CallId, identity: RequestId | None) -> Said:
    """A failure or refusal of a request that was read."""
    body = error_of(rule, what, rule.meaning, call=call, identity=identity)
    return Said(_status(rule), reply_headers(call), body)


def say_refused(refused: Refused, call: CallId) -> Said:
    """A stage's refusal."""
    rule = refused.rule
    if isinstance(refused, McpRefused):
        return _say_unread(refused, call)
    identity = _identity(refused)
    asked = asked_of(refused.state)
    is_gone = asked is not None and asked.subject == "resource" and rule.code == "tool.unknown"
    uri = asked.request.target if asked is not None and is_gone else None
    body = error_of(rule, refused.message, refused.fix, call=call, identity=identity, uri=uri)
    return Said(_status(rule), reply_headers(call), body)


def withhold_mcp(
    exchange: Exchange, call: CallId, error: HoldfastError, *, identity: RequestId | None
) -> None:
    """Answer that there is no answer, since no record of the call can be made durable."""
    rule = RULES["audit.unavailable"]
    body = error_of(rule, rule.meaning, error.fix, call=call, identity=identity)
    exchange.respond(_status(rule), reply_headers(call), body)


def end_events(exchange: Exchange, body: bytes, error: HoldfastError | None) -> None:
    """The last event of an answer that began with notifications, once its record is durable."""
    if not exchange.busy:
        return
    if error is None:
        exchange.end(sse_event(body))
    else:
        exchange.abort()  # nothing may be told of it


def _say_unread(refused: McpRefused, call: CallId) -> Said:
    text = f"{refused.message} ({refused.fix})" if refused.fix else refused.message
    data: JsonObject = {**(refused.data or {}), "code": refused.rule.code, "call": call}
    headers = reply_headers(call)
    if refused.http == 405:
        headers = (*headers, (b"allow", b"POST"))
    return Said(refused.http, headers, write_error(refused.id, refused.number, text, data=data))


def _identity(refused: Refused) -> RequestId | None:
    asked = asked_of(refused.state)
    return asked.request.id if asked is not None else None


def _status(rule: Rule) -> int:
    return rule.status if rule.status in _OWN_STATUS else 200
