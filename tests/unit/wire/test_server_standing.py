"""Header fields that every answer bears, whoever makes it."""

import asyncio

from holdfast.wire import Exchange, Request, Server
from holdfast.world.ports import Address
from holdfast.world.sim import SimClock, SimLoop, SimNetwork, simulate

HERE = Address(host="server", port=80)


class Answering:
    def handle(self, request: Request, exchange: Exchange) -> None:
        if request.target == b"/stream":
            exchange.start(200, ((b"x-own", b"yes"),))
            exchange.end(b"ok")
        else:
            exchange.respond(404, ((b"x-own", b"yes"),), b"ok")


class RawClient(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data


async def ask(network: SimNetwork, target: bytes) -> bytes:
    client = await network.connect(RawClient, address=HERE)
    assert isinstance(client, RawClient)
    client.transport.write(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)
    await asyncio.sleep(1)
    client.transport.close()
    return client.received


def test_every_answer_bears_what_stands_at_the_time_and_its_own_fields_first() -> None:
    async def main(loop: SimLoop) -> None:
        network = SimNetwork(loop)
        server = Server(Answering(), clock=SimClock(loop))
        await server.start(network, sock=HERE)
        assert b"x-standing" not in await ask(network, b"/plain")
        for value in (b"1", b"2"):
            server.standing = ((b"x-standing", value),)
            for target in (b"/plain", b"/stream"):
                head = (await ask(network, target)).partition(b"\r\n\r\n")[0]
                assert b"\r\nx-own: yes\r\nx-standing: %b\r\n" % value in head + b"\r\n"
        server.abort()

    simulate(1, main)
