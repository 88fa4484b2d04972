"""Predicted against measured: every part of a simulated system is made to fail, and whose calls fail
or come back with less is compared with what the blast radius said.

The gateway is the real one, under virtual time. Each part fails by itself, the system is given time to
be well again, and the next one fails.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator, Mapping
from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.audit import Recorder
from holdfast.blueprint import Blueprint, load
from holdfast.blueprint.blast import Assumptions, Equations, State, impact
from holdfast.blueprint.graph import System
from holdfast.core import NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credential, Credentials, new_key
from holdfast.policy import Policy
from holdfast.testing.services import (
    OUTAGE_S,
    PROBE_EVERY_S,
    PROBER,
    Dependency,
    Program,
    Services,
    composed,
    declared,
    draw_services,
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

Kind: TypeAlias = Literal["stop", "error", "hang"]
GATEWAY: Final = Address(host="127.0.0.1", port=8080)
PROBES: Final = 24
"""Calls to each service while a part is down that count."""
SETTLING: Final[dict[Kind, int]] = {"stop": 5, "error": 5, "hang": 30}
"""Calls to each before that, until breakers are open. What hangs takes its time to fail: of several
members one that hangs is asked little at first, and its fifth failure in a row may take a minute."""
CHECKS: Final = 6
"""Calls to each service, to see whether all is well."""
REST_S: Final = 30.0
RESTS_MAX: Final = 40
"""How often the system is given time to be well again before it counts as never well."""
SLOW_S: Final = 5.0
"""A call that takes longer is slow: in calm it takes thousandths of a second."""
CALL_S: Final = 40.0
DOWN_SHARE: Final = 0.9
WORSE_SHARE: Final = 0.1
"""Of a service's probes: what fails more often than in one of ten is worse."""
JSON_TYPE: Final = (b"content-type", b"application/json")


KINDS: Final[dict[Kind, str]] = {
    "stop": "nobody listens any more",
    "error": "every call is answered with status 503",
    "hang": "every call is taken and never answered",
}


class Said(msgspec.Struct, frozen=True):
    """What a service answers: who it is, and whether it had all it needs."""

    who: str
    whole: bool = True


class Measured(msgspec.Struct, frozen=True):
    """One failure: what was predicted and what was seen, of every service but the failed ones."""

    seed: int
    kind: Kind
    fault: str
    predicted: Mapping[str, str]
    seen: Mapping[str, str]
    ancestors: frozenset[str]
    """The naive prediction: whoever calls it, or calls who does."""


class Score(msgspec.Struct, frozen=True):
    """Of the pairs of a failure and a service."""

    hits: int
    false_alarms: int
    misses: int
    exact: int
    """Of the pairs predicted or seen worse: with the very state."""

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.hits + self.misses)


def scored(measured: list[Measured], *, naive: bool = False) -> Score:
    """How well what got worse was told: by the prediction, or by the naive one."""
    hits = false_alarms = misses = exact = 0
    for each in measured:
        told = each.ancestors if naive else each.predicted.keys()
        for name in set(told) | set(each.seen):
            hits += name in told and name in each.seen
            false_alarms += name in told and name not in each.seen
            misses += name not in told and name in each.seen
            exact += not naive and each.predicted.get(name) == each.seen.get(name)
    return Score(hits, false_alarms, misses, exact)


def measure(seed: int, *, count: int = 7, kind: Kind = "stop") -> list[Measured]:
    """Every part of one drawn system fails once, in one manner."""
    services = draw_services(seed, count=count)
    return simulate(seed, lambda loop: _Experiment(loop, seed, services).run(kind))


def blueprint_of(services: Services) -> Blueprint:
    return load(declared(services) + composed(services), source="services", read=_no_file)


class _Experiment:
    def __init__(self, loop: SimLoop, seed: int, services: Services) -> None:
        self.loop = loop
        self.seed = seed
        self.services = services
        self.clock = SimClock(loop)
        self.network = SimNetwork(loop)
        self.network.faults = NetworkFaults(latency_s=(0.0005, 0.001), split_share=0.0)
        self.blueprint = blueprint_of(services)
        self.running: dict[str, Server] = {}
        self.clients: dict[str, _Client] = {}
        self.ailing: dict[str, Kind] = {}
        self._chance = Random(f"questions {seed}")  # noqa: S311 - replayable by intent
        self._asked = 0

    async def run(self, kind: Kind) -> list[Measured]:
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as ending:
            await self._start(group.create_task, ending)
            for program in self.services.programs:
                await self._begin(program)
            await self._be_well()
            found = [await self._one(fault, kind) for fault in self.services.parts]
            for server in self.running.values():
                server.abort()
        return found

    async def _one(self, fault: str, kind: Kind) -> Measured:
        fallen = self.services.programs_in(fault)
        for program in fallen:
            self.ailing[program.name] = kind
            if kind == "stop":
                self.running.pop(program.name).abort()
        # What rests or is left out is settled by traffic, and then measured.
        seen = await self._states(settling=SETTLING[kind], counted=PROBES)
        self.ailing.clear()
        for program in fallen:
            if kind == "stop":
                await self._begin(program)
        await self._be_well()
        gone = {name for name in self.services.names if self._is_gone(name, fallen)}
        predicted = self._predicted(fault, kind)
        return Measured(
            seed=self.seed,
            kind=kind,
            fault=fault,
            predicted={name: state for name, state in predicted.items() if name not in gone},
            seen={name: state for name, state in seen.items() if name not in gone},
            ancestors=frozenset(self._ancestors(fallen) - gone),
        )

    async def _be_well(self) -> None:
        """Until breakers, ejections and throttles have forgotten: they need time, and traffic."""
        states: dict[str, str] = {}
        for _ in range(RESTS_MAX):
            await asyncio.sleep(REST_S)
            states = await self._states(counted=CHECKS)
            if not states:
                return
        raise AssertionError(f"seed {self.seed}: not well again: {states}")

    def _is_gone(self, name: str, fallen: tuple[Program, ...]) -> bool:
        """Whether all that answers for a service failed itself: no prediction is needed for it."""
        return all(each in fallen for each in self.services.programs if each.called == name)

    def _predicted(self, fault: str, kind: Kind) -> dict[str, str]:
        assumptions = Assumptions(outage_s=OUTAGE_S)
        equations = Equations(System(self.blueprint), assumptions)
        how = "hangs" if kind == "hang" else "stops"
        fallen = impact(equations.system, [fault], equations=equations, how=how)
        return {n: str(s) for n, s in fallen.states.items() if n in self.services.names}

    def _ancestors(self, fallen: tuple[Program, ...]) -> set[str]:
        found = {each.called for each in fallen}
        waiting = list(found)
        while waiting:
            here = waiting.pop()
            for each in self.services.dependencies:
                if here in (each.destination, each.spare) and each.source not in found:
                    found.add(each.source)
                    waiting.append(each.source)
        return found

    async def _states(self, *, counted: int, settling: int = 0) -> dict[str, str]:
        """Every service that is worse than up, by asking it now and again. Nobody's question waits
        for another's answer, and whose comes first is chance: or a part that hangs would stop the
        traffic that shows it. The first so many rounds do not count."""
        heard: dict[str, list[_Heard]] = {name: [] for name in self.services.names}

        async def ask(name: str, number: int) -> None:
            await asyncio.sleep(self._chance.uniform(0, PROBE_EVERY_S))
            self._asked += 1
            found = await self.clients[PROBER].ask(name, self._asked)
            if number >= settling:
                heard[name].append(found)

        async with asyncio.TaskGroup() as asking:
            for number in range(settling + counted):
                for name in self.services.names:
                    asking.create_task(ask(name, number))
                await asyncio.sleep(PROBE_EVERY_S)
        judged = {name: _judged(them) for name, them in heard.items()}
        return {name: str(state) for name, state in judged.items() if state is not State.UP}

    async def _start(self, spawn: Spawn, ending: contextlib.AsyncExitStack) -> None:
        entropy = SimEntropy(self.seed)
        gateway = Gateway(
            clock=self.clock,
            entropy=entropy,
            network=self.network,
            recorder=Recorder(SimJournals(entropy), self.clock, worker=0),
            spawn=spawn,
            salts=lambda _tenant: bytes(32),
        )
        credentials: list[Credential] = []
        for name in (PROBER, *self.services.names):
            credential, key = new_key(entropy, self.clock, NodeId(name))
            credentials.append(credential)
            self.clients[name] = _Client(self.network, spawn, key)
        policy = Policy.compile(self.blueprint)
        gateway.adopt(
            gateway.prepare(self.blueprint, policy, Credentials(credentials), secret=_no_file)
        )
        await gateway.start(sock=GATEWAY)
        self._spawn = spawn
        ending.push_async_callback(gateway.drain, within_s=1)

    async def _begin(self, program: Program) -> None:
        server = Server(_Service(self, program), clock=self.clock)
        await server.start(self.network, sock=program.address)
        self.running[program.name] = server

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        self._spawn(work)


class _Service:
    """What an application does: ask what it needs, answer as well as it then can."""

    def __init__(self, world: _Experiment, program: Program) -> None:
        self._world = world
        self._program = program
        self._name = program.called
        self._sent: dict[str, State] = {}
        """How the last message went to each that is not waited for."""

    def handle(self, request: Request, exchange: Exchange) -> None:
        match self._world.ailing.get(self._program.name):
            case "hang":
                return
            case "error":
                exchange.respond(503, (JSON_TYPE,), b"{}")
            case _:
                question = msgspec.json.decode(request.body, type=_Question)
                number = int(question.messages[0]["content"])
                self._world.spawn(self._answer(exchange, number))

    async def _answer(self, exchange: Exchange, number: int) -> None:
        states = [await self._met(each, number) for each in self._world.services.of(self._name)]
        if not exchange.busy:
            return  # nobody waits for it any more
        if State.DOWN in states:
            exchange.respond(503, (JSON_TYPE,), b"{}")
            return
        said = Said(self._name, whole=all(state is State.UP for state in states))
        exchange.respond(200, (JSON_TYPE,), _answer_of(said))

    async def _met(self, each: Dependency, number: int) -> State:
        if each.manner != "async":
            return await self._need(each, number)
        self._world.spawn(self._send(each, number))
        return self._sent.get(each.destination, State.UP)

    async def _send(self, each: Dependency, number: int) -> None:
        self._sent[each.destination] = await self._need(each, number)

    async def _need(self, each: Dependency, number: int) -> State:
        client = self._world.clients[self._name]
        # Every second question to something cached is one that was asked before.
        asked = 0 if each.manner == "cached" and number % 2 else number
        heard = await client.ask(each.destination, asked)
        well = heard.said is not None and heard.said.whole and heard.said.who == each.destination
        if well or (each.manner == "async" and each.buffered):
            return State.UP
        if heard.said is None and each.manner in ("hard", "fallback", "cached"):
            return State.DOWN
        return State.DEGRADED


class _Heard(msgspec.Struct, frozen=True):
    said: Said | None
    """None: no good answer came."""
    took_s: float


class _Client:
    """Asks others through the gateway, in one node's name."""

    def __init__(self, network: SimNetwork, spawn: Spawn, key: str) -> None:
        self._pool = ClientPool(
            GATEWAY, network=network, spawn=spawn, connections_max=1000, connect_s=5
        )
        self._key = key

    async def ask(self, name: str, number: int) -> _Heard:
        """Question ``number`` to a service: the same number is the same question."""
        began = asyncio.get_running_loop().time()
        answer = _Answer()
        ticket = self._pool.send(self._message(name, number), answer)
        said: Said | None = None
        try:
            async with asyncio.timeout(CALL_S):
                said = await answer.over
        except TimeoutError:
            ticket.cancel()
        return _Heard(said, asyncio.get_running_loop().time() - began)

    def _message(self, name: str, number: int) -> bytes:
        body = b'{"model":"%s","messages":[{"role":"user","content":"%d"}]}' % (
            name.encode(),
            number,
        )
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
            f"authorization: Bearer {self._key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body


class _Question(msgspec.Struct):
    messages: list[dict[str, str]]


class _Choice(msgspec.Struct):
    message: dict[str, str]


class _Body(msgspec.Struct):
    choices: list[_Choice]


def _answer_of(said: Said) -> bytes:
    content = f"{said.who} {'whole' if said.whole else 'less'}"
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    return msgspec.json.encode({"choices": [choice], "usage": usage})


class _Answer:
    """A ``wire.Receiver`` of one answer."""

    def __init__(self) -> None:
        self.over: asyncio.Future[Said | None] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = b""

    def on_head(self, head: ResponseHead) -> None:
        self._status = head.status

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_end(self) -> None:
        self._end(_read(self._body) if self._status == 200 else None)

    def on_failure(self, error: WireError) -> None:
        self._end(None)

    def _end(self, said: Said | None) -> None:
        if not self.over.done():
            self.over.set_result(said)


def _read(body: bytes) -> Said:
    who, _, how = msgspec.json.decode(body, type=_Body).choices[0].message["content"].partition(" ")
    return Said(who, whole=how == "whole")


def _judged(heard: list[_Heard]) -> State:
    """The state that a service's answers show."""
    failed = sum(each.said is None for each in heard) / len(heard)
    slow = sum(each.took_s > SLOW_S for each in heard) / len(heard)
    less = sum(each.said is not None and not each.said.whole for each in heard) / len(heard)
    if failed > DOWN_SHARE:
        return State.DOWN
    if slow > WORSE_SHARE:
        return State.SLOW
    return State.DEGRADED if failed + less > WORSE_SHARE else State.UP


def told(measured: list[Measured]) -> Iterator[str]:
    """Where prediction and measurement differ, for people."""
    for each in measured:
        for name in sorted({*each.predicted, *each.seen}):
            predicted, seen = each.predicted.get(name, "up"), each.seen.get(name, "up")
            if predicted != seen:
                yield f"seed {each.seed}, {each.kind} of {each.fault}: {name} was told {predicted}, is {seen}"


def _no_file(name: object) -> str:
    raise FileNotFoundError(str(name))
