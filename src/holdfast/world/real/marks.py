"""Marks in memory that processes share: a mapped file, one region for each process to write.

Every region is an open-addressed table for even generations and one for odd ones. A slot is 12 bytes
of the digest and 4 of the generation, which also says whether the slot is free. Only its owner writes
a region, so nothing is ever lost between writers. A process writes its own mark first and looks for
it in the other regions after: of two at the same moment at least one sees the other (Dekker).

The file is not synced. A crash of a process leaves its marks in the mapping for whoever comes next; a
crash of the machine loses those of the last minute.
"""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from holdfast.world.ports import WorldError

SLOTS = 262_144
"""Of one table: with 200,000 marks in it a free slot is found after about nine looks."""
LOOKS_MAX = 256
_SLOT = 16
_TABLE = SLOTS * _SLOT
_REGION = 2 * _TABLE
_HEAD = mmap.PAGESIZE
"""A byte for each region: whether anything was ever marked there."""


class FileMarks:
    """The marks of ``regions`` processes, of which this one writes ``region``."""

    def __init__(self, path: Path, *, region: int, regions: int) -> None:
        if not 0 <= region < regions <= _HEAD:
            raise WorldError(f"there is no region {region} of {regions} for marks")
        self._at = _HEAD + region * _REGION
        self._region = region
        self._others = tuple(each for each in range(regions) if each != region)
        self._fence = Lock()
        size = _HEAD + regions * _REGION
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(self._file).st_size != size:
                os.ftruncate(self._file, size)  # sparse: a region takes room at its first mark
            self._map = mmap.mmap(self._file, size)
        except OSError as error:
            raise WorldError(
                f"the marks in {path} cannot be used: {error}",
                fix="give the data directory room, and the rights to write it",
            ) from error

    def mark(self, digest: bytes, generation: int) -> bool:
        if not self._map[self._region]:
            self._take_room()
        key, place = digest[:12], int.from_bytes(digest[12:16], "little") % SLOTS
        now = (_tag(generation),)
        # A clock may be a little ahead: the other table has the generation before, or the next.
        near = (_tag(generation - 1), _tag(generation + 1))
        this, other = (generation & 1) * _TABLE, (~generation & 1) * _TABLE
        free = self._look(self._at + this, place, key, now)
        if free < 0 or self._look(self._at + other, place, key, near) < 0:
            return False
        self._map[free : free + 12] = key
        self._map[free + 12 : free + _SLOT] = now[0]
        with self._fence:  # the mark is out before the others' are read
            pass
        return not any(
            self._look(at + this, place, key, now) < 0
            or self._look(at + other, place, key, near) < 0
            for at in self._in_use()
        )

    def _in_use(self) -> Iterator[int]:
        """Where the other regions begin in which anything was ever marked."""
        for region in self._others:
            if self._map[region]:
                yield _HEAD + region * _REGION

    def _look(self, table: int, place: int, key: bytes, live: tuple[bytes, ...]) -> int:
        """The first free slot from ``place`` on; -1 when the key comes before one."""
        shared = self._map
        for step in range(LOOKS_MAX):
            at = table + ((place + step) % SLOTS) * _SLOT
            slot = shared[at : at + _SLOT]
            if slot[12:] not in live:
                return at
            if slot[:12] == key:
                return -1
        raise WorldError("there is no room for another mark", fix="slow down")

    def _take_room(self) -> None:
        """Write the region's zeros, so that a full disk is an error here and not a signal later."""
        zeros = bytes(_TABLE)
        try:
            for table in range(2):
                os.pwrite(self._file, zeros, self._at + table * _TABLE)
        except OSError as error:
            raise WorldError(
                f"there is no room for marks: {error}", fix="give the data directory room"
            ) from error
        self._map[self._region] = 1


def _tag(generation: int) -> bytes:
    """Never that of a slot that was never written, which is all zeros."""
    return (generation + 2).to_bytes(4, "little")
