"""The trace of a run: every byte that arrived, and every other event, as one running digest."""

import hashlib
import struct
from collections.abc import Callable
from zlib import crc32

_STAMP = struct.Struct(">dIi")
NOTE = -1
END = -2
RESET = -3


def _nobody(line: str) -> None:
    """Nobody reads the trace; its digest is enough."""


class Trace:
    """``tell`` is given a line for every event; the digest is over events and their bytes."""

    __slots__ = ("_hash", "_is_told", "_tell", "events")

    def __init__(self, tell: Callable[[str], None] = _nobody) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._tell = tell
        self._is_told = tell is not _nobody
        self.events = 0

    def arrived(self, now: float, connection: int, data: bytes) -> None:
        """Bytes reached one end of a connection."""
        self._hash.update(_STAMP.pack(now, connection, len(data)))
        self._hash.update(data)
        self.events += 1
        if self._is_told:
            self._tell(f"{now:.7f} {connection} {len(data)} {crc32(data):08x}")

    def ended(self, now: float, connection: int, how: int) -> None:
        """A connection's direction ended: ``END`` in order, ``RESET`` without."""
        self._hash.update(_STAMP.pack(now, connection, how))
        self.events += 1
        if self._is_told:
            self._tell(f"{now:.7f} {connection} {'end' if how == END else 'reset'}")

    def note(self, now: float, what: str) -> None:
        """Anything else that happened."""
        self._hash.update(_STAMP.pack(now, 0, NOTE))
        self._hash.update(what.encode())
        self.events += 1
        if self._is_told:
            self._tell(f"{now:.7f} {what}")

    def digest(self) -> str:
        """Of everything so far."""
        return self._hash.hexdigest()
