"""JSON-RPC messages, read strictly: what two parsers could read differently is refused.

Sources: MCP 2026-07-28 and 2025-11-25, basic protocol; JSON-RPC 2.0. Batches went with 2025-06-18.
"""

from typing import TypeAlias, TypeVar

import msgspec

from holdfast.core import JsonError, JsonObject, JsonValue, read_json
from holdfast.providers.mcp.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    McpAnswerError,
    McpError,
    McpMethodError,
    McpParamsError,
    RequestId,
)
from holdfast.providers.mcp.meta import Meta, read_meta
from holdfast.providers.mcp.methods import METHODS, Method
from holdfast.providers.mcp.strictness import check_no_twins, check_spelling

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
MESSAGE_DEPTH_MAX = 48
ID_CHARACTERS_MAX = 256
ID_NUMBER_MAX = 2**53 - 1
METHOD_CHARACTERS_MAX = 128
NAME_CHARACTERS_MAX = 1024
URI_CHARACTERS_MAX = 8192
CURSOR_CHARACTERS_MAX = 4096

_ENVELOPE = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_STRINGS = ("name", "uri", "cursor", "level", "protocolVersion", "requestState", "reason")
_OBJECTS = (
    "arguments", "inputResponses", "ref", "argument", "context", "notifications", "capabilities",
    "clientInfo",
)  # fmt: skip


class McpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request. ``params`` holds only members that ``method`` takes, ``_meta`` apart; of a method
    that nobody knows it holds what was sent."""

    id: RequestId
    method: str
    params: JsonObject
    meta: Meta

    @property
    def known(self) -> Method | None:
        """The method's entry in the table; None when no revision has it."""
        return METHODS.get(self.method)

    @property
    def name(self) -> str | None:
        """``params.name``: a tool's or prompt's."""
        return _text(self.params, "name")

    @property
    def uri(self) -> str | None:
        return _text(self.params, "uri")

    @property
    def cursor(self) -> str | None:
        """A list's cursor; an empty one is one too."""
        return _text(self.params, "cursor")

    @property
    def arguments(self) -> JsonObject:
        """``params.arguments``, empty where it was left out."""
        found = self.params.get("arguments")
        return found if isinstance(found, dict) else {}

    @property
    def target(self) -> str | None:
        """What ``Mcp-Name`` must repeat: the name or URI, None for methods without one."""
        known = self.known
        return _text(self.params, known.named_by) if known and known.named_by else None


class McpNotification(msgspec.Struct, frozen=True, kw_only=True):
    """A one-way message."""

    method: str
    params: JsonObject
    meta: Meta


class Fault(msgspec.Struct, frozen=True):
    """An error answer's error."""

    code: int
    message: str
    data: JsonValue = None


class McpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A response: exactly one of ``result`` and ``fault``. ``id`` is None only beside a fault."""

    id: RequestId | None
    result: JsonObject | None = None
    fault: Fault | None = None


McpMessage: TypeAlias = McpRequest | McpNotification | McpAnswer


def read_message(
    body: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX, depth_max: int = MESSAGE_DEPTH_MAX
) -> McpMessage:
    """The one message in ``body``; ``McpError`` with the JSON-RPC number and, where it could be
    read, the id for the answer.

    Refused: what is not UTF-8 JSON; a member that stands twice, in whatever depth; in a request or
    notification two members of one object that differ in case only, and a member that differs from
    a known one in case only (``Name``); batches; wrong types; ids that are not a string or a whole
    number; what is too large or too deep.
    """
    if len(body) > bytes_max:
        raise McpError(
            f"the message has {len(body)} bytes",
            number=INVALID_REQUEST,
            fix=f"send at most {bytes_max} bytes",
        )
    try:
        value = read_json(body, depth_max=depth_max)
    except JsonError as error:
        raise McpError(
            f"the message is not strict JSON: {error.what}",
            number=PARSE_ERROR,
            fix="send one JSON-RPC message: UTF-8, no member twice",
        ) from error
    if not isinstance(value, dict):
        what = "a batch" if isinstance(value, list) else "no object"
        raise McpError(f"the message is {what}", fix="send one JSON-RPC message as one object")
    return _read(value)


def read_mcp_request(body: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX) -> McpRequest:
    """The same where only a request will do."""
    return _only(McpRequest, read_message(body, bytes_max=bytes_max))


def read_answer(body: bytes, *, bytes_max: int = MESSAGE_BYTES_MAX) -> McpAnswer:
    """The same where only an answer will do (an upstream's JSON body)."""
    return _only(McpAnswer, read_message(body, bytes_max=bytes_max))


_M = TypeVar("_M", McpRequest, McpAnswer)


def _only(kind: type[_M], message: McpMessage) -> _M:
    if not isinstance(message, kind):
        raise McpError(f"the message is no {kind.__name__.removeprefix('Mcp').lower()}")
    return message


def _read(value: JsonObject) -> McpMessage:
    identity = _id(value)
    try:
        _check_envelope(value)
        return _asking(value, identity) if "method" in value else _answer(value, identity)
    except McpError as error:
        error.id = identity
        raise


def _check_envelope(value: JsonObject) -> None:
    check_spelling(value, _ENVELOPE, where="")
    if value.get("jsonrpc") != "2.0":
        raise McpError('`jsonrpc` is not "2.0"', where="/jsonrpc")


def _id(value: JsonObject) -> RequestId | None:
    """The id, where there is one; a null id is none that MCP knows."""
    if "id" not in value:
        return None
    found = value["id"]
    if isinstance(found, str) and len(found) <= ID_CHARACTERS_MAX:
        return found
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) <= ID_NUMBER_MAX:
        return found
    if found is None and "error" in value:
        return None
    raise McpError("`id` is neither a string nor a whole number of fitting size", where="/id")


def _asking(value: JsonObject, identity: RequestId | None) -> McpRequest | McpNotification:
    method = value["method"]
    if "result" in value or "error" in value:
        raise McpError("a message with a `method` has neither `result` nor `error`")
    if not isinstance(method, str) or not 0 < len(method) <= METHOD_CHARACTERS_MAX:
        raise McpError("`method` is no string of fitting length", where="/method")
    params = value.get("params", {})
    if not isinstance(params, dict):
        raise McpParamsError("`params` is no object", number=INVALID_PARAMS, where="/params")
    check_no_twins(params, where="/params")
    known = METHODS.get(method)
    taken = (*known.params, "_meta") if known else ("_meta", "name", "uri", "arguments", "cursor")
    check_spelling(params, frozenset(taken), where="/params")
    meta = read_meta(params.get("_meta"))
    kept = {k: v for k, v in params.items() if k != "_meta" and (known is None or k in taken)}
    if known is not None:
        _check_params(known, kept)
        if known.is_notification != ("id" not in value):
            what = "bears an `id`" if known.is_notification else "bears no `id`"
            raise McpError(f"`{method}` {what}", where="/id")
    if identity is None:
        return McpNotification(method=method, params=kept, meta=meta)
    return McpRequest(id=identity, method=method, params=kept, meta=meta)


def _check_params(method: Method, params: JsonObject) -> None:
    for name in method.required:
        if name not in params:
            raise _wrong(name, "is missing")
    for name in _STRINGS:
        if name in params and not isinstance(params[name], str):
            raise _wrong(name, "is no string")
    for name in _OBJECTS:
        if name in params and not isinstance(params[name], dict):
            raise _wrong(name, "is no object")
    for name, most in (
        ("name", NAME_CHARACTERS_MAX),
        ("uri", URI_CHARACTERS_MAX),
        ("cursor", CURSOR_CHARACTERS_MAX),
    ):
        if len(_text(params, name) or "") > most:
            raise _wrong(name, f"has more than {most} characters")
    for name in ("progressToken", "requestId"):
        if name in params and not _is_token(params[name]):
            raise _wrong(name, "is neither a string nor a whole number")
    for name in ("progress", "total"):
        if name in params and not _is_number(params[name]):
            raise _wrong(name, "is no number")


def _answer(value: JsonObject, identity: RequestId | None) -> McpAnswer:
    if ("result" in value) == ("error" in value):
        raise McpError("a message has a `method`, or exactly one of `result` and `error`")
    if "result" in value:
        result = value["result"]
        if identity is None:
            raise McpAnswerError("a result bears no `id`", where="/id")
        if not isinstance(result, dict):
            raise McpAnswerError("`result` is no object", where="/result")
        return McpAnswer(id=identity, result=result)
    error = value["error"]
    if not isinstance(error, dict):
        raise McpAnswerError("`error` is no object", where="/error")
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(message, str):
        raise McpAnswerError("`error` has no whole `code` and textual `message`", where="/error")
    return McpAnswer(id=identity, fault=Fault(code, message, error.get("data")))


def method_not_found(request: McpRequest, *, number: int = METHOD_NOT_FOUND) -> McpMethodError:
    """What a request gets whose method its revision does not have."""
    return McpMethodError(
        f"there is no method {request.method[:64]!r} in this revision",
        number=number,
        id=request.id,
        fix="ask for what server/discover or initialize announced",
    )


def _wrong(name: str, what: str) -> McpParamsError:
    return McpParamsError(f"`{name}` {what}", number=INVALID_PARAMS, where=f"/params/{name}")


def _text(params: JsonObject, name: str) -> str | None:
    found = params.get(name)
    return found if isinstance(found, str) else None


def _is_token(value: JsonValue) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
