"""Reading a request's head: strict about all that two parsers could read differently.

llhttp (through httptools) reads the head; before it does, the head is checked for bare line ends,
NUL and obsolete folding, and after it, for framing that could be taken two ways (RFC 9112 sections
2.2, 5.2, 6.3, 11.2).
"""

import re

import httptools
import msgspec

from holdfast.wire.headers import Headers, RepeatedFieldError, lowered
from holdfast.wire.limits import WireLimits
from holdfast.wire.repeats import LENGTH_DIGITS_MAX, KnownHead

_FLESH = bytes(set(range(256)) - {0x00, 0x0A, 0x0D})

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]{0,5})?\Z")
"""``uri-host [ ":" port ]`` of RFC 9110 section 7.2."""


class HeadError(ValueError):
    """Why a request is refused: a status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Head(msgspec.Struct, gc=False):
    """A whole head. ``length`` is the body's, None when it comes in chunks.

    ``headers`` are without Content-Length: ``length`` is what it says.
    """

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
    """The heads of one connection, one after the other.

    A head like the last one but for its length is the last one again: 0.6 us instead of 6.
    """

    __slots__ = ("_fields", "_is_fed", "_known", "_last", "_limits", "_parser", "_targets")

    def __init__(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._targets: list[bytes] = []
        self._known = KnownHead()
        self._last: Head | None = None  # what ``_known`` was read as, under ``_limits``
        self._limits: WireLimits | None = None
        self._is_fed = False  # the parser saw the head, and waits for its body
        self._parser = httptools.HttpRequestParser(_Sink(self._fields, self._targets))

    def read(self, data: bytes, limits: WireLimits) -> tuple[Head, int] | None:
        """The head that ``data`` begins with and its size, None while it has no end.

        ``HeadError`` when it must be refused, as soon as that can be told.
        """
        last = self._last
        if last is not None and limits is self._limits:
            known = self._known.match(data)
            if known is not None and known[1] <= limits.body_bytes:
                self._is_fed = False
                last.length = known[1]
                return last, known[0]
        return self._read(data, limits)

    def skip(self, body: bytes) -> None:
        """Tell the parser of a body that was read past it, so that it is ready for the next."""
        if body and self._is_fed:
            self._parser.feed_data(body)

    def _read(self, data: bytes, limits: WireLimits) -> tuple[Head, int] | None:
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
        self._is_fed = True
        head = self._framed(data[:end], lines, limits)
        length = 0 if head.expects or not head.keep_alive else head.length
        if length and self._known.learn(data[: end + 4], length):
            self._last, self._limits = head, limits
        return head, end + 4

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
        if not _HOST.match(headers.get(b"host", b"")):
            # RFC 9112 section 3.2. A path or a query in it has fooled those who make URLs of it.
            raise HeadError(400, "host", "the Host header names no host")
        length: int | None = 0
        coding, stated = headers.get(b"transfer-encoding"), headers.pop(b"content-length", None)
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
            if not (stated.isdigit() and len(stated) <= LENGTH_DIGITS_MAX):
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
            # And of a request without a body llhttp has forgotten by now that it said close.
            length is not None and parser.should_keep_alive() and not _says_close(headers),
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


def _says_close(headers: Headers) -> bool:
    """RFC 9112 section 9.6: this is the connection's last request."""
    options = headers.get(b"connection")
    return options is not None and b"close" in options.lower().translate(None, b" \t").split(b",")


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
