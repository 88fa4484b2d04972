"""How long calls took, as counts in buckets whose width grows with the time.

DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch", VLDB 2019):
bucket ``i`` holds durations in ``(G**(i-1), G**i]`` with ``G = (1 + a) / (1 - a)``; its middle is
within ``a`` of each of them. Sketches of two stretches of time add up to that of both.
"""

import math
import struct
from collections.abc import Mapping, MutableMapping
from typing import TypeAlias

ACCURACY = 0.02
"""The most by which a percentile is off, as a part of it (and half a microsecond, by rounding)."""

Buckets: TypeAlias = dict[int, int]

_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
_PER_BUCKET = 1 / math.log(_GROWTH)
_MIDDLE = 2 / (1 + _GROWTH)
# Ten bits of bucket (0 to 1023: up to 10^17 microseconds), 22 of count: a fuller one is split.
_COUNT_BITS = 22
_COUNT_MAX = (1 << _COUNT_BITS) - 1
_BUCKET_MAX = 1023

_log, _ceil = math.log, math.ceil


def bucket_of(duration_us: int) -> int:
    """The bucket of a duration; what took no time counts as a microsecond."""
    if duration_us <= 1:
        return 0
    return min(_ceil(_log(duration_us) * _PER_BUCKET), _BUCKET_MAX)


def value_of(bucket: int) -> int:
    """The duration that stands for all in a bucket."""
    return round(_MIDDLE * _GROWTH**bucket)


def percentile(buckets: Mapping[int, int], part: float) -> int | None:
    """The duration that ``part`` of all are not longer than; None where there are none."""
    total = sum(buckets.values())
    if not total:
        return None
    rank = max(1, _ceil(part * total))
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return value_of(bucket)
    raise AssertionError("the ranks go up to the total")


class Sketch:
    """Many values, kept as counts of how many were about how large."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: Mapping[int, int]) -> None:
        self._buckets = buckets

    @property
    def count(self) -> int:
        return sum(self._buckets.values())

    def within(self, value: int) -> int:
        """How many were at most ``value``; one near it, by a few percent, counts on either side."""
        last = bucket_of(value)
        return sum(count for bucket, count in self._buckets.items() if bucket <= last)

    def quantile(self, q: float) -> int | None:
        """The value that a share ``q`` does not pass; None where there is none."""
        return percentile(self._buckets, q)


def pack(buckets: Mapping[int, int]) -> bytes | None:
    """Four bytes a bucket; None for an empty sketch."""
    if not buckets:
        return None
    if max(buckets.values()) > _COUNT_MAX:
        words = _split(buckets)
    else:
        words = [bucket << _COUNT_BITS | count for bucket, count in buckets.items()]
    return struct.pack(f"<{len(words)}I", *words)


def _split(buckets: Mapping[int, int]) -> list[int]:
    words: list[int] = []
    for bucket, count in buckets.items():
        left = count
        while left > _COUNT_MAX:
            words.append(bucket << _COUNT_BITS | _COUNT_MAX)
            left -= _COUNT_MAX
        words.append(bucket << _COUNT_BITS | left)
    return words


def merge(into: MutableMapping[int, int], packed: bytes | None) -> None:
    """Add a packed sketch."""
    if packed is None:
        return
    width = len(packed) >> 2
    for word in struct.unpack(f"<{width}I", packed):
        bucket = word >> _COUNT_BITS
        into[bucket] = into.get(bucket, 0) + (word & _COUNT_MAX)
