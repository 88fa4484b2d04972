"""The record of a call: what was decided and what came of it. Never what anybody said."""

from typing import Literal, TypeAlias

import msgspec

from holdfast.audit.errors import RecordError

RECORD_VERSION = 2
"""Version 2 says how the answer came about: ``attempts``, ``cached``, ``fallback``, ``node``,
``seams``. Version 1 lacks them; it is read with their defaults."""

RecordedDecision: TypeAlias = Literal["allow", "refuse"]
RecordedEvent: TypeAlias = Literal["call", "opened", "closed"]
RecordedOutcome: TypeAlias = Literal["answered", "refused", "failed", "cancelled", "open"]


class CallRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """One record. A call that streams has two: ``opened`` before its first byte, ``closed`` after.

    The fields stand in alphabetical order and none is a float, so that the encoding is the
    canonical one of RFC 8785 at no cost. ``at`` is an instant (microseconds since 1970); ``prompt``
    and ``answer`` are salted digests; ``rule`` is the stable code of what refused or failed.

    ``attempts`` is how often an upstream was asked, ``node`` whose upstream answered, ``fallback``
    the relationship it was asked over when that is not ``relationship``; ``seams`` are the places
    in a streamed answer, in bytes, at which another upstream went on; ``cached`` says that the
    answer was kept from an earlier call.
    """

    action: str
    answer: str | None
    at: int
    attempts: int = 0
    blueprint: str
    bundle: str
    cached: bool = False
    call: str
    credential: str | None
    decision: RecordedDecision
    duration_us: int
    event: RecordedEvent
    fallback: str | None = None
    node: str | None = None
    outcome: RecordedOutcome
    policies: tuple[str, ...]
    principal: str | None
    prompt: str | None
    relationship: str | None
    resource: str | None
    rule: str | None
    seams: tuple[int, ...] = ()
    stages_us: tuple[int, ...]
    status: int
    tenant: str
    tokens_in: int | None
    tokens_out: int | None
    upstream: str | None
    v: int = RECORD_VERSION
    worker: int


class _Indexed(msgspec.Struct, frozen=True, gc=False):
    """The one field the index needs; the rest of the record is skipped, not built."""

    call: str


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(CallRecord)
_INDEXED = msgspec.json.Decoder(_Indexed)


def encode_record(record: CallRecord) -> bytes:
    """The record's canonical bytes: what is hashed into the tree."""
    return _ENCODER.encode(record)


def decode_record(data: bytes) -> CallRecord:
    """Read an entry; ``RecordError`` when it is no record of this version."""
    try:
        record = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"this entry is no record: {error}", fix="check its index") from error
    if record.v > RECORD_VERSION:
        raise RecordError(f"this is a record of version {record.v}", fix="use a newer Holdfast")
    return record


def call_of(entry: bytes) -> str | None:
    """The id of the call an entry is about, None when it does not say."""
    try:
        return _INDEXED.decode(entry).call
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
