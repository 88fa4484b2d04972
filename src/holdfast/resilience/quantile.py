"""A percentile of the last minute's times, in fixed memory.

Source: DDSketch (Masson, Rim, Lee, VLDB 2019), with a fixed range of buckets and a sliding window.
"""

from bisect import bisect_left
from itertools import accumulate
from math import ceil, log

SLICES = 6
SLICE_S = 10.0
RELATIVE_ERROR = 0.02
SECONDS_MIN, SECONDS_MAX = 0.001, 3600.0
"""Times outside count as the nearer bound."""
SAMPLES_MIN = 20
REUSED_S = 0.25
"""A value once computed is given again for so long."""

_GAMMA = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR)
_PER_BUCKET = 1.0 / log(_GAMMA)
_BUCKETS = ceil(log(SECONDS_MAX / SECONDS_MIN) * _PER_BUCKET) + 1


class Percentile:
    """Times of the last 50 to 60 seconds; any percentile of them within 2 % of the exact one
    (nearest rank), as it stood at most a quarter of a second ago."""

    __slots__ = ("_asked", "_at", "_counts", "_known", "_known_until", "_seen", "_slices", "_turn")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._slices = [[0] * _BUCKETS for _ in range(SLICES)]
        self._at = 0
        self._seen = 0
        self._turn = 0.0
        self._asked = -1.0
        self._known = 0.0
        self._known_until = 0.0

    def observe(self, seconds: float, now: float) -> None:
        """Something took so long."""
        if now >= self._turn:
            self._roll(now)
        if seconds <= SECONDS_MIN:
            bucket = 0
        elif seconds >= SECONDS_MAX:
            bucket = _BUCKETS - 1
        else:
            bucket = ceil(log(seconds / SECONDS_MIN) * _PER_BUCKET)
        self._counts[bucket] += 1
        self._slices[self._at][bucket] += 1
        self._seen += 1

    def value(self, percentile: float, now: float) -> float | None:
        """The time that ``percentile`` (0 to 100) of the times did not exceed; None while too few
        were seen to say: fewer than 20, or than put one above a high percentile."""
        if percentile == self._asked and now < self._known_until:
            return self._known
        if now >= self._turn:
            self._roll(now)
        if self._seen < SAMPLES_MIN or self._seen * (100.0 - percentile) < 100.0:
            return None
        rank = max(1, ceil(self._seen * percentile / 100.0))
        bucket = bisect_left(list(accumulate(self._counts)), rank)
        self._known = SECONDS_MIN * _GAMMA**bucket * 2.0 / (1.0 + _GAMMA)
        self._asked, self._known_until = percentile, now + REUSED_S
        return self._known

    def _roll(self, now: float) -> None:
        """Forget the slices whose time has passed."""
        if now >= self._turn + SLICES * SLICE_S:
            self._turn = now - (SLICES - 1) * SLICE_S
        while now >= self._turn:
            self._at = (self._at + 1) % SLICES
            old = self._slices[self._at]
            self._counts = [all_ - gone for all_, gone in zip(self._counts, old, strict=True)]
            self._slices[self._at] = [0] * _BUCKETS
            self._turn += SLICE_S
        self._seen = sum(self._counts)
