"""Systems that drift, made from a seed: a blueprint, the traffic of weeks, and the truth about both.

For judging how well drift is found. Only the traces that sampling keeps are made: each journey is
run Poisson-many times with its rate times the sampling probability. Clocks are skewed, spans are
lost, services speak older attribute names, some callees are not instrumented at all. What was
planted, and whether it can be decided from what was kept, is told beside it.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from holdfast.blueprint import Blueprint, load
from holdfast.loops.drift import Bindings, Kind, Period

HOUR_US = 3_600_000_000
START = 1_790_000_000_000_000
EXPECTED_MIN = 15.0
"""Sightings that must be expected of a divergence for it to count as decidable: fewer than the five
that the least sure kind of evidence needs come with a probability of 0.1 %."""
GRANT_CALLS_MIN = 400.0
"""Calls that must be expected of an edge for its dead grants to be decidable: the rule asks for 300."""
STALE_FACTOR = 2.0
"""How far beyond the rule's own bound (4.6 sightings) the true rate of a stale edge must lie."""

Shape: TypeAlias = Literal["call", "db", "send", "model", "mcp", "agent", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One call within a journey, and what its callee then does."""

    target: str
    shape: Shape = "call"
    then: tuple["Hop", ...] = ()
    port: int | None = 8080
    scheme: str = "https"
    tool: str = ""
    digest: str = ""
    model: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What happens again and again, ``per_hour`` times, between two hours."""

    root: str
    hops: tuple[Hop, ...]
    per_hour: float
    begins_h: float
    ends_h: float
    every_h: float = 0.0
    """Runs for one hour only, and so often; 0: all the time."""


@dataclass(frozen=True, slots=True)
class Label:
    """Something planted. ``target`` is empty for what is about one node."""

    kind: Kind
    source: str
    target: str = ""
    fact: str = ""


@dataclass(slots=True, kw_only=True)
class Scenario:
    """A system and what runs. ``planted`` says of each label whether it can be decided."""

    blueprint: Blueprint
    journeys: list[Journey]
    planted: dict[Label, bool]
    p: float
    hours: float
    window_h: float
    regions: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    dark: dict[str, float] = field(default_factory=dict[str, float])
    """From which hour on a service tells nothing any more; 0: it never did."""

    @property
    def period(self) -> Period:
        now = START + int(self.hours * HOUR_US)
        return Period(start=START, now=now, window_us=int(self.window_h * HOUR_US), sampling=self.p)

    @property
    def bindings(self) -> Bindings:
        return Bindings(ignored=frozenset({"service=/prober"}), environment="prod")


TOOLS = ("search", "fetch", "summarise")
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
MODEL = "acme-large-2026-05"
_SERVICES = 8


class Maker:
    """Makes one scenario from a seed."""

    def __init__(self, seed: int, *, days: float, p: float, load: float) -> None:
        self.load = load
        self.rng = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self.hours, self.window_h, self.p = days * 24, days * 24 / 4, p
        self.planted: dict[Label, bool] = {}
        self.journeys: list[Journey] = []
        self.services = [f"svc-{n}" for n in range(_SERVICES)]
        self.edges = self._edges()
        self.silent: dict[tuple[str, str], float] = {}
        self.dark: dict[str, float] = {}
        self.regions: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def _edges(self) -> list[tuple[str, str]]:
        pairs = [
            (one, other) for n, one in enumerate(self.services) for other in self.services[n + 1 :]
        ]
        kept = [pair for pair in pairs if self.rng.random() < 0.35]
        # Every service is called by some other, so that nothing is unreachable by accident.
        for n, name in enumerate(self.services[1:], 1):
            if all(other != name for _, other in kept):
                kept.append((self.services[n - 1], name))
        return kept

    def make(self) -> Scenario:
        self._ordinary()
        self._noise()
        self._divergences()
        self._absences()
        return Scenario(
            blueprint=load(self._text(), source="drift.yaml", read=str),
            journeys=self.journeys,
            planted=self.planted,
            p=self.p,
            hours=self.hours,
            window_h=self.window_h,
            regions=self.regions,
            names=self.names,
            dark=self.dark,
        )

    def _rate(self, low: float = 40, high: float = 400) -> float:
        return self.load * math.exp(self.rng.uniform(math.log(low), math.log(high)))

    def _run(self, root: str, *hops: Hop, rate: float, ends_h: float | None = None) -> None:
        self.journeys.append(
            Journey(
                root=root,
                hops=hops,
                per_hour=rate,
                begins_h=0,
                ends_h=self.hours if ends_h is None else ends_h,
            )
        )

    def _plant(
        self, kind: Kind, source: str, target: str = "", *, rate: float, fact: str = ""
    ) -> None:
        """Something that happens at ``rate`` in the window."""
        expected = rate * self.p * self.window_h
        self.planted[Label(kind, source, target, fact)] = expected >= EXPECTED_MIN

    def _ordinary(self) -> None:
        for source, target in self.edges:
            self._run(source, Hop(target=target), rate=self._rate())
        self._run(
            "svc-0",
            Hop(target="queue", shape="send"),
            Hop(target="orders-db", shape="db", port=5432),
            rate=self._rate(),
        )
        for n, tool in enumerate(TOOLS[:2]):
            self._run(
                "planner",
                Hop(target="model", shape="model", model=MODEL),
                Hop(target="tools", shape="mcp", tool=tool, digest=DIGEST if n == 0 else ""),
                rate=self._rate(600, 900),
            )
        self._run("planner", Hop(target="helper", shape="agent"), rate=self._rate())
        self._run(
            "planner",
            Hop(target="guard", then=(Hop(target="vault", shape="mcp", tool="pay"),)),
            rate=self._rate(),
        )
        self._run("flow-a", Hop(target="flow-b"), Hop(target="flow-c"), Hop(target="flow-d"),
                  rate=self._rate())  # fmt: skip
        self._run("prober", *(Hop(target=name) for name in self.services[:3]), rate=100)
        self._run("svc-1", Hop(target="bank", port=443), rate=self._rate())

    def _noise(self) -> None:
        """What looks like drift and is none."""
        self.names |= {"stg-a": "svc-0@staging", "stg-b": "svc-5@staging"}
        self._run("stg-a", Hop(target="stg-b"), rate=self._rate())
        for source, target in self.rng.sample(self.edges, 4):
            self._run(source, Hop(target=target, host="lb.internal"), rate=self._rate(200, 400))
        for source, target in self.rng.sample(self.edges, 2):
            self._run(source, Hop(target=target), Hop(target=target), rate=self._rate())
        self._run("svc-2", Hop(target="10.1.2.3", port=0), rate=self._rate())
        self._run("flow-a", Hop(target="flow-b"), Hop(target="flow-b"), rate=self._rate())
        self.journeys.append(
            Journey(
                root="svc-0",
                hops=(Hop(target="monthly"),),
                per_hour=3_000,
                begins_h=0,
                ends_h=self.hours,
                every_h=self.hours / 2,
            )
        )
        self._run("svc-4", Hop(target="rare"), rate=0.5)

    def _divergences(self) -> None:
        rng = self.rng
        declared = set(self.edges)
        free = [
            (a, b)
            for a in self.services
            for b in self.services
            if a != b and (a, b) not in declared
        ]
        for source, target in rng.sample(free, 2):
            rate = self._rate(8, 200)
            self._run(source, Hop(target=target), rate=rate)
            self._plant(Kind.UNDECLARED_EDGE, source, target, rate=rate)
        used = rng.sample(self.edges, 3)
        rate = self._rate(8, 200)
        self._run(used[0][0], Hop(target=used[0][1], port=9999), rate=rate)
        self._plant(Kind.UNDECLARED_WAY, *used[0], rate=rate, fact="port")
        rate = self._rate(8, 200)
        self._run("planner", Hop(target="tools", shape="mcp", tool="delete"), rate=rate)
        self._plant(Kind.UNDECLARED_WAY, "planner", "tools", rate=rate, fact="tool")
        rate = self._rate(8, 200)
        self._run(used[1][0], Hop(target=used[1][1], scheme="http"), rate=rate)
        self._plant(Kind.CONTRADICTION, *used[1], rate=rate, fact="encryption")
        rate = self._rate(8, 200)
        hop = Hop(target="tools", shape="mcp", tool="search", digest=OTHER)
        self._run("planner", hop, rate=rate)
        self._plant(Kind.CONTRADICTION, "planner", "tools", rate=rate, fact="definition")
        rate = self._rate(8, 200)
        self._run("planner", Hop(target="model", shape="model", model="acme-small"), rate=rate)
        self._plant(Kind.CONTRADICTION, "planner", "model", rate=rate, fact="model")
        self._strangers()
        rate = self._rate(8, 200)
        self._run("planner", Hop(target="vault", shape="mcp", tool="pay"), rate=rate)
        self._plant(Kind.BYPASS, "planner", "vault", rate=rate)
        rate = self._rate(8, 200)
        self._run("flow-a", Hop(target="flow-b"), Hop(target="flow-d"), Hop(target="flow-c"),
                  rate=rate)  # fmt: skip
        self._plant(Kind.ORDER, "flow-a", "flow-d", rate=rate)
        if rng.random() < 0.5:
            self.regions["svc-2"] = "us-1"
            self.planted[Label(Kind.CONTRADICTION, "svc-2", fact="region")] = True

    def _strangers(self) -> None:
        rate = self._rate(8, 200)
        self._run(self.rng.choice(self.services), Hop(target="shadow"), rate=rate)
        source = self.journeys[-1].root
        self._plant(Kind.STRANGER, source, "service=/shadow", rate=rate)
        rate = self._rate(8, 200)
        self._run("planner", Hop(target="rogue", shape="agent"), rate=rate)
        self._plant(Kind.STRANGER, "planner", "agent-name=rogue", rate=rate)
        rate = self._rate(8, 200)
        self._run("svc-3", Hop(target="api.unknown.example", port=443, shape="call"), rate=rate)
        self._plant(Kind.STRANGER, "svc-3", "address=api.unknown.example:443", rate=rate)

    def _absences(self) -> None:
        """Edges that stop, one that is too rare to tell, a service that goes dark, a dead tool."""
        until = self.hours - self.window_h - 1
        stopping = [(f"old-{n}", self._rate(8, 300)) for n in range(3)]
        for name, rate in stopping:
            self._run("svc-0", Hop(target=name), rate=rate, ends_h=until)
            expected = rate * self.p * self.window_h
            decided = expected >= STALE_FACTOR * math.log(100)
            self.planted[Label(Kind.STALE_EDGE, "svc-0", name)] = decided
            self.planted[Label(Kind.STALE_NODE, name)] = decided
        self._run("svc-4", Hop(target="lamp"), rate=self._rate(100, 300))
        self._run("dim", Hop(target="lamp"), rate=self._rate(100, 300))
        self.dark["dim"] = until
        self.planted[Label(Kind.BLIND, "dim", "lamp")] = True
        self.planted[Label(Kind.BLIND, "svc-5", "spare")] = True
        self.planted[Label(Kind.STALE_EDGE, "svc-4", "promised")] = True
        self.planted[Label(Kind.STALE_NODE, "promised")] = True
        calls = sum(
            each.per_hour
            for each in self.journeys
            if any(hop.target == "tools" for hop in each.hops)
        )
        self.planted[Label(Kind.DEAD_GRANT, "planner", "tools", "tool")] = (
            calls * self.p * self.window_h >= GRANT_CALLS_MIN
        )

    def _text(self) -> str:
        return "\n".join(("holdfast: 1", "name: drifting", *self._nodes(), *self._relationships()))

    def _nodes(self) -> Iterator[str]:
        yield "nodes:"
        plain = (*self.services, *(f"flow-{x}" for x in "abcd"), *(f"old-{n}" for n in range(3)))
        for name in (*plain, "lamp", "dim", "spare", "promised", "monthly", "rare"):
            region = ", facts: {region: eu-1}" if name == "svc-2" else ""
            yield (
                f"  {name}: {{description: A part., type: service, interfaces: {{{name}-in: "
                f'{{url: "https://{name}:8080"}}}}{region}}}'
            )
        tools = ", ".join(
            f'{{name: {tool}, digest: "{DIGEST}"}}' if tool == "search" else f"{{name: {tool}}}"
            for tool in TOOLS
        )
        yield '  bank: {description: A part., type: service, interfaces: {bank-in: {url: "https://bank.example:443"}}}'
        yield "  planner: {description: A part., type: ai:agent}"
        yield "  helper: {description: A part., type: ai:agent}"
        yield "  guard: {description: A part., type: ai:guardrail}"
        yield f'  model: {{description: A part., type: ai:llm, controls: {{upstream: {{url: "http://127.0.0.1:9/v1", model: {MODEL}}}}}}}'
        yield f"  tools: {{description: A part., type: ai:mcp-server, facts: {{tools: [{tools}]}}}}"
        yield "  vault: {description: A part., type: ai:mcp-server, facts: {effect: irreversible}}"
        yield "  orders-db: {description: A part., type: database}"
        yield "  queue: {description: A part., type: service}"

    def _relationships(self) -> Iterator[str]:
        yield "relationships:"
        wanted = [(a, b, "protocol: HTTPS") for a, b in self.edges]
        wanted += [("svc-0", "queue", ""), ("svc-0", "orders-db", ""), ("svc-1", "bank", "")]
        wanted += [("planner", n, "") for n in ("model", "tools", "helper", "guard")]
        wanted += [("guard", "vault", "")]
        wanted += [("flow-a", f"flow-{x}", "") for x in "bcd"]
        wanted += [("svc-0", f"old-{n}", "") for n in range(3)]
        wanted += [("svc-4", "lamp", ""), ("dim", "lamp", ""), ("svc-5", "spare", "")]
        wanted += [("svc-0", "monthly", ""), ("svc-4", "rare", "")]
        wanted += [("svc-4", "promised", "facts: {calls_per_hour: 500}")]
        for source, target, more in wanted:
            tail = f", {more}" if more else ""
            yield f"  - {{id: {source}-to-{target}, connects: [{source}, {target}]{tail}}}"
        yield "flows:"
        yield "  - id: letters"
        yield "    name: Letters"
        yield "    description: One after the other."
        yield "    steps:"
        for letter in "bcd":
            yield f"      - {{over: flow-a-to-flow-{letter}, description: To {letter}.}}"


def scenario(seed: int, *, days: float = 28, p: float = 0.01, load: float = 1.0) -> Scenario:
    """The scenario of a seed; ``load`` makes all of its traffic more or less."""
    return Maker(seed, days=days, p=p, load=load).make()
