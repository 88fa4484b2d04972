"""The tables of the history, and how far it is.

A call's key are the 16 bytes of its ULID, so that keys sort by time. What calls are searched by is
told once in ``kinds``, of which there are few: whatever words a question combines, it is answered
from the kinds they fit, each from its newest call on.

A call's ``trace`` is what its caller brought; empty where the session is named after it, NULL where
it brought none.
"""

from dataclasses import dataclass
from typing import cast

from holdfast.history.errors import ForeignHistoryError
from holdfast.world.ports import Store, Transaction

VERSION = 1
MINUTE_US = 60_000_000
SPANS = (1, 10, 60, 1440)
"""Minutes that one row of ``periods`` covers."""
ALL_PAIRS = 0
"""The pair that stands for all of them together."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS cursor (
         id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, log TEXT NOT NULL,
         upto INTEGER NOT NULL, calls INTEGER NOT NULL, strange INTEGER NOT NULL,
         folded INTEGER NOT NULL) STRICT""",
    """CREATE TABLE IF NOT EXISTS words (
         id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE) STRICT""",
    """CREATE TABLE IF NOT EXISTS pairs (
         id INTEGER PRIMARY KEY, caller TEXT, callee TEXT, relationship TEXT) STRICT""",
    """CREATE TABLE IF NOT EXISTS kinds (
         id INTEGER PRIMARY KEY, pair INTEGER NOT NULL, principal TEXT, caller TEXT, callee TEXT,
         relationship TEXT, tool TEXT, outcome TEXT NOT NULL, rule TEXT) STRICT""",
    """CREATE TABLE IF NOT EXISTS calls (
         key BLOB NOT NULL PRIMARY KEY, entry INTEGER NOT NULL, at INTEGER NOT NULL,
         kind INTEGER NOT NULL, session INTEGER, trace BLOB,
         node INTEGER, action INTEGER, fallback INTEGER, approver INTEGER, chain INTEGER,
         status INTEGER NOT NULL, duration INTEGER NOT NULL, first_token INTEGER,
         tokens_in INTEGER, tokens_out INTEGER, cost INTEGER,
         attempts INTEGER NOT NULL, cached INTEGER NOT NULL, alike INTEGER) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS calls_kind ON calls (kind)",
    "CREATE INDEX IF NOT EXISTS calls_session ON calls (session, kind) WHERE session IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS calls_trace ON calls (trace, kind) WHERE trace > x''",
    """CREATE TABLE IF NOT EXISTS periods (
         span INTEGER NOT NULL, pair INTEGER NOT NULL, minute INTEGER NOT NULL,
         calls INTEGER NOT NULL, answered INTEGER NOT NULL, refused INTEGER NOT NULL,
         failed INTEGER NOT NULL, cancelled INTEGER NOT NULL, unserved INTEGER NOT NULL,
         tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost INTEGER NOT NULL,
         durations BLOB, first_tokens BLOB, speeds BLOB,
         PRIMARY KEY (span, pair, minute)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS crews (
         id INTEGER PRIMARY KEY, agents TEXT NOT NULL UNIQUE) STRICT""",
    """CREATE TABLE IF NOT EXISTS sessions (
         id INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, crew INTEGER NOT NULL,
         began INTEGER NOT NULL, last INTEGER NOT NULL, behalf TEXT, calls INTEGER NOT NULL,
         failed INTEGER NOT NULL, refused INTEGER NOT NULL, tokens_in INTEGER NOT NULL,
         tokens_out INTEGER NOT NULL, cost INTEGER NOT NULL) STRICT""",
    "CREATE INDEX IF NOT EXISTS sessions_crew ON sessions (crew, last)",
    """CREATE TABLE IF NOT EXISTS moments (
         id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
         text TEXT NOT NULL, author TEXT, entry INTEGER) STRICT""",
    "CREATE INDEX IF NOT EXISTS moments_at ON moments (at)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Entries of the log that are in the history, calls that it holds, how many names only refused
    calls have brought, and before which minute longer stretches have all that minutes have."""

    upto: int
    calls: int
    strange: int
    folded: int


def prepare(store: Store, log: str) -> None:
    """Make the tables where they are missing; ``ForeignHistoryError`` when others are there."""
    with store.transaction() as change:
        found = change.query("SELECT name FROM sqlite_master WHERE name = 'cursor'")
        if found:
            _check(change, log)
        for statement in _SCHEMA:
            change.execute(statement)
        if not found:
            change.execute("INSERT INTO cursor VALUES (1, ?, ?, 0, 0, 0, 0)", (VERSION, log))


def _check(change: Transaction, log: str) -> None:
    # Read before anything else of the row: other versions may have other columns.
    row = change.query("SELECT version, log FROM cursor")
    if row != [(VERSION, log)]:
        raise ForeignHistoryError(
            "the history was made by another version, or of another log",
            fix="remove history.db: it is built again from the log",
        )


def read_cursor(view: Transaction) -> Cursor:
    """How far it is."""
    rows = view.query("SELECT upto, calls, strange, folded FROM cursor")
    upto, calls, strange, folded = cast("tuple[int, int, int, int]", rows[0])
    return Cursor(upto=upto, calls=calls, strange=strange, folded=folded)


def write_cursor(change: Transaction, cursor: Cursor) -> None:
    change.execute(
        "UPDATE cursor SET upto = ?, calls = ?, strange = ?, folded = ?",
        (cursor.upto, cursor.calls, cursor.strange, cursor.folded),
    )
