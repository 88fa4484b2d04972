"""Intents without outcome: what ``holdfast audit alarms`` tells, and the word that settles one."""

from collections.abc import Collection

import msgspec

from holdfast.app import wiring
from holdfast.app.acts import new_act
from holdfast.app.datadir import DataDir
from holdfast.app.evidence import EvidenceError, open_log_reader
from holdfast.audit import (
    INTENT_GRACE_S,
    SETTLED,
    CallRecord,
    Intent,
    LogReader,
    Outbox,
    decode_entry,
    record_of,
)
from holdfast.core import Instant, rfc3339
from holdfast.world.real import SystemClock

_MICROSECONDS = 1_000_000


class Alarm(msgspec.Struct, frozen=True):
    """A call that was begun and of which nobody knows how it ended."""

    call: str
    event: str
    at: str
    index: int | None
    principal: str | None
    resource: str | None
    tool: str | None


class Alarms(msgspec.Struct, frozen=True):
    alarms: tuple[Alarm, ...]
    grace_s: int


class Settled(msgspec.Struct, frozen=True):
    """``change`` is the id of the record that says who answers for the call, and why."""

    call: str
    change: str


def overdue(
    reader: LogReader, *, now: Instant, grace_s: int, busy: Collection[str] = ()
) -> tuple[Intent, ...]:
    """Intents older than the grace time whose calls are not under way."""
    until = Instant(now - grace_s * _MICROSECONDS)
    return tuple(each for each in reader.open_intents(until=until) if each.call not in busy)


def list_alarms(data: DataDir, *, grace_s: int = INTENT_GRACE_S) -> Alarms:
    """What is open in a data directory, whether an instance runs on it or not."""
    with open_log_reader(data) as reader:
        found = overdue(reader, now=SystemClock().now(), grace_s=grace_s)
        return Alarms(tuple(_alarm(reader, intent) for intent in found), grace_s)


def settle(data: DataDir, call: str, *, reason: str) -> Settled:
    """Answer for a call: its alarm goes, and the log says who looked and what they found."""
    with open_log_reader(data) as reader:
        found = overdue(reader, now=SystemClock().now(), grace_s=0)
    if call not in {intent.call for intent in found}:
        raise EvidenceError(
            f"the call '{call[:40]}' is not one that was begun and has no outcome",
            fix="take the id from 'holdfast audit alarms'",
            code="audit.no-alarm",
        )
    act = new_act(reason)
    store = wiring.open_store(data)
    try:
        Outbox(store)
        with store.transaction() as change:
            Outbox.add(change, record_of(act, kind=SETTLED, subject=call))
    finally:
        store.close()
    return Settled(call, act.id)


def alarms_text(found: Alarms) -> str:
    """How they read at a terminal."""
    if not found.alarms:
        return f"no call that was begun more than {found.grace_s} s ago lacks its outcome"
    lines = [f"{len(found.alarms)} begun, and nobody knows how they ended:"]
    for alarm in found.alarms:
        over = alarm.tool or alarm.resource or "-"
        lines.append(f"  {alarm.at}  {alarm.call}  {alarm.event:<6}  {alarm.principal} -> {over}")
    lines.append("look at the callee, then: holdfast audit settle CALL --reason '...'")
    return "\n".join(lines)


def _alarm(reader: LogReader, intent: Intent) -> Alarm:
    entries = reader.find(intent.call)
    record = decode_entry(entries[0].data) if entries else None
    call = record if isinstance(record, CallRecord) else None
    return Alarm(
        call=intent.call,
        event=intent.event,
        at=rfc3339(Instant(intent.at)),
        index=intent.entry,
        principal=call and call.principal,
        resource=call and call.resource,
        tool=call and call.tool,
    )
