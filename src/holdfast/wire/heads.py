"""Reading a request's head: strict about all that two parsers could read differently.

llhttp (through httptools) reads the head; before it does, the head is checked for bare line ends,
NUL and obsolete folding, and after it, for framing that could be taken two ways (RFC 9112 sections
2.2, 5.2, 6.3, 11.2).
"""

import httptools
import msgspec

from holdfast.wire.headers import Headers, RepeatedFieldError, lowered
from holdfast.wire.limits import WireLimits

_FLESH = bytes(set(range(256)) - {0x00, 0x0A, 0x0D})
_LENGTH_DIGITS_MAX = 15


class HeadError(ValueError):
    """Why a request is refused: a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Head(msgspec.Struct, gc=False):
    """A whole head. ``length`` is the body's, None when it comes in chunks."""

    method: bytes
    target: bytes
    headers: Headers
    length: int | None
    keep_alive: bool
    expects: bool


class _Sink:
    """What llhttp calls back: built-in methods, for a Python one costs 0.25 us a header field."""

    __slots__ = ("on_header", "on_url")

    def __init__(self, fields: dict[bytes, bytes], targets: list[bytes]) -> None:
        self.on_header = fields.__setitem__
        self.on_url = targets.append


class HeadReader:
    """The heads of one connection, one after the other."""

    __slots__ = ("_fields", "_parser", "_targets")

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._targets: list[bytes] = []
        self._parser = httptools.HttpRequestParser(_Sink(self._fields, self._targets))

    def read(self, data: bytes, limits: WireLimits) -> tuple[Head, int] | None:
        """The head that ``data`` begins with and its size, None while it has no end.

        ``HeadError`` when it must be refused, as soon as that can be told.
        """
        end = data.find(b"\r\n\r\n")
        lines = _check(data if end < 0 else data[:end], whole=end >= 0, limits=limits)
        if end < 0:
            return None
        self._fields.clear()
        self._targets.clear()
        try:
            self._parser.feed_data(data[: end + 4])
        except httptools.HttpParserUpgrade:
            raise HeadError(501, "upgrade", "upgrades and CONNECT are not served here") from None
        except httptools.HttpParserError as error:
            message = f"the request is not HTTP/1.1: {_reason(error)}"
            raise HeadError(400, "malformed", message) from error
        return self._framed(data[:end], lines, limits), end + 4

    def skip(self, body: bytes) -> None:
        """Tell the parser of a body that was read past it, so that it is ready for the next."""
        self._parser.feed_data(body)

    def _framed(self, head: bytes, lines: int, limits: WireLimits) -> Head:
        """Numbered as RFC 9112 section 6.3 has the rules."""
        try:
            headers = lowered(self._fields, lines, head)
        except RepeatedFieldError as error:
            message = f"the header field {error} may not repeat"
            raise HeadError(400, "framing", message) from error
        parser = self._parser
        if b"host" not in headers and parser.get_http_version() != "1.0":
            raise HeadError(400, "host", "exactly one Host header is required")
        length: int | None = 0
        coding, stated = headers.get(b"transfer-encoding"), headers.get(b"content-length")
        if coding is not None:
            # 3: both together are an attempt at request smuggling.
            if stated is not None:
                message = "Content-Length and Transfer-Encoding exclude each other"
                raise HeadError(400, "framing", message)
            # 4: only chunked is understood.
            if coding.lower() != b"chunked":
                message = "the only transfer coding served here is chunked"
                raise HeadError(501, "framing", message)
            length = None
        elif stated is not None:
            # 5: anything but one number is an unrecoverable error.
            if not (stated.isdigit() and len(stated) <= _LENGTH_DIGITS_MAX):
                raise HeadError(400, "framing", "Content-Length must be a number")
            length = int(stated)
            if length > limits.body_bytes:
                raise HeadError(413, "body", too_large(limits))
        return Head(
            parser.get_method(),
            b"".join(self._targets),
            headers,
            length,
            # A request in chunks ends its connection: what follows it in the same packet cannot
            # be told from the chunks without a second parser, and no OpenAI client sends one.
            parser.should_keep_alive() and length is not None,
            headers.get(b"expect", b"").lower() == b"100-continue",
        )


class ChunkedBody:
    """A body in chunks (RFC 9112 section 7.1), up to the limit."""

    __slots__ = ("_limits", "_parser", "_pieces", "_size", "is_complete")

    def __init__(self, limits: WireLimits) -> None:
        self._limits = limits
        self._pieces: list[bytes] = []
        self._size = 0
        self.is_complete = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")

    def feed(self, data: bytes) -> None:
        """``HeadError`` when it is not chunked, or too large."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # What follows the last chunk is nobody's: the connection ends with this request.
            if not self.is_complete:
                message = f"the body is not chunked: {_reason(error)}"
                raise HeadError(400, "malformed", message) from error
        if self._size > self._limits.body_bytes:
            raise HeadError(413, "body", too_large(self._limits))

    def whole(self) -> bytes:
        return b"".join(self._pieces)

    def on_body(self, body: bytes) -> None:
        if not self.is_complete:
            self._size += len(body)
            if self._size <= self._limits.body_bytes:
                self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.is_complete = True


def too_large(limits: WireLimits) -> str:
    return f"a body may have at most {limits.body_bytes} bytes"


def _check(head: bytes, *, whole: bool, limits: WireLimits) -> int:
    """How many header lines there are, once nothing in them could be read two ways."""
    if len(head) > limits.head_bytes:
        message = f"a request's head may have at most {limits.head_bytes} bytes"
        raise HeadError(431, "head", message)
    # What is left of the head when everything but line ends and NUL is taken out, in one pass.
    bones = head.translate(None, _FLESH)
    lines = len(bones) // 2
    if (bones if whole else bones.rstrip(b"\r")) != b"\r\n" * lines:
        message = "lines end with CR LF, and hold no NUL (RFC 9112 section 2.2)"
        raise HeadError(400, "line-end", message)
    if b"\r\n " in head or b"\r\n\t" in head:
        message = "obsolete line folding is not accepted (RFC 9112 section 5.2)"
        raise HeadError(400, "folding", message)
    if lines > limits.headers:
        message = f"a request may have at most {limits.headers} header fields"
        raise HeadError(431, "head", message)
    return lines


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
