"""What is durable, at every moment: the journals' own bytes, read as they are written.

It parses frames by itself, so that a fault in the product's reading is not shared.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Final
from zlib import crc32

import msgspec

from holdfast.audit import CallRecord, decode_record
from holdfast.core import HoldfastError

HEADER_BYTES: Final = 16
FRAME_BYTES: Final = 8
APPEND_BIT: Final = 0x8000_0000
APPEND_CRC: Final = 0x484F4C44


class Durable(msgspec.Struct, frozen=True):
    """One record that came to lie on the disk."""

    at: float
    journal: str
    entry: bytes
    record: CallRecord


class Ledger:
    """Every record that is durable, by call and in order. ``on_record`` hears of each."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.by_call: dict[str, list[Durable]] = {}
        self.count = 0
        self.on_record: Callable[[Durable], None] = _nobody
        self._now = now
        self.appends: dict[int, list[float]] = {}
        """When each worker last made a record durable, by worker, ascending."""
        self._rest: dict[str, bytes] = {}
        self._begun: set[str] = set()

    def written(self, journal: str, data: bytes) -> None:
        """Bytes were kept at the end of a journal."""
        data = self._rest.get(journal, b"") + data
        if journal not in self._begun:
            if len(data) < HEADER_BYTES:
                self._rest[journal] = data
                return
            self._begun.add(journal)
            data = data[HEADER_BYTES:]
        position = 0
        while (entry := _entry(data, position)) is not None:
            position += FRAME_BYTES + len(entry)
            if entry:
                self._add(journal, entry)
        self._rest[journal] = data[position:]

    def events(self, call: str) -> list[str]:
        """What is durable of a call: ``call``, ``opened``, ``closed``."""
        return [durable.record.event for durable in self.by_call.get(call, ())]

    def last_append(self, before: float) -> float:
        """The latest moment before which every worker's disk was last seen to be well."""
        last = [
            times[place - 1] if (place := bisect_left(times, before)) else 0.0
            for times in self.appends.values()
        ]
        return min(last, default=0.0)

    def _add(self, journal: str, entry: bytes) -> None:
        try:
            record = decode_record(entry)
        except HoldfastError:
            return
        durable = Durable(self._now(), journal, entry, record)
        self.by_call.setdefault(record.call, []).append(durable)
        self.count += 1
        appends = self.appends.setdefault(record.worker, [])
        if not appends or appends[-1] != durable.at:
            appends.append(durable.at)
        self.on_record(durable)


def _nobody(_durable: Durable) -> None:
    """Nobody listens."""


def _entry(data: bytes, position: int) -> bytes | None:
    """The entry of the whole, valid frame at ``position``; a seal is empty."""
    if position + FRAME_BYTES > len(data):
        return None
    length = int.from_bytes(data[position : position + 4], "big")
    check = int.from_bytes(data[position + 4 : position + 8], "big")
    start = APPEND_CRC if length & APPEND_BIT else 0
    length &= ~APPEND_BIT
    entry = data[position + FRAME_BYTES : position + FRAME_BYTES + length]
    if len(entry) < length or (length and crc32(entry, start) != check):
        return None
    return entry
