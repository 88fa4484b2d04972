"""The audit log: an append-only Merkle log that nobody, its owner included, alters unseen.

A worker's ``Recorder`` makes records durable in its journal before it acknowledges them. The
keeper's ``Log`` takes the journals' entries, each exactly once, into a C2SP tlog-tiles log with
signed checkpoints. ``LogReader`` reads and proves beside it, in any process; ``verify_log``,
``Proof.verify`` and ``verify_receipt`` need nothing but files and the log's verifier keys. A
``Witness`` cosigns what continues all it cosigned before; a ``Submission`` asks one to.
"""

from holdfast.audit.changes import (
    CHANGE_VERSION,
    Act,
    ChangeRecord,
    Outbox,
    decode_change,
    decode_entry,
    encode_change,
    record_of,
)
from holdfast.audit.checkpoint import Checkpoint, Cosignature
from holdfast.audit.cose import Receipt, make_receipt, verify_receipt
from holdfast.audit.errors import (
    AuditError,
    CheckpointError,
    EntrySizeError,
    GossipError,
    JournalError,
    LogError,
    NoLogError,
    NoteError,
    ProofError,
    ReceiptError,
    RecorderClosedError,
    RecorderFullError,
    RecordError,
    UnavailableError,
    UnknownEntryError,
    WitnessError,
)
from holdfast.audit.fields import CHANGE_FIELDS, RECORD_FIELDS
from holdfast.audit.gossip import (
    CHECKPOINT_FIELD,
    SplitView,
    compare,
    field_value,
    read_field,
    read_heads,
)
from holdfast.audit.intents import INTENT_GRACE_S, INTENTS_SHOWN_MAX, SETTLED, Intent
from holdfast.audit.keys import Verifier
from holdfast.audit.log import Log
from holdfast.audit.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_hash_of,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from holdfast.audit.note import Note, Signature
from holdfast.audit.proof import Proof
from holdfast.audit.reader import Entry, LogReader
from holdfast.audit.recorder import ENTRY_BYTES_MAX, Done, Recorder
from holdfast.audit.records import (
    RECORD_VERSION,
    CallRecord,
    RecordedDecision,
    RecordedEvent,
    RecordedOutcome,
    decode_record,
    encode_record,
)
from holdfast.audit.signing import Cosigner, LogSigner
from holdfast.audit.submission import AddCheckpoint, Answer, Submission
from holdfast.audit.tiles import (
    CHECKPOINT,
    WITNESSED,
    Resource,
    parse_path,
    prove_consistency,
)
from holdfast.audit.trust import Trust
from holdfast.audit.verify import Verification, verify_log
from holdfast.audit.witness import KnownLog, Witness, origin_hash

__all__ = [
    "CHANGE_FIELDS",
    "CHANGE_VERSION",
    "CHECKPOINT",
    "CHECKPOINT_FIELD",
    "ENTRY_BYTES_MAX",
    "INTENTS_SHOWN_MAX",
    "INTENT_GRACE_S",
    "RECORD_FIELDS",
    "RECORD_VERSION",
    "SETTLED",
    "WITNESSED",
    "Act",
    "AddCheckpoint",
    "Answer",
    "AuditError",
    "CallRecord",
    "ChangeRecord",
    "Checkpoint",
    "CheckpointError",
    "Cosignature",
    "Cosigner",
    "Done",
    "Entry",
    "EntrySizeError",
    "GossipError",
    "Intent",
    "JournalError",
    "KnownLog",
    "Log",
    "LogError",
    "LogReader",
    "LogSigner",
    "NoLogError",
    "Note",
    "NoteError",
    "Outbox",
    "Proof",
    "ProofError",
    "Receipt",
    "ReceiptError",
    "RecordError",
    "RecordedDecision",
    "RecordedEvent",
    "RecordedOutcome",
    "Recorder",
    "RecorderClosedError",
    "RecorderFullError",
    "Resource",
    "Signature",
    "SplitView",
    "Submission",
    "Trust",
    "UnavailableError",
    "UnknownEntryError",
    "Verification",
    "Verifier",
    "Witness",
    "WitnessError",
    "compare",
    "consistency_proof",
    "decode_change",
    "decode_entry",
    "decode_record",
    "encode_change",
    "encode_record",
    "field_value",
    "inclusion_proof",
    "leaf_hash",
    "make_receipt",
    "node_hash",
    "origin_hash",
    "parse_path",
    "prove_consistency",
    "range_hash_of",
    "read_field",
    "read_heads",
    "record_of",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
    "verify_log",
    "verify_receipt",
]
