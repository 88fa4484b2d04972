"""Rows: a small SQL database, embedded (SQLite) or simulated (SQLite in memory)."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

Value: TypeAlias = int | str | bytes | None
Row: TypeAlias = tuple[Value, ...]


class Transaction(Protocol):
    """Statements that take effect together or not at all. Errors are ``WorldError``."""

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> None: ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None: ...

    def query(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]: ...


class Store(Protocol):
    """One database. Calls block: use it from the keeper or a thread, never in a call's path."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Durable on exit without error, rolled back on any exception. Transactions do not nest."""
        ...

    def snapshot(self) -> AbstractContextManager[Transaction]:
        """One consistent view, for reading only: it never waits for a writer in another process."""
        ...

    def close(self) -> None: ...
