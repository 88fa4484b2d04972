"""Protocol buffers, written: the wire types that OTLP's messages are made of.

protobuf.dev/programming-guides/encoding. A field with its default is left out, as proto3 does.
"""

import struct
from functools import lru_cache

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SMALL = [bytes((number,)) for number in range(128)]
_U64, _U32, _DOUBLE = struct.Struct("<Q"), struct.Struct("<I"), struct.Struct("<d")


def varint(number: int) -> bytes:
    """A whole number, seven bits a byte; a negative one as its 64-bit two's complement."""
    if 0 <= number < 128:
        return _SMALL[number]
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)


@lru_cache(maxsize=128)
def _key(field: int, kind: int) -> bytes:
    return varint(field << 3 | kind)


def message(field: int, data: bytes) -> bytes:
    """An embedded message or bytes, empty ones too."""
    size = len(data)
    return _key(field, _BYTES) + (_SMALL[size] if size < 128 else varint(size)) + data


def text(field: int, value: str) -> bytes:
    return message(field, value.encode("utf-8", "replace")) if value else b""


def raw(field: int, value: bytes) -> bytes:
    """Bytes, left out where there are none."""
    return message(field, value) if value else b""


def number(field: int, value: int) -> bytes:
    """int32, int64, uint32, bool, enum."""
    return _key(field, _VARINT) + varint(value) if value else b""


def fixed64(field: int, value: int) -> bytes:
    return _key(field, _FIXED64) + _U64.pack(value) if value else b""


def fixed32(field: int, value: int) -> bytes:
    return _key(field, _FIXED32) + _U32.pack(value) if value else b""


def double(field: int, value: float) -> bytes:
    """Written even where it is zero: the fields that are doubles here say whether there is one."""
    return _key(field, _FIXED64) + _DOUBLE.pack(value)


def chosen(field: int, value: int) -> bytes:
    """A whole number that is one choice of several: written even where it is zero."""
    return _key(field, _VARINT) + varint(value)


def packed_fixed64(field: int, values: tuple[int, ...]) -> bytes:
    return message(field, struct.pack(f"<{len(values)}Q", *values))


def packed_doubles(field: int, values: tuple[float, ...]) -> bytes:
    return message(field, struct.pack(f"<{len(values)}d", *values))
