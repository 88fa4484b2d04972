"""What the control API answers with. Instants are RFC 3339 text in UTC, durations microseconds."""

from dataclasses import dataclass
from typing import Literal

from holdfast.audit import RecordedDecision, RecordedEvent, RecordedOutcome
from holdfast.faces.stages import Progress
from holdfast.gateway import BudgetUnit, UpstreamState


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process answers."""

    status: Literal["ok"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether calls can be taken; ``reason`` says why not."""

    status: Literal["ready", "not-ready"]
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamReply:
    """Where a node answers, and the model asked for there."""

    url: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutsReply:
    """Seconds to wait for a connection, the first byte, between bytes, and in all."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsReply:
    """The largest request and answer, the most output tokens, the most upstream connections."""

    request_bytes: int
    answer_bytes: int
    max_tokens: int | None
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReply:
    """A part of the system."""

    id: str
    type: str
    kind: str
    name: str
    description: str
    upstream: UpstreamReply | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipReply:
    """How nodes stand to each other: ``source`` stands to each of ``destinations`` as ``kind``
    says. ``timeouts`` and ``limits`` are settled and stand on ``connects`` only."""

    id: str
    kind: Literal["connects", "interacts", "deployed-in", "composed-of", "options"]
    source: str | None
    destinations: tuple[str, ...]
    protocol: str | None
    description: str
    timeouts: TimeoutsReply | None
    limits: LimitsReply | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlueprintReply:
    """The declared system in force."""

    name: str
    description: str
    tenant: str
    digest: str
    nodes: tuple[NodeReply, ...]
    relationships: tuple[RelationshipReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReply:
    """One of a call's seven stages. ``ended_us`` counts from the call's start."""

    stage: str
    progress: Progress
    ended_us: int | None
    took_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReply:
    """A call under way (``outcome`` null) or just ended."""

    id: str
    at: str
    state: str
    caller: str | None
    callee: str | None
    relationship: str | None
    outcome: str | None
    rule: str | None
    status: int | None
    stages: tuple[StageReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsReply:
    """Calls under way, and the newest that ended, newest first. Older ones are in the log."""

    at: str
    in_flight: tuple[CallReply, ...]
    recent: tuple[CallReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsReply:
    """Counts since Holdfast started."""

    calls: int
    answered: int
    refused: int
    failed: int
    cancelled: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReply:
    """One worker process; ``fault`` says why it cannot take calls. One that is ``leaving`` has a
    successor and finishes the calls it has."""

    worker: int
    pid: int
    ready: bool
    leaving: bool
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamLoadReply:
    """One upstream as one that answers for ``node``, over all workers. ``limit`` is the most calls
    that may be in flight now; ``first_token_ms`` and ``tokens_per_s`` (of one stream) are moving
    averages; ``sent`` and ``failed`` count attempts."""

    node: str
    upstream: str
    url: str
    state: UpstreamState
    in_flight: int
    limit: int
    first_token_ms: float | None
    tokens_per_s: float | None
    sent: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLoadReply:
    """One called node: calls ``queued`` and retries in hand (``retry_budget``) now, and what its
    mechanisms did since the start."""

    node: str
    queued: int
    retry_budget: float
    retries: int
    retries_denied: int
    hedges: int
    hedges_won: int
    fallbacks: int
    seams: int
    shed: int
    throttled: int
    queue_dropped: int
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamsReply:
    """Called nodes and their upstreams."""

    at: str
    nodes: tuple[NodeLoadReply, ...]
    upstreams: tuple[UpstreamLoadReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReply:
    """One budget in its present period. ``account`` says whose; ``reserved`` is what workers
    hold of it, for calls under way and a little ahead; money is in billionths of the currency."""

    account: str
    unit: BudgetUnit
    limit: int
    spent: int
    reserved: int
    resets_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetsReply:
    """Every budget that the blueprint sets."""

    at: str
    budgets: tuple[BudgetReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReply:
    """The system at one moment: the data of each event of ``GET /api/live``."""

    at: str
    workers: tuple[WorkerReply, ...]
    totals: TotalsReply
    in_flight: tuple[CallReply, ...]
    recent: tuple[CallReply, ...]
    nodes: tuple[NodeLoadReply, ...]
    upstreams: tuple[UpstreamLoadReply, ...]
    budgets: tuple[BudgetReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record as it stands in the log. ``at`` is microseconds since 1970; ``prompt``, ``answer``
    and ``arguments`` are salted digests, never text. What has its default is left out there."""

    action: str
    answer: str | None = None
    approver: str | None = None
    arguments: str | None = None
    at: int
    attempts: int = 0
    attested: str | None = None
    blueprint: str
    bundle: str
    cached: bool = False
    call: str
    chain: tuple[str, ...] = ()
    cost: int | None = None
    credential: str | None = None
    decision: RecordedDecision
    descriptor: str | None = None
    duration_us: int
    event: RecordedEvent
    fallback: str | None = None
    node: str | None = None
    obligations: tuple[str, ...] = ()
    outcome: RecordedOutcome
    policies: tuple[str, ...] = ()
    principal: str | None = None
    prompt: str | None = None
    proof: str | None = None
    relationship: str | None = None
    resource: str | None = None
    rule: str | None = None
    seams: tuple[int, ...] = ()
    session: str | None = None
    stages_us: tuple[int, ...] = ()
    status: int
    tenant: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    tool: str | None = None
    trace: str | None = None
    txn: str | None = None
    upstream: str | None = None
    v: int
    worker: int
    would_refuse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The record of what people changed: a passport, a revocation. ``at`` is microseconds since
    1970; ``digest`` commits to the document that the change left behind."""

    at: int
    by: str
    change: str
    digest: str | None = None
    kind: str
    reason: str | None = None
    subject: str
    v: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryReply:
    """A record with its place: ``index`` in the log, null while it waits in a journal. ``entry``
    is the record's exact text, which the tree hashes."""

    index: int | None
    pending: bool
    entry: str
    record: Record | Change


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecordsReply:
    """All records of one call: one, or two when it was streamed."""

    call: str
    records: tuple[EntryReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofReply:
    """That ``entry`` is in the log: ``text`` is the whole C2SP tlog-proof; the fields beside it
    say the same. Hashes are hexadecimal."""

    index: int
    entry: str
    hashes: tuple[str, ...]
    checkpoint: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofsReply:
    """A proof for each record of a call; ``pending`` more are durable, but not covered yet."""

    call: str
    vkey: str | None
    pending: int
    proofs: tuple[ProofReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReply:
    """The log's newest signed head. ``root`` is hexadecimal, ``checkpoint`` the signed note,
    ``vkey`` the key that it verifies with, ``newest`` the instant of the newest record."""

    size: int
    root: str
    origin: str
    newest: str | None
    checkpoint: str
    vkey: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyReply:
    """That the log of ``new`` entries begins with the whole log of ``old`` entries (RFC 9162,
    section 2.1.4): ``hashes`` are hexadecimal, none where one of the two needs no proof."""

    old: int
    new: int
    hashes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmModel:
    """A call that was begun (``intent``, or ``opened`` for a stream) and has no outcome: nobody
    knows whether it changed anything. ``index`` is its place in the log, none while it has none."""

    call: str
    event: str
    at: str
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsReply:
    """What somebody must look at, oldest first, at most 1,000."""

    alarms: tuple[AlarmModel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingReply:
    """A call that policy holds for a person. ``groups`` are those whose yes is missing; ``until``
    is when it is refused. What would be sent is told by ``holdfast approvals show`` only."""

    call: str
    groups: tuple[str, ...]
    principal: str
    on_behalf_of: str | None
    action: str
    callee: str
    tool: str | None
    relationship: str
    policies: tuple[str, ...]
    since: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsReply:
    """Calls that wait for a person, oldest first, at most 1,024."""

    approvals: tuple[WaitingReply, ...]
