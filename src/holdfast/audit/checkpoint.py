"""C2SP tlog-checkpoint: what a log commits to, signed."""

import base64
import re
from dataclasses import dataclass

from holdfast.audit.errors import NoteError
from holdfast.audit.merkle import HASH_BYTES
from holdfast.audit.note import LogSigner, Verifier, decode_base64

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A tree of ``size`` entries with this ``root``, as ``note`` says and its signature vouches."""

    origin: str
    size: int
    root: bytes
    note: bytes

    @classmethod
    def sign(cls, signer: LogSigner, *, size: int, root: bytes) -> "Checkpoint":
        text = f"{signer.name}\n{size}\n{base64.b64encode(root).decode()}\n"
        return cls(origin=signer.name, size=size, root=root, note=signer.sign(text))

    @classmethod
    def open(cls, note: bytes, verifier: Verifier) -> "Checkpoint":
        """The checkpoint once its signature holds and its origin is the key's name."""
        lines = verifier.open(note).split("\n")
        root = decode_base64(lines[2]) if len(lines) > 3 else None
        if root is None or len(root) != HASH_BYTES or not _SIZE.match(lines[1]):
            raise NoteError("a signed note, but no checkpoint", fix="check where it came from")
        if lines[0] != verifier.name:
            raise NoteError(
                f"the checkpoint is of the log {lines[0]!r}, not of {verifier.name!r}",
                fix="use the key of that log",
            )
        return cls(origin=lines[0], size=int(lines[1]), root=root, note=note)
