"""The one writer of the log: journals in, tiles and signed checkpoints out.

Order of the durable steps of a batch, and what a crash between them leaves:

1. tiles and bundles: hashes and entries beyond the signed tree, which nobody reads; written again.
2. one transaction: the new head with its signed checkpoint, the calls' indices, how far each
   journal was read. Before it nothing happened; after it the batch is in the log for good.
3. the checkpoint file: opening or the next integration writes it from the head.
4. partial tiles that a full one replaces, and journals wholly inside full bundles, are removed:
   what is left over is removed later.
"""

from collections.abc import Iterable, Iterator, Sequence

from holdfast.audit.checkpoint import Checkpoint
from holdfast.audit.intake import NOTES_MAX, Batch, Intake
from holdfast.audit.intents import IntentChanges, changes_of, mark_of
from holdfast.audit.merkle import leaf_hash
from holdfast.audit.opening import State, load_state, opened_head
from holdfast.audit.proof import Proof
from holdfast.audit.reader import Entry, LogReader
from holdfast.audit.signing import LogSigner
from holdfast.audit.store import Addition, Head, LogStore, Position
from holdfast.audit.tiles import (
    CHECKPOINT,
    WIDTH,
    bundle_path,
    encode_bundle,
    tile_path,
)
from holdfast.audit.tree import Tile
from holdfast.world.ports import Blobs, Journals, Store

ROUNDS_MAX = 64
"""Batches in one integration; the rest waits for the next, so that shutdown can interrupt."""


class Log:
    """The log of one data directory. One process opens it to write; readers use ``LogReader``.

    ``integrate`` blocks and is called by one thread at a time; everything else may be called from
    any thread meanwhile.
    """

    def __init__(
        self,
        *,
        blobs: Blobs,
        rows: LogStore,
        journals: Journals,
        signer: LogSigner,
        reader: LogReader,
        state: State,
        gone: Sequence[str],
    ) -> None:
        self._blobs = blobs
        self._rows = rows
        self._journals = journals
        self._signer = signer
        self._reader = reader
        self._state = state
        self._positions = rows.positions()
        self._open_calls = rows.open_calls()
        read_to = {name: at.read_to for name, at in self._positions.items()}
        self._intake = Intake(journals, read_to=read_to, gone=gone)
        self._opening: tuple[str, ...] = ()
        self._is_published = False

    @classmethod
    def open(
        cls,
        *,
        blobs: Blobs,
        store: Store,
        journals: Journals,
        signer: LogSigner,
        live: bool = False,
    ) -> "Log":
        """Open or begin the log, finish what a crash interrupted, and publish its checkpoint.

        ``live`` says that workers may be writing to their newest journals right now; otherwise
        every journal found is taken to be ended, and a torn end is dropped and said in
        ``recovery``. ``LogError`` (or ``CheckpointError``) when tiles, index and checkpoint
        contradict each other, naming the entry.
        """
        rows = LogStore(store)
        rows.prepare()
        head, note = opened_head(rows, blobs, signer)
        state = load_state(blobs, head, signer)
        replaced = _replaced(_previous_size(head, signer), head.size)
        if not signer.has_signed(head.checkpoint):
            state = _signed_anew(state, rows, signer)
        reader = LogReader(blobs=blobs, store=store, journals=journals, vkey=signer.vkey)
        log = cls(
            blobs=blobs,
            rows=rows,
            journals=journals,
            signer=signer,
            reader=reader,
            state=state,
            gone=() if live else journals.names(),
        )
        log._opening = (note,) if note else ()
        log._publish()
        log._sweep(replaced)
        return log

    @property
    def checkpoint(self) -> Checkpoint:
        """The newest checkpoint: signed and published."""
        return self._state.checkpoint

    @property
    def size(self) -> int:
        """Entries in the log."""
        return self._state.edge.size

    @property
    def reader(self) -> LogReader:
        """Reading access for other threads of this process."""
        return self._reader

    @property
    def recovery(self) -> tuple[str, ...]:
        """What was mended or dropped since opening, one sentence each."""
        return (*self._opening, *self._intake.notes)[:NOTES_MAX]

    @property
    def faults(self) -> tuple[str, ...]:
        """Journals that are damaged, one sentence each; ``integrate`` raises the first."""
        return tuple(str(fault) for fault in self._intake.faults.values())

    def find(self, call: str) -> tuple[Entry, ...]:
        return self._reader.find(call)

    def recent(self, limit: int, *, before: int | None = None) -> tuple[Entry, ...]:
        return self._reader.recent(limit, before=before)

    def prove(self, index: int) -> Proof:
        return self._reader.prove(index)

    def integrate(self) -> Checkpoint | None:
        """Take what journals hold into the log; the new checkpoint, None when nothing was new.

        ``WorldError`` when the disk fails: call again later, nothing is lost or doubled.
        ``JournalError`` when a journal is damaged, after all the sound ones were taken in.
        """
        before = self._state.checkpoint
        self._publish()
        for _ in range(ROUNDS_MAX):
            batch = self._intake.read()
            if not batch.entries:
                break
            self._add(batch)
        self._remove_finished()
        for fault in self._intake.faults.values():
            raise fault
        return None if self._state.checkpoint is before else self._state.checkpoint

    def _add(self, batch: Batch) -> None:
        old = self._state
        edge, tiles = old.edge.extended([leaf_hash(entry) for entry in batch.entries])
        self._blobs.put_all((*_bundles(old, batch.entries), *_tiles(tiles)))
        checkpoint = Checkpoint.sign(self._signer, size=edge.size, root=edge.root())
        head = Head(size=edge.size, checkpoint=checkpoint.note, previous=old.head.checkpoint)
        positions = _positions(batch, first=old.edge.size)
        names = frozenset(self._intake.names())
        forgotten = [name for name in self._positions if name not in names]
        marks = [(index, mark_of(e)) for index, e in enumerate(batch.entries, old.edge.size)]
        intents = changes_of(marks, open_calls=self._open_calls)
        addition = Addition(
            head=head,
            calls=[(mark.name, index) for index, mark in marks if mark.name is not None],
            positions=positions,
            forgotten=forgotten,
            intents=intents,
        )
        self._rows.add(addition, old=old.head)
        self._open_calls -= set(intents.ended)
        self._open_calls |= {intent.call for intent in intents.begun}
        entries = (*old.tail, *batch.entries)
        tail = entries[len(entries) - edge.size % WIDTH :]
        self._state = State(head=head, edge=edge, tail=tail, checkpoint=checkpoint)
        self._positions |= positions
        for name in forgotten:
            del self._positions[name]
        self._intake.accept(batch)
        self._is_published = False
        self._publish()
        self._sweep(tile for tile in tiles if len(tile.hashes) == WIDTH)

    def _publish(self) -> None:
        if not self._is_published:
            self._blobs.put(CHECKPOINT, self._state.head.checkpoint)
            self._is_published = True

    def _sweep(self, full: Iterable[Tile]) -> None:
        """Partial tiles go once the full tile stands and the checkpoint that covers it is out."""
        for tile in full:
            paths = [tile_path(tile.level, tile.number)]
            if tile.level == 0:
                paths.append(bundle_path(tile.number))
            for path in paths:
                for name in self._blobs.names(f"{path}.p/"):
                    self._blobs.remove(name)

    def _remove_finished(self) -> None:
        """A journal goes once full bundles hold all of it. Its row goes with the next batch."""
        in_full_bundles = self.size - self.size % WIDTH
        for name in self._intake.finished():
            at = self._positions.get(name)
            if at is None or at.upto <= in_full_bundles:
                self._journals.remove(name)
                self._intake.forget(name)


def _signed_anew(state: State, rows: LogStore, signer: LogSigner) -> State:
    """The same tree, signed by a key that the log has got since. A crash right after leaves it
    unpublished: open does that."""
    checkpoint = Checkpoint.sign(signer, size=state.edge.size, root=state.edge.root())
    head = Head(size=state.head.size, checkpoint=checkpoint.note, previous=state.head.checkpoint)
    same = Addition(head=head, calls=(), positions={}, forgotten=(), intents=IntentChanges())
    rows.add(same, old=state.head)
    return State(head=head, edge=state.edge, tail=state.tail, checkpoint=checkpoint)


def _bundles(old: State, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    whole = (*old.tail, *entries)
    first = old.edge.size // WIDTH
    for start in range(0, len(whole), WIDTH):
        bundle = whole[start : start + WIDTH]
        yield bundle_path(first + start // WIDTH, width=len(bundle)), encode_bundle(bundle)


def _tiles(tiles: Iterable[Tile]) -> Iterator[tuple[str, bytes]]:
    for tile in tiles:
        yield tile_path(tile.level, tile.number, width=len(tile.hashes)), tile.data


def _previous_size(head: Head, signer: LogSigner) -> int:
    return Checkpoint.open(head.previous, signer.verifier).size if head.previous else 0


def _replaced(old: int, new: int) -> list[Tile]:
    """The tile of every level that was unfinished at size ``old`` and is full at size ``new``."""
    tiles: list[Tile] = []
    level = 0
    while full := new >> (8 * (level + 1)):
        number = old >> (8 * (level + 1))
        if number < full:
            tiles.append(Tile(level=level, number=number, hashes=()))
        level += 1
    return tiles


def _positions(batch: Batch, *, first: int) -> dict[str, Position]:
    """Where each journal of the batch stands after it. Its entries follow in the same order."""
    positions: dict[str, Position] = {}
    upto = first
    for name, count in batch.counts.items():
        upto += count
        positions[name] = Position(read_to=batch.read_to[name], upto=upto)
    return positions
