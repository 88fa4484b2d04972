"""Which calls' spans are sent. Metrics and events are of all calls.

Every error, refusal and slow call is kept; of the rest a share, chosen by the trace id, so that
everybody who chooses that way keeps the same traces (OpenTelemetry's consistent probability sampling:
the threshold stands in the tracestate as ``ot=th:``, and who counts spans can count back).
"""

from collections.abc import Iterator
from itertools import count
from math import log2
from typing import Final

from holdfast.audit import CallRecord
from holdfast.core import CallTrace

PAIRS_MAX: Final = 2_000
"""Relationships whose slow calls are told apart; calls over further ones are never slow."""
SLOW_AFTER: Final = 200
"""Calls of a relationship until it is known which are slow."""
REMEMBERED: Final = 10_000
"""Calls after which older ones count half."""
SLOW_SHARE: Final = 0.05
_STEPS: Final = 8
"""Buckets for each doubling: a threshold is at most 9 % above the true one."""
_BUCKETS: Final = 40 * _STEPS
_RENEWED_EVERY: Final = 64
_ALL: Final = 1 << 56
"""Thresholds have 56 bits: those at the end of a trace id."""
_CERTAIN: Final = "ot=th:0"


class Sampler:
    """``share`` is of calls that are neither wrong nor slow. With ``follows_callers`` a call in a
    trace of its caller's is kept when its caller says that it keeps it, whatever the share."""

    def __init__(self, share: float, *, follows_callers: bool = False) -> None:
        self._threshold = round((1.0 - share) * _ALL)
        digits = f"{self._threshold:014x}".rstrip("0") or "0"
        self._state = f"ot=th:{digits}"
        self._follows = follows_callers
        self._pairs: dict[str, _Pace] = {}

    def judge(self, record: CallRecord, ids: CallTrace) -> str | None:
        """The ``tracestate`` of the spans to send; None where none is sent."""
        is_slow = self._is_slow(record)
        if is_slow or record.outcome in ("refused", "failed", "cancelled") or record.status >= 400:
            return _CERTAIN
        if self._follows and ids.parent is not None:
            return "" if ids.is_sampled else None
        return self._state if int(ids.trace[-14:], 16) >= self._threshold else None

    def _is_slow(self, record: CallRecord) -> bool:
        name = record.relationship
        if name is None or record.attempts == 0:
            return False
        pace = self._pairs.get(name)
        if pace is None:
            if len(self._pairs) >= PAIRS_MAX:
                return False
            pace = self._pairs[name] = _Pace()
        return pace.is_slow(record.duration_us)


class _Pace:
    """How long the calls of one relationship take: a histogram that forgets."""

    __slots__ = ("_counts", "_limit_us", "_seen", "_turn")

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self._seen = 0
        self._limit_us = 0.0
        self._turn: Iterator[int] = count(1)

    def is_slow(self, duration_us: int) -> bool:
        """Whether it is slower than all but ``SLOW_SHARE`` of those before it."""
        is_slow = self._seen >= SLOW_AFTER and duration_us > self._limit_us
        self._counts[min(int(log2(max(duration_us, 1)) * _STEPS), _BUCKETS - 1)] += 1
        self._seen += 1
        if self._seen >= REMEMBERED:
            self._counts = [each // 2 for each in self._counts]
            self._seen = sum(self._counts)
        if next(self._turn) % _RENEWED_EVERY == 0 or self._seen == SLOW_AFTER:
            self._limit_us = self._limit()
        return is_slow

    def _limit(self) -> float:
        """The upper end of the bucket in which the slowest calls begin."""
        left = self._seen * SLOW_SHARE
        for place in range(_BUCKETS - 1, -1, -1):
            left -= self._counts[place]
            if left < 0:
                return 2 ** ((place + 1) / _STEPS)
        return 0.0
