"""The audit log: an append-only Merkle log that nobody, its owner included, alters unseen.

A worker's ``Recorder`` makes records durable in its journal before it acknowledges them. The
keeper's ``Log`` takes the journals' entries, each exactly once, into a C2SP tlog-tiles log with
signed checkpoints. ``LogReader`` reads and proves beside it, in any process; ``verify_log`` and
``Proof.verify`` need nothing but files and the log's verifier key.
"""

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import (
    AuditError,
    CheckpointError,
    EntrySizeError,
    JournalError,
    LogError,
    NoLogError,
    NoteError,
    ProofError,
    RecorderClosedError,
    RecorderFullError,
    RecordError,
    UnavailableError,
    UnknownEntryError,
)
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
from holdfast.audit.note import LogSigner, Verifier
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
from holdfast.audit.verify import Verification, verify_log

__all__ = [
    "ENTRY_BYTES_MAX",
    "RECORD_VERSION",
    "AuditError",
    "CallRecord",
    "Checkpoint",
    "CheckpointError",
    "Done",
    "Entry",
    "EntrySizeError",
    "JournalError",
    "Log",
    "LogError",
    "LogReader",
    "LogSigner",
    "NoLogError",
    "NoteError",
    "Proof",
    "ProofError",
    "RecordError",
    "RecordedDecision",
    "RecordedEvent",
    "RecordedOutcome",
    "Recorder",
    "RecorderClosedError",
    "RecorderFullError",
    "UnavailableError",
    "UnknownEntryError",
    "Verification",
    "Verifier",
    "consistency_proof",
    "decode_record",
    "encode_record",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "range_hash_of",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
    "verify_log",
]
