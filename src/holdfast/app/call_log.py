"""The canonical call log's file: one line for every call that ended, by a thread of its own.

The thread that reads the log never waits for the disk, or for whoever reads the other end of a pipe:
lines wait in a bounded queue, and what finds no room is counted and told.
"""

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import structlog

from holdfast.audit import CallRecord
from holdfast.core import HoldfastError
from holdfast.history import Heard
from holdfast.telemetry.call_lines import line_of

LINES_MAX = 65_536
"""Lines that wait to be written; further ones are dropped, and counted."""
BATCH_LINES = 1_024
RETRY_S = 1.0
CLOSE_S = 5.0
TAIL_BYTES = 65_536
"""Read off the end of a file that is there already, to find its last whole line."""
STDOUT = "-"

log = structlog.get_logger("holdfast.calls")


class CallLogError(HoldfastError):
    """The call log cannot be written."""

    code = "calls.log-unwritable"


class _Place(msgspec.Struct, frozen=True, gc=False):
    index: int = -1


class CallLog:
    """A listener of the follower. ``target`` is a file, or ``-`` for standard output.

    A line that stands in the file already is not written again after a restart: its last line says
    how far it goes. Each line is handed to the system as a whole; a crash may leave the last one
    torn, and what the next start writes begins on a line of its own.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._lines: deque[bytes] = deque()
        self._wake = threading.Condition()
        self._dropped = 0
        self._told = 0
        self._is_stuck = False
        self._reopening = False
        self._closing = False
        self._file, self._upto = _opened(target)
        self._thread = threading.Thread(target=self._write_all, name="call-log", daemon=True)
        self._thread.start()

    def hear(self, heard: Sequence[Heard]) -> None:
        """Queue a line for each call that ended."""
        lines = [
            line_of(each.record, each.index)
            for each in heard
            if not each.is_old
            and each.index > self._upto
            and isinstance(each.record, CallRecord)
            and each.record.is_last
        ]
        if heard:
            self._upto = max(self._upto, heard[-1].index)
        if lines:
            self._queue(lines)

    def dropped(self) -> int:
        """Lines that found no room."""
        return self._dropped

    def reopen(self) -> None:
        """Somebody has renamed the file: write to a new one of the old name from now on."""
        with self._wake:
            self._reopening = self._target != STDOUT
            self._wake.notify()

    def close(self) -> None:
        """Write what waits, as far as that can be done in ``CLOSE_S``."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():
            self._file.close()

    def _queue(self, lines: list[bytes]) -> None:
        with self._wake:
            room = LINES_MAX - len(self._lines)
            self._lines.extend(lines[:room])
            self._dropped += max(0, len(lines) - room)
            self._wake.notify()
        if self._dropped > self._told:
            log.warning("calls.lines-dropped", lines=self._dropped - self._told)
            self._told = self._dropped

    # -- the writing thread -------------------------------------------------------------------

    def _write_all(self) -> None:
        while (batch := self._next()) is not None:
            self._write(batch)

    def _next(self) -> list[bytes] | None:
        """What to write now; None when there is nothing more to come."""
        with self._wake:
            while not (self._lines or self._closing or self._reopening):
                self._wake.wait()
            if self._reopening:
                self._reopening = False
                self._reopen()
            if self._closing and not self._lines:
                return None
            return [self._lines.popleft() for _ in range(min(BATCH_LINES, len(self._lines)))]

    def _write(self, batch: list[bytes]) -> None:
        """Until it is written; only a close gives up on it."""
        data = memoryview(b"".join(batch))
        while data:
            try:
                data = data[self._file.write(data) :]
            except OSError as error:
                self._stuck(str(error))
                if self._closing:
                    self._dropped += len(batch)
                    return
                self._pause()
            else:
                self._recovered()

    def _pause(self) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._reopening, timeout=RETRY_S)
            if self._reopening:
                self._reopening = False
                self._reopen()

    def _reopen(self) -> None:
        try:
            file, _ = _opened(self._target)
        except CallLogError as error:
            self._stuck(error.what)
            return
        with contextlib.suppress(OSError):
            self._file.close()
        self._file = file
        log.info("calls.log-reopened")

    def _stuck(self, reason: str) -> None:
        if not self._is_stuck:
            log.error("calls.log-stuck", reason=reason)
        self._is_stuck = True

    def _recovered(self) -> None:
        if self._is_stuck:
            log.info("calls.log-recovered")
        self._is_stuck = False


def _opened(target: str) -> tuple[BinaryIO, int]:
    """The file, unbuffered, and the greatest index that stands in it."""
    if target == STDOUT:
        return os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0), -1
    path = Path(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A pipe that nobody reads is refused at once, instead of waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o600)
        os.set_blocking(descriptor, True)
        file = os.fdopen(descriptor, "wb", buffering=0)
        return file, _last_index(path, file) if path.is_file() else -1
    except OSError as error:
        raise CallLogError(
            f"the call log {target} cannot be written: {error.strerror}",
            fix="name a file that can be with --call-log FILE, or - for standard output",
        ) from error


def _last_index(path: Path, file: BinaryIO) -> int:
    """Of the newest whole line; a torn one is ended, so that the next stands on its own."""
    with path.open("rb") as before:
        before.seek(max(0, path.stat().st_size - TAIL_BYTES))
        lines = before.read(TAIL_BYTES).split(b"\n")
    if lines.pop():
        file.write(b"\n")
    for line in reversed(lines):
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.json.decode(line, type=_Place).index
    return -1
