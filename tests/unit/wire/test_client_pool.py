"""The upstream's side of the wire: kept-alive connections, and how each way of failing is told."""

import asyncio

import pytest

from holdfast.wire import ClientPool, ResponseHead, WireError
from holdfast.world.ports import Address
from holdfast.world.sim import NetworkFaults, SimLoop, SimNetwork, simulate

THERE = Address(host="upstream", port=80)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Heard:
    """A ``wire.Receiver`` that gathers one answer."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.body = b""
        self.whole = False
        self.failure: str | None = None
        self.over = asyncio.get_running_loop().create_future()

    def on_head(self, head: ResponseHead) -> None:
        self.status = head.status

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_end(self) -> None:
        self.whole = True
        self.over.set_result(None)

    def on_failure(self, error: WireError) -> None:
        self.failure = error.code
        self.over.set_result(None)


class Server(asyncio.Protocol):
    """Plays one list of answers per connection: bytes to send, or a way to end."""

    scripts: list[list[object]]
    opened = 0

    def __init__(self) -> None:
        type(self).opened += 1
        self.received = b""
        self.script = self.scripts.pop(0) if self.scripts else []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while b"\r\n\r\n" in self.received:
            self.received = self.received.partition(b"\r\n\r\n")[2]
            self.play(self.script.pop(0) if self.script else "abort")

    def play(self, act: object) -> None:
        if isinstance(act, bytes):
            self.transport.write(act)
        elif isinstance(act, tuple):
            for one in act:
                self.play(one)
        elif act == "close":
            self.transport.close()
        elif act == "abort":
            self.transport.abort()


def ask(*scripts, times=1, connections_max=4, seed=1, faults=None, pause_s=0.5, fresh=False):
    """Ask one after the other; what was heard, and how many connections it took."""

    class Once(Server):
        pass

    Once.scripts = [list(script) for script in scripts]

    async def main(loop: SimLoop):
        network = SimNetwork(loop, faults=faults or NetworkFaults())
        if scripts:
            await network.listen(Once, sock=THERE)
        heard = []
        async with asyncio.TaskGroup() as group:
            pool = ClientPool(
                THERE,
                network=network,
                spawn=group.create_task,
                connections_max=connections_max,
                connect_s=1.0,
            )
            for _ in range(times):
                one = Heard()
                pool.send(ASK, one, fresh=fresh)
                async with asyncio.timeout(30):
                    await one.over
                heard.append(one)
                await asyncio.sleep(pause_s)
        return heard, Once.opened

    return simulate(seed, main)


def test_a_connection_is_used_again():
    heard, opened = ask([OK, OK, OK], times=3)
    assert [h.body for h in heard] == [b"hi"] * 3
    assert opened == 1


def test_a_connection_that_says_close_is_not_used_again():
    closing = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi"
    heard, opened = ask([closing], [closing], times=2)
    assert [h.body for h in heard] == [b"hi"] * 2
    assert opened == 2


def test_a_kept_connection_that_the_upstream_dropped_is_told_as_stale():
    """The race of a server closing an idle connection as the next request leaves: nobody can tell
    whether the request was read, so nobody here asks again."""
    for seed in range(20):
        heard, opened = ask([OK, "abort"], [OK], times=2, seed=seed)
        assert [h.failure for h in heard] == [None, "wire.stale"]
        assert opened == 1


def test_a_fresh_connection_is_new_even_when_another_idles():
    heard, opened = ask([OK], [OK], times=2, fresh=True)
    assert [h.body for h in heard] == [b"hi"] * 2
    assert opened == 2


def test_a_fresh_connection_that_drops_is_a_reset():
    heard, opened = ask(["abort"])
    assert heard[0].failure == "wire.reset"
    assert opened == 1


def test_an_answer_cut_short_is_a_reset_and_is_not_asked_again():
    heard, opened = ask([OK, (OK[:-1], "abort")], times=2)
    assert heard[1].failure == "wire.reset"
    assert opened == 1


def test_an_answer_without_length_ends_with_its_connection():
    heard, _ = ask([(b"HTTP/1.1 200 OK\r\n\r\nhi there", "close")])
    assert heard[0].whole
    assert heard[0].body == b"hi there"


def test_a_chunked_answer_cut_short_is_never_whole():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    for seed in range(10):
        heard, _ = ask([(head + b"2\r\nhi\r\n", "close")], seed=seed)
        assert heard[0].failure == "wire.reset"


def test_bytes_nobody_asked_for_close_the_connection():
    """They must not become the answer to the next request."""
    for seed in range(10):
        heard, opened = ask(
            [(OK, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")], [OK], times=2, seed=seed
        )
        assert [h.body for h in heard] == [b"hi"] * 2
        assert opened == 2


def plain(body: bytes, *, extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (extra, len(body), body)


@pytest.mark.parametrize("seed", range(20))
def test_answers_under_repeating_heads_are_each_their_own(seed):
    """Whole, in pieces, of any length, under one head or alternating ones."""
    bodies = [b"x" * size for size in (1, 1, 7, 12, 300, 2, 1, 40_000, 3, 3)]
    extras = [b"x: 1\r\n" if n % 3 == seed % 3 else b"" for n in range(len(bodies))]
    answers = [plain(body, extra=extra) for body, extra in zip(bodies, extras, strict=True)]
    heard, opened = ask(answers, times=len(bodies), seed=seed)
    assert [h.body for h in heard] == bodies
    assert all(h.whole for h in heard)
    assert opened == 1


def test_an_answer_cut_short_under_a_known_head_is_a_reset():
    for seed in range(10):
        heard, _ = ask([OK, OK, (OK[:-1], "close")], times=3, seed=seed)
        assert [h.failure for h in heard] == [None, None, "wire.reset"]


def test_bytes_behind_an_answer_under_a_known_head_close_the_connection():
    for seed in range(10):
        heard, opened = ask([OK, OK, OK + b"evil"], [OK], times=4, seed=seed)
        assert [h.body for h in heard] == [b"hi"] * 4
        assert opened == 2


def test_an_answer_without_a_body_teaches_no_head():
    """A 204 has no body whatever its length says: what follows it would be another answer."""
    empty = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
    heard, opened = ask([empty, empty, empty.replace(b"0\r", b"2\r") + b"hi"], [OK], times=4)
    assert [h.body for h in heard] == [b"", b"", b"", b"hi"]
    assert opened == 2


def test_an_interim_answer_teaches_no_head():
    """Its length, which it should not have, is not the answer's."""
    early = b"HTTP/1.1 103 Early Hints\r\ncontent-length: %d\r\n\r\n" % len(OK)
    for seed in range(10):
        heard, _ = ask([early + OK, early + OK, OK], times=3, seed=seed)
        assert all(h.status in (200, None) for h in heard)
        assert all(h.body in (b"hi", b"") for h in heard)


def test_what_is_not_http_is_said_to_be_none():
    heard, _ = ask([b"SSH-2.0-OpenSSH\r\n"])
    assert heard[0].failure == "wire.protocol"


def test_interim_answers_are_passed_over():
    heard, _ = ask([b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK])
    assert (heard[0].status, heard[0].body) == (200, b"hi")


def test_nobody_listening_is_a_failure_to_connect():
    heard, _ = ask()
    assert heard[0].failure == "wire.connect"


def test_a_full_pool_says_so_at_once():
    heard, _ = ask([OK], connections_max=0)
    assert heard[0].failure == "wire.pool-full"


class Stillborn:
    """A network whose connections are lost while they are being made, seen or unseen."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.attempts = 0

    async def connect(self, factory, *, address):
        self.attempts += 1
        link = factory()
        link.connection_made(asyncio.Transport())
        link.connection_lost(None)
        if self.error is not None:
            raise self.error
        return link


@pytest.mark.parametrize("error", [None, OSError("reset"), TimeoutError()])
def test_a_connection_lost_while_it_is_made_is_told_and_counted_once(error):
    async def main(loop: SimLoop):
        network = Stillborn(error)
        async with asyncio.TaskGroup() as group:
            pool = ClientPool(
                THERE, network=network, spawn=group.create_task, connections_max=1, connect_s=1.0
            )
            failures = []
            for together in (1, 1, 3):
                listening = [Heard() for _ in range(together)]
                for each in listening:
                    pool.send(ASK, each)
                async with asyncio.timeout(30):
                    for each in listening:
                        await each.over
                failures.append([each.failure for each in listening])
        return failures, network.attempts

    failures, attempts = simulate(1, main)
    assert failures == [
        ["wire.connect"],
        ["wire.connect"],
        ["wire.connect", "wire.pool-full", "wire.pool-full"],
    ]
    assert attempts == 3
