"""OpenAI's dialect: which paths are calls, which fields matter, what errors and events look like.

Source: OpenAI's API reference (chat completions, completions, embeddings, models) and what the
official ``openai`` SDK accepts.
"""

import re
from collections.abc import Iterable
from typing import Annotated, TypeAlias

import msgspec

from holdfast.providers.errors import DialectError

EVENT_DONE = b"data: [DONE]"
"""The terminal event of a stream: held back until the call's record is durable."""

_USAGE_MARK = b'"usage"'
_NULL = msgspec.Raw(b"null")
_EMPTY = (b"null", b"[]")
_TokenLimit: TypeAlias = Annotated[int, msgspec.Meta(ge=0)] | None
_Answers: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1024)] | None


class Endpoint(msgspec.Struct, frozen=True, gc=False):
    """One path of the API: the action it means, and its path at an upstream's base URL.

    ``generates``: its answer is made token by token, so that ``max_tokens`` means something.
    """

    path: str
    action: str
    suffix: str
    generates: bool = False


ENDPOINTS: dict[bytes, Endpoint] = {
    b"/v1/chat/completions": Endpoint(
        "/v1/chat/completions", "generate", "/chat/completions", generates=True
    ),
    b"/v1/completions": Endpoint("/v1/completions", "complete", "/completions", generates=True),
    b"/v1/embeddings": Endpoint("/v1/embeddings", "embed", "/embeddings"),
}


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What a request asks for, as far as decisions need it. ``answers`` is how many it wants
    (``n``, ``best_of``), ``usage`` whether it wants a stream's usage told."""

    model: str
    stream: bool
    tools: bool
    max_tokens: int | None
    answers: int = 1
    usage: bool = False


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens as the upstream counted them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Fields(msgspec.Struct, gc=False):
    model: str
    stream: bool | None = None
    n: _Answers = None
    best_of: _Answers = None
    stream_options: _StreamOptions | None = None
    max_tokens: _TokenLimit = None
    max_completion_tokens: _TokenLimit = None
    tools: msgspec.Raw = msgspec.Raw(b"null")


class _WithUsage(msgspec.Struct, gc=False):
    usage: Usage | None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = _NULL
    function_call: msgspec.Raw = _NULL
    audio: msgspec.Raw = _NULL

    def is_text(self) -> bool:
        """Nothing but text is in it."""
        others = (self.tool_calls, self.function_call, self.audio)
        return self.refusal is None and all(bytes(o).strip() in _EMPTY for o in others)


class _Choice(msgspec.Struct, gc=False):
    index: int = 0
    delta: _Delta | None = None
    text: str | None = None


class _Event(msgspec.Struct, gc=False):
    choices: list[_Choice] = []


class _UsageEvent(msgspec.Struct, gc=False):
    usage: Usage | None = None
    choices: list[msgspec.Raw] = []


class _End(msgspec.Struct, gc=False):
    index: int = 0
    finish_reason: str | None = None


class _Ends(msgspec.Struct, gc=False):
    choices: list[_End] | None = None
    error: msgspec.Raw = _NULL


_OF_ITSELF = frozenset(("stop", "tool_calls", "function_call"))
"""Reasons for an answer's end that leave it whole; not ``length``, ``content_filter``, ``error``."""
_ENDS = msgspec.json.Decoder(_Ends)
_DECIDED_ON = frozenset(field.encode_name for field in msgspec.structs.fields(_Fields))
_MEMBER = re.compile(rb'[ \t\r\n]*([{,])[ \t\r\n]*"([^"\\]*)"[ \t\r\n]*:[ \t\r\n]*')
_BLANKS_AND_END = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")
_FIELDS = msgspec.json.Decoder(_Fields)
_USAGE = msgspec.json.Decoder(_WithUsage)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OPTIONAL_OBJECT: msgspec.json.Decoder[dict[str, msgspec.Raw] | None] = msgspec.json.Decoder(
    dict[str, msgspec.Raw] | None
)
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT = msgspec.json.Decoder(_Event)
_USAGE_EVENT = msgspec.json.Decoder(_UsageEvent)


def read_request(body: bytes) -> Asked:
    """The fields of a request body; ``DialectError`` says where it is wrong.

    Costs 1.1 us for a small chat, whatever the rest of the body holds.
    """
    try:
        if not body.isascii():
            body.decode("utf-8")  # what is skipped over is not looked at below
        fields = _FIELDS.decode(body)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise DialectError(
            f"the request body is not valid: {what}",
            fix="send the field as OpenAI's API reference has it",
            where=where.rstrip("`") or None,
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DialectError(
            f"the request body is not JSON: {error}", fix="send one JSON object"
        ) from error
    limit = fields.max_completion_tokens
    return Asked(
        fields.model,
        fields.stream is True,
        bytes(fields.tools).strip() not in (b"[]", b"null"),
        fields.max_tokens if limit is None else limit,
        max(fields.n or 1, fields.best_of or 1),
        fields.stream_options is not None and fields.stream_options.include_usage is True,
    )


def with_model(
    body: bytes,
    asked: str,
    wanted: str,
    *,
    max_tokens: int | None = None,
    ask_usage: bool = False,
    so_far: str | None = None,
) -> bytes:
    """The body with ``model`` set to ``wanted``; the very same bytes where that changes nothing.

    ``max_tokens`` is set as well where it is not None: a limit that holds only for requests that
    name one would be none. ``ask_usage`` asks for a stream's usage; ``so_far`` is an answer that
    broke off, to be gone on from.

    A field that stands twice, or is spelt with escapes or in another case (``Model`` is ``model`` to
    Go's parser), could mean one thing to us and another to the upstream: such a body is written
    anew, and of the fields that were decided on, what was read is all that goes on.
    """
    sent = _OBJECT.decode(body)
    fields = {
        name: value
        for name, value in sent.items()
        if name in _DECIDED_ON or name.casefold() not in _DECIDED_ON
    }
    untouched = asked == wanted and max_tokens is None and not ask_usage and so_far is None
    if untouched and len(fields) == len(sent) and _is_all_there_is(body, fields):
        return body
    fields["model"] = msgspec.Raw(msgspec.json.encode(wanted))
    if max_tokens is not None:
        fields["max_tokens"] = msgspec.Raw(b"%d" % max_tokens)
    if ask_usage:
        options = _OPTIONAL_OBJECT.decode(fields.get("stream_options", _NULL)) or {}
        options["include_usage"] = msgspec.Raw(b"true")
        fields["stream_options"] = msgspec.Raw(msgspec.json.encode(options))
    if so_far is not None:
        _continue(fields, so_far)
    return msgspec.json.encode(fields)


def _is_all_there_is(body: bytes, fields: dict[str, msgspec.Raw]) -> bool:
    """Whether the body is these members, each once and in these letters, and blanks between them.

    The values are not walked again; the two forms that nearly all clients write are compared whole.
    """
    if msgspec.json.encode(fields) == body:
        return True
    members = [b'"%b": %b' % (name.encode(), bytes(value)) for name, value in fields.items()]
    if b"{%b}" % b", ".join(members) == body:
        return True
    at, mark = 0, b"{"
    for name, value in fields.items():
        found = _MEMBER.match(body, at)
        if found is None or (found[1], found[2]) != (mark, name.encode()):
            return False
        raw, mark = bytes(value), b","
        if not body.startswith(raw, found.end()):
            return False
        at = found.end() + len(raw)
    return _BLANKS_AND_END.fullmatch(body, at) is not None


def _continue(fields: dict[str, msgspec.Raw], so_far: str) -> None:
    """A chat goes on from a trailing assistant message, a completion from a longer prompt."""
    if "messages" in fields:
        messages = _LIST.decode(fields["messages"])
        said = msgspec.json.encode({"role": "assistant", "content": so_far})
        fields["messages"] = msgspec.Raw(msgspec.json.encode([*messages, msgspec.Raw(said)]))
    elif "prompt" in fields:
        prompt = msgspec.json.decode(fields["prompt"], type=str)
        fields["prompt"] = msgspec.Raw(msgspec.json.encode(prompt + so_far))


def read_text(events: bytes) -> str | None:
    """The text that whole events of a stream add to its one answer; None when they hold anything
    else (tool calls, refusals, several answers): then nobody can go on from it."""
    text: list[str] = []
    for line in events.split(b"\n"):
        if not line.startswith(b"data:") or line.startswith(EVENT_DONE):
            continue
        try:
            event = _EVENT.decode(line[5:])
        except msgspec.DecodeError:
            return None
        for choice in event.choices:
            delta = choice.delta
            if choice.index or (delta is not None and not delta.is_text()):
                return None
            text.append((delta.content if delta is not None else choice.text) or "")
    return "".join(text)


def is_whole(body: bytes, *, stream: bool, generates: bool) -> bool:
    """Whether an answer of status 200, plain or all events of a ``stream``, says that it is all
    there is to say: it holds no error, a stream has its terminal event, and where it ``generates``,
    each of its choices ended of itself. What does not say so is not whole."""
    parts = [body]
    if stream:
        parts = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
        if not parts or parts.pop() != b"[DONE]":
            return False
    reasons: dict[int, str | None] = {}
    try:
        for ends in map(_ENDS.decode, parts):
            if bytes(ends.error) != b"null":
                return False
            for end in ends.choices or ():
                reasons[end.index] = end.finish_reason or reasons.get(end.index)
    except msgspec.DecodeError:
        return False
    return not generates or (bool(reasons) and _OF_ITSELF.issuperset(reasons.values()))


def is_usage_only(event: bytes) -> bool:
    """Whether an event is the one that ``ask_usage`` adds: usage, and no choice."""
    try:
        found = _USAGE_EVENT.decode(event.partition(b"data:")[2])
    except msgspec.DecodeError:
        return False
    return found.usage is not None and not found.choices


def read_usage(body: bytes) -> Usage | None:
    """The usage inside an answer or inside the events of a stream, None when there is none."""
    at = body.rfind(_USAGE_MARK)
    if at < 0:
        return None
    start = body.rfind(b"\ndata:", 0, at)
    if body.startswith(b"data:") or start >= 0:
        start = start + 6 if start >= 0 else 5
        end = body.find(b"\n", at)
        body = body[start : end if end >= 0 else None]
    try:
        return _USAGE.decode(body).usage
    except msgspec.DecodeError:
        # The mark stood in someone's text, or the upstream's answer is not JSON: not ours to judge.
        return None


_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def _error(
    status: int, code: str, message: str, *, param: str | None, call: str
) -> dict[str, dict[str, str | None]]:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code, "call": call}}


def error_body(status: int, code: str, message: str, *, param: str | None, call: str) -> bytes:
    """An error in OpenAI's shape; ``code`` is the rule that refused, ``call`` finds its record."""
    return msgspec.json.encode(_error(status, code, message, param=param, call=call))


def error_event(status: int, code: str, message: str, *, call: str) -> bytes:
    """The terminal event of a stream that failed: the SDK raises ``APIError`` when it meets it."""
    return b"data: " + error_body(status, code, message, param=None, call=call) + b"\n\n"


def _model(name: str, created: int) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": created, "owned_by": "holdfast"}


def models_body(names: Iterable[str], *, created: int) -> bytes:
    """The answer to ``GET /v1/models``."""
    return msgspec.json.encode({"object": "list", "data": [_model(n, created) for n in names]})


def model_body(name: str, *, created: int) -> bytes:
    """The answer to ``GET /v1/models/{name}``."""
    return msgspec.json.encode(_model(name, created))
