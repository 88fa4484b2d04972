"""Opening a log: what was published must be what was signed last, and its end must be sound."""

from dataclasses import dataclass

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import CheckpointError, LogError, NoteError
from holdfast.audit.merkle import leaf_hash, node_hash
from holdfast.audit.signing import LogSigner
from holdfast.audit.store import Head, LogStore
from holdfast.audit.tiles import CHECKPOINT, WIDTH, TileReader, first_difference
from holdfast.audit.tree import Edge
from holdfast.world.ports import Blobs


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The tree in memory. ``tail`` holds the entries of the unfinished bundle."""

    head: Head
    edge: Edge
    tail: tuple[bytes, ...]
    checkpoint: Checkpoint


def opened_head(rows: LogStore, blobs: Blobs, signer: LogSigner) -> tuple[Head, str]:
    """The newest head, once the published checkpoint was found to be it or the one before it.

    With it a sentence on what was mended, or nothing.
    """
    head = rows.head()
    published = blobs.get(CHECKPOINT)
    if head is None and published is None:
        edge = Edge()
        checkpoint = Checkpoint.sign(signer, size=edge.size, root=edge.root())
        head = Head(size=0, checkpoint=checkpoint.note, previous=None)
        rows.begin(head)
        return head, ""
    if head is None:
        raise LogError(
            "the log folder holds a log that the database knows nothing of",
            fix="restore the database from a backup taken with the log, or move the log away",
        )
    if published is None:
        missing = head.size > 0
        return head, "the checkpoint was missing and was written again" if missing else ""
    if published not in (head.checkpoint, head.previous):
        raise _checkpoint_error(head, published, signer)
    return head, ""


def _checkpoint_error(head: Head, published: bytes, signer: LogSigner) -> LogError:
    """Why a published checkpoint that we did not sign last must not be written over."""
    fix = "restore the log folder and the database from one backup; keep both as evidence"
    try:
        checkpoint = Checkpoint.open(published, signer.verifier)
    except NoteError as error:
        return CheckpointError(f"the checkpoint was altered: {error.what}", fix=fix)
    if checkpoint.size < head.size:
        what = f"the checkpoint was rolled back to {checkpoint.size} entries of {head.size}"
    elif checkpoint.size == head.size:
        what = f"the checkpoint was forked: another root over the same {head.size} entries"
    else:
        what = f"the checkpoint has {checkpoint.size} entries, the database only {head.size}"
    return CheckpointError(what, fix=fix)


def load_state(blobs: Blobs, head: Head, signer: LogSigner) -> State:
    """The tree's edge, checked against the head's root and the entries of the last bundle."""
    try:
        checkpoint = Checkpoint.open(head.checkpoint, signer.verifier)
    except NoteError as error:
        raise LogError(
            f"the log's newest checkpoint was not signed by {signer.vkey}: {error.what}",
            fix="restore the signing key that began this log",
        ) from error
    tiles = TileReader(blobs, head.size)
    edge = Edge.load(tiles, head.size)
    number, width = divmod(head.size, WIDTH)
    tail = tuple(tiles.entries(number)) if width else ()
    leaves = edge.levels[0] if edge.levels else ()
    different = first_difference([leaf_hash(entry) for entry in tail], leaves)
    if different is not None:
        raise LogError(
            f"entry {number * WIDTH + different} does not have the hash that its tile says",
            fix="the entry or the tile was altered: restore the log folder from a copy",
        )
    if edge.root() != checkpoint.root:
        raise LogError(
            f"the newest tiles do not lead to the root of the {head.size} entries signed"
            f"{_altered(tiles, edge)}",
            fix="run `holdfast audit verify`, and restore the log folder from a copy",
        )
    return State(head=head, edge=edge, tail=tail, checkpoint=checkpoint)


def _altered(tiles: TileReader, edge: Edge) -> str:
    """Which entries a changed hash above the leaves stands for, as far as the level below tells."""
    for level in range(1, len(edge.levels)):
        number = (edge.size >> (8 * level)) // WIDTH
        for offset, claimed in enumerate(edge.levels[level]):
            start = (number * WIDTH + offset) << (8 * level)
            end = start + (1 << (8 * level))
            half = (start + end) // 2  # two halves, so that the claimed hash itself is not read
            below = node_hash(tiles.range_hash(start, half), tiles.range_hash(half, end))
            if below != claimed:
                return f": entry {start} to {end - 1}"
    return ""
