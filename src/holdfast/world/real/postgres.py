"""Rows in PostgreSQL: the same statements, transactions and promises as SQLite's, in its dialect.

Writers take turns by one advisory lock, as they do on a SQLite file, so nothing above this file
needs to know which engine it stands on. The package ``psycopg`` is the extra ``postgres``.
"""

import re
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, LiteralString, cast

from holdfast.world.ports import Row, Value, WorldError

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_S = 5
"""How long connecting to the database server may take."""
LOCK_TIMEOUT_MS = 5_000
"""How long a transaction waits for another process's before it fails."""
STATEMENT_TIMEOUT_MS = 30_000
"""How long one statement may take."""
SETTLE_TRIES_MAX = 3
"""How often it is asked whether a transaction took effect whose answer was lost."""

SCHEMES = ("postgresql://", "postgres://")

_WRITERS = 0x686F6C6466617374  # "holdfast": the advisory lock that writers take turns by
_SETTINGS = (
    f"SET lock_timeout = {LOCK_TIMEOUT_MS}",
    f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}",
    "SET synchronous_commit = on",
    "SET client_min_messages = warning",
)
_DDL = re.compile(r"\s*create\s+table\b", re.IGNORECASE)
_WORDS = (
    (re.compile(r"\)\s*strict\b\s*,?\s*", re.IGNORECASE), ") "),
    (re.compile(r"\bwithout\s+rowid\b", re.IGNORECASE), ""),
    (re.compile(r"\binteger\b", re.IGNORECASE), "BIGINT"),
    (re.compile(r"\bblob\b", re.IGNORECASE), "BYTEA"),
    # SQLite compares text by its bytes; so must we, whatever the database's locale is.
    (re.compile(r"\btext\b", re.IGNORECASE), 'TEXT COLLATE "C"'),
)


_FIXES = {
    "53": "give the database server more disk space, memory or connections",
    "55P03": "another process holds the database: wait for it, or stop it",
    "57014": "a statement took too long: look at the load of the database server",
    "28": "check user and password in the store's address",
    "3D000": "create the database that the store's address names",
    "42501": "give the user in the store's address the right to create tables",
    "25006": "the database server is read-only: name the primary",
}


class PostgresStore:
    """One database at ``address`` (``postgresql://...``). Threads take turns on one connection.

    A connection that was lost is made anew before the next transaction begins. When it is lost
    during a commit, the server is asked whether the transaction took effect.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.RLock()
        self._is_open = False
        self._connection = self._connect()

    @contextmanager
    def transaction(self) -> Generator["PostgresTransaction"]:
        """A crash before COMMIT returns leaves all of it or none; the server's log decides."""
        with self._begun("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE") as transaction:
            transaction.query(f"SELECT pg_advisory_xact_lock({_WRITERS})")
            yield transaction

    @contextmanager
    def snapshot(self) -> Generator["PostgresTransaction"]:
        with self._begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as transaction:
            yield transaction

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _begun(self, begin: LiteralString) -> Generator["PostgresTransaction"]:
        with self._lock:
            if self._is_open:
                raise WorldError("a transaction is already open", fix="do not nest them")
            self._begin(begin)
            self._is_open = True
            try:
                yield PostgresTransaction(self._connection)
                self._commit()
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._is_open = False

    def _begin(self, begin: LiteralString) -> None:
        """Nothing was done yet, so a connection that turns out to be dead is replaced once."""
        import psycopg  # noqa: PLC0415

        try:
            self._connection.execute(begin)
        except psycopg.Error as error:
            if not self._connection.closed:
                raise _world_error("cannot begin a transaction", error) from error
            self._connection = self._connect()
            with _said("cannot begin a transaction"):
                self._connection.execute(begin)

    def _commit(self) -> None:
        import psycopg  # noqa: PLC0415

        with _said("cannot commit"):
            row = self._connection.execute(
                "SELECT pg_current_xact_id_if_assigned()::text"
            ).fetchone()
        xact = None if row is None else cast("str | None", row[0])
        try:
            self._connection.execute("COMMIT")
        except psycopg.Error as error:
            lost = self._connection.closed and xact is not None
            if not (lost and xact is not None and self._took_effect(xact)):
                raise _world_error("cannot commit", error) from error

    def _took_effect(self, xact: str) -> bool:
        """Whether a transaction was committed whose answer was lost with the connection."""
        for _ in range(SETTLE_TRIES_MAX):
            self._connection.close()
            self._connection = self._connect()
            with _said("cannot ask whether a transaction took effect"):
                row = self._connection.execute(
                    "SELECT pg_xact_status(%s::text::xid8)", (xact,)
                ).fetchone()
            status = None if row is None else row[0]
            if status != "in progress":
                return status == "committed"
            # The server has not noticed yet that its client is gone: wait for its lock to go.
            with _said("a transaction is still under way"):
                self._connection.execute(b"SELECT pg_advisory_lock(%d)" % _WRITERS)
                self._connection.execute(b"SELECT pg_advisory_unlock(%d)" % _WRITERS)
        raise WorldError(
            "it is not known whether a transaction took effect",
            fix="restart Holdfast once the database answers: it reads how far it came",
        )

    def _roll_back(self) -> None:
        import psycopg  # noqa: PLC0415

        if not self._connection.closed:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.Error:
                self._connection.close()  # the server rolls back what its client abandons

    def _connect(self) -> "psycopg.Connection[Row]":
        try:
            import psycopg  # noqa: PLC0415
        except ImportError as error:
            raise WorldError(
                "a store in PostgreSQL needs the package psycopg",
                fix='install it: pip install "holdfast[postgres]"',
            ) from error
        with _said("cannot connect to the database"):
            connection = psycopg.connect(
                self._address,
                autocommit=True,  # transactions begin and end where this file says so
                connect_timeout=CONNECT_TIMEOUT_S,
                prepare_threshold=None,
                application_name="holdfast",
            )
            try:
                for setting in _SETTINGS:
                    connection.execute(setting.encode())
            except BaseException:
                connection.close()
                raise
        return cast("psycopg.Connection[Row]", connection)


class PostgresTransaction:
    """Statements on the store's connection while its lock is held."""

    __slots__ = ("_connection",)

    def __init__(self, connection: "psycopg.Connection[Row]") -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> None:
        with _said("a statement failed"):
            self._connection.execute(translated(sql), parameters)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        with _said("a statement failed"), self._connection.cursor() as cursor:
            cursor.executemany(translated(sql), rows)

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        with _said("a query failed"):
            return self._connection.execute(translated(sql), parameters).fetchall()


@lru_cache(maxsize=256)
def translated(sql: str) -> bytes:
    """The statement in PostgreSQL's dialect: placeholders, and in CREATE TABLE the types."""
    if _DDL.match(sql):
        for pattern, word in _WORDS:
            sql = pattern.sub(word, sql)
    # Statements are written in this code base and hold no user's text, and no "?" but placeholders.
    return sql.replace("%", "%%").replace("?", "%s").encode()


@contextmanager
def _said(what: str) -> Generator[None]:
    import psycopg  # noqa: PLC0415 - an extra, and loaded already where this runs

    try:
        yield
    except psycopg.Error as error:
        raise _world_error(what, error) from error


def _world_error(what: str, error: "psycopg.Error") -> WorldError:
    text = " ".join(str(error).split())  # the driver's messages name host and user, no password
    state = error.sqlstate or ""
    fix = next(
        (fix for family, fix in _FIXES.items() if state.startswith(family)),
        "check the store's address, and that its server runs and can be reached",
    )
    return WorldError(f"{what}: {text}", fix=fix)
