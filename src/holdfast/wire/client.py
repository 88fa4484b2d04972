"""The client's side of HTTP/1.1: connections kept alive, answers handed on as they arrive."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol, cast

import httptools
import msgspec

from holdfast.wire.errors import (
    ConnectError,
    PoolFullError,
    ProtocolError,
    ResetError,
    StaleError,
    WireError,
)
from holdfast.wire.headers import Headers
from holdfast.wire.repeats import KnownHead
from holdfast.world.ports import Address, Network

IDLE_CONNECTIONS_MAX = 512
"""Kept open per upstream and worker; beyond it a connection closes after its answer."""
HEADERS_MAX = 100

Spawn = Callable[[Coroutine[None, None, None]], object]


class ResponseHead(msgspec.Struct, gc=False):
    """Status and header fields of an answer, without Content-Length.

    Like answers share one object: do not change it.
    """

    status: int
    headers: Headers


class Receiver(Protocol):
    """Who takes the answer. After ``on_end`` or ``on_failure`` nothing more comes."""

    def on_head(self, head: ResponseHead) -> None: ...

    def on_body(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_failure(self, error: WireError) -> None: ...


class _Nobody:
    """Receives nothing: where a ticket points once its answer is over."""

    def on_head(self, head: ResponseHead) -> None: ...

    def on_body(self, data: bytes) -> None: ...

    def on_end(self) -> None: ...

    def on_failure(self, error: WireError) -> None: ...


_NOBODY = _Nobody()


class Ticket:
    """One request under way; ``cancel`` takes it back, ``pause``/``resume`` stem its answer."""

    __slots__ = ("_link", "cancelled", "message", "paused", "receiver", "reused")

    def __init__(self, message: bytes, receiver: Receiver) -> None:
        self.message = message
        self.receiver = receiver
        self.cancelled = False
        self.reused = False
        self._link: _Link | None = None
        self.paused = False

    def attach(self, link: "_Link") -> None:
        self._link = link

    def cancel(self) -> None:
        """Stop caring, and stop the upstream working: its connection is cut. Idempotent."""
        self.cancelled = True
        link, self._link = self._link, None
        if link is not None:
            link.cut()

    def pause(self) -> None:
        self.paused = True
        if self._link is not None:
            self._link.pause()

    def resume(self) -> None:
        if self.paused and self._link is not None:
            self._link.resume()
        self.paused = False

    def release(self) -> Receiver:
        """It is over: who must hear of it. Forgotten here, so that no circle is left to collect."""
        self._link = None
        receiver, self.receiver = self.receiver, _NOBODY
        return receiver


class ClientPool:
    """Connections to one upstream. Most recently used first, so that idle ones age out."""

    def __init__(
        self,
        address: Address,
        *,
        network: Network,
        spawn: Spawn,
        connections_max: int,
        connect_s: float,
    ) -> None:
        self.address = address
        self.settings = (connections_max, connect_s)
        self._network = network
        self._spawn = spawn
        self._connections_max = connections_max
        self._idle_max = min(IDLE_CONNECTIONS_MAX, connections_max)
        self._connect_s = connect_s
        self._idle: list[_Link] = []
        self._open = 0
        self.known = KnownHead()
        self.known_head: ResponseHead | None = None  # what ``known`` was read as

    def send(self, message: bytes, receiver: Receiver, *, fresh: bool = False) -> Ticket:
        """Send a whole request; the answer goes to ``receiver``. ``fresh``: over a connection that
        was not used before, as after a ``StaleError``.

        Every failure comes through ``receiver.on_failure``, never from here.
        """
        ticket = Ticket(message, receiver)
        idle = self._idle
        while idle and not fresh:
            link = idle.pop()
            if not link.closing:
                ticket.reused = True
                link.carry(ticket)
                return ticket
        self._open_for(ticket)
        return ticket

    def close(self) -> None:
        """Close idle connections; those in use close when their answers end."""
        self._connections_max = self._idle_max = 0
        while self._idle:
            self._idle.pop().cut()

    def learn(self, data: bytes, head: ResponseHead) -> None:
        """``data`` is one whole answer, and ``head`` how it was read."""
        size = data.find(b"\r\n\r\n") + 4
        is_first = data[9:12] == b"%d" % head.status  # no interim answer stands before it
        if is_first and len(data) > size and self.known.learn(data[:size], len(data) - size):
            self.known_head = head

    def _open_for(self, ticket: Ticket) -> None:
        if self._open >= self._connections_max:
            receiver = ticket.receiver
            full = PoolFullError(
                f"all {self._connections_max} connections to {self.address} are in use"
            )
            asyncio.get_running_loop().call_soon(receiver.on_failure, full)
            return
        self._open += 1
        self._spawn(self._connect(ticket))

    async def _connect(self, ticket: Ticket) -> None:
        try:
            async with asyncio.timeout(self._connect_s):
                link = await self._network.connect(lambda: _Link(self), address=self.address)
        except BaseException as error:
            self._open -= 1
            if not isinstance(error, OSError):  # TimeoutError is one
                raise
            reason = str(error) or f"none within {self._connect_s:g} s"
            self._fail(ticket, f"no connection to {self.address}: {reason}")
            return
        assert isinstance(link, _Link)
        if link.closing:
            self._open -= 1
            self._fail(ticket, f"no connection to {self.address}: it closed as it was made")
            return
        link.counted = True
        if ticket.cancelled:
            self.put_back(link)
        else:
            link.carry(ticket)

    def _fail(self, ticket: Ticket, what: str) -> None:
        if not ticket.cancelled:
            ticket.receiver.on_failure(ConnectError(what))

    def put_back(self, link: "_Link") -> None:
        if len(self._idle) < self._idle_max:
            self._idle.append(link)
        else:
            link.cut()

    def lost(self, link: "_Link") -> None:
        # One lost while it was being made is counted off by ``_connect``.
        self._open -= link.counted
        if link in self._idle:
            self._idle.remove(link)


class _Link(asyncio.Protocol):
    """One connection, carrying one request at a time."""

    __slots__ = (
        "_complete",
        "_fields",
        "_head",
        "_keep",
        "_parser",
        "_pool",
        "_seen",
        "_ticket",
        "_transport",
        "_until_close",
        "closing",
        "counted",
        "on_header",
    )

    _transport: asyncio.Transport

    def __init__(self, pool: ClientPool) -> None:
        self._pool = pool
        self._ticket: Ticket | None = None
        self._head: ResponseHead | None = None
        self._fields: dict[bytes, bytes] = {}
        # A built-in method, for a Python one costs 0.25 us a header field.
        self.on_header = self._fields.__setitem__
        self._parser = httptools.HttpResponseParser(self)
        self._seen = False
        self._complete = False
        self._keep = False
        self._until_close = False
        self.closing = False
        self.counted = False

    def carry(self, ticket: Ticket) -> None:
        self._ticket = ticket
        ticket.attach(self)
        self._fields.clear()
        self._seen = self._complete = self._until_close = False
        self._transport.write(ticket.message)

    def cut(self) -> None:
        self.closing = True
        self._ticket = None
        self._transport.abort()

    def pause(self) -> None:
        self._transport.pause_reading()

    def resume(self) -> None:
        self._transport.resume_reading()

    # -- the transport's callbacks ------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being its children.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        ticket = self._ticket
        if ticket is None:
            # Bytes nobody asked for: whatever they are, they must not become the next answer.
            self.cut()
            return
        is_first = not self._seen
        self._seen = True
        if is_first and self._take_known(ticket, data):
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break(ProtocolError("the upstream tried to switch protocols"))
            return
        except httptools.HttpParserError as error:
            if not self._complete:
                self._break(ProtocolError(f"the upstream's answer is not HTTP/1.1: {error}"))
                return
            self._keep = False
        if self._complete:
            if is_first and self._keep and self._head is not None:
                self._pool.learn(data, self._head)
            self._done()

    def _take_known(self, ticket: Ticket, data: bytes) -> bool:
        """Hand on ``data`` if it is a whole answer under the head that the pool knows."""
        pool = self._pool
        head = pool.known_head
        if head is None:
            return False
        known = pool.known.match(data)
        if known is None or known[0] + known[1] != len(data):
            return False
        receiver = ticket.receiver
        receiver.on_head(head)
        if self._ticket is ticket and known[1]:
            receiver.on_body(data[known[0] :])
        self._keep = True
        self._done()
        return True

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        self._pool.lost(self)
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        if self._until_close and exc is None:
            ticket.release().on_end()
            return
        failure = StaleError if ticket.reused and not self._seen else ResetError
        reason = f": {exc}" if exc else ""
        what = f"{self._pool.address} closed the connection before the answer ended{reason}"
        ticket.release().on_failure(failure(what))

    def _break(self, error: WireError) -> None:
        ticket, self._ticket = self._ticket, None
        self.cut()
        if ticket is not None:
            ticket.release().on_failure(error)

    def _done(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is None:
            return
        receiver = ticket.release()
        if self._keep and not self._transport.is_closing():
            if ticket.paused:
                self._transport.resume_reading()
            self._pool.put_back(self)
        else:
            self.closing = True
            self._transport.close()
        receiver.on_end()

    # -- llhttp's callbacks -------------------------------------------------------------------

    def on_headers_complete(self) -> None:
        parser, ticket = self._parser, self._ticket
        if self._complete:
            # A second answer to one question: nobody's, and the end of this connection.
            self._keep = False
            return
        if ticket is None:
            return
        status = parser.get_status_code()
        if status < 200:
            # An interim answer (100, 103): the real one follows.
            self._fields.clear()
            return
        if len(self._fields) > HEADERS_MAX:
            raise ProtocolError(f"the upstream sent more than {HEADERS_MAX} header fields")
        headers = {name.lower(): value for name, value in self._fields.items()}
        self._keep = parser.should_keep_alive()
        stated = headers.pop(b"content-length", None)
        framed = stated is not None or b"transfer-encoding" in headers
        self._until_close = not framed and status not in (204, 304)
        self._head = head = ResponseHead(status, headers)
        ticket.receiver.on_head(head)

    def on_body(self, body: bytes) -> None:
        if self._ticket is not None and not self._complete:
            self._ticket.receiver.on_body(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._complete = True
