"""What two HTTP parsers could read differently is refused (RFC 9112 section 11)."""

import asyncio

import pytest

from holdfast.wire import Exchange, Request, Server, WireLimits
from holdfast.world.ports import Address
from holdfast.world.sim import NetworkFaults, SimClock, SimLoop, SimNetwork, simulate

HERE = Address(host="server", port=80)
HEAD = b"POST /v1/x HTTP/1.1\r\nHost: a\r\n"
WHOLE = {
    "a bare line feed ends a line": b"GET / HTTP/1.1\nHost: a\n\n",
    "a bare line feed among proper ones": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "Content-Length twice, the same": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "Content-Length twice, different": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
    "a list of Content-Lengths": HEAD + b"Content-Length: 2, 2\r\n\r\nhi",
    "a signed Content-Length": HEAD + b"Content-Length: +2\r\n\r\nhi",
    "an empty Content-Length": HEAD + b"Content-Length:\r\n\r\n",
    "a hexadecimal Content-Length": HEAD + b"Content-Length: 0x2\r\n\r\nhi",
    "Content-Length and Transfer-Encoding": HEAD
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding twice": HEAD
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a disguised transfer coding": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "obsolete folding": HEAD + b"X: a\r\n b\r\n\r\n",
    "folding by tab": HEAD + b"X: a\r\n\tb\r\n\r\n",
    "two Hosts": HEAD + b"Host: b\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 2\r\n\r\nhi",
    "a NUL in a value": HEAD + b"X: a\0b\r\n\r\n",
    "a bare CR in a value": HEAD + b"X: a\rb\r\n\r\n",
    "an unknown version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "a chunk size ended by a bare line feed": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n",
    "a negative chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nhi\r\n0\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
}


class Echo:
    """Answers with what it was sent."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def handle(self, request: Request, exchange: Exchange) -> None:
        self.requests.append(request)
        exchange.respond(200, ((b"content-type", b"text/plain"),), request.body)


class RawClient(asyncio.Protocol):
    def __init__(self) -> None:
        self.received = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


def converse(*pieces: bytes, seed: int = 1, limits: WireLimits | None = None, wait_s: float = 5.0):
    """Send pieces to an echoing server with a little time between; what came back, and what it saw."""

    async def main(loop: SimLoop):
        echo, clock, network = Echo(), SimClock(loop), SimNetwork(loop)
        server = Server(echo, clock=clock, limits=limits)
        await server.start(network, sock=HERE)
        client = await network.connect(RawClient, address=HERE)
        for piece in pieces:
            client.transport.write(piece)
            await asyncio.sleep(0.5)
        await asyncio.sleep(wait_s)
        closed = client.closed.done()
        await server.drain(within_s=0)
        return client.received, echo.requests, closed

    return simulate(seed, main)


@pytest.mark.parametrize("name", WHOLE)
def test_what_parsers_read_differently_is_400_and_closes(name):
    answer, requests, closed = converse(WHOLE[name])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not requests
    assert closed


def test_other_transfer_codings_are_501():
    answer, requests, _ = converse(HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 501 ")
    assert not requests


@pytest.mark.parametrize("seed", range(20))
def test_a_request_in_any_pieces_is_the_same_request(seed):
    body = bytes(range(256)) * 20
    answer, requests, _ = converse(
        HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body, seed=seed
    )
    assert [r.body for r in requests] == [body]
    assert answer.endswith(body)


@pytest.mark.parametrize("seed", range(10))
def test_pipelined_requests_are_answered_in_order(seed):
    requests = [HEAD + b"Content-Length: 2\r\n\r\n%02d" % n for n in range(20)]
    answer, seen, _ = converse(b"".join(requests), seed=seed)
    assert [r.body for r in seen] == [b"%02d" % n for n in range(20)]
    assert answer.count(b"HTTP/1.1 200 OK") == 20


@pytest.mark.parametrize("seed", range(10))
def test_a_chunked_body_is_whole_and_ends_its_connection(seed):
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhi\r\n3\r\n you\r\n0\r\n\r\n"
    bad, _, _ = converse(HEAD + chunks, seed=seed)
    assert bad.startswith(b"HTTP/1.1 400 ")
    good, requests, closed = converse(HEAD + chunks.replace(b"3\r\n", b"4\r\n"), seed=seed)
    assert good.startswith(b"HTTP/1.1 200 ")
    assert requests[0].body == b"hi you"
    assert closed


def test_a_body_beyond_the_limit_is_413_before_it_is_read():
    limits = WireLimits(body_bytes=1000)
    answer, requests, _ = converse(
        HEAD + b"Content-Length: 50000000\r\n\r\n" + b"x" * 5000, limits=limits
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not requests


def test_a_chunked_body_beyond_the_limit_is_413():
    limits = WireLimits(body_bytes=1000)
    piece = b"400\r\n" + b"x" * 1024 + b"\r\n"
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    answer, requests, _ = converse(start, piece, piece, piece, limits=limits)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not requests


def test_a_head_beyond_the_limit_is_431():
    answer, _, _ = converse(HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")
    answer, _, _ = converse(HEAD + b"X: y\r\n" * 150 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_slow_head_is_408():
    limits = WireLimits(head_s=2.0)
    answer, _, closed = converse(HEAD, b"X: ", b"y", limits=limits, wait_s=6.0)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert closed


def test_a_head_that_trickles_does_not_win_time():
    """Slow loris: each byte is progress, none of them moves the deadline."""
    limits = WireLimits(head_s=2.0)
    answer, _, _ = converse(HEAD, *[b"X"] * 8, limits=limits, wait_s=1.0)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_trickles_does_not_win_time():
    limits = WireLimits(body_idle_s=2.0, body_total_s=3.0)
    answer, _, _ = converse(HEAD + b"Content-Length: 100\r\n\r\n", *[b"x"] * 10, limits=limits)
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed_without_a_word():
    answer, _, closed = converse(limits=WireLimits(idle_s=2.0), wait_s=5.0)
    assert answer == b""
    assert closed


@pytest.mark.parametrize("body", [b"", b"hi"])
@pytest.mark.parametrize("options", [b"close", b"Close", b"x, close"])
def test_a_request_that_says_close_is_the_last_of_its_connection(body, options):
    last = HEAD + b"Connection: %b\r\nContent-Length: %d\r\n\r\n" % (options, len(body)) + body
    answer, requests, closed = converse(last, last)
    assert len(requests) == 1
    assert b"connection: close\r\n" in answer
    assert closed


def test_expect_continue_is_answered_before_the_body():
    answer, requests, _ = converse(
        HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", b"hi"
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert requests[0].body == b"hi"


def test_new_limits_hold_for_connections_that_are_open_already():
    async def main(loop: SimLoop):
        network = SimNetwork(loop, faults=NetworkFaults(split_share=0))
        server = Server(Echo(), clock=SimClock(loop), limits=WireLimits(body_bytes=10))
        await server.start(network, sock=HERE)
        client = await network.connect(RawClient, address=HERE)
        for limit in (10, 100, 10):
            server.limits = WireLimits(body_bytes=limit)
            client.transport.write(HEAD + b"Content-Length: %d\r\n\r\n" % limit + b"x" * limit)
            await asyncio.sleep(1)
        client.transport.write(HEAD + b"Content-Length: 100\r\n\r\n")
        await asyncio.sleep(1)
        await server.drain(within_s=0)
        return client.received

    received = simulate(1, main)
    assert received.count(b"HTTP/1.1 200 ") == 3
    assert received.count(b"HTTP/1.1 413 ") == 1


def test_connections_beyond_the_limit_are_503():
    async def main(loop: SimLoop):
        network = SimNetwork(loop, faults=NetworkFaults(split_share=0))
        server = Server(Echo(), clock=SimClock(loop), limits=WireLimits(connections=2))
        await server.start(network, sock=HERE)
        clients = [await network.connect(RawClient, address=HERE) for _ in range(3)]
        await asyncio.sleep(1)
        await server.drain(within_s=0)
        return [client.received for client in clients]

    first, second, third = simulate(1, main)
    assert first == second == b""
    assert third.startswith(b"HTTP/1.1 503 ")
