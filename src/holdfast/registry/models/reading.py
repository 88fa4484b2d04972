"""A file as a judge sees it: bytes at an offset, never more than asked for, never past the end."""

import struct
from typing import Protocol

from holdfast.registry.models.errors import ModelFileError

WINDOW_BYTES = 256 * 1024
"""Read at once while walking; a header of any length costs this much memory."""

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class Pieces(Protocol):
    """A file of a known size."""

    @property
    def size(self) -> int:
        """Bytes in the file."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """The bytes at ``offset``, fewer only where the file ends."""
        ...


class HeldPieces:
    """``Pieces`` over bytes that are in memory already."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]


class Walk:
    """Steps through a part of a file; whatever would lead past its end is refused."""

    __slots__ = ("_end", "_kind", "_pieces", "_window", "_window_at", "at")

    def __init__(
        self,
        pieces: Pieces,
        start: int = 0,
        *,
        kind: type[ModelFileError],
        end: int | None = None,
    ) -> None:
        self._pieces = pieces
        self._kind = kind
        self._end = pieces.size if end is None else min(end, pieces.size)
        self._window = b""
        self._window_at = start
        self.at = start

    @property
    def left(self) -> int:
        return self._end - self.at

    def skip(self, size: int) -> None:
        if size > self.left:
            raise self._kind(
                f"{size} bytes are announced at byte {self.at}, and {self.left} are left"
            )
        self.at += size

    def take(self, size: int) -> bytes:
        start = self.at
        self.skip(size)
        within = start - self._window_at
        if within < 0 or within + size > len(self._window):
            most = min(max(size, WINDOW_BYTES), self._end - start)
            self._window, self._window_at, within = self._pieces.read(start, most), start, 0
            if len(self._window) < size:
                raise self._kind(f"the file ended at byte {start} while it was read")
        return self._window[within : within + size]

    def u8(self) -> int:
        return self.take(1)[0]

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])
