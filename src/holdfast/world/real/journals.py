"""Journals as files: one thread a writer appends and syncs, so that the event loop never waits."""

import asyncio
import contextlib
import os
import re
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from holdfast.world.ports import WorldError
from holdfast.world.real.disk import (
    append_durably,
    make_folder,
    sync_folder,
    world_error,
    yield_to_others,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}\Z")
_Job: TypeAlias = tuple[bytes, asyncio.AbstractEventLoop, "asyncio.Future[None]"]
_CREATE = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class FileJournals:
    """Journals in one folder, made private (0700) when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            make_folder(folder)
        except OSError as error:
            raise world_error(f"cannot make the journal folder {folder}", error) from error

    def create(self, name: str) -> "FileJournalWriter":
        path = self._path(name)
        try:
            fd = os.open(path, _CREATE, 0o600)
        except OSError as error:
            raise world_error(f"cannot make the journal {path}", error) from error
        return FileJournalWriter(path, fd)

    def names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self._folder) if _NAME.match(name))
        except OSError as error:
            raise world_error(f"cannot list the journals in {self._folder}", error) from error

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        path = self._path(name)
        try:
            with path.open("rb", buffering=0) as file:
                return _read_at(file.fileno(), start, limit)
        except OSError as error:
            raise world_error(f"cannot read the journal {path}", error) from error

    def remove(self, name: str) -> None:
        """After a crash right here the journal may be back: removing it again is harmless."""
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            sync_folder(self._folder)
        except OSError as error:
            raise world_error(f"cannot remove the journal {path}", error) from error

    def _path(self, name: str) -> Path:
        if not _NAME.match(name):
            raise WorldError(f"{name!r} is no journal name", fix="use a-z, 0-9, dots and dashes")
        return self._folder / name


class FileJournalWriter:
    """One file, one thread. Made by ``FileJournals.create``.

    The thread takes its work from a queue of its own: an executor's futures, locks and idle
    counting cost 45 us an append, this 25.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._name_is_durable = False
        self._is_closed = False
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def append(self, data: bytes) -> None:
        if self._is_closed:
            raise WorldError(f"the journal {self._path} is closed", fix="open a new one")
        if self._thread is None:
            # A daemon: at the end of the process it must not be waited for. What it then leaves
            # half done was not acknowledged.
            self._thread = Thread(target=self._run, name="journal", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._jobs.put((data, loop, done))
        try:
            await done
        except OSError as error:
            raise world_error(f"cannot append to the journal {self._path}", error) from error

    def close(self) -> None:
        """Closing is the thread's last job, behind any append that still runs there."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._thread is None:
            os.close(self._fd)
        else:
            self._jobs.put(None)

    def _run(self) -> None:
        yield_to_others()
        while (job := self._jobs.get()) is not None:
            data, loop, done = job
            error: OSError | None = None
            try:
                self._append(data)
            except OSError as raised:
                error = raised
            # The loop may have ended meanwhile; then nobody waits for the answer.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, done, error)
        os.close(self._fd)

    def _append(self, data: bytes) -> None:
        """A crash in here leaves any prefix of ``data``, or nothing, or no file at all."""
        append_durably(self._fd, data)
        if not self._name_is_durable:
            sync_folder(self._path.parent)
            self._name_is_durable = True


def _settle(done: asyncio.Future[None], error: OSError | None) -> None:
    if done.done():  # whoever waited was cancelled
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _read_at(fd: int, start: int, limit: int) -> bytes:
    parts: list[bytes] = []
    while limit > 0:
        part = os.pread(fd, limit, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
        limit -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
