"""What ``holdfast audit gossip`` does: lay side by side what clients were shown of one log."""

from pathlib import Path

import msgspec

from holdfast.app.receipts import read_file
from holdfast.app.remote import open_blobs
from holdfast.audit import (
    CHECKPOINT,
    Checkpoint,
    NoLogError,
    Trust,
    Verifier,
    compare,
    prove_consistency,
    read_heads,
)
from holdfast.world.ports import Blobs


class Contradiction(msgspec.Struct, frozen=True):
    """Two heads that the log signed and no one log can have: both notes are the evidence."""

    why: str
    one: str
    other: str


class Compared(msgspec.Struct, frozen=True):
    """``consistent`` when no two heads contradict each other. ``heads`` are all that were read;
    without the log at hand (``against`` None) only heads of one size can contradict each other."""

    consistent: bool
    origin: str
    heads: int
    newest: int
    against: int | None
    contradictions: tuple[Contradiction, ...]


def gossip(files: list[Path], *, trust: Trust, log: str | None) -> Compared:
    """Read every head in the files, and hold them against each other and, if named, the log."""
    verifier = trust.log[0]
    heads = [
        head
        for path in files
        for head in read_heads(read_file(path).decode("utf-8", "replace"), verifier)
    ]
    newest = None
    views = compare(heads)
    if log is not None:
        with open_blobs(log) as blobs:
            newest = _newest(blobs, log, verifier)
            views = compare(
                heads, newest=newest, prove=lambda old, new: prove_consistency(blobs, old, new)
            )
    return Compared(
        not views,
        verifier.name,
        len(heads),
        max(head.size for head in heads),
        None if newest is None else newest.size,
        tuple(Contradiction(v.why, v.one.note.decode(), v.other.note.decode()) for v in views),
    )


def _newest(blobs: Blobs, log: str, verifier: Verifier) -> Checkpoint:
    note = blobs.get(CHECKPOINT)
    if note is None:
        raise NoLogError(f"there is no checkpoint at {log[:100]}", fix="name the log's URL")
    return Checkpoint.open(note, verifier)
