"""Reading the log while, or after, another process writes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from holdfast.audit.changes import Outbox
from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.errors import JournalError, LogError, NoLogError, ProofError, UnknownEntryError
from holdfast.audit.frames import journal_stamp
from holdfast.audit.intake import read_piece
from holdfast.audit.intents import INTENTS_SHOWN_MAX, Intent, changes_of, mark_of
from holdfast.audit.keys import Verifier
from holdfast.audit.merkle import inclusion_proof, leaf_hash, verify_inclusion
from holdfast.audit.note import Note
from holdfast.audit.proof import Proof
from holdfast.audit.store import ENTRIES_OF_A_CALL_MAX, LogStore, Position
from holdfast.audit.tiles import (
    CHECKPOINT,
    WIDTH,
    WITNESSED,
    Resource,
    TileReader,
    prove_consistency,
)
from holdfast.core import Instant
from holdfast.world.ports import Blobs, Journals, Store, WorldError

RECENT_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry's bytes and its index; without index it is durable but not under a checkpoint yet."""

    index: int | None
    data: bytes

    @property
    def is_pending(self) -> bool:
        return self.index is None


class LogReader:
    """What a log says, checked against its signed checkpoint before it is given out.

    Reads only, needs no running instance, and may run in any process or thread. ``LogError`` names
    the entry when log, index and checkpoint do not agree; ``NoLogError`` when there is no log yet.
    """

    def __init__(
        self,
        *,
        blobs: Blobs,
        store: Store,
        journals: Journals,
        vkey: str,
        outbox: Outbox | None = None,
    ) -> None:
        self._blobs = blobs
        self._rows = LogStore(store)
        self._outbox = outbox
        self._journals = journals
        self._verifier = Verifier.parse(vkey.split(maxsplit=1)[0] if vkey.strip() else vkey)

    def checkpoint(self) -> Checkpoint:
        """The newest published checkpoint."""
        note = self._blobs.get(CHECKPOINT)
        if note is None:
            raise NoLogError(
                "there is no log here yet", fix="start Holdfast on this data directory"
            )
        return Checkpoint.open(note, self._verifier)

    def witnessed(self) -> Checkpoint | None:
        """The newest checkpoint that enough witnesses have cosigned, None while there is none."""
        note = self._blobs.get(WITNESSED)
        return None if note is None else Checkpoint.open(note, self._verifier)

    def vouched(self) -> Checkpoint:
        """The newest checkpoint, with the cosignatures that it has so far."""
        newest, witnessed = self.checkpoint(), self.witnessed()
        if witnessed is None or (witnessed.size, witnessed.root) != (newest.size, newest.root):
            return newest
        return newest.with_signatures(Note.parse(witnessed.note).signatures)

    def resource(self, resource: Resource) -> bytes | None:
        """A tile or bundle as it is stored, None when the newest checkpoint does not cover it.

        Bytes beyond the checkpoint may yet change; a partial tile goes when the full one stands.
        """
        if not resource.is_within(self.checkpoint().size):
            return None
        return self._blobs.get(resource.path)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of ``new`` entries continues that of ``old`` (RFC 9162)."""
        return prove_consistency(self._blobs, old, new)

    def entry(self, index: int) -> Entry:
        """The entry at ``index``, once its inclusion under the checkpoint was checked."""
        checkpoint = self.checkpoint()
        tiles = TileReader(self._blobs, checkpoint.size)
        return self._checked(tiles, checkpoint, index)

    def find(self, call: str) -> tuple[Entry, ...]:
        """The entries of a call in their order: none, one, or (``opened``, ``closed``) two.

        Those in the log were checked for inclusion; those still in a journal, and changes that wait
        to be taken into one, come last, pending.
        """
        # Where an entry waits is looked at first: by the time it has left it is further on.
        waiting = () if self._outbox is None else self._outbox.find(call)
        found = self._find(call, self.checkpoint())
        # A journal can go between the look-up and the reading of it; by then the index knows.
        found = found or self._find(call, self.checkpoint())
        return found or tuple(Entry(index=None, data=data) for data in waiting)

    def recent(self, limit: int, *, before: int | None = None) -> tuple[Entry, ...]:
        """The newest entries first, at most 1,000, from below index ``before`` on where given.

        Each was compared with its leaf hash, not with the checkpoint: ``entry`` does that.
        """
        size = self.checkpoint().size
        tiles = TileReader(self._blobs, size)
        end = size if before is None else max(0, min(before, size))
        start = max(0, end - min(limit, RECENT_MAX))
        return tuple(_entry(tiles, index) for index in range(end - 1, start - 1, -1))

    def prove(self, index: int) -> Proof:
        """The proof that entry ``index`` is under the newest checkpoint, verified before it goes."""
        return self.prove_under(self.vouched(), index)

    def prove_under(self, checkpoint: Checkpoint, index: int) -> Proof:
        """The same under an earlier checkpoint of this log, such as ``witnessed``."""
        tiles = TileReader(self._blobs, checkpoint.size)
        return self._proof(tiles, checkpoint, index)

    def waiting(self, most: int) -> int:
        """How many entries journals hold beyond the log, counted to ``most``."""
        positions = self._rows.positions()
        return sum(1 for _ in islice(pending_entries(self._journals, positions), most))

    def open_intents(self, *, until: Instant) -> tuple[Intent, ...]:
        """Calls that were begun by ``until`` and have no outcome, oldest first, at most 1,000.

        What journals hold beyond the log counts too, so that the answer is right while no instance
        runs.
        """
        rows, positions = self._rows.open_intents(INTENTS_SHOWN_MAX)
        known = {intent.call: intent for intent in rows}
        pending = ((None, mark_of(data)) for data in pending_entries(self._journals, positions))
        changed = changes_of(pending, open_calls=known.keys())
        for call in changed.ended:
            del known[call]
        found = (*known.values(), *changed.begun)
        return tuple(
            sorted(
                (intent for intent in found if intent.at <= until),
                key=lambda intent: (intent.at, intent.call),
            )
        )[:INTENTS_SHOWN_MAX]

    def _find(self, call: str, checkpoint: Checkpoint) -> tuple[Entry, ...]:
        seen = self._rows.look_up(call)
        if seen.indices and seen.indices[-1] >= checkpoint.size:
            checkpoint = self.checkpoint()  # published since
        tiles = TileReader(self._blobs, checkpoint.size)
        found = [self._checked(tiles, checkpoint, i) for i in seen.indices if i < checkpoint.size]
        # Rows are committed, and their tiles written, a moment before their checkpoint is.
        ahead = TileReader(self._blobs, seen.size)
        unsigned = [_entry(ahead, i).data for i in seen.indices if i >= checkpoint.size]
        waiting = (*unsigned, *self._pending(call, seen.positions))
        return (*found, *(Entry(index=None, data=data) for data in waiting))

    def _pending(self, call: str, positions: Mapping[str, Position]) -> list[bytes]:
        needle = call.encode()
        found: list[bytes] = []
        for data in pending_entries(self._journals, positions):
            if needle in data and mark_of(data).name == call:
                found.append(data)
                if len(found) >= ENTRIES_OF_A_CALL_MAX:
                    break
        return found

    def _checked(self, tiles: TileReader, checkpoint: Checkpoint, index: int) -> Entry:
        self._proof(tiles, checkpoint, index)
        return _entry(tiles, index)

    def _proof(self, tiles: TileReader, checkpoint: Checkpoint, index: int) -> Proof:
        if not 0 <= index < checkpoint.size:
            raise UnknownEntryError(
                f"the log has {checkpoint.size} entries under its checkpoint, none is {index}",
                fix=f"ask for 0 to {checkpoint.size - 1}" if checkpoint.size else "it is empty",
            )
        hashes = inclusion_proof(index, checkpoint.size, tiles.range_hash)
        leaf = leaf_hash(_entry(tiles, index).data)
        size, root = checkpoint.size, checkpoint.root
        try:
            verify_inclusion(leaf, index=index, size=size, proof=hashes, root=root)
        except ProofError as error:
            raise LogError(
                f"entry {index}: the tiles do not lead to the signed root",
                fix="run `holdfast audit verify`, and restore the log folder from a copy",
            ) from error
        return Proof(index=index, hashes=hashes, checkpoint=checkpoint.note)


def pending_entries(journals: Journals, positions: Mapping[str, Position]) -> Iterator[bytes]:
    """Entries that journals hold beyond what was integrated, journal by journal.

    Stops at the damage in a damaged journal, and passes over one that goes meanwhile.
    """
    for name in journals.names():
        if journal_stamp(name) is None:
            continue
        at = positions[name].read_to if name in positions else 0
        try:
            yield from _entries_from(journals, name, at)
        except JournalError:
            continue  # what stands before the damage was given; ``verify_log`` tells of the rest
        except WorldError:
            if name in journals.names():
                raise


def _entries_from(journals: Journals, name: str, at: int) -> Iterator[bytes]:
    while (piece := read_piece(journals, name, start=at)).entries:
        yield from piece.entries
        at = piece.end


def _entry(tiles: TileReader, index: int) -> Entry:
    number, offset = divmod(index, WIDTH)
    data = tiles.entries(number)[offset]
    if leaf_hash(data) != tiles.tile(0, number)[offset]:
        raise LogError(
            f"entry {index} does not have the hash that its tile says",
            fix="the entry or the tile was altered: restore the log folder from a copy",
        )
    return Entry(index=index, data=data)
