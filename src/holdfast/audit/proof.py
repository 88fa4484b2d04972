"""C2SP tlog-proof@v1: one text that shows, with no server at hand, that an entry is in the log."""

import base64
import re
from dataclasses import dataclass

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import ProofError
from holdfast.audit.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from holdfast.audit.note import decode_base64
from holdfast.audit.trust import Trust

HASHES_MAX = 64
PROOF_BYTES_MAX = 1_100_000
"""The header, 64 hashes and the largest note."""

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Entry ``index`` is in the tree of ``checkpoint`` (a signed note), by way of ``hashes``."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def text(self) -> str:
        """The proof as a ``.tlog-proof`` file has it."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append("extra " + base64.b64encode(self.extra).decode())
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(each).decode() for each in self.hashes]
        return "\n".join(lines) + "\n\n" + self.checkpoint.decode()

    @classmethod
    def parse(cls, text: str) -> "Proof":
        """Read ``text()`` back; ``ProofError`` names the line that is wrong."""
        if len(text) > PROOF_BYTES_MAX:
            raise ProofError(f"a proof of {len(text)} characters is too long", fix="check the file")
        head, separator, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if lines.pop(0) != _HEADER:
            raise ProofError(f"line 1 is not {_HEADER}", fix="this is no tlog-proof of version 1")
        extra = _extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
        index = _INDEX.match(lines.pop(0)) if lines else None
        if index is None:
            raise ProofError("the line `index <number>` is missing", fix="restore the proof")
        if not separator or len(lines) > HASHES_MAX:
            raise ProofError("hashes, an empty line and a checkpoint follow the index")
        hashes = tuple(_hash(line) for line in lines)
        return cls(index=int(index[1]), hashes=hashes, checkpoint=checkpoint.encode(), extra=extra)

    def verify(self, entry: bytes, trust: str | Trust) -> Checkpoint:
        """The checkpoint that vouches for ``entry``. ``trust`` may be just the log's keys.

        ``NoteError`` when one of them, or too few witnesses, signed it; ``ProofError`` when the
        proof does not hold. The steps are those of tlog-proof.
        """
        leaf = leaf_hash(entry)  # 1
        whose = Trust.parse(trust) if isinstance(trust, str) else trust
        checkpoint = whose.open(self.checkpoint)  # 2, 3
        verify_inclusion(  # 4
            leaf,
            index=self.index,
            size=checkpoint.size,
            proof=self.hashes,
            root=checkpoint.root,
        )
        return checkpoint


def _extra(line: str) -> bytes:
    extra = decode_base64(line.removeprefix("extra "))
    if extra is None:
        raise ProofError("the extra line is not base64", fix="restore the proof from a copy")
    return extra


def _hash(line: str) -> bytes:
    each = decode_base64(line)
    if each is None or len(each) != HASH_BYTES:
        raise ProofError(f"{line[:60]!r} is not a hash of 32 bytes in base64")
    return each
