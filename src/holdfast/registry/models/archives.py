"""PyTorch's archives: a ZIP that is laid out as ``torch.save`` writes it, and in no other way.

Readers of ZIP disagree about files that are laid out cleverly, and scanners have been passed by that:
so everything that can be said twice must be said alike (local and central headers), entries must
follow each other without holes or overlaps, and nothing is compressed, which leaves no bomb to make.
Source: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

import re
import struct
import zlib
from typing import NamedTuple

from holdfast.registry.models.errors import ArchiveError
from holdfast.registry.models.pickles import PICKLE_BYTES_MAX, check_pickle
from holdfast.registry.models.reading import WINDOW_BYTES, Pieces, Walk

ARCHIVE_ENTRIES_MAX = 100_000
ARCHIVE_DIRECTORY_BYTES_MAX = 64 * 1024 * 1024

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_U32_MAX, _U16_MAX = 0xFFFFFFFF, 0xFFFF
_HAS_DESCRIPTOR, _IS_UTF8 = 0x0008, 0x0800
_ZIP64_FIELD = 1
_STORED = 0
_LINK_MODE, _FILE_TYPE_MODES = 0o120000, 0o170000

_ROOT = r"[A-Za-z0-9_.-]{1,128}"
_DATA = re.compile(rf"({_ROOT})/data/([0-9]{{1,9}})\Z")
_PICKLE = re.compile(rf"({_ROOT})/data\.pkl\Z")
_SMALL = re.compile(
    rf"({_ROOT})/(?:version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id)\Z"
)
_SMALL_BYTES_MAX = 1024


class _Entry(NamedTuple):
    name: str
    flags: int
    crc: int
    size: int
    offset: int


class _Place(NamedTuple):
    """Where an entry's bytes are, and where the next entry may begin."""

    data: int
    next: frozenset[int]


def check_archive(pieces: Pieces) -> tuple[str, ...]:
    """Notes; ``ArchiveError`` or ``PickleError`` where the file is not sound."""
    start, size, count = _directory(pieces)
    entries = sorted(_entries(pieces, start, size, count), key=lambda each: each.offset)
    _check_names(entries)
    places = _check_places(pieces, entries, directory=start)
    for entry in entries:
        if _PICKLE.match(entry.name):
            _check_pickle(pieces, entry, places[entry.name], entries)
    return ()


def _directory(pieces: Pieces) -> tuple[int, int, int]:
    """Where the central directory is, its size and its entries, all ends telling the same."""
    end_at = pieces.size - _END.size
    if end_at < 0:
        raise ArchiveError("it is too short for an archive")
    end = _END.unpack(pieces.read(end_at, _END.size))
    sign, disk, first, here, count, size, start, comment = end
    if sign != b"PK\x05\x06" or comment or disk or first or here != count:
        raise ArchiveError("it does not end with the end of a one-part archive")
    behind = end_at
    locator_at = end_at - _LOCATOR.size
    if locator_at >= 0 and pieces.read(locator_at, 4) == b"PK\x06\x07":
        behind, *wide = _wide_directory(pieces, locator_at)
        # What the narrow end says, the wide one must say too; where it is full it says nothing.
        for narrow, full, said in zip(
            (count, size, start), (_U16_MAX, _U32_MAX, _U32_MAX), wide, strict=True
        ):
            if narrow not in (said, full):
                raise ArchiveError("its two ends disagree")
        count, size, start = wide
    if start + size != behind or count > ARCHIVE_ENTRIES_MAX or size > ARCHIVE_DIRECTORY_BYTES_MAX:
        raise ArchiveError("its directory does not lie before its end, or is too large")
    return start, size, count


def _wide_directory(pieces: Pieces, locator_at: int) -> tuple[int, int, int, int]:
    """Where the ZIP64 end begins, and the count, size and start that it tells."""
    _, disk, at, disks = _LOCATOR.unpack(pieces.read(locator_at, _LOCATOR.size))
    if disk or disks != 1 or at + _END64.size != locator_at:
        raise ArchiveError("its ZIP64 end is not where it should be")
    found = _END64.unpack(pieces.read(at, _END64.size))
    sign, record_size, _made, _needed, disk, first, here, count, size, start = found
    is_plain = record_size == _END64.size - 12 and not disk and not first and here == count
    if sign != b"PK\x06\x06" or not is_plain:
        raise ArchiveError("its ZIP64 end cannot be read")
    return at, count, size, start


def _entries(pieces: Pieces, start: int, size: int, count: int) -> list[_Entry]:
    walk = Walk(pieces, start, kind=ArchiveError, end=start + size)
    found = [_central(walk) for _ in range(count)]
    if walk.left:
        raise ArchiveError("its directory has more than its entries")
    return found


def _central(walk: Walk) -> _Entry:
    head = _CENTRAL.unpack(walk.take(_CENTRAL.size))
    (
        sign, _made, _needed, flags, method, _time, _date, crc, packed, size,
        name_size, extra_size, comment_size, disk, _inner, mode, offset,
    ) = head  # fmt: skip
    name = _name(walk.take(name_size))
    extra = walk.take(extra_size)
    if sign != b"PK\x01\x02" or comment_size or disk:
        raise ArchiveError("its directory cannot be read")
    if method != _STORED or flags & ~(_HAS_DESCRIPTOR | _IS_UTF8):
        raise ArchiveError(f"'{name}' is compressed or encrypted")
    if (mode >> 16) & _FILE_TYPE_MODES == _LINK_MODE:
        raise ArchiveError(f"'{name}' is a symbolic link")
    size, packed, offset = _widened(extra, size, packed, offset)
    if size != packed:
        raise ArchiveError(f"'{name}' has two sizes")
    return _Entry(name, flags, crc, size, offset)


def _widened(extra: bytes, *narrow: int) -> tuple[int, int, int]:
    """The sizes and the offset, those of the ZIP64 field where the narrow ones are full."""
    wide = list(_wide_numbers(extra))
    found = [wide.pop(0) if each == _U32_MAX and wide else each for each in narrow]
    if wide:
        raise ArchiveError("an entry has more wide sizes than it needs")
    return found[0], found[1], found[2]


def _wide_numbers(extra: bytes) -> tuple[int, ...]:
    at, found = 0, None
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        at += 4
        if at + size > len(extra) or (kind == _ZIP64_FIELD and (found is not None or size % 8)):
            raise ArchiveError("an entry's extra field cannot be read")
        if kind == _ZIP64_FIELD:
            found = struct.unpack_from(f"<{size // 8}Q", extra, at)
        at += size
    return found or ()


def _name(data: bytes) -> str:
    """A name as PyTorch gives them: in one folder, nothing absolute, no way up."""
    name = data.decode("ascii", "replace")
    known = _DATA.match(name) or _PICKLE.match(name) or _SMALL.match(name)
    if known is None or known[1] in (".", ".."):
        raise ArchiveError(f"it holds '{name[:100]}', which is no part of saved weights")
    return name


def _check_names(entries: list[_Entry]) -> None:
    names = [entry.name for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise ArchiveError("two of its entries have one name")
    if len({name.partition("/")[0] for name in names}) != 1:
        raise ArchiveError("its entries are not in one folder")
    if sum(_PICKLE.match(name) is not None for name in names) != 1:
        raise ArchiveError("it has other than one data.pkl")
    large = [e.name for e in entries if _SMALL.match(e.name) and e.size > _SMALL_BYTES_MAX]
    if large:
        raise ArchiveError(f"'{large[0]}' has more than {_SMALL_BYTES_MAX} bytes")


def _check_places(pieces: Pieces, entries: list[_Entry], *, directory: int) -> dict[str, _Place]:
    """Each entry begins where the one before it ended, the first at 0, the directory behind."""
    places: dict[str, _Place] = {}
    may_begin = frozenset({0})
    for entry in entries:
        if entry.offset not in may_begin:
            raise ArchiveError(f"'{entry.name}' overlaps another entry, or leaves a hole")
        places[entry.name] = _place(pieces, entry)
        may_begin = places[entry.name].next
    if directory not in may_begin:
        raise ArchiveError("its directory overlaps an entry, or leaves a hole")
    return places


def _place(pieces: Pieces, entry: _Entry) -> _Place:
    walk = Walk(pieces, entry.offset, kind=ArchiveError)
    head = _LOCAL.unpack(walk.take(_LOCAL.size))
    sign, _needed, flags, method, _time, _date, crc, packed, size, name_size, extra_size = head
    name = walk.take(name_size)
    extra = walk.take(extra_size)
    if sign != b"PK\x03\x04" or flags != entry.flags or method != _STORED:
        raise ArchiveError(f"'{entry.name}' has a header that cannot be read")
    if name != entry.name.encode():
        raise ArchiveError(f"'{entry.name}' has another name in its own header")
    is_told_later = bool(flags & _HAS_DESCRIPTOR) and (crc, packed, size) == (0, 0, 0)
    # Where a descriptor tells the sizes, only the directory and the next entry's place count.
    found = (0, 0, 0) if is_told_later else (crc, *_widened(extra, size, packed, 0)[:2])
    if not is_told_later and found != (entry.crc, entry.size, entry.size):
        raise ArchiveError(f"'{entry.name}' has another size in its own header")
    walk.skip(entry.size)
    # A descriptor has 16 bytes, or 24 where its sizes are wide.
    behind = {walk.at + more for more in (16, 24)} if flags & _HAS_DESCRIPTOR else {walk.at}
    return _Place(walk.at - entry.size, frozenset(behind))


def _check_pickle(pieces: Pieces, entry: _Entry, place: _Place, entries: list[_Entry]) -> None:
    if entry.size > PICKLE_BYTES_MAX:
        raise ArchiveError(f"'{entry.name}' has more than {PICKLE_BYTES_MAX} bytes")
    crc = 0
    for at in range(0, entry.size, WINDOW_BYTES):
        part = pieces.read(place.data + at, min(WINDOW_BYTES, entry.size - at))
        crc = zlib.crc32(part, crc)
    if crc != entry.crc:
        raise ArchiveError(f"'{entry.name}' has another checksum than its bytes")
    named = check_pickle(pieces, start=place.data, size=entry.size)
    held = {found[2] for each in entries if (found := _DATA.match(each.name))}
    if named - held:
        raise ArchiveError(f"its pickle names the storage {min(named - held)}, which is not there")
