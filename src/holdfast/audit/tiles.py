"""The layout of C2SP tlog-tiles: 256-wide hash tiles, entry bundles, and their paths."""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast.audit.errors import LogError
from holdfast.audit.merkle import HASH_BYTES, consistency_proof, root_of
from holdfast.world.ports import Blobs

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""
PROTOCOL_ENTRY_BYTES_MAX = 65_535
"""What a bundle's 16-bit length prefix can say."""
LEVELS_MAX = 8
"""256**8 entries: more than any log will hold."""

CHECKPOINT = "checkpoint"
WITNESSED = "witnessed"
"""The newest checkpoint under which enough witnesses have put their cosignature; not of tlog-tiles."""
_LENGTH = struct.Struct(">H")
_RESOURCE = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z"
)


def tile_path(level: int, number: int, *, width: int = WIDTH) -> str:
    """``tile/<L>/<N>[.p/<W>]``."""
    return f"tile/{level}/{_encoded(number, width)}"


def bundle_path(number: int, *, width: int = WIDTH) -> str:
    """``tile/entries/<N>[.p/<W>]``."""
    return f"tile/entries/{_encoded(number, width)}"


def _encoded(number: int, width: int) -> str:
    """1234067 is ``x001/x234/067``; a partial tile's width follows as ``.p/<W>``."""
    path = f"{number % 1000:03d}"
    number //= 1000
    while number:
        path = f"x{number % 1000:03d}/{path}"
        number //= 1000
    return path if width == WIDTH else f"{path}.p/{width}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a path of tlog-tiles names: a tile, or (``level`` None) a bundle of entries."""

    level: int | None
    number: int
    width: int

    @property
    def path(self) -> str:
        if self.level is None:
            return bundle_path(self.number, width=self.width)
        return tile_path(self.level, self.number, width=self.width)

    def is_within(self, size: int) -> bool:
        """Whether a tree of ``size`` entries has all of it."""
        return self.number * WIDTH + self.width <= size >> (8 * (self.level or 0))


def parse_path(path: str) -> Resource | None:
    """The inverse of ``tile_path`` and ``bundle_path``; None for every other text."""
    match = _RESOURCE.match(path)
    if match is None:
        return None
    level = None if match["level"] == "entries" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    resource = Resource(level=level, number=number, width=int(match["width"] or WIDTH))
    # Two spellings of one thing are one too many: leading zero elements, a full tile as .p/256.
    return resource if resource.path == path and resource.width <= WIDTH else None


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Each entry behind its length as a big-endian 16-bit number."""
    pack = _LENGTH.pack
    parts: list[bytes] = []
    for entry in entries:
        parts.append(pack(len(entry)))
        parts.append(entry)
    return b"".join(parts)


def decode_bundle(data: bytes, *, number: int, width: int = WIDTH) -> list[bytes]:
    """The first ``width`` entries of bundle ``number``; ``LogError`` names the first bad one."""
    entries: list[bytes] = []
    position = 0
    while len(entries) < width:
        start = position + _LENGTH.size
        end = start + (_LENGTH.unpack_from(data, position)[0] if start <= len(data) else 0)
        if start > len(data) or end > len(data):
            index = number * WIDTH + len(entries)
            raise LogError(
                f"entry {index}: its bundle ends at byte {len(data)}, before the entry does",
                fix=f"restore {bundle_path(number)} from a copy of the log",
            )
        entries.append(data[start:end])
        position = end
    return entries


class TileReader:
    """The hashes and entries of a log of one size, each tile read at most once."""

    def __init__(self, blobs: Blobs, size: int) -> None:
        self._blobs = blobs
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}
        self._bundles: dict[int, list[bytes]] = {}

    def width(self, level: int, number: int) -> int:
        """How many hashes (or, at level 0, entries) this tile has in a tree of this size."""
        hashes = self._size >> (8 * level)
        return max(0, min(WIDTH, hashes - number * WIDTH))

    def tile(self, level: int, number: int) -> list[bytes]:
        """The tile's hashes; ``LogError`` when it is missing or short."""
        known = self._tiles.get((level, number))
        if known is None:
            known = self._tiles[level, number] = self._read_tile(level, number)
        return known

    def entries(self, number: int) -> list[bytes]:
        """The bundle's entries; ``LogError`` when it is missing or short."""
        known = self._bundles.get(number)
        if known is None:
            width = self.width(0, number)
            data = self._partial_or_full(bundle_path(number, width=width), bundle_path(number))
            if data is None:
                raise _missing(0, number, bundle_path(number, width=width))
            known = self._bundles[number] = decode_bundle(data, number=number, width=width)
        return known

    def drop(self, number: int) -> None:
        """Forget the leaves and entries of bundle ``number``, so that a walk needs little memory."""
        self._bundles.pop(number, None)
        self._tiles.pop((0, number), None)

    def range_hash(self, start: int, end: int) -> bytes:
        """RFC 9162's MTH(D[start:end]) from the highest hashes the tiles hold."""
        length = end - start
        if length & (length - 1) == 0 and start % length == 0:
            return self._node(length.bit_length() - 1, start)
        split = start + (1 << (length - 1).bit_length() - 1)
        return root_of([self.range_hash(start, split), self.range_hash(split, end)])

    def _node(self, height: int, start: int) -> bytes:
        level, within = divmod(height, 8)
        first = start >> (8 * level)
        number, offset = divmod(first, WIDTH)
        return root_of(self.tile(level, number)[offset : offset + (1 << within)])

    def _read_tile(self, level: int, number: int) -> list[bytes]:
        width = self.width(level, number)
        path = tile_path(level, number, width=width)
        data = self._partial_or_full(path, tile_path(level, number))
        if data is None or len(data) < width * HASH_BYTES:
            raise _missing(level, number, path)
        return split_hashes(data[: width * HASH_BYTES])

    def _partial_or_full(self, path: str, full: str) -> bytes | None:
        """A partial tile goes once the full one stands: then its beginning is the partial one."""
        data = self._blobs.get(path)
        return self._blobs.get(full) if data is None and path != full else data


def prove_consistency(blobs: Blobs, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the tree of ``new`` entries continues that of ``old``, from the log's tiles."""
    return consistency_proof(old, new, TileReader(blobs, new).range_hash)


def split_hashes(data: bytes) -> list[bytes]:
    """A tile's bytes as hashes."""
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def first_difference(left: Sequence[bytes], right: Sequence[bytes]) -> int | None:
    """The position where two tiles first differ, None when they agree."""
    for position, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return position
    return None if len(left) == len(right) else min(len(left), len(right))


def _missing(level: int, number: int, path: str) -> LogError:
    first = (number * WIDTH) << (8 * level)
    return LogError(
        f"entry {first} and later: {path} is missing or cut short",
        fix="restore the log folder from a copy of it",
    )
