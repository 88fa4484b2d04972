"""What ``holdfast trace`` tells: all calls of a trace, who called whom within it, each with its record."""

from collections.abc import Iterator, Sequence

import msgspec

from holdfast.app.call_search import call_of
from holdfast.app.datadir import DataDir
from holdfast.app.evidence import EvidenceError, open_log_reader
from holdfast.app.past import open_history
from holdfast.audit import CallRecord, LogReader, decode_entry
from holdfast.core import Progress, trace_of, untold
from holdfast.history import PAGE_MAX, Call, CallQuery, HistoryError, caller_of
from holdfast.telemetry import stage_times

_TRACE_DIGITS = 32
_HEX = frozenset("0123456789abcdef")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One call. ``parent`` is the call in whose course it was made, as far as that shows; ``index``
    is None while its record waits for the log, which was checked against the signed checkpoint."""

    call: Call
    index: int | None
    parent: str | None
    decision: str
    policies: tuple[str, ...]
    would_refuse: tuple[str, ...]
    obligations: tuple[str, ...]
    stages_us: dict[str, int]
    seams: tuple[int, ...]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """``steps`` in the order in which the calls began; ``is_cut`` when there are more. ``notes``
    say what could not be looked up."""

    trace: str
    steps: tuple[Step, ...]
    is_cut: bool
    notes: tuple[str, ...]


class _Found(msgspec.Struct, frozen=True):
    index: int | None
    record: CallRecord


def tell_story(data: DataDir, name: str, progress: Progress = untold) -> Story:
    """By the id of a call or of a trace; ``EvidenceError`` where neither is known."""
    with open_log_reader(data) as reader:
        first = None if _is_trace(name) else _last_record(reader, name)
        if first is None and not _is_trace(name):
            raise _unknown(name)
        trace = trace_of(first.record.call, first.record.trace).trace if first else name.lower()
        calls, notes = _calls(data, trace)
        known = {call.call for call in calls}
        found = [first] if first is not None and first.record.call not in known else []
        for done, call in enumerate(calls):
            progress(done, len(calls))
            record = _last_record(reader, call.call)
            found += [record] if record is not None else []
    if not found:
        raise _unknown(name)
    found.sort(key=lambda each: (each.record.at, each.record.call))
    parents = _parents([each.record for each in found])
    steps = tuple(_step(each, parents.get(each.record.call)) for each in found)
    return Story(trace=trace, steps=steps, is_cut=len(calls) >= PAGE_MAX, notes=notes)


def _is_trace(name: str) -> bool:
    return len(name) == _TRACE_DIGITS and _HEX.issuperset(name.lower())


def _calls(data: DataDir, trace: str) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    try:
        with open_history(data) as history:
            return history.calls(CallQuery(trace=trace, limit=PAGE_MAX)), ()
    except HistoryError as error:
        return (), (f"other calls of the trace cannot be found: {error.what}",)


def _last_record(reader: LogReader, call: str) -> _Found | None:
    """The call's last record, or its first where it is still under way."""
    found: _Found | None = None
    for entry in reader.find(call):
        record = decode_entry(entry.data)
        if isinstance(record, CallRecord) and (found is None or record.is_last):
            found = _Found(entry.index, record)
    return found


def _parents(records: Sequence[CallRecord]) -> dict[str, str]:
    """In whose course each call was made.

    Exactly, where a caller sent on the ``traceparent`` that it had got from us; else the shortest
    call that was under way all that time and whose callee is the caller.
    """
    clients = {trace_of(each.call, each.trace).client: each.call for each in records}
    parents: dict[str, str] = {}
    for record in records:
        sent = trace_of(record.call, record.trace).parent
        exact = clients.get(sent) if sent is not None else None
        around = min(_around(record, records), key=lambda each: each.duration_us, default=None)
        if exact is not None and exact != record.call:
            parents[record.call] = exact
        elif around is not None:
            parents[record.call] = around.call
    return parents


def _around(record: CallRecord, records: Sequence[CallRecord]) -> Iterator[CallRecord]:
    caller = caller_of(record.principal) or ""
    end = record.at + record.duration_us
    for each in records:
        is_longer = each.at < record.at and end <= each.at + each.duration_us
        if is_longer and caller and caller in (each.resource, each.node):
            yield each


def _step(found: _Found, parent: str | None) -> Step:
    record = found.record
    return Step(
        call=call_of(record, -1 if found.index is None else found.index),
        index=found.index,
        parent=parent,
        decision=record.decision,
        policies=record.policies,
        would_refuse=record.would_refuse,
        obligations=record.obligations,
        stages_us=stage_times(record),
        seams=record.seams,
    )


def _unknown(name: str) -> EvidenceError:
    return EvidenceError(
        f"the log knows no call and no trace '{name[:40]}'",
        fix="a call's id is the x-request-id of its answer (26 letters and digits), a trace's are "
        "32 hexadecimal digits; 'holdfast calls' lists them",
    )
