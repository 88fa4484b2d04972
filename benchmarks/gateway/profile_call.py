"""One call through Holdfast without sockets, in one process: microseconds per part, for quick work.

The real wire, gateway, policy and recorder; only sockets and the disk are replaced by memory. So
what is printed is the cost of Holdfast's own code: kernel, event loop and keeper come on top.

  python benchmarks/gateway/profile_call.py            a table, and the whole call
  python benchmarks/gateway/profile_call.py --profile  where cProfile sees the whole call's time go
"""

import argparse
import asyncio
import cProfile
import gc
import pstats
import socket
import time
from collections.abc import Callable, Coroutine

import uvloop
from payloads import ANSWER, body, request
from targets import HERE

from holdfast.app.files import load_texts
from holdfast.audit import Done, Recorder, decode_record, encode_record
from holdfast.core import NodeId, Salt
from holdfast.gateway import Gateway, Identities
from holdfast.gateway.call import (
    Accepted,
    Allowed,
    Answered,
    Known,
    Outcome,
    Routed,
    Screened,
)
from holdfast.gateway.groups import build_groups
from holdfast.gateway.journeys import Journey, Journeys
from holdfast.gateway.stages.accept import Accept
from holdfast.gateway.stages.authenticate import Authenticate
from holdfast.gateway.stages.authorize import Authorize
from holdfast.gateway.stages.guard import Guard
from holdfast.gateway.stages.route import Route
from holdfast.gateway.stages.write import Write
from holdfast.gateway.tolls import TollBook
from holdfast.gateway.upstreams import Makings, build_upstreams
from holdfast.identity import Credentials, new_key
from holdfast.wire import Exchange, Request, Server
from holdfast.world.ports import Address, ListenTls
from holdfast.world.real import SystemClock, SystemEntropy

TOGETHER = 16
"""Calls under way at once, as in the benchmark: they share a group commit."""
ROUNDS = 5
SALT = b"\1" * 32
HERE_AT = Address(host="server", port=1)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)


class MemoryTransport(asyncio.Transport):
    """Hands what is written to a function."""

    def __init__(self, on_write: Callable[[bytes], None]) -> None:
        super().__init__({"peername": ("client", 0)})
        self.write = on_write  # pyright: ignore[reportAttributeAccessIssue]

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class MemoryNetwork:
    """Keeps the server's factory; answers whatever is sent to an upstream on the loop's next turn."""

    factory: Callable[[], asyncio.Protocol]

    async def listen(
        self,
        factory: Callable[[], asyncio.Protocol],
        *,
        sock: socket.socket | Address,
        tls: ListenTls | None = None,
    ) -> "MemoryNetwork":
        self.factory = factory
        return self

    def close(self) -> None: ...

    def renew(self) -> None: ...

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *, address: Address
    ) -> asyncio.Protocol:
        protocol = factory()
        soon = asyncio.get_running_loop().call_soon
        transport = MemoryTransport(lambda _: soon(protocol.data_received, _ANSWER) and None)
        protocol.connection_made(transport)
        return protocol


class MemoryJournals:
    """Appends that are durable at once, which no real ones are."""

    def create(self, name: str) -> "MemoryJournals":
        return self

    async def append(self, data: bytes) -> None:
        await asyncio.sleep(0)

    def close(self) -> None: ...

    def names(self) -> list[str]:
        return []

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        return b""

    def remove(self, name: str) -> None: ...


class Idle:
    """A handler that lets the connection read its next request at once, and keeps the last."""

    last: Request

    def handle(self, request: Request, exchange: Exchange) -> None:
        self.last = request
        exchange.busy = False


class MemoryRecorder(Recorder):
    """Says at once that a record is durable, and keeps the last: writing is measured alone."""

    last = b""

    def submit(self, entry: bytes, done: Done) -> None:
        self.last = entry
        done(None)


class Bench:
    """The benchmark's blueprint, one key, and every part made from them."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        text = (HERE / "blueprint.yaml").read_text().replace("UPSTREAM_PORT", "9")
        files = {"business.cedar": (HERE / "business.cedar").read_text()}
        self.loaded = load_texts("blueprint.yaml", text, files)
        self.clock, self.entropy = SystemClock(), SystemEntropy()
        credential, self.key = new_key(self.entropy, self.clock, NodeId("app"))
        self.credentials = Credentials([credential])
        self.message = request("chat", host="127.0.0.1:8080", key=self.key)
        self.network = MemoryNetwork()
        self.spawn: Callable[[Coroutine[None, None, None]], object] = group.create_task
        self.recorder = Recorder(MemoryJournals(), self.clock, worker=0)

    async def gateway(self) -> Gateway:
        made = Gateway(
            clock=self.clock,
            entropy=self.entropy,
            network=self.network,
            recorder=self.recorder,
            spawn=self.spawn,
            salts=lambda _tenant: SALT,
        )
        loaded = self.loaded
        made.adopt(
            made.prepare(loaded.blueprint, loaded.policy, self.credentials, secret=_no_secret)
        )
        await made.start(sock=HERE_AT)
        return made


class Clients:
    """``TOGETHER`` connections to the gateway, each asking again once it is answered."""

    def __init__(self, bench: Bench) -> None:
        self.message = bench.message
        self.left = 0
        self.done = asyncio.Event()
        self.connections: list[asyncio.Protocol] = []
        for _ in range(TOGETHER):
            connection = bench.network.factory()
            connection.connection_made(MemoryTransport(self._again(connection)))
            self.connections.append(connection)

    def _again(self, connection: asyncio.Protocol) -> Callable[[bytes], None]:
        soon = asyncio.get_running_loop().call_soon

        def answered(data: bytes) -> None:
            assert data.startswith(b"HTTP/1.1 200"), data
            self.left -= 1
            if self.left >= TOGETHER:
                soon(connection.data_received, self.message)
            elif self.left == 0:
                self.done.set()

        return answered

    async def run(self, calls: int) -> float:
        """Microseconds a call."""
        self.left = calls
        self.done.clear()
        began = time.process_time()
        for connection in self.connections:
            connection.data_received(self.message)
        await self.done.wait()
        return (time.process_time() - began) * 1e6 / calls


def timed(work: Callable[[], object], calls: int) -> float:
    """Microseconds a run of ``work``: the best of several rounds, the loop's own cost taken off."""
    best = empty = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            work()
        best = min(best, time.process_time() - began)
        began = time.process_time()
        for _ in range(calls):
            _nothing()
        empty = min(empty, time.process_time() - began)
    return (best - empty) * 1e6 / calls


def _nothing() -> None: ...


def _ignored(_: object) -> None: ...


def _no_secret(_: object) -> str:
    return ""


def wire_parts(bench: Bench) -> tuple[Request, dict[str, Callable[[], object]]]:
    """Reading a request and writing an answer, and the request that was read."""
    idle = Idle()
    exchange = Exchange(Server(idle, clock=bench.clock))
    exchange.connection_made(MemoryTransport(_ignored))
    headers = ((b"content-type", b"application/json"), (b"x-request-id", b"0" * 26))

    def respond() -> None:
        exchange.busy = True
        exchange.respond(200, headers, ANSWER)

    exchange.data_received(bench.message)
    return idle.last, {
        "wire: read request": lambda: exchange.data_received(bench.message),
        "wire: answer": respond,
    }


def stage_parts(bench: Bench, request: Request) -> dict[str, Callable[[], object]]:
    """Each stage alone, on what the stage before it made."""
    blueprint, policy = bench.loaded.blueprint, bench.loaded.policy
    accept = Accept(bench.clock, bench.entropy)
    identities = Identities(bench.clock, session_root=bytes(32))
    authenticate = Authenticate(bench.credentials, blueprint, identities)
    authorize, guard = Authorize(blueprint, policy), Guard(blueprint)
    makings = Makings(
        network=bench.network, clock=bench.clock, spawn=bench.spawn, secret=_no_secret
    )
    upstreams = build_upstreams(blueprint, makings, previous={})
    groups = build_groups(
        blueprint, upstreams, clock=bench.clock, entropy=bench.entropy, previous={}
    )
    tolls = TollBook(blueprint, workers=1, previous={})
    route = Route(blueprint, groups, tolls=tolls, caches={}, clock=bench.clock)
    accepted = accept(request)
    assert isinstance(accepted, Accepted)
    known = authenticate(accepted, request)
    assert isinstance(known, Known)
    allowed = authorize(known)
    assert isinstance(allowed, Allowed)
    screened = guard(allowed)
    assert isinstance(screened, Screened)
    routed = route(screened)
    assert isinstance(routed, Routed)
    return {
        "accept": lambda: accept(request),
        "authenticate": lambda: authenticate(accepted, request),
        "authorize": lambda: authorize(known),
        "guard": lambda: guard(allowed),
        "route": lambda: route(screened),
        **write_parts(bench, accepted, routed),
    }


def write_parts(
    bench: Bench, accepted: Accepted, routed: Routed
) -> dict[str, Callable[[], object]]:
    """Making a record; of it, its encoding."""
    recorder = MemoryRecorder(MemoryJournals(), bench.clock, worker=0)
    journeys = Journeys(bench.clock)
    write = Write(
        recorder,
        journeys=journeys,
        salt=Salt(SALT),
        worker=0,
        tenant="default",
        blueprint=bench.loaded.blueprint.digest,
        bundle=bench.loaded.policy.digest,
    )
    outcome = Outcome("answered", 200, None, "hmac-sha256:" + "0" * 64, 31, 12)

    def write_once() -> None:
        journey = Journey(accepted.call, bench.clock.monotonic(), accepted)
        journey.marks += [journey.began] * 6
        journeys.begin(journey)
        write.answered(Answered(routed, outcome), journey, event="call", done=_ignored)

    write_once()
    record = decode_record(recorder.last)
    return {
        "write: digest, record, encode": write_once,
        "  of it encode": lambda: encode_record(record),
    }


def parts(bench: Bench) -> dict[str, Callable[[], object]]:
    """In the order of a call."""
    request, wire = wire_parts(bench)
    stages = stage_parts(bench, request)
    return {"wire: read request": wire["wire: read request"], **stages, **wire}


async def _main(options: argparse.Namespace) -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        assert body("chat") in bench.message
        gateway = await bench.gateway()
        clients = Clients(bench)
        await clients.run(options.calls // 10)
        if options.profile:
            profile = cProfile.Profile()
            profile.enable()
            await clients.run(options.calls)
            profile.disable()
            pstats.Stats(profile).sort_stats("tottime").print_stats(options.lines)
        else:
            gc.freeze()
            whole = min([await clients.run(options.calls) for _ in range(ROUNDS)])
            for name, work in parts(bench).items():
                print(f"{name:<32}{timed(work, options.calls):>8.2f} us")
            print(f"{f'whole call, {TOGETHER} at a time':<32}{whole:>8.2f} us")
        await gateway.drain(within_s=1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--lines", type=int, default=45, help="lines of the profile")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(_main(_options()))
