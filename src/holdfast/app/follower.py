"""The one reader of new records: from the log to the history, and to all who listen.

Every entry is read and decoded once. Listeners hear it once; the history takes it when it can, and
what it could not take it reads again later, so that neither waits for the other.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from holdfast.app.history_file import HistoryFile
from holdfast.audit import LogReader, RecordError, decode_entry
from holdfast.core import HoldfastError
from holdfast.history import CallIndex, Heard, Listener, Moment
from holdfast.world.ports import Clock, DamageError

BATCH = 500
"""Entries at once: few, so that the event loop gets its turns."""
BATCHES_MAX = 40
"""In one go; whoever calls looks meanwhile whether it is to end."""
ENTRIES_MAX = 10_000_000
"""A history that is built anew begins so far back in the log."""
OLD_US = 3_600_000_000
PRUNE_US = 60_000_000
RENEW_US = 600_000_000
"""A file that is damaged again so soon is not made anew: the disk is at fault."""

log = structlog.get_logger("holdfast.history")


def _nothing() -> Sequence[Moment]:
    return ()


class Follower:
    """Reads what is new in the log. Its methods block; threads take turns."""

    def __init__(
        self,
        reader: LogReader,
        file: HistoryFile,
        *,
        clock: Clock,
        listeners: Sequence[Listener] = (),
        moments: Callable[[], Sequence[Moment]] = _nothing,
    ) -> None:
        """``moments`` gives what was seen to happen since it was asked last."""
        self._reader = reader
        self._file = file
        self._clock = clock
        self._listeners = tuple(listeners)
        self._moments = moments
        self._alone = threading.Lock()
        self._index: CallIndex | None = None
        self._is_damaged = False
        self._told: int | None = None
        self._is_old_below = clock.now() - OLD_US
        self._pruned = self._renewed = 0
        self.trouble: str | None = None

    def open(self) -> None:
        """Make the history ready to be asked, as far as it is."""
        with self._alone:
            try:
                checkpoint = self._reader.checkpoint()
            except HoldfastError as error:
                self._say(error)
            else:
                self._opened(checkpoint.origin, checkpoint.size)

    def follow(self) -> bool:
        """Take some of what is new; whether there is more to take at once. What keeps it from that
        is told in ``trouble``, and tried again the next time."""
        with self._alone:
            try:
                more = self._follow()
            except HoldfastError as error:
                self._say(error)
                return False
            return more

    def close(self) -> None:
        """What is not taken yet is taken at the next start."""
        with self._alone:
            self._index = None
            self._file.close()

    def _follow(self) -> bool:
        checkpoint = self._reader.checkpoint()
        size = checkpoint.size
        index = self._opened(checkpoint.origin, size)
        # Where there is no history, nobody knows what was told before: begin with what comes now.
        if self._told is None:
            self._told = size if index is None else index.upto
        told = self._told
        for _ in range(BATCHES_MAX):
            start = told if index is None else min(told, max(index.upto, size - ENTRIES_MAX))
            if start >= size:
                break
            upto = min(start + BATCH, size)
            heard = self._read(start, upto)
            self._tell(heard, told)
            self._told = told = max(told, upto)
            index = self._kept(index, partial(CallIndex.take, heard=heard, upto=upto))
        index = self._kept(index, self._tidy)
        if index is not None:
            self._recover()
        return told < size or (index is not None and index.upto < size)

    def _opened(self, origin: str, size: int) -> CallIndex | None:
        """The history's writer, None while it cannot be written."""
        try:
            if self._is_damaged or (self._index is not None and self._index.upto > size):
                self._index, self._is_damaged = self._renew(origin), False
            if self._index is None:
                self._index = self._file.open(origin)
                if self._index.upto > size:  # of this log, before it was brought back from a copy
                    self._index = self._renew(origin)
        except HoldfastError as error:
            self._index = None
            self._say(error)
        return self._index

    def _renew(self, origin: str) -> CallIndex:
        now = self._clock.now()
        if self._renewed and now - self._renewed < RENEW_US:
            raise DamageError(
                "the history was damaged again right after it was made anew",
                fix="check the disk; the log is not affected",
            )
        self._renewed = now
        log.warning("history.anew", reason="it is damaged, or of another log")
        return self._file.renew(origin)

    def _read(self, start: int, upto: int) -> list[Heard]:
        heard: list[Heard] = []
        for entry in reversed(self._reader.recent(upto - start, before=upto)):
            try:
                record = decode_entry(entry.data)
            except RecordError:
                continue  # of a newer version: whoever upgrades again builds the history anew
            heard.append(Heard(entry.index or 0, record, record.at < self._is_old_below))
        return heard

    def _tell(self, heard: Sequence[Heard], told: int) -> None:
        fresh = [each for each in heard if each.index >= told]
        for listener in self._listeners:
            try:
                listener.hear(fresh)
            except Exception as error:  # noqa: BLE001 - telemetry must not keep the history
                log.error("listener.failed", listener=type(listener).__name__, reason=repr(error))

    def _kept(self, index: CallIndex | None, work: Callable[[CallIndex], None]) -> CallIndex | None:
        """The history's writer, if it could do this."""
        if index is None:
            return None
        try:
            work(index)
        except HoldfastError as error:
            self._is_damaged = isinstance(error, DamageError)
            self._say(error)
            return None
        return index

    def _tidy(self, index: CallIndex) -> None:
        moments = self._moments()
        if moments:
            index.note(moments)
        now = self._clock.now()
        if (index.is_full or now - self._pruned >= PRUNE_US) and not index.prune(now):
            self._pruned = now

    def _say(self, error: HoldfastError) -> None:
        """Once, until it goes well again."""
        if self.trouble is None:
            log.error("history.stuck", reason=str(error))
        self.trouble = str(error)

    def _recover(self) -> None:
        if self.trouble is not None:
            log.info("history.recovered")
        self.trouble = None
