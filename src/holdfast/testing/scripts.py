"""What a prompt asks the scripted upstream to do, and the bytes that come of it.

Every piece of an answer carries a mark that nobody else's has, so that a piece which is lost,
doubled or given to somebody else is seen.
"""

from typing import Final, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["plain", "stream"]
Trouble: TypeAlias = Literal[
    "error", "limit", "hang", "cut", "die", "dawdle", "long", "short", "garbage", "no-sse"
]
TROUBLES: Final[dict[Trouble, str]] = {
    "error": "answers 500, 503 or 529",
    "limit": "answers 429 with Retry-After",
    "hang": "never answers",
    "cut": "cuts the connection instead of answering",
    "die": "cuts the connection in the middle of its answer",
    "dawdle": "begins to answer far later than it might",
    "long": "says a greater Content-Length than it sends",
    "short": "says a smaller Content-Length than it sends",
    "garbage": "answers what is not HTTP",
    "no-sse": "answers bytes that are no events",
}
DONE: Final = b"data: [DONE]\n\n"
PROMPT_TOKENS: Final = 3


class Script(msgspec.Struct, frozen=True):
    """What to do with one call: think for ``first_s``, answer in ``pieces``, ``pause_s`` apart.

    The first ``times`` attempts at it meet ``trouble``; ``size`` pads every piece.
    """

    number: int
    """Of the question: calls that ask the same have the same script."""
    kind: Kind
    pieces: int = 1
    pause_s: float = 0.0
    first_s: float = 0.0
    size: int = 0
    trouble: Trouble | None = None
    times: int = 0


class _Delta(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    delta: _Delta
    index: int = 0
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class _Chunk(msgspec.Struct, omit_defaults=True):
    id: str
    choices: list[_Choice]
    usage: _Usage | None = None
    object: str = "chat.completion.chunk"


class _Message(msgspec.Struct):
    content: str
    role: str = "assistant"


class _Answer(msgspec.Struct):
    message: _Message
    index: int = 0
    finish_reason: str = "stop"


class _Plain(msgspec.Struct):
    id: str
    choices: list[_Answer]
    usage: _Usage
    object: str = "chat.completion"


class Event(msgspec.Struct):
    """One event of a stream as a reader sees it."""

    id: str = ""
    choices: list[_Choice] = []
    error: msgspec.Raw = msgspec.Raw()


_ENCODE = msgspec.json.Encoder().encode


def mark(script: Script, piece: int) -> str:
    """What piece ``piece`` says; pads are in proportion to the script's ``size``."""
    return f"<{script.number}.{piece}>" + "." * script.size


def plain_body(script: Script, by: str) -> bytes:
    """The whole answer to a ``plain`` script, given by ``by``."""
    content = "".join(mark(script, piece) for piece in range(script.pieces))
    usage = _Usage(PROMPT_TOKENS, script.pieces, PROMPT_TOKENS + script.pieces)
    return _ENCODE(_Plain(by, [_Answer(_Message(content))], usage))


def event(script: Script, piece: int, by: str) -> bytes:
    """One event of a ``stream`` script."""
    ends = "stop" if piece == script.pieces - 1 else None
    choice = _Choice(_Delta(mark(script, piece)), finish_reason=ends)
    return b"data: " + _ENCODE(_Chunk(by, [choice])) + b"\n\n"


def last_event(script: Script, by: str) -> bytes:
    """The event before [DONE]: what it cost."""
    usage = _Usage(PROMPT_TOKENS, script.pieces, PROMPT_TOKENS + script.pieces)
    return b"data: " + _ENCODE(_Chunk(by, [], usage)) + b"\n\n"


def error_body(status: int) -> bytes:
    """What an upstream in trouble says."""
    return b'{"error":{"message":"upstream trouble","code":%d}}' % status
