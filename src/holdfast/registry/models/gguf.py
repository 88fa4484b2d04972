"""GGUF: metadata and tensor descriptions walked to their end, each length held against the file.

Source: the ggml project's GGUF specification, versions 2 and 3 (little-endian). Stricter where
readers have been: no nested arrays, names once, tensors end to end in their order.
"""

import re
from typing import NamedTuple

from holdfast.registry.models.errors import GgufError
from holdfast.registry.models.reading import Pieces, Walk

GGUF_ENTRIES_MAX = 65_536
"""Metadata entries, and tensors."""
GGUF_STRINGS_MAX = 2_000_000
"""Strings in arrays, in the whole file: vocabularies have some hundred thousand."""
GGUF_STRING_BYTES_MAX = 16 * 1024 * 1024
GGUF_KEY_BYTES_MAX = 65_535
GGUF_NAME_BYTES_MAX = 64
GGUF_DIMENSIONS_MAX = 4

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_BIG_ENDIAN = {version << 24 for version in _VERSIONS}
_ALIGNMENT = 32
_KEY = re.compile(r"[A-Za-z0-9_.:/-]+\Z")
_STRING, _ARRAY, _BOOL, _U32 = 8, 9, 7, 4
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of a value of each scalar type."""
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""Elements and bytes of a block of each tensor type."""
_TEMPLATE = "tokenizer.chat_template"
TEMPLATE_NOTE = "it has a chat template, which Holdfast never renders"


class _Tensor(NamedTuple):
    name: str
    size: int
    offset: int


class _Metadata:
    """Walks the metadata; remembers what the tensors need."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._keys: set[str] = set()
        self._strings = 0
        self.alignment = _ALIGNMENT

    @property
    def has_template(self) -> bool:
        return any(key.startswith(_TEMPLATE) for key in self._keys)

    def read(self, count: int) -> None:
        for _ in range(count):
            key = _string(self._walk, GGUF_KEY_BYTES_MAX)
            if not _KEY.match(key) or key in self._keys:
                raise GgufError(f"its metadata has the key '{key[:100]}' twice, or it is no key")
            self._keys.add(key)
            kind = self._walk.u32()
            if key == "general.alignment":
                self._read_alignment(kind)
            elif kind == _ARRAY:
                self._read_array(key)
            else:
                self._read_scalar(key, kind)

    def _read_alignment(self, kind: int) -> None:
        self.alignment = self._walk.u32() if kind == _U32 else 0
        if self.alignment < 8 or self.alignment & (self.alignment - 1):
            raise GgufError("its alignment is no power of two of 8 or more")

    def _read_scalar(self, key: str, kind: int) -> None:
        if kind == _STRING:
            _string(self._walk, GGUF_STRING_BYTES_MAX)
        elif kind == _BOOL:
            if self._walk.u8() > 1:
                raise GgufError(f"'{key[:100]}' is neither true nor false")
        elif (size := _SIZES.get(kind)) is not None:
            self._walk.skip(size)
        else:
            raise GgufError(f"'{key[:100]}' is of the unknown type {kind}")

    def _read_array(self, key: str) -> None:
        kind, count = self._walk.u32(), self._walk.u64()
        if kind == _STRING:
            self._strings += count
            if self._strings > GGUF_STRINGS_MAX:
                raise GgufError(f"its arrays have more than {GGUF_STRINGS_MAX} strings")
            for _ in range(count):
                _string(self._walk, GGUF_STRING_BYTES_MAX, is_text=False)
        elif (size := _SIZES.get(kind)) is not None:
            self._walk.skip(size * count)
        else:
            raise GgufError(f"'{key[:100]}' is an array of the type {kind}, which is not read")


def check_gguf(pieces: Pieces) -> tuple[str, ...]:
    """Notes; ``GgufError`` where the file is not sound."""
    walk = Walk(pieces, kind=GgufError)
    if walk.take(len(MAGIC)) != MAGIC:
        raise GgufError("it does not begin with 'GGUF'")
    version = walk.u32()
    if version not in _VERSIONS:
        which = "big-endian" if version in _BIG_ENDIAN else f"of version {version}"
        raise GgufError(f"it is {which}; versions 2 and 3, little-endian, are read")
    tensors, entries = walk.u64(), walk.u64()
    if max(tensors, entries) > GGUF_ENTRIES_MAX:
        raise GgufError(f"it has more than {GGUF_ENTRIES_MAX} tensors or metadata entries")
    metadata = _Metadata(walk)
    metadata.read(entries)
    _check_tensors(walk, tensors, metadata.alignment)
    return (TEMPLATE_NOTE,) if metadata.has_template else ()


def _string(walk: Walk, bytes_max: int, *, is_text: bool = True) -> str:
    """A string; one in an array may be any bytes, for vocabularies split characters."""
    length = walk.u64()
    if length > bytes_max:
        raise GgufError(f"a string at byte {walk.at} has {length} bytes, more than {bytes_max}")
    if not is_text:
        walk.skip(length)
        return ""
    try:
        return walk.take(length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise GgufError(f"a string at byte {walk.at} is not UTF-8") from error


def _check_tensors(walk: Walk, count: int, alignment: int) -> None:
    found = [_tensor(walk) for _ in range(count)]
    if len({each.name for each in found}) != count:
        raise GgufError("two of its tensors have one name")
    data_at = _padded(walk.at, alignment)
    at = 0
    for each in found:
        if each.offset != at:
            raise GgufError(f"tensor '{each.name}' does not follow the one before it")
        at = _padded(each.offset + each.size, alignment)
    size = walk.at + walk.left - data_at
    last = found[-1].offset + found[-1].size if found else 0
    if not last <= max(size, 0) <= at:
        raise GgufError(f"its tensors have {last} bytes, and {size} follow the header")


def _tensor(walk: Walk) -> _Tensor:
    name = _string(walk, GGUF_NAME_BYTES_MAX)
    dimensions = walk.u32()
    if not 1 <= dimensions <= GGUF_DIMENSIONS_MAX:
        raise GgufError(f"tensor '{name}' has {dimensions} dimensions")
    shape = [walk.u64() for _ in range(dimensions)]
    kind, offset = walk.u32(), walk.u64()
    if kind not in _BLOCKS:
        raise GgufError(f"tensor '{name}' is of the unknown type {kind}")
    elements, size = _BLOCKS[kind]
    if shape[0] % elements:
        raise GgufError(f"tensor '{name}' ends inside a block")
    for each in shape:
        size *= each
    return _Tensor(name, size // elements, offset)


def _padded(at: int, alignment: int) -> int:
    return -(-at // alignment) * alignment
