"""Identifiers. A call's id is a ULID, so that ids sort by the time the call was accepted."""

from typing import NewType

from holdfast.core.instants import Instant

NodeId = NewType("NodeId", str)
RelationshipId = NewType("RelationshipId", str)
CallId = NewType("CallId", str)
CredentialId = NewType("CredentialId", str)

ULID_LENGTH = 26
RANDOM_BYTES = 10
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Two characters at a time: 10-bit pairs make a ULID 13 look-ups instead of 26 (hot path).
_PAIRS = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)
_PAIR_SHIFTS = tuple(range(120, -1, -10))


def ulid(instant: Instant, randomness: bytes) -> str:
    """A ULID (github.com/ulid/spec) of 26 characters: 48 bits of milliseconds, 80 random bits.

    ``randomness`` is exactly 10 bytes.
    """
    value = (instant // 1000 << 80) | int.from_bytes(randomness, "big")
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 0x3FF] for shift in _PAIR_SHIFTS])


def ulid_instant(text: str) -> Instant:
    """The instant (to the millisecond) inside a ULID; ``ValueError`` when it is not one."""
    if len(text) != ULID_LENGTH:
        raise ValueError(f"a ULID has {ULID_LENGTH} characters, this has {len(text)}")
    value = 0
    for character in text.upper():
        value = value * 32 + _CROCKFORD.index(character)
    return Instant((value >> 80) * 1000)
