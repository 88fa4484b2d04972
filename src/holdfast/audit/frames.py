"""How entries stand in a journal, so that a torn end and a damaged middle can be told apart.

A journal is a header, then frames: length (u32), CRC-32 of the entry (u32), the entry; numbers are
big-endian. The first frame of every append has the top bit of its length set and its CRC started
from another value. An append begins only when the one before it is durable, so a bad frame with an
append after it is damage to acknowledged records; a bad frame with none after it lies in the last
append, which a crash may tear. A journal that was closed in order ends in a seal.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from holdfast.audit.tiles import PROTOCOL_ENTRY_BYTES_MAX

FRAME = struct.Struct(">II")
HEADER_BYTES = 16
APPEND_BIT = 0x8000_0000

_HEADER = struct.Struct(">8sHH")
_CHECK = struct.Struct(">I")
_MAGIC = b"HOLDFAST"
_VERSION = 1
_APPEND_CRC = 0x484F4C44
_SEAL_CRC = crc32(b"sealed", _APPEND_CRC)
SEAL = FRAME.pack(APPEND_BIT, _SEAL_CRC)
_APPEND_START = b"\x80\x00"
"""How every append's first length begins: the top bit, and at most 65,535 bytes."""

WORKER_MAX = 9_999
_NAME = re.compile(r"w(?P<worker>[0-9]{4})-(?P<stamp>[0-9]{17})\.journal\Z")


def journal_name(worker: int, stamp: int) -> str:
    """A name that sorts by worker, then by ``stamp`` (an instant)."""
    return f"w{worker:04d}-{stamp:017d}.journal"


def journal_stamp(name: str) -> int | None:
    """The stamp in a journal's name, None when the file is no journal of ours."""
    match = _NAME.match(name)
    return int(match["stamp"]) if match else None


def newest_of_each_worker(names: Sequence[str]) -> frozenset[str]:
    """The only journals that may still be written to. ``names`` is sorted."""
    return frozenset({name.partition("-")[0]: name for name in names}.values())


def header(worker: int) -> bytes:
    """What a journal begins with."""
    start = _HEADER.pack(_MAGIC, _VERSION, worker)
    return start + _CHECK.pack(crc32(start))


def is_header(data: bytes) -> bool:
    start = data[: _HEADER.size]
    return start == _HEADER.pack(_MAGIC, _VERSION, int.from_bytes(start[-2:], "big")) and data[
        _HEADER.size : HEADER_BYTES
    ] == _CHECK.pack(crc32(start))


def first_frame(entry: bytes) -> bytes:
    """The length and CRC of an append's first entry."""
    return FRAME.pack(APPEND_BIT | len(entry), crc32(entry, _APPEND_CRC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The entries of whole, valid frames; ``end`` is where the first other byte stands."""

    entries: list[bytes]
    end: int
    is_sealed: bool
    is_bad: bool
    """The bytes at ``end`` can be no frame, however many more follow."""


def parse_frames(data: bytes, position: int = 0) -> Parsed:
    """All whole frames from ``position`` on."""
    entries: list[bytes] = []
    unpack = FRAME.unpack_from
    size = len(data)
    is_sealed = is_bad = False
    while position + FRAME.size <= size and not is_sealed:
        length, crc = unpack(data, position)
        start = 0
        if length & APPEND_BIT:
            length, start = length ^ APPEND_BIT, _APPEND_CRC
        end = position + FRAME.size + length
        # Zeros, which a file system may leave after a crash, are a length of 0: not a frame.
        is_sealed = length == 0 and start != 0 and crc == _SEAL_CRC
        is_bad = length > PROTOCOL_ENTRY_BYTES_MAX or (length == 0 and not is_sealed)
        if is_bad or end > size:
            break
        entry = data[position + FRAME.size : end]
        if not is_sealed:
            if crc32(entry, start) != crc:
                is_bad = True
                break
            entries.append(entry)
        position = end
    is_bad = is_bad or (is_sealed and position < size)
    return Parsed(entries=entries, end=position, is_sealed=is_sealed, is_bad=is_bad)


def find_append(data: bytes) -> int | None:
    """Where the first valid append (or seal) starts in ``data``."""
    position = -1
    while (position := data.find(_APPEND_START, position + 1)) >= 0:
        length = FRAME.size + int.from_bytes(data[position + 2 : position + 4], "big")
        parsed = parse_frames(data[position : position + length])
        if parsed.entries or parsed.is_sealed:
            return position
    return None
