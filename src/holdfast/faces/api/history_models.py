"""What the control API tells of the past. Instants are RFC 3339 text in UTC, durations microseconds,
money billionths of the currency."""

from dataclasses import dataclass

from holdfast.audit import RecordedOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtentReply:
    """How far the history reaches: ``upto`` entries of the log are in it, ``oldest`` is the instant
    of its oldest call."""

    upto: int
    oldest: str | None
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """One ended call. ``caller`` and ``callee`` are nodes by their ids, ``node`` the one that
    answered; ``index`` is the place of its record in the log. ``alike`` is the same number for calls
    that asked the same of the same callee."""

    id: str
    index: int
    at: str
    principal: str | None
    caller: str | None
    callee: str | None
    node: str | None
    relationship: str | None
    action: str
    tool: str | None
    outcome: RecordedOutcome
    rule: str | None
    status: int
    duration_us: int
    first_token_us: int | None
    tokens_in: int | None
    tokens_out: int | None
    cost: int | None
    attempts: int
    fallback: str | None
    cached: bool
    approver: str | None
    on_behalf_of: str | None
    chain: tuple[str, ...]
    trace: str
    session: str | None
    alike: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCallsReply:
    """Newest first. ``more`` is what to ask for with ``before`` to go on, null at the end."""

    calls: tuple[PastCall, ...]
    more: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceReply:
    """The calls of one trace, newest first, at most 500."""

    trace: str
    calls: tuple[PastCall, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReply:
    """Calls that belong together: one conversation, or one task. ``agents`` are the callers in it,
    the first first."""

    session: str
    began: str
    last: str
    agents: tuple[str, ...]
    on_behalf_of: str | None
    calls: int
    failed: int
    refused: int
    tokens_in: int
    tokens_out: int
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsReply:
    """By their last call, the newest first. ``more`` is what to ask for with ``before`` to go on."""

    sessions: tuple[SessionReply, ...]
    more: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficReply:
    """Calls of one pair. Percentiles are of the durations of answered calls, within 2 percent."""

    caller: str | None
    callee: str | None
    relationship: str | None
    calls: int
    answered: int
    refused: int
    failed: int
    cancelled: int
    tokens_in: int
    tokens_out: int
    cost: int
    p50_us: int | None
    p95_us: int | None
    p99_us: int | None
    first_token_p95_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficTable:
    """Every pair that had calls."""

    pairs: tuple[TrafficReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointReply:
    """One step: its beginning and its value."""

    at: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesReply:
    """Oldest first; a step without calls counts 0, or has no latency."""

    points: tuple[PointReply, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentReply:
    """Something that happened beside the calls; ``index`` is its record's place in the log, where it
    has one."""

    at: str
    kind: str
    subject: str
    text: str
    by: str | None
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsReply:
    """Newest first."""

    moments: tuple[MomentReply, ...]
