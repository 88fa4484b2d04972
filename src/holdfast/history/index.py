"""The one writer of the history: entries of the log in, in order, each once.

A batch is one transaction with the cursor in it: a crash leaves all of the batch or nothing, and
whoever goes on asks ``upto`` where.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from holdfast.audit import CallRecord, ChangeRecord
from holdfast.core import ulid_number
from holdfast.history.forms import Moment
from holdfast.history.hearing import Heard
from holdfast.history.naming import Naming, caller_of
from holdfast.history.periods import Sums
from holdfast.history.pruning import CALLS_MAX, PRUNED_AT_ONCE, prune
from holdfast.history.sittings import Sittings
from holdfast.history.tables import MINUTE_US, Cursor, prepare, read_cursor, write_cursor
from holdfast.world.ports import Store, Transaction, Value

TEXT_MAX = 500
"""Characters of a moment's text."""
_TRACE = slice(3, 35)
"""Of a ``traceparent``, the trace's id."""
_STREAM_MARKS = 7
_ROUTED_MARKS = 5

_ADD_CALL = "INSERT OR REPLACE INTO calls VALUES (" + ", ".join("?" * 20) + ")"
_ADD_MOMENT = (
    "INSERT INTO moments (at, kind, subject, text, author, entry) VALUES (?, ?, ?, ?, ?, ?)"
)


class CallIndex:
    """The writer. Its methods block and are called by one thread at a time."""

    def __init__(self, store: Store, *, log: str) -> None:
        """``log`` is the origin of the log it is made from. ``ForeignHistoryError`` when the store
        has the history of another one."""
        self._store = store
        prepare(store, log)
        with store.snapshot() as view:
            self._cursor = read_cursor(view)
        self._naming: Naming | None = None

    @property
    def upto(self) -> int:
        """The entries below this index are in the history."""
        return self._cursor.upto

    @property
    def is_full(self) -> bool:
        """Whether there are more calls than are kept: prune."""
        return self._cursor.calls > CALLS_MAX

    def take(self, heard: Sequence[Heard], *, upto: int) -> None:
        """All entries below ``upto`` from where it is, in the order of the log; those that are in
        already are passed over, and what is not told of is nothing that this version knows."""
        if upto <= self._cursor.upto:
            return
        fresh = [each for each in heard if each.index >= self._cursor.upto]
        naming, self._naming = self._naming, None  # of no use if this fails
        with self._store.transaction() as change:
            naming = naming or Naming(change)
            naming.within(change)
            cursor = _write(change, naming, fresh, cursor=replace(self._cursor, upto=upto))
            write_cursor(change, cursor)
        self._cursor, self._naming = cursor, naming

    def prune(self, now: int) -> bool:
        """Let go of a little of what is older, or more, than is kept; whether there may be more.

        A crash before this leaves it for the next time.
        """
        with self._store.transaction() as change:
            gone = prune(change, now, surplus=self._cursor.calls - CALLS_MAX)
            cursor = replace(self._cursor, calls=self._cursor.calls - gone)
            write_cursor(change, cursor)
        self._cursor = cursor
        return gone == PRUNED_AT_ONCE

    def note(self, moments: Sequence[Moment]) -> None:
        """What the keeper saw happen. A crash before this loses it: the log does not have it."""
        with self._store.transaction() as change:
            change.execute_many(_ADD_MOMENT, [_moment_row(each) for each in moments])


def _write(
    change: Transaction, naming: Naming, heard: Sequence[Heard], *, cursor: Cursor
) -> Cursor:
    sums, sittings = Sums(), Sittings(change, naming)
    sittings.read(
        session
        for each in heard
        if isinstance(each.record, CallRecord) and (session := session_of(each.record)) is not None
    )
    rows: list[tuple[Value, ...]] = []
    moments: list[tuple[Value, ...]] = []
    for each in heard:
        record = each.record
        if isinstance(record, ChangeRecord):
            moments.append(_moment_row(_change_moment(record, each.index)))
        elif record.is_last:
            row = _call_row(record, each.index, naming=naming, sums=sums, sittings=sittings)
            if row is not None:
                rows.append(row)
    change.execute_many(_ADD_CALL, rows)
    change.execute_many(_ADD_MOMENT, moments)
    sittings.write()
    return Cursor(
        upto=cursor.upto,
        calls=cursor.calls + len(rows),
        strange=naming.strange,
        folded=sums.write(change, folded=cursor.folded),
    )


def session_of(record: CallRecord) -> str | None:
    """What its calls belong together by."""
    if record.session is not None or record.txn is not None:
        return record.session or record.txn
    return record.trace[_TRACE] if record.trace is not None else None


def _call_row(
    record: CallRecord, index: int, *, naming: Naming, sums: Sums, sittings: Sittings
) -> tuple[Value, ...] | None:
    """The call's row; None for what no gateway has written. It is counted on the way."""
    try:
        key = ulid_number(record.call).to_bytes(16, "big")
    except ValueError:
        return None
    principal, sent = record.principal, record.trace
    kind, pair = naming.kind(
        (
            principal,
            record.resource,
            record.relationship,
            record.tool,
            record.outcome,
            record.rule,
        )
    )
    first_token = first_token_of(record)
    sums.of(pair, record.at // MINUTE_US).count(record, first_token)
    session = session_of(record)
    word = naming.word
    return (
        key,
        index,
        record.at,
        kind,
        None if session is None else sittings.count(session, record, caller_of(principal)),
        _trace(sent, session) if sent is not None else None,
        word(record.node),
        word(record.action),
        word(record.fallback),
        word(record.approver),
        word("\n".join(record.chain)) if record.chain else None,
        record.status,
        record.duration_us,
        first_token,
        record.tokens_in,
        record.tokens_out,
        record.cost,
        record.attempts,
        record.cached,
        _alike(record),
    )


def _trace(sent: str, session: str | None) -> bytes:
    trace = sent[_TRACE]
    return b"" if trace == session else bytes.fromhex(trace)


def first_token_of(record: CallRecord) -> int | None:
    """From the call's beginning to the first of a streamed answer, in microseconds: the mark after
    that of ``route``. None for what did not stream."""
    marks = record.stages_us
    if record.event != "closed" or len(marks) < _STREAM_MARKS:
        return None
    return marks[_ROUTED_MARKS]


def _alike(record: CallRecord) -> int | None:
    """The same for calls that asked the same; what was asked is told by its salted digest."""
    said = record.arguments or record.prompt
    if said is None:
        return None
    asked = f"{record.resource}\n{record.tool}\n{said}"
    return int.from_bytes(sha256(asked.encode("utf-8")).digest()[:8], "big") >> 1


def _change_moment(record: ChangeRecord, index: int) -> Moment:
    return Moment(
        at=record.at,
        kind=record.kind,
        subject=record.subject,
        text=record.reason or "",
        by=record.by,
        index=index,
    )


def _moment_row(moment: Moment) -> tuple[Value, ...]:
    return (
        moment.at,
        moment.kind,
        moment.subject[:TEXT_MAX],
        moment.text[:TEXT_MAX],
        moment.by,
        moment.index,
    )
