"""Rows in SQLite: write-ahead log, full sync, one connection behind one lock."""

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from holdfast.world.ports import DamageError, Row, Value, WorldError
from holdfast.world.real.disk import make_folder, world_error

BUSY_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process's before it fails."""
IN_MEMORY = ":memory:"
DERIVED_CACHE_KIB = 16_384
"""Pages kept of a database that is made from something else: it is large, and grows all over."""

_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_FIXES = {
    "SQLITE_FULL": "free disk space, or move the data directory to a larger disk",
    "SQLITE_BUSY": "another process holds the database: wait for it, or stop it",
    "SQLITE_READONLY": "give the user Holdfast runs as write access to the data directory",
    "SQLITE_CANTOPEN": "check that the data directory exists and is writable",
    "SQLITE_CORRUPT": "the database is damaged: restore it from a backup",
    "SQLITE_NOTADB": "this file is no SQLite database: restore it from a backup",
}


class SqliteStore:
    """A database file (or ``:memory:``). Threads take turns; several processes may open it.

    One that ``is_derived`` can be made again: losing power may take back its last transactions,
    and never leaves it broken.
    """

    def __init__(self, path: str | Path, *, is_derived: bool = False) -> None:
        self._path = str(path)
        self._is_derived = is_derived
        self._lock = threading.RLock()
        if self._path != IN_MEMORY:
            _make_private(Path(path))
        with _said(f"cannot open the database {self._path}"):
            # isolation_level None: transactions begin and end where this file says so.
            self._connection = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            try:
                self._configure()
            except sqlite3.Error:
                self._connection.close()
                raise

    @contextmanager
    def transaction(self) -> Generator["SqliteTransaction"]:
        """A crash before COMMIT returns leaves all of it or, in nearly every case, none."""
        with self._begun("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @contextmanager
    def snapshot(self) -> Generator["SqliteTransaction"]:
        with self._lock, _said("cannot read the database"):
            self._connection.execute("PRAGMA query_only = ON")
            try:
                with self._begun("BEGIN DEFERRED") as transaction:
                    yield transaction
            finally:
                self._connection.execute("PRAGMA query_only = OFF")

    def close(self) -> None:
        with self._lock, _said(f"cannot close the database {self._path}"):
            self._connection.close()

    @contextmanager
    def _begun(self, begin: str) -> Generator["SqliteTransaction"]:
        with self._lock:
            with _said("cannot begin a transaction"):
                if self._connection.in_transaction:
                    raise WorldError("a transaction is already open", fix="do not nest them")
                self._connection.execute(begin)
            try:
                yield SqliteTransaction(self._connection)
                with _said("cannot commit"):
                    self._connection.execute("COMMIT")
            except BaseException:
                # Some errors (a full disk) have rolled back already; rolling back twice fails.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _configure(self) -> None:
        execute = self._connection.execute
        execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        if self._path != IN_MEMORY:
            execute("PRAGMA journal_mode = WAL").fetchone()
        # In WAL mode NORMAL syncs at checkpoints only (sqlite.org/pragma.html#pragma_synchronous).
        execute(f"PRAGMA synchronous = {'NORMAL' if self._is_derived else 'FULL'}")
        if self._is_derived:
            execute(f"PRAGMA cache_size = -{DERIVED_CACHE_KIB}")
        execute("PRAGMA foreign_keys = ON")


class SqliteTransaction:
    """Statements on the store's connection while its lock is held."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> None:
        with _said("a statement failed"):
            self._connection.execute(sql, parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        with _said("a statement failed"):
            self._connection.executemany(sql, rows)

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        with _said("a query failed"):
            return self._connection.execute(sql, parameters).fetchall()


@contextmanager
def _said(what: str) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        family = "_".join(name.split("_")[:2])
        fix = _FIXES.get(family, "check the database file and the disk it is on")
        kind = DamageError if family in _DAMAGE else WorldError
        raise kind(f"{what}: {error}", fix=fix) from error


def _make_private(path: Path) -> None:
    try:
        make_folder(path.parent)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise world_error(f"cannot make the database {path}", error) from error
