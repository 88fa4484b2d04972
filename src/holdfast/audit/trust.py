"""Whose word is taken for a log: its own keys, and k of n witnesses."""

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import NoteError
from holdfast.audit.keys import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A checkpoint counts when every key of ``log`` signed it and ``quorum`` witnesses did.

    A witness counts once, however many keys it signs with.
    """

    log: tuple[Verifier, ...]
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0

    @classmethod
    def parse(
        cls, vkeys: str, *, witnesses: Sequence[str] = (), quorum: int | None = None
    ) -> "Trust":
        """``vkeys`` are one log's keys, apart by white space, as ``log.pub`` has them.

        ``NoteError`` when one is no key, they name different logs, or the quorum cannot be met.
        Without ``quorum`` all witnesses must have signed.
        """
        log = tuple(map(Verifier.parse, vkeys.split()))
        if len({each.name for each in log}) != 1:
            raise NoteError("the keys are not those of one log", fix="name the keys in its log.pub")
        known = tuple(Verifier.parse(vkey) for text in witnesses for vkey in text.split())
        names = {each.name for each in known}
        wanted = len(names) if quorum is None else quorum
        if not 0 <= wanted <= len(names):
            raise NoteError(f"a quorum of {wanted} cannot come of {len(names)} witnesses")
        if not all(each.is_timed for each in known):
            raise NoteError("a plain note key cannot be a witness's", fix="name its cosigning key")
        return cls(log=log, witnesses=known, quorum=wanted)

    @property
    def origin(self) -> str:
        return self.log[0].name

    def open(self, note: bytes) -> Checkpoint:
        """The checkpoint, once all who must vouch for it do; ``NoteError`` otherwise."""
        checkpoint = Checkpoint.open(note, self.log[0])
        for verifier in self.log[1:]:
            verifier.open(note)
        if not self.quorum:
            return checkpoint
        names = {each.witness for each in checkpoint.cosignatures(self.witnesses)}
        if len(names) < self.quorum:
            raise NoteError(
                f"{len(names)} of the witnesses signed the checkpoint, {self.quorum} must",
                fix="take the checkpoint that the witnesses have signed",
            )
        return checkpoint
