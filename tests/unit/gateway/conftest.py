"""A gateway in a simulated world, with upstreams that do as a test says."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from holdfast.audit import Recorder
from holdfast.blueprint import load
from holdfast.core import NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credentials, new_key
from holdfast.policy import Policy
from holdfast.wire import ClientPool, ResponseHead, Server, WireError
from holdfast.world.ports import Address
from holdfast.world.sim import (
    SimClock,
    SimEntropy,
    SimJournals,
    SimNetwork,
    simulate,
)

GATEWAY = Address(host="127.0.0.1", port=8080)
JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
DONE = b"data: [DONE]\n\n"


def chat(**fields):
    """A request body."""
    asked = {"model": "reviewer", "messages": [{"role": "user", "content": "hi"}], **fields}
    return msgspec.json.encode(asked)


def answer(text="yes", *, prompt=10, completion=5, ends="stop"):
    """A whole answer."""
    said = {"role": "assistant", "content": text}
    return msgspec.json.encode(
        {
            "choices": [{"index": 0, "message": said, "finish_reason": ends}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
        }
    )


def piece(text, *, ends=None):
    """One event of a stream."""
    event = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": ends}]}
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def usage_event(prompt=10, completion=5):
    """The event that tells a stream's usage."""
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    return b"data: " + msgspec.json.encode({"choices": [], "usage": usage}) + b"\n\n"


@dataclass
class Heard:
    """What a caller heard."""

    status: int | None = None
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    failure: str | None = None
    took_s: float = 0.0

    @property
    def json(self):
        return msgspec.json.decode(self.body)

    @property
    def code(self):
        return self.json["error"]["code"]


class _Listener:
    def __init__(self, loop):
        self.heard = Heard()
        self.over = loop.create_future()

    def on_head(self, head: ResponseHead) -> None:
        self.heard.status, self.heard.headers = head.status, head.headers

    def on_body(self, data: bytes) -> None:
        self.heard.body += data

    def on_end(self) -> None:
        self._end()

    def on_failure(self, error: WireError) -> None:
        self.heard.failure = error.code
        self._end()

    def _end(self):
        if not self.over.done():
            self.over.set_result(None)


class Upstream:
    """Answers each request with the next of ``plays``, the last for ever. A play is a coroutine
    function of the request and its exchange."""

    def __init__(self, world, *plays):
        self._world = world
        self.plays = list(plays)
        self.requests = []

    def handle(self, request, exchange):
        self.requests.append(request)
        play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
        self._world.group.create_task(play(request, exchange))

    def bodies(self):
        return [msgspec.json.decode(request.body) for request in self.requests]


class World:
    """One simulated system; ``port`` 9001, 9002, ... are its upstreams' to listen at."""

    def __init__(self, loop, group, text, spending, policies):
        self.loop = loop
        self.group = group
        self.clock = SimClock(loop)
        self.entropy = SimEntropy(1)
        self.network = SimNetwork(loop)
        self.blueprint = load(text, source="holdfast.yaml", read=policies.__getitem__)
        recorder = Recorder(SimJournals(self.entropy), self.clock, worker=0)
        self.gateway = Gateway(
            clock=self.clock,
            entropy=self.entropy,
            network=self.network,
            recorder=recorder,
            spawn=group.create_task,
            salts=lambda _tenant: bytes(32),
            spending=spending,
        )
        self.keys = {}
        self.servers = []

    async def start(self):
        credentials = []
        for name in self.blueprint.nodes:
            credential, key = new_key(self.entropy, self.clock, NodeId(name))
            credentials.append(credential)
            self.keys[name] = key
        policy = Policy.compile(self.blueprint)
        path = self.gateway.prepare(
            self.blueprint, policy, Credentials(credentials), secret=lambda _: "secret"
        )
        self.gateway.adopt(path)
        await self.gateway.start(sock=GATEWAY)

    async def serve(self, port, *plays):
        upstream = Upstream(self, *plays)
        server = Server(upstream, clock=self.clock)
        await server.start(self.network, sock=Address(host="127.0.0.1", port=port))
        self.servers.append(server)
        return upstream

    async def ask(self, body=None, *, caller="desk", headers=(), leave_after_s=None):
        body = chat() if body is None else body
        pool = ClientPool(
            GATEWAY,
            network=self.network,
            spawn=self.group.create_task,
            connections_max=1,
            connect_s=5,
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
            f"authorization: Bearer {self.keys[caller]}\r\ncontent-type: application/json\r\n"
            f"{lines}content-length: {len(body)}\r\n\r\n"
        )
        listener = _Listener(self.loop)
        began = self.loop.time()
        ticket = pool.send(head.encode() + body, listener)
        try:
            async with asyncio.timeout(leave_after_s):
                await listener.over
        except TimeoutError:
            ticket.cancel()
        pool.close()
        listener.heard.took_s = self.loop.time() - began
        return listener.heard

    async def ask_many(self, count, body=None, *, caller="desk"):
        tasks = [self.group.create_task(self.ask(body, caller=caller)) for _ in range(count)]
        return [await task for task in tasks]

    def records(self):
        return [record for record, _ in self.gateway.journeys.recent]

    def counters(self, node="reviewer"):
        return next(seen.counters for seen in self.gateway.seen_nodes() if seen.node == node)

    async def stop(self):
        await self.gateway.drain(within_s=5)
        for server in self.servers:
            await server.drain(within_s=0)


class Kit:
    """What tests are written with."""

    chat = staticmethod(chat)
    answer = staticmethod(answer)
    piece = staticmethod(piece)
    usage_event = staticmethod(usage_event)
    JSON, SSE, DONE = JSON, SSE, DONE

    @staticmethod
    def whole(text="yes", *, after_s=0.0, **usage):
        """A play: a whole answer."""

        async def play(request, exchange):
            await asyncio.sleep(after_s)
            if exchange.busy:
                exchange.respond(200, (JSON,), answer(text, **usage))

        return play

    @staticmethod
    def status(code, *headers, body=b'{"error":{"message":"no"}}'):
        """A play: an error."""

        async def play(request, exchange):
            exchange.respond(code, (JSON, *headers), body)

        return play

    @staticmethod
    def cut():
        """A play: the connection is reset."""

        async def play(request, exchange):
            exchange.abort()

        return play

    @staticmethod
    def silent():
        """A play: nothing, ever."""

        async def play(request, exchange):
            pass

        return play

    @staticmethod
    def stream(*pieces, after_s=0.0, pause_s=0.0, ends=True):
        """A play: a stream, broken off at its end unless ``ends``."""

        async def play(request, exchange):
            await asyncio.sleep(after_s)
            if not exchange.busy:
                return
            exchange.start(200, (SSE,))
            for data in pieces:
                exchange.write(data)
                await asyncio.sleep(pause_s)
            if not exchange.busy:
                return
            if ends:
                exchange.write(DONE)
                exchange.end()
            else:
                await asyncio.sleep(0.01)
                exchange.abort()

        return play

    @staticmethod
    def run(text, scenario, *, seed=1, spending=None, policies=None):
        """Run ``scenario(world)`` in a simulated world whose blueprint is ``text``."""

        async def main(loop):
            async with asyncio.TaskGroup() as group:
                world = World(loop, group, text, spending, policies or {})
                await world.start()
                try:
                    return await scenario(world)
                finally:
                    await world.stop()

        return simulate(seed, main)


@pytest.fixture
def kit():
    return Kit


TWO_NODES = """
holdfast: 1
name: small
nodes:
  desk: {{type: service, description: Asks.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:9001/v1", model: m}}
      {controls}
relationships:
  - {{id: desk-asks, connects: [desk, reviewer], controls: {{ {link} }} }}
"""

TWO_UPSTREAMS = """
holdfast: 1
name: small
nodes:
  desk: {{type: service, description: Asks.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls: {{ {controls} }}
  one:
    type: ai:llm
    description: One of two.
    controls: {{upstream: {{url: "http://127.0.0.1:9001/v1", model: m1}} {one} }}
  two:
    type: ai:llm
    description: The other.
    controls: {{upstream: {{url: "http://127.0.0.1:9002/v1", model: m2}} {two} }}
relationships:
  - {{id: made-of, composed-of: {{container: reviewer, nodes: [one, two]}}}}
  - {{id: desk-asks, connects: [desk, reviewer], controls: {{ {link} }} }}
"""

FALLBACK = """
holdfast: 1
name: small
nodes:
  desk: {{type: service, description: Asks.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:9001/v1", model: m1}}
      retries: {{attempts: 1}}
      fallback: {{to: [spare] {fallback} }}
  spare:
    type: ai:llm
    description: Answers when the other cannot.
    controls: {{upstream: {{url: "http://127.0.0.1:9002/v1", model: m2}} }}
relationships:
  - {{id: desk-asks, connects: [desk, reviewer]}}
  - {{id: desk-asks-spare, connects: [desk, spare]}}
"""


@pytest.fixture
def one_upstream():
    return lambda controls="", link="": TWO_NODES.format(controls=controls, link=link)


@pytest.fixture
def two_upstreams():
    def text(controls="", link="", one="", two=""):
        return TWO_UPSTREAMS.format(controls=controls, link=link, one=one, two=two)

    return text


@pytest.fixture
def with_fallback():
    return lambda fallback="": FALLBACK.format(fallback=fallback)
