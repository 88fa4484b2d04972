"""Trouble for half a minute, and how soon a system is itself again: the whole gateway, or a client of
the usual kind, in front of two upstreams that go on working on calls nobody waits for any more.

Metastable failure (Bronson et al., HotOS 2021): the trouble ends, the overload that it began stays.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.audit import Recorder
from holdfast.blueprint import load
from holdfast.core import NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credentials, new_key
from holdfast.policy import Policy
from holdfast.wire import ClientPool, Exchange, Request, ResponseHead, Server, Spawn, WireError
from holdfast.world.ports import Address
from holdfast.world.sim import (
    NetworkFaults,
    SimClock,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimNetwork,
    simulate,
)

Trouble: TypeAlias = Literal["brown-out", "rate-limit", "hang", "errors", "slow-first-token"]
TROUBLES: Final[tuple[Trouble, ...]] = (
    "brown-out",
    "rate-limit",
    "hang",
    "errors",
    "slow-first-token",
)
SLOTS: Final = 10
SERVICE_S: Final = 0.5
ATTEMPT_S: Final = 4.0
DEADLINE_S: Final = 10.0
WARM_S: Final = 30
TROUBLE_S: Final = 30
SLOWER: Final = 8.0
TRIES: Final = 3
BACKOFF_S: Final = 0.1
GATEWAY: Final = Address(host="127.0.0.1", port=8080)
MEMBERS: Final = (Address(host="127.0.0.1", port=9001), Address(host="127.0.0.1", port=9002))
BODY: Final = b'{"model":"reviewer","messages":[{"role":"user","content":"hi"}]}'
ANSWER: Final = b'{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":9}}'
JSON_TYPE: Final = (b"content-type", b"application/json")
BLUEPRINT: Final = f"""
holdfast: 1
name: brown-out
nodes:
  desk: {{type: service, description: Asks.}}
  reviewer:
    type: ai:llm
    description: Two upstreams answer for it.
    controls:
      timeouts: {{first_byte_s: {ATTEMPT_S:g}, idle_s: {ATTEMPT_S:g}, total_s: {DEADLINE_S:g}}}
      concurrency: {{calls_start: 20}}
  one:
    type: ai:llm
    description: One of two.
    controls: {{upstream: {{url: "http://{MEMBERS[0]}/v1", model: m}}}}
  two:
    type: ai:llm
    description: The other.
    controls: {{upstream: {{url: "http://{MEMBERS[1]}/v1", model: m}}}}
relationships:
  - {{id: made-of, composed-of: {{container: reviewer, nodes: [one, two]}}}}
  - {{id: desk-asks, connects: [desk, reviewer]}}
"""

System: TypeAlias = Literal["holdfast", "naive"]
Ask: TypeAlias = Callable[[], Awaitable[bool]]
"""One call from its caller's side; whether a whole, right answer came in time."""


class Course(msgspec.Struct, frozen=True):
    """What came of the calls, by the second in which they began, from the start of the run."""

    asked: dict[int, int]
    answered: dict[int, int]
    attempts: int

    def goodput(self, since_s: int, until_s: int) -> float:
        """The share answered of those that began between two seconds after the trouble's end."""
        end = WARM_S + TROUBLE_S
        seconds = range(end + since_s, end + until_s)
        asked = sum(self.asked.get(second, 0) for second in seconds)
        return sum(self.answered.get(second, 0) for second in seconds) / max(asked, 1)

    @property
    def during(self) -> float:
        """The share answered while the trouble lasted."""
        return self.goodput(-TROUBLE_S, 0)

    @property
    def attempts_a_call(self) -> float:
        return self.attempts / sum(self.asked.values())


class SlottedUpstream:
    """Works on ``SLOTS`` calls at once, in order of arrival, and on abandoned ones to their end."""

    def __init__(self, spawn: Spawn, seed: str) -> None:
        self.trouble: Trouble | None = None
        self.attempts = 0
        self._spawn = spawn
        self._random = Random(seed)  # noqa: S311 - replayable by intent
        self._busy = 0
        self._waiting: list[asyncio.Future[None]] = []

    def handle(self, request: Request, exchange: Exchange) -> None:
        self.attempts += 1
        match self.trouble:
            case "rate-limit":
                exchange.respond(429, (JSON_TYPE, (b"retry-after", b"1")), b"{}")
            case "errors":
                exchange.respond(500, (JSON_TYPE,), b"{}")
            case "hang":
                """Never answered, not even when the trouble is over."""
            case _:
                self._spawn(self._work(exchange))

    def recover(self) -> None:
        """The trouble is over; what waits is worked on."""
        self.trouble = None
        self._wake()

    async def _work(self, exchange: Exchange) -> None:
        if self._busy >= self._slots:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._busy += 1
        slower = SLOWER if self.trouble == "slow-first-token" else 1.0
        await asyncio.sleep(slower * -SERVICE_S * math.log(1.0 - self._random.random()))
        self._busy -= 1
        self._wake()
        if exchange.busy:
            exchange.respond(200, (JSON_TYPE,), ANSWER)

    @property
    def _slots(self) -> int:
        return SLOTS // 10 if self.trouble == "brown-out" else SLOTS

    def _wake(self) -> None:
        free = self._slots - self._busy
        for turn in self._waiting[: max(free, 0)]:
            turn.set_result(None)
        del self._waiting[: max(free, 0)]


class _Answer:
    """A ``wire.Receiver`` of one answer."""

    def __init__(self) -> None:
        self.over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = b""

    def on_head(self, head: ResponseHead) -> None:
        self._status = head.status

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_end(self) -> None:
        self._end(is_right=self._status == 200 and self._body == ANSWER)

    def on_failure(self, error: WireError) -> None:
        self._end(is_right=False)

    def _end(self, *, is_right: bool) -> None:
        if not self.over.done():
            self.over.set_result(is_right)


class Client:
    """Sends to one address."""

    def __init__(self, address: Address, *, network: SimNetwork, spawn: Spawn, key: str) -> None:
        self._pool = ClientPool(
            address,
            network=network,
            spawn=spawn,
            connections_max=100_000,
            connect_s=DEADLINE_S,
        )
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
        )
        self._message = head.encode("ascii") + BODY

    async def ask(self, within_s: float) -> bool:
        """One try."""
        answer = _Answer()
        ticket = self._pool.send(self._message, answer)
        try:
            async with asyncio.timeout(within_s):
                return await answer.over
        except TimeoutError:
            ticket.cancel()
            return False


def run_course(
    trouble: Trouble,
    *,
    load_share: float,
    system: System = "holdfast",
    after_s: int = 30,
    seed: int = 1,
) -> Course:
    """Calls at ``load_share`` of what the upstreams bear, before, during and ``after_s`` seconds
    after the trouble. ``naive``: no gateway; each client tries three times, with backoff and full
    jitter, at an upstream of chance."""
    return simulate(
        seed, lambda loop: _Run(loop, trouble, load_share, after_s).course(system, seed)
    )


class _Run:
    def __init__(self, loop: SimLoop, trouble: Trouble, load_share: float, after_s: int) -> None:
        self._loop = loop
        self._trouble: Trouble = trouble
        self._rate = load_share * len(MEMBERS) * SLOTS / SERVICE_S
        self._seconds = WARM_S + TROUBLE_S + after_s
        self._network = SimNetwork(loop)
        self._network.faults = NetworkFaults(latency_s=(0.0005, 0.001), split_share=0.0)
        self._asked: Counter[int] = Counter()
        self._answered: Counter[int] = Counter()

    async def course(self, system: System, seed: int) -> Course:
        clock = SimClock(self._loop)
        group = asyncio.TaskGroup()
        async with group:
            spawn = group.create_task
            upstreams = [SlottedUpstream(spawn, f"{seed} {index}") for index in range(len(MEMBERS))]
            servers: list[Server] = []
            for upstream, address in zip(upstreams, MEMBERS, strict=True):
                servers.append(Server(upstream, clock=clock))
                await servers[-1].start(self._network, sock=address)
            gateway = None
            if system == "holdfast":
                gateway, key = await _gateway(clock, self._network, spawn)
                client = Client(GATEWAY, network=self._network, spawn=spawn, key=key)
                ask: Ask = lambda: client.ask(DEADLINE_S)  # noqa: E731 - one of two ways to ask
            else:
                ask = self._naive(spawn, Random(f"naive {seed}"))  # noqa: S311 - replayable
            self._loop.call_later(WARM_S, self._begin, upstreams)
            self._loop.call_later(WARM_S + TROUBLE_S, self._end, upstreams)
            await self._arrivals(ask, spawn, Random(f"arrivals {seed}"))  # noqa: S311 - replayable
            await asyncio.sleep(DEADLINE_S)
            if gateway is not None:
                await gateway.drain(within_s=1)
            for server in servers:
                server.abort()
        attempts = sum(upstream.attempts for upstream in upstreams)
        return Course(dict(self._asked), dict(self._answered), attempts)

    def _begin(self, upstreams: list[SlottedUpstream]) -> None:
        for upstream in upstreams:
            upstream.trouble = self._trouble

    def _end(self, upstreams: list[SlottedUpstream]) -> None:
        for upstream in upstreams:
            upstream.recover()

    async def _arrivals(self, ask: Ask, spawn: Spawn, random: Random) -> None:
        """Calls come as they come: nobody waits for the one before."""
        while self._loop.time() < self._seconds:
            await asyncio.sleep(random.expovariate(self._rate))
            spawn(self._one(ask))

    async def _one(self, ask: Ask) -> None:
        second = int(self._loop.time())
        self._asked[second] += 1
        if await ask():
            self._answered[second] += 1

    def _naive(self, spawn: Spawn, random: Random) -> Ask:
        clients = [
            Client(address, network=self._network, spawn=spawn, key="none") for address in MEMBERS
        ]

        async def ask() -> bool:
            due = self._loop.time() + DEADLINE_S
            for attempt in range(TRIES):
                left_s = due - self._loop.time()
                if left_s <= 0:
                    return False
                if await random.choice(clients).ask(min(ATTEMPT_S, left_s)):
                    return True
                await asyncio.sleep(random.random() * BACKOFF_S * 2**attempt)
            return False

        return ask


async def _gateway(clock: SimClock, network: SimNetwork, spawn: Spawn) -> tuple[Gateway, str]:
    entropy = SimEntropy(1)
    blueprint = load(BLUEPRINT, source="brown-out", read=_no_file)
    journals = SimJournals(entropy, delay_s=(0.0005, 0.001))
    gateway = Gateway(
        clock=clock,
        entropy=entropy,
        network=network,
        recorder=Recorder(journals, clock, worker=0),
        spawn=spawn,
        salt=bytes(32),
    )
    credential, key = new_key(entropy, clock, NodeId("desk"))
    path = gateway.prepare(
        blueprint, Policy.compile(blueprint), Credentials([credential]), secret=_no_file
    )
    gateway.adopt(path)
    await gateway.start(sock=GATEWAY)
    return gateway, key


def _no_file(name: object) -> str:
    raise FileNotFoundError(str(name))
