"""Reading journals: whole frames once each, torn ends told apart from damage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.audit.errors import JournalError
from holdfast.audit.frames import (
    HEADER_BYTES,
    find_append,
    is_header,
    journal_stamp,
    newest_of_each_worker,
    parse_frames,
)
from holdfast.audit.tiles import PROTOCOL_ENTRY_BYTES_MAX
from holdfast.world.ports import Journals

CHUNK_BYTES = 8 * 1024 * 1024
"""Read from one journal at a time; a round takes at most this from each."""
NOTES_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Part of a journal: its entries, and what stands where they end."""

    entries: list[bytes]
    end: int
    """The offset in the journal after the last whole frame."""
    torn: int
    """Bytes from ``end`` on that are no frames and have no append after them; 0 beside entries."""


def read_piece(journals: Journals, name: str, *, start: int) -> Piece:
    """The frames of one chunk from byte ``start``, which is 0 or the end of a frame.

    A piece without entries is the journal's end, for now. ``JournalError`` when a frame at
    ``start`` is damaged; what stands before the damage comes first, as a piece of its own.
    """
    data = journals.read(name, start=start, limit=CHUNK_BYTES)
    if start == 0 and not is_header(data[:HEADER_BYTES]):
        _refuse_damage(journals, name, at=0)
        return Piece(entries=[], end=0, torn=len(data))
    parsed = parse_frames(data, HEADER_BYTES if start == 0 else 0)
    end = start + parsed.end
    if parsed.entries or parsed.end == len(data):
        return Piece(entries=parsed.entries, end=end, torn=0)
    _refuse_damage(journals, name, at=end)
    return Piece(entries=[], end=end, torn=_size_from(journals, name, start=end))


def _refuse_damage(journals: Journals, name: str, *, at: int) -> None:
    """``JournalError`` when an append stands after the bad bytes at ``at``."""
    overlap = PROTOCOL_ENTRY_BYTES_MAX + HEADER_BYTES
    start = at + 1
    while data := journals.read(name, start=start, limit=CHUNK_BYTES):
        resume = find_append(data)
        if resume is not None:
            raise JournalError(
                f"journal {name} is damaged at byte {at}: an acknowledged record follows "
                f"at byte {start + resume}",
                fix="restore the journal from a copy; the log goes on without it until then",
            )
        if len(data) < CHUNK_BYTES:
            return
        start += CHUNK_BYTES - overlap


def _size_from(journals: Journals, name: str, *, start: int) -> int:
    size = 0
    while data := journals.read(name, start=start + size, limit=CHUNK_BYTES):
        size += len(data)
    return size


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """New entries, and up to which byte each journal that gave some was read."""

    entries: Sequence[bytes]
    read_to: Mapping[str, int]
    counts: Mapping[str, int]


class Intake:
    """All journals of a data directory, and how far each was read.

    ``gone`` names journals whose writer has ended; every other is taken to have ended when its
    worker has a newer one.
    """

    def __init__(
        self, journals: Journals, *, read_to: Mapping[str, int], gone: Sequence[str]
    ) -> None:
        self.notes: list[str] = []
        self.faults: dict[str, JournalError] = {}
        self._journals = journals
        self._read_to = dict(read_to)
        self._gone = frozenset(gone)
        self._finished: set[str] = set()

    def names(self) -> list[str]:
        """Our journals, sorted; other files in the folder are nobody's business here."""
        return [name for name in self._journals.names() if journal_stamp(name) is not None]

    def read(self) -> Batch:
        """What journals hold beyond what was accepted, at most one chunk of each.

        A damaged journal gives what stands before the damage and an entry in ``faults``.
        """
        entries: list[bytes] = []
        read_to: dict[str, int] = {}
        counts: dict[str, int] = {}
        names = self.names()
        newest = newest_of_each_worker(names)
        for name in names:
            if name in self._finished or name in self.faults:
                continue
            piece = self._piece(name, is_over=name in self._gone or name not in newest)
            if piece is not None and piece.entries:
                entries += piece.entries
                read_to[name] = piece.end
                counts[name] = len(piece.entries)
        return Batch(entries=entries, read_to=read_to, counts=counts)

    def accept(self, batch: Batch) -> None:
        """The batch is in the log: go on after it."""
        self._read_to.update(batch.read_to)

    def finished(self) -> list[str]:
        """Journals read to their end that no writer will add to, but for each worker's newest."""
        newest = newest_of_each_worker(self.names())
        return sorted(self._finished - newest)

    def forget(self, name: str) -> None:
        """The journal was removed."""
        self._finished.discard(name)
        self._read_to.pop(name, None)

    def _piece(self, name: str, *, is_over: bool) -> Piece | None:
        start = self._read_to.get(name, 0)
        try:
            piece = read_piece(self._journals, name, start=start)
        except JournalError as error:
            self.faults[name] = error
            return None
        if not piece.entries and is_over:
            self._finished.add(name)
            self._note_torn(name, piece)
        return piece

    def _note_torn(self, name: str, piece: Piece) -> None:
        if piece.torn and len(self.notes) < NOTES_MAX:
            self.notes.append(
                f"journal {name}: a crash tore the append at byte {piece.end}; "
                f"{piece.torn} bytes, never acknowledged, were dropped"
            )
