"""The log's rows: how far it is, how far each journal was read, and where each call's entries are.

The hashes and entries themselves are in tiles; these rows are what makes integration exactly once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from holdfast.audit.errors import LogError
from holdfast.audit.intents import Intent, IntentChanges
from holdfast.world.ports import Store, Transaction

ENTRIES_OF_A_CALL_MAX = 16

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS audit_head (
         id INTEGER PRIMARY KEY CHECK (id = 1),
         size INTEGER NOT NULL, checkpoint BLOB NOT NULL, previous BLOB) STRICT""",
    """CREATE TABLE IF NOT EXISTS audit_journals (
         name TEXT PRIMARY KEY, read_to INTEGER NOT NULL, upto INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS audit_calls (
         call TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (call, entry)
       ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS audit_intents (
         call TEXT PRIMARY KEY, entry INTEGER NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL
       ) STRICT""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest tree that was signed, and the checkpoint before it.

    The published checkpoint is one of the two: it is written right after this row.
    """

    size: int
    checkpoint: bytes
    previous: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A journal was integrated up to byte ``read_to``; its last entry is below index ``upto``."""

    read_to: int
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What the rows know of a call at one moment: its indices, the tree, the journals."""

    indices: tuple[int, ...]
    size: int
    positions: dict[str, Position]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One batch, committed together: the new head, its calls, and where the journals stand."""

    head: Head
    calls: Sequence[tuple[str, int]]
    positions: Mapping[str, Position]
    forgotten: Sequence[str]
    intents: IntentChanges


class LogStore:
    """The only place that knows the tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(self) -> None:
        """Make the tables where they are missing."""
        with self._store.transaction() as transaction:
            for statement in _SCHEMA:
                transaction.execute(statement)

    def head(self) -> Head | None:
        with self._store.snapshot() as transaction:
            return _head(transaction)

    def positions(self) -> dict[str, Position]:
        with self._store.snapshot() as transaction:
            return _positions(transaction)

    def open_calls(self) -> set[str]:
        """Every call that was begun and has no outcome in the log."""
        with self._store.snapshot() as transaction:
            return {
                cast("str", row[0]) for row in transaction.query("SELECT call FROM audit_intents")
            }

    def open_intents(self, limit: int) -> tuple[list[Intent], dict[str, Position]]:
        """The oldest of them, and how far the journals were read at that moment."""
        sql = "SELECT call, entry, event, at FROM audit_intents ORDER BY at, call LIMIT ?"
        with self._store.snapshot() as transaction:
            rows = cast("list[tuple[str, int, str, int]]", transaction.query(sql, (limit,)))
            intents = [Intent(call=c, entry=e, event=v, at=at) for c, e, v, at in rows]
            return intents, _positions(transaction)

    def look_up(self, call: str) -> Sighting:
        sql = "SELECT entry FROM audit_calls WHERE call = ? ORDER BY entry LIMIT ?"
        with self._store.snapshot() as transaction:
            rows = transaction.query(sql, (call, ENTRIES_OF_A_CALL_MAX))
            head = _head(transaction)
            return Sighting(
                indices=tuple(cast("int", row[0]) for row in rows),
                size=head.size if head is not None else 0,
                positions=_positions(transaction),
            )

    def begin(self, head: Head) -> None:
        """The first head of a new log. A crash right after leaves it unpublished: open does that."""
        with self._store.transaction() as transaction:
            transaction.execute(
                "INSERT INTO audit_head (id, size, checkpoint, previous) VALUES (1, ?, ?, ?)",
                (head.size, head.checkpoint, head.previous),
            )

    def add(self, addition: Addition, *, old: Head) -> None:
        """Commit a batch. A crash right after leaves its checkpoint unpublished: open does that."""
        head = addition.head
        with self._store.transaction() as transaction:
            if _head(transaction) != old:
                raise LogError(
                    "another process moved the log on", fix="run one keeper on a data directory"
                )
            transaction.execute(
                "UPDATE audit_head SET size = ?, checkpoint = ?, previous = ? WHERE id = 1",
                (head.size, head.checkpoint, head.previous),
            )
            transaction.execute_many("INSERT INTO audit_calls VALUES (?, ?)", addition.calls)
            transaction.execute_many(
                "INSERT INTO audit_journals (name, read_to, upto) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET read_to = excluded.read_to, upto = excluded.upto",
                [(name, at.read_to, at.upto) for name, at in addition.positions.items()],
            )
            transaction.execute_many(
                "DELETE FROM audit_journals WHERE name = ?", [(n,) for n in addition.forgotten]
            )
            transaction.execute_many(
                "DELETE FROM audit_intents WHERE call = ?", [(c,) for c in addition.intents.ended]
            )
            transaction.execute_many(
                "INSERT INTO audit_intents (call, entry, event, at) VALUES (?, ?, ?, ?)",
                [(i.call, i.entry, i.event, i.at) for i in addition.intents.begun],
            )


def _head(transaction: Transaction) -> Head | None:
    rows = transaction.query("SELECT size, checkpoint, previous FROM audit_head")
    if not rows:
        return None
    size, checkpoint, previous = cast("tuple[int, bytes, bytes | None]", rows[0])
    return Head(size=size, checkpoint=checkpoint, previous=previous)


def _positions(transaction: Transaction) -> dict[str, Position]:
    rows = transaction.query("SELECT name, read_to, upto FROM audit_journals")
    typed = cast("list[tuple[str, int, int]]", rows)
    return {name: Position(read_to=read_to, upto=upto) for name, read_to, upto in typed}
