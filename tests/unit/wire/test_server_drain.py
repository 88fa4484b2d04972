"""A drain cuts nobody off who was not told: while a successor takes over, no request is lost."""

import asyncio
from collections.abc import Awaitable, Callable

from holdfast.wire import Exchange, Request, Server
from holdfast.world.ports import Address
from holdfast.world.sim import SimClock, SimLoop, SimNetwork, simulate

HERE = Address(host="server", port=80)
ASK = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"connection: close"


class Answering:
    """Answers at once, but for ``/2``, which is streamed and ended by the test."""

    def __init__(self) -> None:
        self.open: list[Exchange] = []

    def handle(self, request: Request, exchange: Exchange) -> None:
        if request.target == b"/2":
            exchange.start(200, ())
            self.open.append(exchange)
        else:
            exchange.respond(200, (), b"ok")


class RawClient(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    async def ask(self, number: int) -> bytes:
        before = len(self.received)
        self.transport.write(ASK % number)
        await asyncio.sleep(0.5)
        return self.received[before:]


Scene = Callable[[Server, SimNetwork, Answering], Awaitable[None]]


def play(scene: Scene, seed: int = 1) -> None:
    async def main(loop: SimLoop) -> None:
        answering, network = Answering(), SimNetwork(loop)
        server = Server(answering, clock=SimClock(loop))
        await server.start(network, sock=HERE)
        await scene(server, network, answering)

    simulate(seed, main)


async def connected(network: SimNetwork) -> RawClient:
    client = await network.connect(RawClient, address=HERE)
    assert isinstance(client, RawClient)
    return client


def test_a_patient_drain_answers_one_more_request_and_says_close() -> None:
    async def scene(server: Server, network: SimNetwork, _: Answering) -> None:
        client = await connected(network)
        assert CLOSE not in await client.ask(1)
        draining = asyncio.ensure_future(server.drain(within_s=100, patient=True))
        await asyncio.sleep(10)
        assert not client.is_closed
        last = await client.ask(1)
        assert last.startswith(b"HTTP/1.1 200 ")
        assert CLOSE in last
        assert client.is_closed
        assert await draining == 0

    play(scene)


def test_a_patient_drain_leaves_idle_connections_their_idle_time_and_no_more() -> None:
    async def scene(server: Server, network: SimNetwork, _: Answering) -> None:
        client = await connected(network)
        began = server.clock.monotonic()
        assert await server.drain(within_s=1000, patient=True) == 0
        waited = server.clock.monotonic() - began
        await asyncio.sleep(1)
        assert client.is_closed
        assert server.limits.idle_s - 1 < waited < server.limits.idle_s + 2

    play(scene)


def test_a_patient_drain_takes_a_request_that_is_half_here() -> None:
    async def scene(server: Server, network: SimNetwork, _: Answering) -> None:
        client = await connected(network)
        client.transport.write(b"GET /1 HTTP/1.1\r\n")
        await asyncio.sleep(0.5)
        draining = asyncio.ensure_future(server.drain(within_s=100, patient=True))
        await asyncio.sleep(1)
        client.transport.write(b"Host: a\r\n\r\n")
        assert await draining == 0
        assert client.received.startswith(b"HTTP/1.1 200 ")

    play(scene)


def test_a_stream_that_promised_to_keep_its_connection_keeps_it() -> None:
    """Its client may write the next request in the very moment in which the stream ends."""

    async def scene(server: Server, network: SimNetwork, answering: Answering) -> None:
        client = await connected(network)
        assert CLOSE not in await client.ask(2)
        draining = asyncio.ensure_future(server.drain(within_s=100, patient=True))
        await asyncio.sleep(1)
        answering.open.pop().end(b"done")
        await asyncio.sleep(1)
        assert not client.is_closed
        assert CLOSE in await client.ask(1)
        assert await draining == 0

    play(scene)


def test_a_drain_without_patience_waits_for_answers_only() -> None:
    async def scene(server: Server, network: SimNetwork, answering: Answering) -> None:
        idle, busy = await connected(network), await connected(network)
        await busy.ask(2)
        draining = asyncio.ensure_future(server.drain(within_s=100))
        await asyncio.sleep(1)
        assert idle.is_closed
        assert not busy.is_closed
        answering.open.pop().end()
        assert await draining == 0

    play(scene)


def test_a_drain_that_is_hastened_cuts_and_counts_what_takes_longer() -> None:
    async def scene(server: Server, network: SimNetwork, _: Answering) -> None:
        idle, busy = await connected(network), await connected(network)
        await busy.ask(2)
        draining = asyncio.ensure_future(server.drain(within_s=1000, patient=True))
        await asyncio.sleep(1)
        server.hasten(within_s=5)
        await asyncio.sleep(1)
        assert idle.is_closed
        assert not busy.is_closed
        assert await draining == 1
        await asyncio.sleep(1)
        assert busy.is_closed

    play(scene)


def test_a_drain_that_was_hastened_before_it_began_is_not_patient() -> None:
    async def scene(server: Server, network: SimNetwork, _: Answering) -> None:
        await connected(network)
        server.hasten(within_s=5)
        began = server.clock.monotonic()
        assert await server.drain(within_s=1000, patient=True) == 0
        assert server.clock.monotonic() - began < 6

    play(scene)
