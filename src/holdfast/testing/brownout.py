"""Trouble for half a minute, and how soon a system is itself again: the whole gateway, or a client of
the usual kind, in front of two upstreams that go on working on calls nobody waits for any more.

Metastable failure (Bronson et al., HotOS 2021): the trouble ends, the overload that it began stays.
"""

import asyncio
import contextlib
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
from holdfast.testing.slotted import (
    RETRY_AFTER_S,
    SERVICE_S,
    SLOTS,
    SlottedModel,
    Trouble,
)
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

ATTEMPT_S: Final = 4.0
DEADLINE_S: Final = 10.0
WARM_S: Final = 30
TROUBLE_S: Final = 30
TRIES: Final = 3
BACKOFF_S: Final = 0.1
CONCURRENCY: Final[dict[str, str]] = {"holdfast": "{calls_start: 20}", "holdfast-defaults": "{}"}
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
      concurrency: CONCURRENCY
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

Ask: TypeAlias = Callable[[], Awaitable[bool]]
"""One call from its caller's side; whether a whole, right answer came in time."""
System: TypeAlias = Callable[["World"], Awaitable[Ask]]
"""What is put before the models: from the world it runs in to how a caller asks."""


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
    def before(self) -> float:
        """The share answered before the trouble began."""
        return self.goodput(-TROUBLE_S - WARM_S, -TROUBLE_S)

    @property
    def during(self) -> float:
        """The share answered while the trouble lasted."""
        return self.goodput(-TROUBLE_S, 0)

    @property
    def attempts_a_call(self) -> float:
        return self.attempts / sum(self.asked.values())


class _Upstream:
    """A model behind HTTP."""

    def __init__(self, model: SlottedModel) -> None:
        self._model = model

    def handle(self, request: Request, exchange: Exchange) -> None:
        self._model.ask(lambda status: _answer(exchange, status))


def _answer(exchange: Exchange, status: int) -> None:
    if not exchange.busy:
        return  # nobody waits for it any more
    heads = (JSON_TYPE,) if status != 429 else (JSON_TYPE, (b"retry-after", b"%d" % RETRY_AFTER_S))
    exchange.respond(status, heads, ANSWER if status == 200 else b"{}")


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
    system: Literal["holdfast", "holdfast-defaults", "naive"] = "holdfast",
    after_s: int = 30,
    seed: int = 1,
) -> Course:
    """Calls at ``load_share`` of what the models bear, before, during and ``after_s`` seconds after
    the trouble. ``holdfast`` is told how many calls to begin with; ``holdfast-defaults`` is not.
    ``naive``: no gateway; each client tries three times, with backoff and full jitter, at a model
    of chance."""
    put = _naive if system == "naive" else _holdfast(CONCURRENCY[system])
    return simulate(
        seed,
        lambda loop: course(
            loop, trouble, load_share=load_share, system=put, after_s=after_s, seed=seed
        ),
    )


async def course(
    loop: SimLoop,
    trouble: Trouble,
    *,
    load_share: float,
    system: System,
    after_s: int,
    seed: int,
) -> Course:
    """As ``run_course``, in a loop and before a system of the caller's."""
    asked: Counter[int] = Counter()
    answered: Counter[int] = Counter()

    async def one(ask: Ask) -> None:
        second = int(loop.time())
        asked[second] += 1
        if await ask():
            answered[second] += 1

    group = asyncio.TaskGroup()
    async with group, contextlib.AsyncExitStack() as ending:
        world = World(loop, spawn=group.create_task, ending=ending, seed=seed)
        ask = await system(world)
        loop.call_later(WARM_S, world.begin, trouble)
        loop.call_later(WARM_S + TROUBLE_S, world.recover)
        random = Random(f"arrivals {seed}")  # noqa: S311 - replayable by intent
        rate = load_share * len(MEMBERS) * SLOTS / SERVICE_S
        while loop.time() < WARM_S + TROUBLE_S + after_s:
            await asyncio.sleep(random.expovariate(rate))
            group.create_task(one(ask))  # nobody waits for the one before
        await asyncio.sleep(DEADLINE_S)
    attempts = sum(model.attempts for model in world.models)
    return Course(dict(asked), dict(answered), attempts)


class World:
    """Where a system is put: two models, and a network they may be reached through.

    ``ending``: what to do when the last call is over.
    """

    def __init__(
        self, loop: SimLoop, *, spawn: Spawn, ending: contextlib.AsyncExitStack, seed: int
    ) -> None:
        self.seed = seed
        self.spawn = spawn
        self.ending = ending
        self.clock = SimClock(loop)
        self.network = SimNetwork(loop)
        self.network.faults = NetworkFaults(latency_s=(0.0005, 0.001), split_share=0.0)
        self.models = [SlottedModel(spawn, f"{seed} {index}") for index in range(len(MEMBERS))]

    def begin(self, trouble: Trouble) -> None:
        for model in self.models:
            model.trouble = trouble

    def recover(self) -> None:
        for model in self.models:
            model.recover()

    async def listen(self) -> None:
        """Make the models known to the network."""
        for model, address in zip(self.models, MEMBERS, strict=True):
            server = Server(_Upstream(model), clock=self.clock)
            await server.start(self.network, sock=address)
            self.ending.callback(server.abort)

    def client(self, address: Address, key: str) -> Client:
        return Client(address, network=self.network, spawn=self.spawn, key=key)


async def _naive(world: World) -> Ask:
    await world.listen()
    clients = [world.client(address, "none") for address in MEMBERS]
    random = Random(f"naive {world.seed}")  # noqa: S311 - replayable by intent

    async def ask() -> bool:
        due = world.clock.monotonic() + DEADLINE_S
        for attempt in range(TRIES):
            left_s = due - world.clock.monotonic()
            if left_s <= 0:
                return False
            if await random.choice(clients).ask(min(ATTEMPT_S, left_s)):
                return True
            await asyncio.sleep(random.random() * BACKOFF_S * 2**attempt)
        return False

    return ask


def _holdfast(concurrency: str) -> System:
    async def put(world: World) -> Ask:
        await world.listen()
        gateway, key = await _gateway(world, BLUEPRINT.replace("CONCURRENCY", concurrency))
        world.ending.push_async_callback(gateway.drain, within_s=1)
        client = world.client(GATEWAY, key)
        return lambda: client.ask(DEADLINE_S)

    return put


async def _gateway(world: World, text: str) -> tuple[Gateway, str]:
    entropy = SimEntropy(1)
    blueprint = load(text, source="brown-out", read=_no_file)
    journals = SimJournals(entropy, delay_s=(0.0005, 0.001))
    gateway = Gateway(
        clock=world.clock,
        entropy=entropy,
        network=world.network,
        recorder=Recorder(journals, world.clock, worker=0),
        spawn=world.spawn,
        salts=lambda _tenant: bytes(32),
    )
    credential, key = new_key(entropy, world.clock, NodeId("desk"))
    path = gateway.prepare(
        blueprint, Policy.compile(blueprint), Credentials([credential]), secret=_no_file
    )
    gateway.adopt(path)
    await gateway.start(sock=GATEWAY)
    return gateway, key


def _no_file(name: object) -> str:
    raise FileNotFoundError(str(name))
