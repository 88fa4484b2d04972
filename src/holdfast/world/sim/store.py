"""Rows in SQLite in memory: the real engine, on a disk that can be told to fail."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from holdfast.world.ports import Transaction
from holdfast.world.real.store import IN_MEMORY, SqliteStore


def _nothing() -> None:
    """No fault: the transaction commits."""


class SimStore:
    """Rows that outlive whoever wrote them: keep the object and open the module's store anew.

    ``before_write`` runs before each commit; what it raises happens instead, and the transaction
    is rolled back.
    """

    def __init__(self, *, before_write: Callable[[], None] = _nothing) -> None:
        self._store = SqliteStore(IN_MEMORY)
        self._before_write = before_write

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        with self._store.transaction() as transaction:
            yield transaction
            self._before_write()

    def snapshot(self) -> AbstractContextManager[Transaction]:
        return self._store.snapshot()

    def close(self) -> None:
        self._store.close()
