"""Messages that we write: always anew, from what we read, in the revision of whoever reads them."""

import msgspec

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    RESOURCE_NOT_FOUND_2025,
    UNSUPPORTED_VERSION,
    URL_ELICITATION_2025,
    McpError,
    McpVersionError,
    RequestId,
)
from holdfast.providers.mcp.messages import Fault, McpAnswer, McpNotification
from holdfast.providers.mcp.meta import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    LOG_LEVEL,
    PROGRESS_TOKEN,
    PROTOCOL_VERSION,
    SERVER_INFO,
    SUBSCRIPTION_ID,
    Implementation,
    LogLevel,
)
from holdfast.providers.mcp.methods import METHODS
from holdfast.providers.mcp.revisions import SUPPORTED, Revision
from holdfast.registry import visible

_STATELESS_RESULT_MEMBERS = ("resultType", "ttlMs", "cacheScope")
_ENCODER = msgspec.json.Encoder()


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What our requests to an upstream say of us. ``progress_token`` asks for progress (use our
    own, never the client's); ``trace`` is passed on; nothing else of a client's ``_meta`` is."""

    revision: Revision
    client: Implementation
    capabilities: JsonObject = {}
    progress_token: RequestId | None = None
    log_level: LogLevel | None = None
    trace: dict[str, str] = {}


def write_request(
    id: RequestId,  # noqa: A002
    method: str,
    *,
    params: JsonObject,
    asking: Asking,
) -> bytes:
    """A request in the upstream's revision. Of a method in the table only the members that it
    takes in that revision are written."""
    kept = dict(params)
    known = METHODS.get(method)
    if known is not None:
        kept = {name: value for name, value in kept.items() if name in known.params}
    if not asking.revision.is_stateless:
        # The round trips of 2026-07-28: a server of 2025-11-25 never asked for them.
        kept.pop("inputResponses", None)
        kept.pop("requestState", None)
    meta = _asking_meta(asking)
    if meta:
        kept["_meta"] = meta
    message: JsonObject = {"jsonrpc": "2.0", "id": id, "method": method}
    if kept:
        message["params"] = kept
    return _ENCODER.encode(message)


def _asking_meta(asking: Asking) -> JsonObject:
    meta: JsonObject = {}
    if asking.revision.is_stateless:
        info = asking.client
        meta[PROTOCOL_VERSION] = str(asking.revision)
        meta[CLIENT_INFO] = {"name": info.name, "version": info.version}
        meta[CLIENT_CAPABILITIES] = asking.capabilities
        if asking.log_level is not None:
            meta[LOG_LEVEL] = asking.log_level
    if asking.progress_token is not None:
        meta[PROGRESS_TOKEN] = asking.progress_token
    meta.update(asking.trace)
    return meta


def write_initialize(id: RequestId, *, asking: Asking) -> bytes:  # noqa: A002
    """The first request of 2025-11-25."""
    params: JsonObject = {
        "protocolVersion": str(Revision.V2025_11_25),
        "capabilities": asking.capabilities,
        "clientInfo": {"name": asking.client.name, "version": asking.client.version},
    }
    return write_request(id, "initialize", params=params, asking=asking)


def write_result(
    id: RequestId,  # noqa: A002
    result: JsonObject,
    *,
    revision: Revision,
    server: Implementation | None = None,
    method: str = "",
) -> bytes:
    """A result in the client's revision, whichever it was written in.

    2026-07-28: ``resultType`` is there, a cacheable ``method``'s hints are (``ttlMs`` 0,
    ``cacheScope`` private unless the result says more), and ``server`` stands in ``_meta``.
    2025-11-25: none of these is.
    """
    return _ENCODER.encode(
        {
            "jsonrpc": "2.0",
            "id": id,
            "result": shape_result(result, revision=revision, server=server, method=method),
        }
    )


def shape_result(
    result: JsonObject, *, revision: Revision, server: Implementation | None, method: str
) -> JsonObject:
    """The result as ``write_result`` writes it; ``McpError`` where the revision cannot say it."""
    if not revision.is_stateless:
        if result.get("resultType", "complete") != "complete":
            raise McpError(
                "the server asks the client for more input, which this revision cannot carry",
                number=INTERNAL_ERROR,
                fix="speak revision 2026-07-28 with Holdfast",
            )
        return {k: v for k, v in result.items() if k not in _STATELESS_RESULT_MEMBERS}
    shaped: JsonObject = {"resultType": "complete", **result}
    known = METHODS.get(method)
    if known is not None and known.is_cacheable and shaped["resultType"] == "complete":
        shaped.setdefault("ttlMs", 0)
        shaped.setdefault("cacheScope", "private")
    if server is not None:
        meta = result.get("_meta")
        info: JsonObject = {"name": server.name, "version": server.version}
        shaped["_meta"] = {**(meta if isinstance(meta, dict) else {}), SERVER_INFO: info}
    return shaped


def write_error(
    id: RequestId | None,  # noqa: A002
    number: int,
    message: str,
    *,
    data: JsonValue = None,
) -> bytes:
    """An error; ``id`` None where the request's could not be read (it is left out then). It may be a
    server's, for a model to read: what cannot be seen in its texts is written out."""
    error: JsonObject = {"code": number, "message": visible(message)}
    if data is not None:
        error["data"] = seen_through(data)
    answer: JsonObject = {"jsonrpc": "2.0"}
    if id is not None:
        answer["id"] = id
    return _ENCODER.encode({**answer, "error": error})


def write_refusal(error: McpError, *, id: RequestId | None = None) -> bytes:  # noqa: A002
    """The error answer to a message that was not read or not taken."""
    text = f"{error.what}: {error.fix}" if error.fix else error.what
    return write_error(error.id if id is None else id, error.number, text, data=error.data)


def write_fault(id: RequestId, fault: Fault, *, revision: Revision) -> bytes:  # noqa: A002
    """An upstream's error in the client's revision: numbers that its revision must not see are
    translated."""
    number = fault.code
    if revision.is_stateless and number == RESOURCE_NOT_FOUND_2025:
        number = INVALID_PARAMS
    elif (revision.is_stateless and number == URL_ELICITATION_2025) or (
        # Header, capability and version errors are between us and the upstream.
        -32099 <= number <= -32020
    ):
        number = INTERNAL_ERROR
    return write_error(id, number, fault.message, data=fault.data)


def seen_through(value: JsonValue) -> JsonValue:
    """The value with every text in it ``visible``; no deeper than messages are read."""
    match value:
        case str():
            return visible(value)
        case list():
            return [seen_through(each) for each in value]
        case dict():
            return {visible(name): seen_through(each) for name, each in value.items()}
        case _:
            return value


def write_answer(answer: McpAnswer) -> bytes:
    """An answer as it is: for one hop that neither translates nor labels."""
    if answer.result is not None:
        assert answer.id is not None
        return _ENCODER.encode({"jsonrpc": "2.0", "id": answer.id, "result": answer.result})
    assert answer.fault is not None
    fault = answer.fault
    return write_error(answer.id, fault.code, fault.message, data=fault.data)


def write_notification(
    method: str, params: JsonObject | None = None, *, subscription: RequestId | None = None
) -> bytes:
    """A notification; ``subscription`` is the ``subscriptions/listen`` request it belongs to."""
    kept = dict(params or {})
    if subscription is not None:
        kept["_meta"] = {SUBSCRIPTION_ID: subscription}
    message: JsonObject = {"jsonrpc": "2.0", "method": method}
    if kept:
        message["params"] = kept
    return _ENCODER.encode(message)


def rewrite_progress(note: McpNotification, *, token: RequestId) -> bytes:
    """An upstream's ``notifications/progress`` with the client's own token in place of ours."""
    return write_notification("notifications/progress", {**note.params, "progressToken": token})


def write_cancelled(id: RequestId, reason: str = "") -> bytes:  # noqa: A002
    """``notifications/cancelled`` for our own request ``id`` (stdio, and HTTP of 2025-11-25)."""
    params: JsonObject = {"requestId": id}
    if reason:
        params["reason"] = reason
    return write_notification("notifications/cancelled", params)


def sse_event(message: bytes) -> bytes:
    """A message as one server-sent event."""
    return b"event: message\ndata: " + message + b"\n\n"


def unsupported_version(
    requested: str,
    *,
    id: RequestId | None = None,  # noqa: A002
) -> McpVersionError:
    """What a request gets that speaks a revision we do not."""
    supported: list[JsonValue] = [str(revision) for revision in SUPPORTED]
    return McpVersionError(
        "Unsupported protocol version",
        number=UNSUPPORTED_VERSION,
        id=id,
        data={"supported": supported, "requested": requested[:64]},
    )
