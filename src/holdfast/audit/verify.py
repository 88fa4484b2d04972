"""Checking a whole log offline: every hash computed again from the entries up."""

from collections import Counter
from dataclasses import dataclass, field

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import AuditError, JournalError, LogError
from holdfast.audit.frames import journal_stamp
from holdfast.audit.intake import read_piece
from holdfast.audit.merkle import leaf_hash
from holdfast.audit.tiles import CHECKPOINT, WIDTH, WITNESSED, TileReader, first_difference
from holdfast.audit.tree import Edge, Tile
from holdfast.audit.trust import Trust
from holdfast.core import Progress, untold
from holdfast.world.ports import Blobs, Journals, WorldError

PROBLEMS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a check of the whole log found.

    ``verified``: every entry, tile and journal is sound and leads to the root that the key signed.
    ``pending``: entries in journals that are not under the checkpoint. ``problems`` name the entry
    index, or the journal and offset. ``notes``: torn ends of journals, which a crash leaves and
    which lose nothing that was acknowledged; while Holdfast runs, also an append under way.
    """

    verified: bool
    size: int
    root: bytes
    pending: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Findings:
    problems: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def add(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def verify_log(
    blobs: Blobs,
    journals: Journals | None,
    trust: str | Trust,
    *,
    progress: Progress = untold,
) -> Verification:
    """Recompute the log from its entries. Needs no database and no running instance.

    ``trust`` may be just the log's keys. Without journals, as for a log that is read from afar,
    nothing is told of what waits in them. ``NoteError`` when a key is none; ``WorldError`` when a
    file cannot be read. Everything else that is wrong is a problem in the answer. ``progress`` hears of
    entries.
    """
    whose = Trust.parse(trust) if isinstance(trust, str) else trust
    findings = _Findings()
    # Journals first, the checkpoint after: then what a running instance integrates meanwhile
    # counts as pending at worst, never as lost.
    waiting = _journal_entries(journals, findings) if journals is not None else Counter[bytes]()
    checkpoint = _checkpoint(blobs, whose, findings)
    if checkpoint is not None:
        _check_tree(blobs, checkpoint, waiting, findings, progress=progress)
    return Verification(
        verified=not findings.problems,
        size=checkpoint.size if checkpoint else 0,
        root=checkpoint.root if checkpoint else b"",
        pending=waiting.total(),
        problems=tuple(findings.problems),
        notes=tuple(findings.notes),
    )


def _checkpoint(blobs: Blobs, trust: Trust, findings: _Findings) -> Checkpoint | None:
    # Other people's logs have the cosignatures under the one checkpoint that they show.
    note = (blobs.get(WITNESSED) if trust.quorum else None) or blobs.get(CHECKPOINT)
    if note is None:
        findings.add("there is no checkpoint: no log was begun here, or its checkpoint was lost")
        return None
    try:
        return trust.open(note)
    except AuditError as error:
        findings.add(f"checkpoint: {error.what}")
        return None


def _check_tree(
    blobs: Blobs,
    checkpoint: Checkpoint,
    waiting: Counter[bytes],
    findings: _Findings,
    *,
    progress: Progress,
) -> None:
    """Each bundle gives leaf hashes, these give every tile above; each is compared with its file."""
    tiles = TileReader(blobs, checkpoint.size)
    edge = Edge()
    try:
        for number in range(-(-checkpoint.size // WIDTH)):
            progress(number * WIDTH, checkpoint.size)
            leaves = [leaf_hash(entry) for entry in tiles.entries(number)]
            _cross_off(waiting, leaves)
            edge, changed = edge.extended(leaves)
            _compare(tiles, [tile for tile in changed if len(tile.hashes) == WIDTH], findings)
            tiles.drop(number)
        _compare(tiles, _partial(edge), findings)
    except LogError as error:
        findings.add(error.what)
        return
    if edge.root() != checkpoint.root:
        findings.add(f"the {checkpoint.size} entries do not lead to the root that was signed")


def _cross_off(waiting: Counter[bytes], leaves: list[bytes]) -> None:
    for leaf in leaves:
        if waiting[leaf] > 0:
            waiting[leaf] -= 1


def _compare(tiles: TileReader, computed: list[Tile], findings: _Findings) -> None:
    for tile in computed:
        different = first_difference(tile.hashes, tiles.tile(tile.level, tile.number))
        if different is None:
            continue
        first = (tile.number * WIDTH + different) << (8 * tile.level)
        span = 1 << (8 * tile.level)
        what = f"entry {first}" if span == 1 else f"entry {first} to {first + span - 1}"
        findings.add(f"{what}: the bundle's entry and the level {tile.level} tile differ")


def _partial(edge: Edge) -> list[Tile]:
    return [
        Tile(level=level, number=(edge.size >> (8 * level)) // WIDTH, hashes=hashes)
        for level, hashes in enumerate(edge.levels)
        if hashes
    ]


def _journal_entries(journals: Journals, findings: _Findings) -> Counter[bytes]:
    """The leaf hash of everything that journals still hold, damage and torn ends noted."""
    waiting: Counter[bytes] = Counter()
    for name in journals.names():
        if journal_stamp(name) is None:
            continue
        try:
            _count_entries(journals, name, waiting, findings)
        except JournalError as error:
            findings.add(error.what)
        except WorldError:
            if name in journals.names():
                raise
            # It went between listing and reading: all of it is in the log.
    return waiting


def _count_entries(
    journals: Journals, name: str, waiting: Counter[bytes], findings: _Findings
) -> None:
    at = 0
    while (piece := read_piece(journals, name, start=at)).entries:
        waiting.update(map(leaf_hash, piece.entries))
        at = piece.end
    if piece.torn:
        findings.notes.append(f"journal {name}: {piece.torn} bytes at byte {piece.end} are torn")
