"""Append-only files whose writes are durable on return: where a record first becomes evidence."""

from typing import Protocol


class JournalWriter(Protocol):
    """One open journal. One append at a time."""

    async def append(self, data: bytes) -> None:
        """Add ``data`` at the end; durable (fdatasync) on return, and so is the journal's name.

        Fails with ``WorldError``; then some prefix of ``data`` may be in the file, and the writer
        must not be used again. The same holds when the wait for it is cancelled.
        """
        ...

    def close(self) -> None:
        """Let go of the file. Idempotent; never waits for an append still under way."""
        ...


class Journals(Protocol):
    """A folder of journals. Names are ``[a-z0-9.-]+`` and sort in order of creation per writer."""

    def create(self, name: str) -> JournalWriter:
        """A new, empty journal; its name is durable once the first append has returned.

        Quick enough for an event loop: it opens a file and waits for no disk. ``WorldError`` when
        the journal exists or cannot be made.
        """
        ...

    def names(self) -> list[str]:
        """All journals, sorted."""
        ...

    def read(self, name: str, *, start: int, limit: int) -> bytes:
        """Up to ``limit`` bytes from byte ``start``; fewer only at the end, empty past it.

        ``WorldError`` when there is no such journal or it cannot be read.
        """
        ...

    def remove(self, name: str) -> None:
        """Delete a journal that is no longer needed. Idempotent."""
        ...
