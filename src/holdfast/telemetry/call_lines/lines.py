"""One line of the call log."""

from typing import Literal

import msgspec

from holdfast.audit import CallRecord, RecordedOutcome
from holdfast.core import Instant, rfc3339, trace_of
from holdfast.history import caller_of, first_token_of
from holdfast.telemetry.stages import stage_times


class CallLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one call. ``at`` is when it was accepted; ``caller`` is the node at the end of the
    caller's SPIFFE ID; ``stages_us`` is what each stage took; ``cost`` is in billionths of the
    currency; ``index`` is the place of the record in the audit log. What a call has not is left
    out."""

    at: str
    event: Literal["call"]
    call: str
    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    session: str | None = None
    caller: str | None = None
    principal: str | None = None
    on_behalf_of: str | None = None
    callee: str | None = None
    node: str | None = None
    relationship: str | None = None
    action: str
    tool: str | None = None
    outcome: RecordedOutcome
    rule: str | None = None
    status: int
    policies: tuple[str, ...] = ()
    duration_us: int
    first_token_us: int | None = None
    stages_us: dict[str, int]
    attempts: int = 0
    fallback: str | None = None
    cached: bool = False
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: int | None = None
    worker: int
    index: int


_ENCODER = msgspec.json.Encoder()


def line_of(record: CallRecord, index: int) -> bytes:
    """The line, with its end, of a call's last record."""
    trace, principal = trace_of(record.call, record.trace), record.principal
    line = CallLine(
        at=rfc3339(Instant(record.at)),
        event="call",
        call=record.call,
        trace_id=trace.trace,
        span_id=trace.server,
        parent_span_id=trace.parent,
        session=record.session,
        caller=caller_of(principal),
        principal=principal,
        on_behalf_of=record.chain[0] if record.chain else None,
        callee=record.resource,
        node=record.node,
        relationship=record.relationship,
        action=record.action,
        tool=record.tool,
        outcome=record.outcome,
        rule=record.rule,
        status=record.status,
        policies=record.policies,
        duration_us=record.duration_us,
        first_token_us=first_token_of(record),
        stages_us=stage_times(record),
        attempts=record.attempts,
        fallback=record.fallback,
        cached=record.cached,
        tokens_in=record.tokens_in,
        tokens_out=record.tokens_out,
        cost=record.cost,
        worker=record.worker,
        index=index,
    )
    return _ENCODER.encode(line) + b"\n"
