"""Offering a checkpoint to a witness: C2SP tlog-witness, ``add-checkpoint``, both ways on the wire.

A submission asks at most twice: the witness may say once that it knows another size than we
thought (409). A witness that goes on saying so is no reason to go on asking.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import NoteError, ProofError, WitnessError
from holdfast.audit.heads import parse_size
from holdfast.audit.keys import Verifier, split_time
from holdfast.audit.merkle import HASH_BYTES
from holdfast.audit.note import Note, Signature, decode_base64

CONSISTENCY_HASHES_MAX = 63
CORRECTIONS_MAX = 1
"""How often a witness may name another size in one submission."""

SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The request: how the tree of ``note`` continues that of ``old`` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        lines = [f"old {self.old}"]
        lines += [base64.b64encode(each).decode() for each in self.proof]
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """Read a request; ``ProofError`` when it is malformed."""
        head, separator, note = body.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            lines = []
        size = parse_size(lines[0].removeprefix("old ")) if lines else None
        if size is None or not separator or not lines[0].startswith("old "):
            raise ProofError("`old <size>`, a proof, an empty line and a checkpoint are expected")
        if len(lines) - 1 > CONSISTENCY_HASHES_MAX:
            raise ProofError(f"a consistency proof has at most {CONSISTENCY_HASHES_MAX} hashes")
        return cls(old=size, proof=tuple(_hash(line) for line in lines[1:]), note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a witness answered over HTTP."""

    status: int
    content_type: str
    body: bytes


Prove = Callable[[int, int], Sequence[bytes]]


class Submission:
    """One checkpoint on its way to one witness. ``known`` is the size the witness had, as we think;
    afterwards, the one that it said or cosigned."""

    def __init__(self, checkpoint: Checkpoint, witness: Sequence[Verifier], *, known: int) -> None:
        self.checkpoint = checkpoint
        self.known = known
        self._witness = tuple(witness)
        self._corrections = 0

    def request(self, prove: Prove) -> bytes:
        """What to ask. ``WitnessError`` when the witness has seen a larger tree than this one: the
        checkpoint is an old one, or the log was rolled back."""
        old, new = self.known, self.checkpoint.size
        if old > new:
            raise WitnessError(
                f"the witness has cosigned {old} entries, this checkpoint has {new}",
                fix="if that is the newest checkpoint, the log was rolled back: keep both",
            )
        proof = tuple(prove(old, new)) if 0 < old < new else ()
        return AddCheckpoint(old=old, proof=proof, note=self._note()).encode()

    def take(self, answer: Answer) -> tuple[Signature, ...]:
        """The cosignatures; none when another request is to be made, with the size it said.

        ``WitnessError`` when the witness refused, or answered what cannot be used.
        """
        if answer.status == 409:
            self._correct(answer)
            return ()
        if answer.status != 200:
            said = answer.body[:200].decode("ascii", "replace").strip()
            raise WitnessError(f"the witness answered {answer.status}: {said}")
        signatures = self._signatures(answer.body)
        if not signatures:
            raise WitnessError("the witness answered without a cosignature of its key")
        self.known = self.checkpoint.size
        return signatures

    def _note(self) -> bytes:
        """The checkpoint without the cosignatures of others: a witness has no use for them."""
        note = Note.parse(self.checkpoint.note)
        own = tuple(each for each in note.signatures if each.name == self.checkpoint.origin)
        return Note(text=note.text, signatures=own).encode() if own else self.checkpoint.note

    def _correct(self, answer: Answer) -> None:
        said = answer.body.removesuffix(b"\n").decode("ascii", "replace")
        size = parse_size(said)
        is_size = answer.content_type.partition(";")[0].strip() == SIZE_TYPE
        if size is None or not is_size or not answer.body.endswith(b"\n"):
            raise WitnessError("the witness answered 409 without the size that it knows")
        self._corrections += 1
        if self._corrections > CORRECTIONS_MAX or size == self.known:
            raise WitnessError(
                f"the witness says that it knows {size} entries, and refuses what continues them",
                fix="see whether another instance submits to it under this log's name",
            )
        self.known = size

    def _signatures(self, body: bytes) -> tuple[Signature, ...]:
        text = Note.parse(self.checkpoint.note).text
        try:
            # As the specification proposes: an answer is the end of a note.
            signed = Note.parse(text.encode() + b"\n" + body)
            found = [each.check(signed) for each in self._witness]
        except NoteError as error:
            raise WitnessError(f"the witness answered no cosignature: {error}") from error
        timed = [each for each in found if each is not None]
        if not all(split_time(each.value)[0] for each in timed):
            raise WitnessError("the witness does not say when it cosigned")
        return tuple(timed)


def _hash(line: str) -> bytes:
    each = decode_base64(line)
    if each is None or len(each) != HASH_BYTES:
        raise ProofError(f"{line[:60]!r} is not a hash of 32 bytes in base64")
    return each
