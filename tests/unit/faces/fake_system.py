"""A ``SystemView`` with a real log behind it, and systems to show. Loaded by path, not a test."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    ChangeRecord,
    Intent,
    Log,
    LogReader,
    LogSigner,
    Recorder,
    encode_change,
    encode_record,
)
from holdfast.blueprint import Blueprint, load
from holdfast.core import Instant, ulid
from holdfast.faces import Custody, Live, WaitingCall, Windows, WorkerState
from holdfast.gateway import BudgetSeen, NodeSeen, Seen, Totals, UpstreamSeen
from holdfast.testing import MadeHistory
from holdfast.world.sim import (
    SimBlobs,
    SimClock,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimStore,
    simulate,
)

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(range(32)))
NOW = 1_795_250_096_123_456
SPIFFE = "spiffe://holdfast.local/t/default/service/"

DOCUMENT_REVIEW = """
holdfast: 1
name: document-review
description: Contracts are read by people, and their clauses checked by a model on the same machine.
nodes:
  reviewer: {type: actor, description: Reads contracts and signs them off.}
  review-desk: {type: service, name: Review desk, description: Sends clauses to the reviewer.}
  intake: {type: webclient, name: Intake, description: Takes in contracts.}
  clause-reviewer:
    type: ai:llm
    name: Clause reviewer
    description: Says what a clause means.
    controls: {upstream: {url: "http://127.0.0.1:8090/v1", model: clause-reviewer}}
  summary-writer:
    type: ai:agent
    name: Summary writer
    description: Writes a summary of each contract.
  contracts: {type: database, name: Contract store, description: Every contract.}
  laptop: {type: system, name: Laptop, description: One machine.}
relationships:
  - {id: reviewer-uses-desk, interacts: {actor: reviewer, nodes: [review-desk, intake]}, description: Reads.}
  - {id: desk-asks-reviewer, connects: [review-desk, clause-reviewer], protocol: HTTP, description: Clauses.}
  - {id: desk-asks-writer, connects: [review-desk, summary-writer], protocol: HTTP, description: Summaries.}
  - {id: writer-asks-reviewer, connects: [summary-writer, clause-reviewer], protocol: HTTP, description: Clauses.}
  - {id: intake-stores, connects: [intake, contracts], protocol: JDBC, description: Contracts.}
  - {id: desk-reads, connects: [review-desk, contracts], protocol: JDBC, description: Contracts.}
  - id: all-on-laptop
    deployed-in: {container: laptop, nodes: [review-desk, intake, clause-reviewer, summary-writer, contracts]}
    description: Everything runs here.
"""


def _unread(name: str) -> str:
    raise OSError(name)


def document_review() -> Blueprint:
    return load(DOCUMENT_REVIEW, source="blueprint.yaml", read=_unread)


def large_system(count: int = 60) -> Blueprint:
    """Teams of agents that share models, tools and stores."""
    kinds = ("service", "ai:agent", "ai:tool", "database", "webclient", "ai:mcp-server", "service")
    lines = ["holdfast: 1", "name: claims-platform", "description: Many teams.", "nodes:"]
    for i in range(count):
        kind = kinds[i % len(kinds)]
        name = f"{kind.removeprefix('ai:').capitalize()} of the claims team {i}"
        lines.append(f"  node-{i}: {{type: '{kind}', name: {name}, description: Part {i}.}}")
    lines.append("relationships:")
    for i in range(count - 4):
        for step in (3, 11) if i % 3 == 0 else (5,):
            if i + step < count:
                lines.append(
                    f"  - {{id: r-{i}-{step}, connects: [node-{i}, node-{i + step}], "
                    "protocol: HTTP, description: Calls.}"
                )
    lines.append(f"  - {{id: back, connects: [node-{count - 1}, node-2], description: Back.}}")
    return load("\n".join(lines), source="blueprint.yaml", read=_unread)


def seen(number: int, **changes) -> Seen:
    """An answered call, ``number`` tenths of a second ago."""
    at = NOW - number * 100_000
    fields = {
        "call": ulid(Instant(at), number.to_bytes(10, "big")),
        "at": at,
        "state": "sealed",
        "principal": SPIFFE + "review-desk",
        "resource": "clause-reviewer",
        "relationship": "desk-asks-reviewer",
        "outcome": "answered",
        "rule": None,
        "status": 200,
        "marks_us": (11, 16, 25, 27, 42, 812_345, 812_402),
    }
    return Seen(**fields | changes)


def undeclared(number: int) -> Seen:
    return seen(
        number,
        principal=SPIFFE + "intake",
        resource="clause-reviewer",
        relationship=None,
        outcome="refused",
        rule="relationship.undeclared",
        status=403,
        marks_us=(11, 16, 25, 31),
    )


def stranger(number: int) -> Seen:
    return seen(
        number,
        principal=None,
        relationship=None,
        outcome="refused",
        rule="identity.missing",
        status=401,
        marks_us=(11, 16, 31),
    )


def timed_out(number: int) -> Seen:
    return seen(
        number,
        relationship="writer-asks-reviewer",
        principal=SPIFFE + "summary-writer",
        outcome="failed",
        rule="upstream.timeout",
        status=504,
        marks_us=(11, 16, 25, 27, 42, 30_000_100),
    )


def in_flight(number: int, marks: int = 5) -> Seen:
    return seen(
        number,
        state="routed",
        outcome=None,
        status=None,
        marks_us=(11, 16, 25, 27, 42, 90_000, 90_100)[:marks],
    )


class FakeSystem:
    """What the faces see; tests change it and call ``announce``."""

    def __init__(self, blueprint: Blueprint | None = None) -> None:
        self.declared = blueprint or document_review()
        self.now = NOW
        self.workers: tuple[WorkerState, ...] = (WorkerState(0, 4211, True, None),)
        self.totals = Totals()
        self.in_flight: tuple[Seen, ...] = ()
        self.recent: tuple[Seen, ...] = ()
        self.nodes: tuple[NodeSeen, ...] = ()
        self.upstreams: tuple[UpstreamSeen, ...] = ()
        self.budgets: tuple[BudgetSeen, ...] = ()
        self.alarms: tuple[Intent, ...] = ()
        self.approvals: tuple[WaitingCall, ...] = ()
        self.reason: str | None = None
        self.looks = 0
        self.history = MadeHistory()
        self.vkey = SIGNER.vkey
        self.custody: Custody | None = None
        self._blobs = SimBlobs()
        self._store = SimStore()
        self._journals = SimJournals(SimEntropy(1))
        self._log: Log | None = None
        self._news = asyncio.Event()
        self._closed = False
        self._clock_s = 1.0

    # -- SystemView ---------------------------------------------------------------------------

    def blueprint(self) -> Blueprint:
        return self.declared

    def live(self) -> Live:
        return Live(
            self.now,
            self.workers,
            self.totals,
            self.in_flight,
            self.recent,
            self.nodes,
            self.upstreams,
            self.budgets,
            self.alarms,
            self.approvals,
        )

    async def changes(self) -> AsyncIterator[Live]:
        while not self._closed:
            self.looks += 1
            yield self.live()
            await self._news.wait()
            self._news.clear()

    def log(self) -> LogReader:
        return LogReader(
            blobs=self._blobs, store=self._store, journals=self._journals, vkey=SIGNER.vkey
        )

    def trouble(self) -> str | None:
        return self.reason

    # -- for tests ----------------------------------------------------------------------------

    def windows(self) -> Windows:
        return Windows(history=self.history, custody=self.custody)

    def announce(self, *, after_us: int = 1_000_000) -> None:
        """Time goes on from one piece of news to the next."""
        self.now = Instant(self.now + after_us)
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    def write(self, *records: CallRecord | ChangeRecord) -> None:
        """Durable in a journal, and in the history."""
        self.history.tell(*records)

        async def main(loop: SimLoop) -> None:
            loop.advance(self._clock_s)
            recorder = Recorder(self._journals, SimClock(loop), worker=0)
            done = [loop.create_future() for _ in records]
            for record, future in zip(records, done, strict=True):
                recorder.submit(_encoded(record), future.set_result)
            await asyncio.gather(*done)
            await recorder.close()
            self._clock_s = loop.time() + 1.0

        simulate(int(self._clock_s * 7), main)

    def open_log(self) -> None:
        self._log = Log.open(
            blobs=self._blobs, store=self._store, journals=self._journals, signer=SIGNER
        )

    def integrate(self) -> None:
        """Under a checkpoint."""
        self.open_log()
        assert self._log is not None
        self._log.integrate()

    def keep(self, name: str, data: bytes) -> None:
        """A file of the log's folder."""
        self._blobs.put(name, data)

    def damage(self) -> None:
        self._blobs.flip("checkpoint", offset=40)


def _encoded(record: CallRecord | ChangeRecord) -> bytes:
    return encode_record(record) if isinstance(record, CallRecord) else encode_change(record)


def record_of(call: Seen, **changes) -> CallRecord:
    fields = {
        "action": "chat",
        "answer": None,
        "at": call.at,
        "attempts": 1,
        "blueprint": "sha256:" + "b" * 64,
        "bundle": "sha256:" + "c" * 64,
        "cached": False,
        "call": call.call,
        "credential": None,
        "decision": "allow",
        "duration_us": 1200,
        "event": "call",
        "fallback": None,
        "node": None,
        "outcome": call.outcome or "open",
        "policies": ("declared",),
        "principal": call.principal,
        "prompt": "hmac-sha256:" + "d" * 64,
        "relationship": call.relationship,
        "resource": call.resource,
        "rule": call.rule,
        "seams": (),
        "stages_us": call.marks_us,
        "status": call.status or 200,
        "tenant": "default",
        "tokens_in": 10,
        "tokens_out": 20,
        "upstream": "127.0.0.1:8090",
        "v": RECORD_VERSION,
        "worker": 0,
    }
    return CallRecord(**fields | changes)


def loaded_nodes() -> tuple[NodeSeen, ...]:
    counters = {"retries": 41, "hedges": 12, "hedges_won": 5, "fallbacks": 3, "cache_hits": 1_204}
    return (
        NodeSeen("clause-reviewer", 2, counters | {"shed": 7, "retries_denied": 2}),
        NodeSeen("summary-writer", 0, {}),
    )


def loaded_upstreams() -> tuple[UpstreamSeen, ...]:
    """One in each state."""
    at = "http://127.0.0.1:809{}/v1"
    return (
        UpstreamSeen(
            "clause-reviewer", "reviewer-1", at.format(0), "up", 6, 12, 212.4, 71.2, 8_412, 3
        ),
        UpstreamSeen(
            "clause-reviewer",
            "reviewer-2",
            at.format(1),
            "half-open",
            1,
            4,
            1210.0,
            44.0,
            2_101,
            96,
        ),
        UpstreamSeen(
            "clause-reviewer", "reviewer-3", at.format(2), "resting", 0, 8, 96.0, 80.5, 1_930, 12
        ),
        UpstreamSeen(
            "clause-reviewer", "reviewer-4", at.format(3), "ejected", 0, 8, 310.9, 61.0, 871, 402
        ),
        UpstreamSeen(
            "clause-reviewer", "reviewer-5", at.format(4), "open", 0, 6, None, None, 12, 12
        ),
        UpstreamSeen(
            "summary-writer", "summary-writer", at.format(5), "down", 0, 200, None, None, 0, 0
        ),
    )


def some_budgets() -> tuple[BudgetSeen, ...]:
    midnight = 1_795_305_600_000_000
    return (
        BudgetSeen("tenant", "money", 50_000_000_000, 12_340_000_000, 420_000_000, midnight),
        BudgetSeen("node:review-desk", "tokens", 2_000_000, 1_724_113, 8_192, midnight),
        BudgetSeen("relationship:intake-stores", "calls", 500, 500, 0, midnight),
    )


def budget(account: str, *, limit: int, spent: int) -> BudgetSeen:
    return BudgetSeen(account, "calls", limit, spent, 0, NOW)


def leaving_worker(number: int) -> WorkerState:
    return WorkerState(number, 4300 + number, True, None, leaving=True)


def busy_system(blueprint: Blueprint | None = None) -> FakeSystem:
    """Some of everything."""
    system = FakeSystem(blueprint)
    system.in_flight = (in_flight(24), in_flight(33, marks=7))
    system.recent = (
        seen(40),
        undeclared(44),
        stranger(52),
        timed_out(345),
        seen(60, outcome="cancelled", rule="call.cancelled", status=499),
        seen(70, resource=None, relationship=None, marks_us=(9, 14, 20, 41)),
        *(seen(80 + i) for i in range(6)),
        seen(95, state="lost"),
    )
    system.totals = Totals(12_408, 12_101, 271, 29, 7, 4_812_330, 1_902_114)
    system.workers = (
        WorkerState(0, 4211, True, None),
        WorkerState(1, 4212, True, None),
        WorkerState(2, 4213, False, None),
        WorkerState(3, 4214, True, "the journal's disk is full (free disk space)"),
    )
    system.nodes, system.upstreams = loaded_nodes(), loaded_upstreams()
    system.budgets = some_budgets()
    begun = {"event": "intent", "at": 1_790_000_000_000_000}
    system.alarms = (
        Intent(call="01LOST", entry=7, **begun),
        Intent(call="01GONE", entry=None, **begun),
    )
    system.write(*(record_of(each) for each in reversed(system.recent)))
    system.integrate()
    return system


fakes = SimpleNamespace(
    FakeSystem=FakeSystem,
    busy_system=busy_system,
    document_review=document_review,
    large_system=large_system,
    seen=seen,
    undeclared=undeclared,
    stranger=stranger,
    timed_out=timed_out,
    in_flight=in_flight,
    budget=budget,
    leaving_worker=leaving_worker,
    loaded_nodes=loaded_nodes,
    loaded_upstreams=loaded_upstreams,
    record_of=record_of,
    vkey=SIGNER.vkey,
    now=NOW,
)
