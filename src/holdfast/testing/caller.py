"""Callers of the gateway on bare transports: strict readers, and as ill-behaved as people are."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from holdfast.testing.orders import Leaving, Order
from holdfast.world.ports import Address
from holdfast.world.sim import SimLoop, SimNetwork, SimTransport

CONNECT_S: Final = 5.0
BYTES_BEFORE_REST: Final = 2_000
"""A slow reader takes so many bytes, then reads nothing for a while."""


class Heard(msgspec.Struct):
    """One call from the caller's side. ``whole``: the answer ended as HTTP says it must."""

    order: Order
    size: int
    sent_at: float = 0.0
    status: int | None = None
    fields: dict[str, str] = {}
    body: bytes = b""
    whole: bool = False
    failure: str | None = None
    left: bool = False
    first_at: float | None = None
    ended_at: float | None = None
    sendings: int = 0
    rested_s: float = 0.0

    @property
    def call(self) -> str | None:
        """The id that the gateway gave the call."""
        return self.fields.get("x-request-id")

    @property
    def is_stream(self) -> bool:
        """Whether what it was given is a stream."""
        return self.fields.get("content-type", "").startswith("text/event-stream")

    @property
    def is_cached(self) -> bool:
        """Whether it was told that its answer is one that was kept."""
        return self.fields.get("x-cache") == "hit"

    @property
    def code(self) -> str | None:
        """The rule that refused or failed it, where the body says one."""
        if self.status == 200:
            return None
        try:
            return msgspec.json.decode(self.body, type=_Error).error.code
        except msgspec.DecodeError:
            return None


class _Reason(msgspec.Struct):
    code: str | None = None


class _Error(msgspec.Struct):
    error: _Reason


class CallerLink(asyncio.Protocol):
    """One connection to the gateway, carrying one call at a time."""

    transport: SimTransport

    def __init__(self, loop: SimLoop, broken: list[str]) -> None:
        self._loop = loop
        self._broken = broken
        self._buffer = b""
        self._missing: int | None = None
        self._is_chunked = False
        self._heard: Heard | None = None
        self._over: asyncio.Future[None] | None = None
        self._on_head: Callable[[Heard], None] | None = None
        self.is_open = True
        self.keeps = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, SimTransport)
        self.transport = transport

    def ask(
        self, message: bytes, heard: Heard, on_head: Callable[[Heard], None]
    ) -> asyncio.Future[None]:
        """Send a request; the future is done when its answer is over, well or not."""
        self._heard, self._on_head = heard, on_head
        self._missing, self._is_chunked = None, False
        self._over = self._loop.create_future()
        self.transport.write(message)
        return self._over

    def leave(self, how: Leaving) -> None:
        """Go away in mid-call."""
        self._heard, self.is_open = None, False
        if how == "reset":
            self.transport.abort()
        elif how == "close":
            self.transport.close()
        else:
            self.transport.write_eof()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._heard is not None:
            self._heard.failure = f"the connection was lost: {exc}" if exc else "it was closed"
            self._end()

    def data_received(self, data: bytes) -> None:
        if self._heard is None:
            if self.is_open:
                self._broken.append(f"bytes that nobody asked for: {data[:60]!r}")
            return
        self._buffer += data
        try:
            self._read(self._heard)
        except (ValueError, KeyError, IndexError) as error:
            self._broken.append(f"this is no answer: {error}: {self._buffer[:80]!r}")

    def _read(self, heard: Heard) -> None:
        if heard.status is None and not self._read_head(heard):
            return
        if self._is_chunked:
            self._read_chunks(heard)
        else:
            assert self._missing is not None
            heard.body += self._buffer[: self._missing]
            taken = min(len(self._buffer), self._missing)
            self._buffer = self._buffer[taken:]
            self._missing -= taken
            if self._missing == 0:
                self._whole(heard)
        self._rest_a_while(heard)

    def _read_head(self, heard: Heard) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        self._buffer = self._buffer[end + 4 :]
        version, status, _ = first.split(" ", 2)
        if version != "HTTP/1.1":
            raise ValueError(version)
        for line in lines:
            name, _, value = line.partition(": ")
            if name in heard.fields:
                raise ValueError(f"{name} stands twice")
            heard.fields[name] = value
        self._is_chunked = heard.fields.get("transfer-encoding") == "chunked"
        self._missing = None if self._is_chunked else int(heard.fields["content-length"])
        self.keeps = heard.fields.get("connection") != "close"
        heard.status = int(status)
        heard.first_at = self._loop.time()
        if self._on_head is not None:
            self._on_head(heard)
        return True

    def _read_chunks(self, heard: Heard) -> None:
        while (line := self._buffer.find(b"\r\n")) >= 0:
            size = int(self._buffer[:line], 16)
            end = line + 2 + size
            if len(self._buffer) < end + 2:
                return
            if self._buffer[end : end + 2] != b"\r\n":
                raise ValueError("a chunk has another length than it says")
            heard.body += self._buffer[line + 2 : end]
            self._buffer = self._buffer[end + 2 :]
            if size == 0:
                self._whole(heard)
                return

    def _whole(self, heard: Heard) -> None:
        heard.whole = True
        if self._buffer:
            self._broken.append(f"an answer is followed by {self._buffer[:60]!r}")
        self._end()

    def _end(self) -> None:
        heard, self._heard = self._heard, None
        self._buffer = b""
        if heard is not None:
            heard.ended_at = self._loop.time()
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _rest_a_while(self, heard: Heard) -> None:
        rest_s = heard.order.reads_after_s
        if rest_s and not heard.rested_s and len(heard.body) > BYTES_BEFORE_REST:
            heard.rested_s = rest_s
            self.transport.pause_reading()
            self._loop.call_later(rest_s, self.transport.resume_reading)


class Caller:
    """A service that asks over kept connections. ``broken`` is what no answer may be."""

    def __init__(
        self, name: str, *, address: Address, keys: dict[str, str], network: SimNetwork, seed: int
    ) -> None:
        self.name = name
        self.broken: list[str] = []
        self._address = address
        self._keys = keys
        self._network = network
        self._idle: list[CallerLink] = []
        self._using: dict[int, CallerLink | None] = {}
        self._draw = Random(f"caller {seed} {name}")  # noqa: S311 - replayable by intent

    async def ask(self, order: Order, on_head: Callable[[Heard], None]) -> Heard:
        """One call, to its end or to the end of the caller's patience."""
        body = order.body()
        heard = Heard(order, len(body), sent_at=self._network.loop.time())
        message = self._message(order, body)
        self._using[order.number] = None
        try:
            async with asyncio.timeout(order.patience_s):
                await self._ask(message, heard, on_head)
        except TimeoutError:
            heard.left = True
            heard.ended_at = self._network.loop.time()
        except OSError as error:
            heard.failure = str(error)
            heard.ended_at = self._network.loop.time()
        self._let_go(self._using.pop(order.number), heard)
        return heard

    async def _ask(self, message: bytes, heard: Heard, on_head: Callable[[Heard], None]) -> None:
        is_fresh = False
        while not heard.ended_at:
            link, is_fresh = await self._connection()
            self._using[heard.order.number] = link
            heard.sendings += 1
            await link.ask(message, heard, on_head)
            if not is_fresh and heard.status is None and not heard.whole:
                # A kept connection that closes as it is used again was idle for too long: every
                # client asks once more (RFC 9112 section 9.3.1).
                heard.ended_at, heard.failure = None, None

    def _let_go(self, link: CallerLink | None, heard: Heard) -> None:
        if link is None:
            return
        if heard.left:
            link.leave(heard.order.leaving)
        elif link.is_open and link.keeps and heard.whole:
            self._idle.append(link)
        elif link.is_open:
            link.transport.close()

    def close(self) -> None:
        """Close idle connections."""
        for link in self._idle:
            link.transport.close()

    async def _connection(self) -> tuple[CallerLink, bool]:
        self._idle = [link for link in self._idle if link.is_open]
        if self._idle and self._draw.random() < 0.9:
            return self._idle.pop(), False
        loop, broken = self._network.loop, self.broken
        try:
            async with asyncio.timeout(CONNECT_S):
                link = await self._network.connect(
                    lambda: CallerLink(loop, broken), address=self._address
                )
        except TimeoutError as error:
            raise ConnectionError("no connection in time") from error
        assert isinstance(link, CallerLink)
        return link, True

    def _message(self, order: Order, body: bytes) -> bytes:
        fields = ["POST /v1/chat/completions HTTP/1.1", "host: gateway"]
        fields += ["content-type: application/json", f"content-length: {len(body)}"]
        fields.append(f"baggage: order={order.number}")
        key = self._key(order)
        if key is not None:
            fields.append(f"authorization: Bearer {key}")
        if order.timeout_ms is not None:
            fields.append(f"x-request-timeout-ms: {order.timeout_ms}")
        if order.session is not None:
            fields.append(f"x-session: {order.session}")
        fields += order.context()
        return "\r\n".join(fields).encode("ascii") + b"\r\n\r\n" + body

    def _key(self, order: Order) -> str | None:
        own = self._keys["own"]
        match order.key:
            case "own":
                return own
            case "old":
                return self._keys["old"]
            case "unknown":
                return own[:13] + own[13:][::-1]
            case "mangled":
                return own[:-1] + ("A" if own[-1] != "A" else "B")
            case "none":
                return None
