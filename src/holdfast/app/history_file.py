"""The file of the history: opened, and made anew when it is of no use."""

import contextlib
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import structlog

from holdfast.history import CallIndex, ForeignHistoryError, History, StoredHistory
from holdfast.world.ports import DamageError, Store, Transaction, WorldError
from holdfast.world.real import SqliteStore

BESIDE = ("", "-wal", "-shm")
"""The files that SQLite keeps for one database."""

log = structlog.get_logger("holdfast.history")


class _Exchangeable:
    """A store whose file may be exchanged for a new one while readers hold on to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: Store | None = None
        self._alone = threading.Lock()

    def transaction(self) -> AbstractContextManager[Transaction]:
        return self._opened().transaction()

    def snapshot(self) -> AbstractContextManager[Transaction]:
        return self._opened().snapshot()

    def close(self) -> None:
        """It is opened again when it is needed."""
        with self._alone:
            store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(WorldError):  # what is broken cannot always be closed either
                store.close()

    def _opened(self) -> Store:
        with self._alone:
            if self._store is None:
                self._store = SqliteStore(self._path, is_derived=True)
            return self._store


class HistoryFile:
    """One writer and any number of readers of ``DATA/history.db``, in one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = _Exchangeable(path)
        self._read = _Exchangeable(path)
        self.history: History = StoredHistory(self._read)

    def open(self, origin: str) -> CallIndex:
        """The writer. A file that is damaged, of another version or of another log is made anew;
        ``WorldError`` when the disk does not let it."""
        try:
            return CallIndex(self._written, log=origin)
        except (DamageError, ForeignHistoryError) as error:
            log.warning("history.anew", reason=error.what)
            return self.renew(origin)

    def renew(self, origin: str) -> CallIndex:
        """An empty one. A crash right after leaves it empty, to be built from the log again."""
        self.close()
        try:
            for suffix in BESIDE:
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            raise WorldError(
                f"{self._path} cannot be removed: {error.strerror}", fix="remove it by hand"
            ) from error
        return CallIndex(self._written, log=origin)

    def close(self) -> None:
        self._written.close()
        self._read.close()
