"""The server's side of HTTP/1.1: strict in, simple out, one request at a time per connection."""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import msgspec

from holdfast.wire.headers import Header, Headers
from holdfast.wire.heads import ChunkedBody, Head, HeadError, HeadReader
from holdfast.wire.limits import WireLimits
from holdfast.wire.responses import CONTINUE, LAST_CHUNK, chunk, refusal, response_head
from holdfast.world.ports import (
    Address,
    BoundSocket,
    Clock,
    Listener,
    ListenTls,
    Network,
)

LINGER_S = 2.0
"""How long the rest of a refused body is read and dropped: closing at once would reset the
connection, and the client would lose the answer that says why (RFC 9112 section 9.6)."""
CLOSED_S = 1.0
"""How long connections that were cut may take to say so to their handlers."""
NEVER = float("inf")
SWEEP_S = 0.5
"""How often deadlines of connections are looked at: one pass beats a timer per connection."""


class Request(msgspec.Struct, gc=False):
    """One whole request; ``body`` is what the client sent.

    ``headers`` have lower-case names, and no Content-Length. Like requests share one object: do not
    change it. ``certificate`` is the client's, as DER, where TLS made it prove to hold its key.
    """

    method: bytes
    target: bytes
    headers: Headers
    body: bytes
    peer: str
    certificate: bytes | None = None


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
        self.standing: tuple[Header, ...] = ()
        """Header fields that every answer bears, whoever makes it."""
        # A dict, not a set: the sweep's order must be the same in every replay of a seed.
        self.connections: dict[Exchange, None] = {}
        self.draining = False
        self.closed = False
        self._drain_until = NEVER
        self._patient = False
        self._listener: Listener | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(
        self, network: Network, *, sock: BoundSocket | Address, tls: ListenTls | None = None
    ) -> None:
        """Accept connections. ``OSError`` when the address cannot be had, or TLS not be spoken."""
        self._listener = await network.listen(lambda: Exchange(self), sock=sock, tls=tls)
        self._schedule()

    def renew_tls(self) -> None:
        """Read the TLS files again; ``OSError`` when they cannot be used."""
        if self._listener is not None:
            self._listener.renew()

    async def drain(self, *, within_s: float, patient: bool = False) -> int:
        """Stop accepting, let calls in flight end, then close. Returns how many were cut off.

        ``patient``: idle connections are left open to their next request, which is answered and
        told that the connection closes, or to their idle time; a client that reuses one meanwhile
        does not meet a closed door.
        """
        self.draining = True
        self._patient = patient and self._drain_until == NEVER
        self._drain_until = min(self._drain_until, self.clock.monotonic() + within_s)
        if self._listener is not None:
            self._listener.close()
        # What was accepted just before has its turn to become a connection.
        await asyncio.sleep(0)
        while self.clock.monotonic() < self._drain_until:
            if self._is_settled():
                break
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

    def hasten(self, *, within_s: float) -> None:
        """End a drain, under way or about to begin, sooner; and wait for calls only."""
        self._patient = False
        self._drain_until = min(self._drain_until, self.clock.monotonic() + within_s)

    def abort(self) -> None:
        """Cut everything at once."""
        self.draining = self.closed = True
        if self._listener is not None:
            self._listener.close()
        for connection in tuple(self.connections):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()

    def _is_settled(self) -> bool:
        """Whether a drain has nothing left to wait for."""
        if self._patient:
            return not self.connections
        self._close_idle()
        return not any(c.owes for c in self.connections)

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
        "_chunks",
        "_deadline",
        "_head",
        "_keep_alive",
        "_lingering",
        "_paused_reading",
        "_reader",
        "_server",
        "_total_deadline",
        "_transport",
        "busy",
        "certificate",
        "on_disconnect",
        "on_writable",
        "peer",
        "writable",
    )

    _transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._buffer = b""
        self._reader = HeadReader()
        self._head: Head | None = None
        self._chunks: ChunkedBody | None = None
        self._body: list[bytes] = []
        self._body_size = 0
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
        self.certificate: bytes | None = None

    # -- the transport's callbacks ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being its children.
        self._transport = cast("asyncio.Transport", transport)
        server = self._server
        if server.closed or len(server.connections) >= server.limits.connections:
            self._transport.write(
                refusal(503, "connections", "too many connections; try again shortly")
            )
            self._transport.close()
            return
        server.connections[self] = None
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self.certificate = secured.getpeercert(binary_form=True)
        self._deadline = server.clock.monotonic() + server.limits.idle_s

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.pop(self, None)
        self._head = self._chunks = None
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
        if self.busy:
            self._hold_back(data)
        elif self._head is not None:
            self._take_body(data)
        elif not self._lingering:
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
        elif self._buffer or self._head is not None:
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
        try:
            found = self._reader.read(data, self._server.limits)
        except HeadError as error:
            self._refuse(error.status, error.code, error.message)
            return
        if found is None:
            self._wait_for_head(data)
            return
        head, size = found
        self._keep_alive = head.keep_alive
        rest = data[size:]
        if head.length == len(rest):  # all of it in one packet, as nearly always
            self._reader.skip(rest)
            self._dispatch(head, rest, b"")
        elif head.length == 0:
            self._dispatch(head, b"", rest)
        else:
            self._buffer = b""
            self._begin_body(head, rest)

    def _wait_for_head(self, data: bytes) -> None:
        if not self._buffer:
            self._deadline = self._server.clock.monotonic() + self._server.limits.head_s
        self._buffer = data

    def _begin_body(self, head: Head, rest: bytes) -> None:
        self._head = head
        self._body = []
        self._body_size = 0
        if head.length is None:
            self._chunks = ChunkedBody(self._server.limits)
        if head.expects and not rest:
            self._transport.write(CONTINUE)
        self._total_deadline = self._server.clock.monotonic() + self._server.limits.body_total_s
        self._take_body(rest)

    def _take_body(self, data: bytes) -> None:
        head = self._head
        assert head is not None
        if head.length is None:
            self._take_chunks(head, data)
            return
        missing = head.length - self._body_size
        if len(data) < missing:
            self._body.append(data)
            self._body_size += len(data)
            self._wait_for_body()
            return
        self._body.append(data[:missing])
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._reader.skip(body)
        self._head, self._body = None, []
        self._dispatch(head, body, data[missing:])

    def _take_chunks(self, head: Head, data: bytes) -> None:
        chunks = self._chunks
        assert chunks is not None
        try:
            chunks.feed(data)
        except HeadError as error:
            self._refuse(error.status, error.code, error.message)
            return
        if chunks.is_complete:
            self._head = self._chunks = None
            self._dispatch(head, chunks.whole(), b"")
        else:
            self._wait_for_body()

    def _wait_for_body(self) -> None:
        now = self._server.clock.monotonic()
        self._deadline = min(now + self._server.limits.body_idle_s, self._total_deadline)

    def _dispatch(self, head: Head, body: bytes, rest: bytes) -> None:
        self._buffer = rest
        self.busy = True
        request = Request(head.method, head.target, head.headers, body, self.peer, self.certificate)
        self._server.handler.handle(request, self)

    # -- answering ----------------------------------------------------------------------------

    def respond(self, status: int, headers: tuple[Header, ...], body: bytes) -> None:
        """The whole answer at once."""
        if not self.busy:
            return
        keep = self._keep_alive = self._keep_alive and not self._server.draining
        fields = headers + self._server.standing
        self._transport.write(
            response_head(status, fields, length=len(body), keep_alive=keep) + body
        )
        self._finish()

    def start(self, status: int, headers: tuple[Header, ...]) -> None:
        """Begin an answer in pieces; ``end`` (or ``abort``) must follow."""
        keep = self._keep_alive = self._keep_alive and not self._server.draining
        fields = headers + self._server.standing
        self._transport.write(response_head(status, fields, length=None, keep_alive=keep))

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
        if not self._keep_alive:
            # Only when the answer's head said so: a client that was told otherwise may be writing.
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
        self._head = self._chunks = None
        self._buffer = b""
        self._transport.write(refusal(status, code, message))
        self._lingering = True
        self._deadline = self._server.clock.monotonic() + LINGER_S
        if self._transport.can_write_eof():
            self._transport.write_eof()
