"""What the text of a C2SP tlog-checkpoint says: a log, its size, its root."""

import base64
import re
from dataclasses import dataclass

from holdfast.audit.errors import NoteError
from holdfast.audit.merkle import HASH_BYTES
from holdfast.audit.note import decode_base64

SIZE_MAX = 2**63 - 1
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """``origin`` names the log. Extension lines are opaque: they are kept out of everything."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note's text that says just this."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "TreeHead":
        """Read a note's text; ``NoteError`` when it is no checkpoint."""
        lines = text.split("\n")
        root = decode_base64(lines[2]) if len(lines) > 3 else None
        size = parse_size(lines[1]) if len(lines) > 1 else None
        if root is None or len(root) != HASH_BYTES or size is None or not all(lines[:-1]):
            raise NoteError("a signed note, but no checkpoint", fix="check where it came from")
        return cls(origin=lines[0], size=size, root=root)


def parse_size(text: str) -> int | None:
    """A tree's size in decimal, without leading zeroes; None for anything else."""
    size = int(text) if _SIZE.match(text) else None
    return size if size is not None and size <= SIZE_MAX else None
