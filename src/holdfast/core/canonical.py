"""Canonical bytes: the same value always has the same bytes, so that digests of it agree."""

from typing import TypeAlias

import msgspec

Json: TypeAlias = bool | int | str | list["Json"] | dict[str, "Json"] | None
"""What canonical bytes can be made of. No floats: their text is where implementations differ."""

_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical_json(value: Json) -> bytes:
    """The JSON Canonicalization Scheme (RFC 8785) bytes of a value without floats.

    Keys are sorted by UTF-8 bytes, which equals RFC 8785's UTF-16 order for keys inside the basic
    multilingual plane; keys in this code base are ASCII.
    """
    return _ENCODER.encode(value)
