"""What ``holdfast calls`` answers: calls of the past by what is known of them, and new ones as they end."""

from collections.abc import Iterator

from holdfast.app.datadir import DataDir
from holdfast.app.evidence import open_log_reader
from holdfast.app.past import open_history
from holdfast.audit import CallRecord, LogReader, RecordError, decode_entry
from holdfast.core import trace_of
from holdfast.history import Call, CallQuery, caller_of, first_token_of, session_of

BATCH_ENTRIES = 1_000
_SAME = (
    *("caller", "callee", "relationship", "principal", "outcome", "rule", "tool", "trace"),
    "session",
)


def search(data: DataDir, query: CallQuery) -> tuple[Call, ...]:
    """Newest first."""
    with open_history(data) as history:
        return history.calls(query)


def follow(data: DataDir, query: CallQuery) -> Iterator[tuple[Call, ...]]:
    """Calls that end from now on, in the order of the log; each step is one look, mostly empty;
    the first says that it has begun.

    They are read off the log itself, beyond where it is now: a long call that ends shows though many
    later ones have ended before it.
    """
    with open_log_reader(data) as reader:
        upto = reader.checkpoint().size
        yield ()
        while True:
            size = reader.checkpoint().size
            while upto < size:
                until = min(size, upto + BATCH_ENTRIES)
                yield tuple(call for call in _between(reader, upto, until) if fits(call, query))
                upto = until
            yield ()


def fits(call: Call, query: CallQuery) -> bool:
    """Whether a call is one that the query asks for."""
    for name in _SAME:
        wanted = getattr(query, name)
        if wanted is not None and getattr(call, name) != wanted:
            return False
    return (query.since is None or call.at >= query.since) and (
        query.until is None or call.at < query.until
    )


def call_of(record: CallRecord, index: int) -> Call:
    """A call as its last record tells it."""
    principal, trace = record.principal, trace_of(record.call, record.trace)
    return Call(
        call=record.call,
        index=index,
        at=record.at,
        principal=principal,
        caller=caller_of(principal),
        callee=record.resource,
        node=record.node,
        relationship=record.relationship,
        action=record.action,
        tool=record.tool,
        outcome=record.outcome,
        rule=record.rule,
        status=record.status,
        duration_us=record.duration_us,
        first_token_us=first_token_of(record),
        tokens_in=record.tokens_in,
        tokens_out=record.tokens_out,
        cost=record.cost,
        attempts=record.attempts,
        fallback=record.fallback,
        cached=record.cached,
        approver=record.approver,
        on_behalf_of=record.chain[0] if record.chain else None,
        trace=trace.trace,
        chain=record.chain,
        session=session_of(record),
    )


def _between(reader: LogReader, start: int, end: int) -> Iterator[Call]:
    for entry in reversed(reader.recent(end - start, before=end)):
        try:
            record = decode_entry(entry.data)
        except RecordError:
            continue  # of a newer version; ``audit verify`` judges the log, this only shows it
        if isinstance(record, CallRecord) and record.is_last:
            yield call_of(record, entry.index or 0)
