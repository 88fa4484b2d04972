"""The history of a data directory, for commands: read beside the instance that writes it, or without."""

import contextlib
from collections.abc import Generator

from holdfast.app.datadir import DataDir
from holdfast.history import History, HistoryError, StoredHistory
from holdfast.world.real import SqliteStore


@contextlib.contextmanager
def open_history(data: DataDir) -> Generator[History]:
    """For as long as it is read; ``HistoryError`` where there is none yet."""
    data.require()
    if not data.history.exists():
        raise HistoryError(
            f"{data.path} has no history of calls yet",
            fix="start the instance on it: it makes the history from the log",
            code="history.missing",
        )
    store = SqliteStore(data.history)
    try:
        yield StoredHistory(store)
    finally:
        store.close()
