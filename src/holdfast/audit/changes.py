"""The record of a change that people made, and the table where it waits for the log.

A change (a passport suspended, an agent revoked) and its record are written in one transaction, so
neither ever stands without the other; the keeper then takes the record into its journal. A crash
between the two leaves the record waiting: the next start takes it, once.
"""

from typing import cast

import msgspec

from holdfast.audit.errors import AuditError, RecordError
from holdfast.audit.records import CallRecord, decode_record
from holdfast.core import Instant
from holdfast.world.ports import Store, Transaction

CHANGE_VERSION = 1
WAITING_MAX = 10_000
"""Changes that wait for the log; while so many do, no further change is made."""
REASON_LENGTH_MAX = 500
SUBJECT_LENGTH_MAX = 500
BY_LENGTH_MAX = 300

_TABLE = """
create table if not exists audit_changes (
  number integer primary key,
  entry blob not null
) strict
"""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who changes something, why and when; ``id`` is a ULID that finds the record."""

    id: str
    by: str
    at: Instant
    reason: str = ""


class ChangeRecord(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One change. The fields stand in alphabetical order and none is a float, so that the encoding
    is the canonical one of RFC 8785.

    ``kind`` says what was done (``passport.suspended``), ``subject`` to what, ``by`` who did it;
    ``digest`` commits to the document that the change left behind.
    """

    at: int
    by: str
    change: str
    digest: str | None = None
    kind: str
    reason: str | None = None
    subject: str
    v: int


class _Kind(msgspec.Struct, frozen=True, gc=False):
    change: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ChangeRecord)
_KIND = msgspec.json.Decoder(_Kind)
_OF_CALLS = b'{"action":'


def record_of(act: Act, *, kind: str, subject: str, digest: str | None = None) -> ChangeRecord:
    """The record of an act; ``RecordError`` when its words are longer than a record takes."""
    for name, text, most in (
        ("reason", act.reason, REASON_LENGTH_MAX),
        ("subject", subject, SUBJECT_LENGTH_MAX),
        ("author", act.by, BY_LENGTH_MAX),
    ):
        if len(text) > most:
            raise RecordError(
                f"the {name} of a change has {len(text)} characters", fix=f"use at most {most}"
            )
    return ChangeRecord(
        at=act.at,
        by=act.by,
        change=act.id,
        digest=digest,
        kind=kind,
        reason=act.reason or None,
        subject=subject,
        v=CHANGE_VERSION,
    )


def encode_change(record: ChangeRecord) -> bytes:
    """The record's canonical bytes: what is hashed into the tree."""
    return _ENCODER.encode(record)


def decode_change(data: bytes) -> ChangeRecord:
    """Read a change's entry; ``RecordError`` when it is none of this version."""
    try:
        record = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"this entry is no change: {error}", fix="check its index") from error
    if record.v > CHANGE_VERSION:
        raise RecordError(f"this is a change of version {record.v}", fix="use a newer Holdfast")
    return record


def decode_entry(data: bytes) -> CallRecord | ChangeRecord:
    """Read any entry of the log; ``RecordError`` when it is none that this version knows."""
    if data.startswith(_OF_CALLS):  # nearly all: their first field tells (1 us less a record)
        return decode_record(data)
    try:
        is_change = _KIND.decode(data).change is not None
    except (msgspec.DecodeError, UnicodeDecodeError):
        is_change = False
    return decode_change(data) if is_change else decode_record(data)


class Outbox:
    """The table ``audit_changes``, which this module owns: records on their way to the log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as change:
            change.execute(_TABLE)

    @staticmethod
    def add(change: Transaction, record: ChangeRecord) -> None:
        """Let the record wait, as part of the transaction that makes the change."""
        rows = change.query("select count(*), coalesce(max(number), 0) from audit_changes")
        count, newest = cast("tuple[int, int]", rows[0])
        if count >= WAITING_MAX:
            raise AuditError(
                f"{count} changes wait for the log already",
                fix="start the instance, or see why it cannot write its log",
            )
        change.execute(
            "insert into audit_changes (number, entry) values (?, ?)",
            (newest + 1, encode_change(record)),
        )

    def waiting(self, limit: int) -> list[tuple[int, bytes]]:
        """The oldest that wait: number and entry."""
        with self._store.snapshot() as view:
            rows = view.query(
                "select number, entry from audit_changes order by number limit ?", (limit,)
            )
        return cast("list[tuple[int, bytes]]", rows)

    def find(self, change: str) -> tuple[bytes, ...]:
        """The entry of a change that waits still: one or none."""
        waiting = (entry for _, entry in self.waiting(WAITING_MAX))
        return tuple(each for each in waiting if decode_change(each).change == change)

    def taken(self, number: int) -> None:
        """The entry is durable in a journal. A crash before this lets it wait once more: whoever
        takes it looks whether the log has it already."""
        with self._store.transaction() as change:
            change.execute("delete from audit_changes where number = ?", (number,))
