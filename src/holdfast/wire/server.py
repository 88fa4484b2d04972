"""The server's side of HTTP/1.1: strict in, simple out, one request at a time per connection.

llhttp (through httptools) reads the head; before it does, the head is checked for what different
parsers are known to read differently (RFC 9112 sections 2.2, 5.2, 6.3, 11.2): bare line feeds,
obsolete folding, more than one Host, Content-Length or Transfer-Encoding, or both of the latter.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools
import msgspec

from holdfast.wire.headers import Header, Headers
from holdfast.wire.limits import WireLimits
from holdfast.wire.responses import CONTINUE, LAST_CHUNK, chunk, refusal, response_head
from holdfast.world.ports import Address, BoundSocket, Clock, Listener, Network

LINGER_S = 2.0
"""How long the rest of a refused body is read and dropped: closing at once would reset the
connection, and the client would lose the answer that says why (RFC 9112 section 9.6)."""
CLOSED_S = 1.0
"""How long connections that were cut may take to say so to their handlers."""
SWEEP_S = 0.5
"""How often deadlines of connections are looked at: one pass beats a timer per connection."""


class Request(msgspec.Struct, gc=False):
    """One whole request. ``headers`` have lower-case names; ``body`` is what the client sent."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes
    peer: str


class Handler(Protocol):
    """Who answers requests."""

    def handle(self, request: Request, exchange: "Exchange") -> None:
        """Begin answering; the answer may come later, through ``exchange``."""
        ...


class Server:
    """Listens, keeps every connection within its limits, and drains."""

    def __init__(self, handler: Handler, *, clock: Clock, limits: WireLimits | None = None) -> None:
        self.handler = handler
        self.clock = clock
        self.limits = limits or WireLimits()
        # A dict, not a set: the sweep's order must be the same in every replay of a seed.
        self.connections: dict[Exchange, None] = {}
        self.draining = False
        self._listener: Listener | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, network: Network, *, sock: BoundSocket | Address) -> None:
        """Accept connections. ``OSError`` when the address cannot be had."""
        self._listener = await network.listen(lambda: Exchange(self), sock=sock)
        self._schedule()

    async def drain(self, *, within_s: float) -> int:
        """Stop accepting, let calls in flight end, then close. Returns how many were cut off."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        deadline = self.clock.monotonic() + within_s
        while any(c.owes for c in self.connections) and self.clock.monotonic() < deadline:
            self._close_idle()
            await asyncio.sleep(0.02)
        cut = sum(c.owes for c in self.connections)
        self.abort()
        deadline = self.clock.monotonic() + CLOSED_S
        while self.clock.monotonic() < deadline:
            # Whoever was being answered hears of the cut first: a record may hang on it.
            if not self.connections:
                break
            await asyncio.sleep(0.001)
        return cut

    def abort(self) -> None:
        """Cut everything at once."""
        self.draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self.connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def _close_idle(self) -> None:
        for connection in tuple(self.connections):
            if not connection.owes:
                connection.abort()

    def _schedule(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._on_sweep)

    def _on_sweep(self) -> None:
        now = self.clock.monotonic()
        for connection in tuple(self.connections):
            connection.expire(now)
        self._schedule()


class Exchange(asyncio.Protocol):
    """One connection: reads a request, lets the handler answer it, reads the next.

    The handler sees the answering half: ``respond``, or ``start``/``write``/``end``.
    """

    __slots__ = (
        "_body",
        "_body_size",
        "_buffer",
        "_chunked_request",
        "_deadline",
        "_expected",
        "_headers",
        "_keep_alive",
        "_lingering",
        "_message_complete",
        "_parser",
        "_paused_reading",
        "_server",
        "_target",
        "_total_deadline",
        "_transport",
        "busy",
        "on_disconnect",
        "on_writable",
        "peer",
        "writable",
    )

    _transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""
        self._headers: Headers = []
        self._target = b""
        self._parser: httptools.HttpRequestParser | None = None
        self._body: list[bytes] = []
        self._body_size = 0
        self._expected = 0
        self._chunked_request = False
        self._message_complete = False
        self._keep_alive = True
        self._lingering = False
        self._paused_reading = False
        self._deadline = 0.0
        self._total_deadline = 0.0
        self.busy = False
        self.writable = True
        self.on_disconnect: Callable[[], None] | None = None
        self.on_writable: Callable[[], None] | None = None
        self.peer = ""

    # -- the transport's callbacks ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being its children.
        self._transport = cast("asyncio.Transport", transport)
        server = self._server
        if server.draining or len(server.connections) >= server.limits.connections:
            self._transport.write(
                refusal(503, "connections", "too many connections; try again shortly")
            )
            self._transport.close()
            return
        server.connections[self] = None
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        self._deadline = server.clock.monotonic() + server.limits.idle_s

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.pop(self, None)
        self._parser = None
        callback, self.on_disconnect, self.on_writable = self.on_disconnect, None, None
        self.busy = False
        if callback is not None:
            callback()

    def eof_received(self) -> bool:
        # A client that half-closes while it waits for its answer has gone away: every HTTP
        # client in use closes both ways, and holding an upstream for a ghost costs real money.
        return False

    def pause_writing(self) -> None:
        self.writable = False
        limits = self._server.limits
        self._deadline = self._server.clock.monotonic() + limits.stalled_write_s

    def resume_writing(self) -> None:
        self.writable = True
        if self.on_writable is not None:
            self.on_writable()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        if self.busy:
            self._hold_back(data)
        elif self._parser is not None and (self._expected or self._chunked_request):
            self._take_body(data)
        else:
            self._take_head(self._buffer + data if self._buffer else data)

    def expire(self, now: float) -> None:
        """Close what has outlived its deadline; the sweep calls this."""
        if self.busy:
            if not self.writable and now > self._deadline:
                self.abort()
            return
        if now <= self._deadline:
            return
        if self._lingering:
            self.abort()
        elif self._buffer or self._parser is not None:
            self._refuse(408, "timeout", "the request did not arrive in time")
        else:
            self._transport.close()

    @property
    def owes(self) -> bool:
        """Whether an answer is still to come, or on its way to a client that reads slowly."""
        return self.busy or self._transport.get_write_buffer_size() > 0

    # -- reading ------------------------------------------------------------------------------

    def _hold_back(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > self._server.limits.pipelined_bytes and not self._paused_reading:
            self._paused_reading = True
            self._transport.pause_reading()

    def _take_head(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        if not self._buffer and data:
            self._deadline = self._server.clock.monotonic() + self._server.limits.head_s
        problem = _head_problem(data, end, self._server.limits)
        if problem is not None:
            self._refuse(*problem)
            return
        if end < 0:
            self._buffer = data
            return
        self._buffer = b""
        self._headers = []
        self._body = []
        self._body_size = 0
        self._message_complete = False
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data[: end + 4])
        except httptools.HttpParserUpgrade:
            self._refuse(501, "upgrade", "upgrades and CONNECT are not served here")
            return
        except httptools.HttpParserError as error:
            self._refuse(400, "malformed", f"the request is not HTTP/1.1: {_reason(error)}")
            return
        self._begin_body(data[end + 4 :])

    def _begin_body(self, rest: bytes) -> None:
        problem = self._framing()
        if problem is not None:
            self._refuse(*problem)
        elif self._expected or self._chunked_request:
            now, limits = self._server.clock.monotonic(), self._server.limits
            self._total_deadline = now + limits.body_total_s
            self._deadline = min(now + limits.body_idle_s, self._total_deadline)
            if rest:
                self._take_body(rest)
        else:
            self._dispatch(rest)

    def _framing(self) -> tuple[int, str, str] | None:
        """Numbered as RFC 9112 section 6.3 has the rules; sets what to expect."""
        seen = {b"host": 0, b"content-length": 0, b"transfer-encoding": 0, b"expect": 0}
        length = coding = expect = b""
        for name, value in self._headers:
            if name in seen:
                seen[name] += 1
                if name == b"content-length":
                    length = value
                elif name == b"transfer-encoding":
                    coding = value
                elif name == b"expect":
                    expect = value
        if seen[b"host"] != 1 and self._http_version() != "1.0":
            return 400, "host", "exactly one Host header is required"
        if max(seen.values()) > 1:
            return (
                400,
                "framing",
                "Host, Content-Length, Transfer-Encoding and Expect may not repeat",
            )
        # 6.3 rule 3: both together are an attempt at request smuggling.
        if length and coding:
            return 400, "framing", "Content-Length and Transfer-Encoding exclude each other"
        # 6.3 rule 4: only chunked is understood.
        if coding and coding.lower() != b"chunked":
            return 501, "framing", "the only transfer coding served here is chunked"
        if seen[b"content-length"] and not (length.isdigit() and len(length) < 16):
            return 400, "framing", "Content-Length must be a number"
        self._expected = int(length or 0)
        self._chunked_request = bool(coding)
        if self._expected > self._server.limits.body_bytes:
            return 413, "body", f"a body may have at most {self._server.limits.body_bytes} bytes"
        parser = self._parser
        # A request in chunks ends its connection: what follows it in the same packet cannot be
        # told from the chunks without a second parser, and no OpenAI client sends one.
        self._keep_alive = (
            parser is not None and parser.should_keep_alive() and not self._chunked_request
        )
        if expect.lower() == b"100-continue" and (self._expected or self._chunked_request):
            self._transport.write(CONTINUE)
        return None

    def _http_version(self) -> str:
        return self._parser.get_http_version() if self._parser is not None else "1.1"

    def _take_body(self, data: bytes) -> None:
        now, limits = self._server.clock.monotonic(), self._server.limits
        self._deadline = min(now + limits.body_idle_s, self._total_deadline)
        if self._chunked_request:
            self._take_chunks(data)
            return
        missing = self._expected - self._body_size
        self._body.append(data if len(data) <= missing else data[:missing])
        self._body_size += len(self._body[-1])
        if self._body_size == self._expected:
            self._dispatch(data[missing:])

    def _take_chunks(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            return
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self._message_complete:
                self._refuse(400, "malformed", f"the body is not chunked: {_reason(error)}")
                return
        if self._body_size > self._server.limits.body_bytes:
            limit = self._server.limits.body_bytes
            self._refuse(413, "body", f"a body may have at most {limit} bytes")
        elif self._message_complete:
            self._dispatch(b"")

    def _dispatch(self, rest: bytes) -> None:
        parser = self._parser
        assert parser is not None
        method, self._parser = parser.get_method(), None
        self._expected, self._chunked_request = 0, False
        self._buffer = rest
        self.busy = True
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        request = Request(method, self._target, self._headers, body, self.peer)
        self._server.handler.handle(request, self)

    # -- llhttp's callbacks -------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_message_begin(self) -> None:
        if not self._message_complete:
            self._target = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        if not self._message_complete:
            self._body_size += len(body)
            if self._body_size <= self._server.limits.body_bytes:
                self._body.append(body)

    def on_message_complete(self) -> None:
        self._message_complete = True

    # -- answering ----------------------------------------------------------------------------

    def respond(self, status: int, headers: tuple[Header, ...], body: bytes) -> None:
        """The whole answer at once."""
        if not self.busy:
            return
        keep = self._keep_alive and not self._server.draining
        self._transport.write(
            response_head(status, headers, length=len(body), keep_alive=keep) + body
        )
        self._finish()

    def start(self, status: int, headers: tuple[Header, ...]) -> None:
        """Begin an answer in pieces; ``end`` (or ``abort``) must follow."""
        keep = self._keep_alive and not self._server.draining
        self._transport.write(response_head(status, headers, length=None, keep_alive=keep))

    def write(self, data: bytes) -> None:
        """One piece. Heed ``writable``; ``on_writable`` is called when it is true again."""
        if data:
            self._transport.write(chunk(data))

    def end(self, data: bytes = b"") -> None:
        """The last piece."""
        self._transport.write((chunk(data) if data else b"") + LAST_CHUNK)
        self._finish()

    def abort(self) -> None:
        """Cut the connection; the client sees that the answer is not whole."""
        self._transport.abort()

    def _finish(self) -> None:
        self.busy = False
        self.on_disconnect = self.on_writable = None
        server = self._server
        if not self._keep_alive or server.draining:
            self._transport.close()
            return
        self._deadline = server.clock.monotonic() + server.limits.idle_s
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()
        if self._buffer:
            # Not recursion: a client that pipelines a thousand requests must not grow the stack.
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if self._buffer and not self.busy and not self._transport.is_closing():
            data, self._buffer = self._buffer, b""
            self._take_head(data)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._parser = None
        self._buffer = b""
        self._expected, self._chunked_request = 0, False
        self._transport.write(refusal(status, code, message))
        self._lingering = True
        self._deadline = self._server.clock.monotonic() + LINGER_S
        if self._transport.can_write_eof():
            self._transport.write_eof()


_FLESH = bytes(set(range(256)) - {0x00, 0x0A, 0x0D})


def _head_problem(data: bytes, end: int, limits: WireLimits) -> tuple[int, str, str] | None:
    head = data if end < 0 else data[:end]
    if len(head) > limits.head_bytes:
        return 431, "head", f"a request's head may have at most {limits.head_bytes} bytes"
    # What is left of the head when everything but line ends and NUL is taken out, in one pass.
    bones = head.translate(None, _FLESH)
    lines = len(bones) // 2
    if bones.rstrip(b"\r" if end < 0 else b"") != b"\r\n" * lines:
        return 400, "line-end", "lines end with CR LF, and hold no NUL (RFC 9112 section 2.2)"
    if b"\r\n " in head or b"\r\n\t" in head:
        return 400, "folding", "obsolete line folding is not accepted (RFC 9112 section 5.2)"
    if lines > limits.headers:
        return 431, "head", f"a request may have at most {limits.headers} header fields"
    return None


def _reason(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200] or type(error).__name__
