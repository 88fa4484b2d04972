"""C2SP tlog-checkpoint: what a log commits to, signed, and cosigned by those who watch it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.audit.errors import NoteError
from holdfast.audit.heads import TreeHead
from holdfast.audit.keys import Verifier, split_time
from holdfast.audit.note import Note, Signature
from holdfast.audit.signing import LogSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A witness saw this tree, consistent with all it saw before, at ``time`` (seconds)."""

    witness: str
    time: int
    signature: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree of ``size`` entries with this ``root``, as ``note`` says and its signature vouches."""

    origin: str
    size: int
    root: bytes
    note: bytes

    @classmethod
    def sign(cls, signer: LogSigner, *, size: int, root: bytes) -> "Checkpoint":
        head = TreeHead(origin=signer.name, size=size, root=root)
        return cls(origin=signer.name, size=size, root=root, note=signer.sign(head.text))

    @classmethod
    def open(cls, note: bytes, verifier: Verifier, *, origin: str | None = None) -> "Checkpoint":
        """The checkpoint once its signature holds and its origin is the key's name (or ``origin``,
        for the few logs whose key is named otherwise)."""
        head = TreeHead.parse(verifier.open(note))
        if head.origin != (origin or verifier.name):
            raise NoteError(
                f"the checkpoint is of the log {head.origin!r}, not of {verifier.name!r}",
                fix="use the key of that log",
            )
        return cls(origin=head.origin, size=head.size, root=head.root, note=note)

    def cosignatures(self, witnesses: Sequence[Verifier]) -> tuple[Cosignature, ...]:
        """The cosignatures of these witnesses, one a key; ``NoteError`` when one does not hold.

        A witness always says when it signed: a signature without time is none of a witness.
        """
        note = Note.parse(self.note)
        found: list[Cosignature] = []
        for witness in witnesses:
            signature = witness.check(note) if witness.is_timed else None
            time = split_time(signature.value)[0] if signature is not None else 0
            if signature is not None and time > 0:
                found.append(Cosignature(witness=witness.name, time=time, signature=signature))
        return tuple(found)

    def with_signatures(self, added: Iterable[Signature]) -> "Checkpoint":
        """The same tree under further signatures."""
        note = Note.parse(self.note).with_signatures(added).encode()
        return Checkpoint(origin=self.origin, size=self.size, root=self.root, note=note)
