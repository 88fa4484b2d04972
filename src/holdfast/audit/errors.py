"""What can go wrong with evidence. Every one says which entry, journal or object."""

from holdfast.core import HoldfastError


class AuditError(HoldfastError):
    """The audit log could not do what was asked of it."""

    code = "audit.failed"


class UnavailableError(AuditError):
    """A record could not be made durable; the call it belongs to must not go on."""

    code = "audit.unavailable"


class RecorderFullError(UnavailableError):
    """More records wait for the disk than the recorder may hold."""

    code = "audit.full"


class RecorderClosedError(UnavailableError):
    """The recorder was closed; this process takes no more calls."""

    code = "audit.closed"


class EntrySizeError(AuditError):
    """An entry is empty or larger than the log takes."""

    code = "audit.entry-size"


class RecordError(AuditError):
    """Bytes that are no record of this version."""

    code = "audit.record-invalid"


class JournalError(AuditError):
    """A journal is damaged before its end: records that were acknowledged cannot be read."""

    code = "audit.journal-corrupt"


class LogError(AuditError):
    """The log contradicts itself, its checkpoint or its index."""

    code = "audit.log-corrupt"


class CheckpointError(LogError):
    """The published checkpoint is not the one that was signed last."""

    code = "audit.checkpoint-rolled-back"


class NoLogError(AuditError):
    """There is no log here yet."""

    code = "audit.no-log"


class UnknownEntryError(AuditError):
    """The log has no such entry under its checkpoint."""

    code = "audit.entry-unknown"


class NoteError(AuditError):
    """A signed note, a verifier key or a checkpoint is malformed or not signed by the key."""

    code = "audit.note-invalid"


class ProofError(AuditError):
    """A proof is malformed or does not prove what it claims."""

    code = "audit.proof-invalid"


class WitnessError(AuditError):
    """A witness did not cosign a checkpoint, or what it answered is no cosignature."""

    code = "audit.witness-refused"


class ReceiptError(AuditError):
    """A COSE receipt is malformed or does not prove what it claims."""

    code = "audit.receipt-invalid"


class GossipError(AuditError):
    """What a client collected holds no head of this log."""

    code = "audit.gossip-invalid"
