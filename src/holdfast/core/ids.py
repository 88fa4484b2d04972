"""Identifiers. A call's id is a ULID, so that ids sort by the time the call was accepted."""

from functools import lru_cache
from typing import NewType

from holdfast.core.instants import Instant

NodeId = NewType("NodeId", str)
RelationshipId = NewType("RelationshipId", str)
CallId = NewType("CallId", str)
CredentialId = NewType("CredentialId", str)

ULID_LENGTH = 26
RANDOM_BYTES = 10
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS = dict(zip(_CROCKFORD.encode(), b"0123456789ABCDEFGHIJKLMNOPQRSTUV", strict=True))
# To the digits that ``int`` reads in base 32, the quickest way back (hot path); the rest to none.
_AS_BASE_32 = bytes([_DIGITS.get(code, 0x21) for code in range(256)])
# Two characters at a time: 10-bit pairs make a ULID 13 look-ups instead of 26 (hot path).
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)
_TIME_SHIFTS = tuple(range(40, -1, -10))
_NOISE_SHIFTS = tuple(range(70, -1, -10))


def ulid(instant: Instant, randomness: bytes) -> str:
    """A ULID (github.com/ulid/spec) of 26 characters: 48 bits of milliseconds, 80 random bits.

    ``randomness`` is exactly 10 bytes.
    """
    noise, pairs = int.from_bytes(randomness, "big"), _PAIRS
    return _time_part(instant // 1000) + "".join(
        [pairs[noise >> shift & 0x3FF] for shift in _NOISE_SHIFTS]
    )


@lru_cache(maxsize=64)
def _time_part(milliseconds: int) -> str:
    """Ten characters; many calls share a millisecond."""
    return "".join([_PAIRS[milliseconds >> shift & 0x3FF] for shift in _TIME_SHIFTS])


def ulid_instant(text: str) -> Instant:
    """The instant (to the millisecond) inside a ULID; ``ValueError`` when it is not one."""
    if len(text) != ULID_LENGTH:
        raise ValueError(f"a ULID has {ULID_LENGTH} characters, this has {len(text)}")
    value = 0
    for character in text.upper():
        value = value * 32 + _CROCKFORD.index(character)
    return Instant((value >> 80) * 1000)


def ulid_number(text: str) -> int:
    """The 128 bits of a ULID as ``ulid`` writes it; ``ValueError`` when it is not one."""
    number = int(text.encode("utf-8").translate(_AS_BASE_32), 32)
    if len(text) != ULID_LENGTH or number >> 128:
        raise ValueError("a ULID has 128 bits in 26 characters")
    return number
