"""The record of a call: what was decided and what came of it. Never what anybody said."""

from typing import Literal, TypeAlias

import msgspec

from holdfast.audit.errors import RecordError

RECORD_VERSION = 4
"""Version 2 says how the answer came about: ``attempts``, ``cached``, ``fallback``, ``node``,
``seams``. Version 3 says on whose behalf and by which proof a call was made, what was called of a
tool, what policy asked for besides; and it leaves out every field that has its default. Version 4
says which trace and which session of its caller a call was part of, and what it cost: ``trace``,
``session``, ``cost``. Older ones are read with the defaults of what they lack."""

RecordedDecision: TypeAlias = Literal["allow", "refuse"]
RecordedEvent: TypeAlias = Literal["call", "intent", "opened", "closed"]
ENDINGS: frozenset[str] = frozenset(("call", "closed"))
"""Events of a call's last record: every call has one such."""
RecordedOutcome: TypeAlias = Literal["answered", "refused", "failed", "cancelled", "open"]


class CallRecord(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """One record. A call that streams has two: ``opened`` before its first byte, ``closed`` after;
    one that may change something has ``intent`` before it is sent, and its outcome after.

    The fields stand in alphabetical order and none is a float, so that the encoding is the
    canonical one of RFC 8785 at no cost. ``at`` is an instant (microseconds since 1970); ``prompt``
    and ``answer`` are salted digests; ``rule`` is the stable code of what refused or failed.

    ``attempts`` is how often an upstream was asked, ``node`` whose upstream answered, ``fallback``
    the relationship it was asked over when that is not ``relationship``; ``seams`` are the places
    in a streamed answer, in bytes, at which another upstream went on; ``cached`` says that the
    answer was kept from an earlier call.

    ``chain`` are the principals from whom the caller holds its authority, root first, and ``txn``
    the root mandate's id; ``proof`` is how the caller proved to hold its credential and
    ``attested`` what its evidence was judged to be. ``tool`` and ``descriptor`` are what was called
    and the digest it is approved under; ``arguments`` is a salted digest. ``obligations`` are what
    policy asked for, ``approver`` who let the call pass, ``would_refuse`` the policies on trial
    that would have refused it.

    ``trace`` is the W3C ``traceparent`` that the caller sent, if it is valid (``core.trace_of`` makes
    all ids of it), ``session`` what it named as the conversation; ``cost`` is in billionths of the
    currency, by the price of the node that answered.
    """

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

    @property
    def is_last(self) -> bool:
        """Whether the call ends with it."""
        return self.event in ENDINGS


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(CallRecord)


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
