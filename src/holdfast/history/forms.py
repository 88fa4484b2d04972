"""What the history tells: calls, traffic, series, sessions, moments; and how it is asked."""

from typing import Literal, TypeAlias

import msgspec

from holdfast.audit import RecordedOutcome

PAGE_MAX = 500
"""Rows of one answer; further ones are asked for with ``before``."""

Measure: TypeAlias = Literal["calls", "failed", "refused", "tokens", "cost", "latency"]
"""What a series counts: per step, or the 95th percentile of the durations of answered calls, in
microseconds."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One ended call, as its last record tells it. ``index`` is that record's place in the log.

    ``caller`` and ``callee`` are node ids: the end of the caller's SPIFFE ID, and what it asked for
    (a model's or a server's name, declared or not). ``trace`` is 32 hexadecimal digits; ``session``
    is what the caller named its conversation, else the root mandate's id, else the trace that the
    caller brought. ``chain`` are the principals from whom the caller holds its authority, root first.
    ``alike`` is the same number for calls that asked the same of the same callee (63 bits of the
    digests of prompt or arguments, tool and callee), None where nothing was said.
    Durations are microseconds, ``cost`` is billionths of the currency.
    """

    call: str
    index: int
    at: int
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
    trace: str
    session: str | None
    chain: tuple[str, ...] = ()
    alike: int | None = None


class CallQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls: every word given must hold. ``since`` and ``until`` are instants (``until`` is
    not part of it); ``before`` is the last call of the page before. Newest first. With ``after``, the
    first call of a page, the calls just newer than it; still newest first."""

    caller: str | None = None
    callee: str | None = None
    relationship: str | None = None
    principal: str | None = None
    outcome: RecordedOutcome | None = None
    rule: str | None = None
    tool: str | None = None
    trace: str | None = None
    session: str | None = None
    since: int | None = None
    until: int | None = None
    before: str | None = None
    after: str | None = None
    limit: int = 50


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one pair in a stretch of time. ``relationship`` is None where none is declared (or
    none was found before the refusal). A call counts where it began. Percentiles are of the durations
    of answered calls, within 2 percent; None where there was none."""

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


class Point(msgspec.Struct, frozen=True):
    """One step of a series: its beginning (microseconds since 1970) and its value."""

    at: int
    value: float


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that belong together: one conversation or one task of an agent. ``agents`` are the
    callers in it, the first first."""

    session: str
    began: int
    last: int
    agents: tuple[str, ...]
    on_behalf_of: str | None
    calls: int
    failed: int
    refused: int
    tokens_in: int
    tokens_out: int
    cost: int


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the system beside its calls. ``kind`` as in ``upstream.open``,
    ``worker.started``, ``blueprint.adopted``, or a change's kind (``passport.suspended``);
    ``subject`` is what it happened to, ``index`` its record's place where it has one."""

    at: int
    kind: str
    subject: str
    text: str
    by: str | None = None
    index: int | None = None


BEHIND_MAX = 10_000
"""Entries of the log that the history may lack without a word: a few seconds' at full speed."""


class Extent(msgspec.Struct, frozen=True):
    """How far the history reaches: entries of the log that are in it, and its oldest call."""

    upto: int
    oldest: int | None
    calls: int
