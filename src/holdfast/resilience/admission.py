"""Where calls wait when every upstream is at its limit: bounded, by criticality, and newest first
under overload.

Sources: CoDel (RFC 8289) to tell a standing queue from a burst, adaptive LIFO of Facebook ("Fail at
Scale", ACM Queue 13(8), 2015) for what to do about it, SRE book chapter 21 for criticality.
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

from holdfast.blueprint import Criticality

T = TypeVar("T")

RANKS: dict[Criticality, int] = {"critical": 0, "standard": 1, "sheddable": 2}
"""Lower ranks are served first and evicted last."""

INTERVAL_S_MIN = 0.1
TARGET_SHARE = 0.05
"""RFC 8289 section 4: an interval of 100 ms, a target of 5 % of it, for round trips of a network.
Calls take longer: the interval is the time that one is expected to take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Generic[T]):
    """What came of an offer. ``evicted`` gave its place to the one that was accepted."""

    accepted: bool
    evicted: T | None = None


class _Waiting(Generic[T]):
    __slots__ = ("due", "item", "since")

    def __init__(self, item: T, *, due: float, since: float) -> None:
        self.item = item
        self.due = due
        self.since = since


class _Line(Generic[T]):
    """All that wait with one criticality, in order of arrival."""

    __slots__ = ("above_since", "waiting")

    def __init__(self) -> None:
        self.waiting: OrderedDict[int, _Waiting[T]] = OrderedDict()
        self.above_since: float | None = None

    @property
    def oldest(self) -> _Waiting[T]:
        return next(iter(self.waiting.values()))

    def stands(self, now: float, *, expected_s: float) -> bool:
        """Has the delay been above target for a whole interval (RFC 8289 section 4.2)?"""
        interval_s = max(INTERVAL_S_MIN, expected_s)
        if now - self.oldest.since <= interval_s * TARGET_SHARE:
            self.above_since = None
            return False
        if self.above_since is None:
            self.above_since = now
        return now - self.above_since >= interval_s


class AdmissionQueue(Generic[T]):
    """At most ``size`` items wait, each at most ``wait_s``. Items are told apart by identity.

    Higher criticality always goes first. Within one: first in, first out while the line is short
    and drains; last in, first out when it is longer than ``lifo_from`` or its delay stands: then
    the newest can still be answered in time, and the oldest most likely cannot.
    """

    __slots__ = ("_length", "_lifo_from", "_lines", "_size", "_wait_s")

    def __init__(self, *, size: int, lifo_from: int, wait_s: float = inf) -> None:
        self._size = size
        self._lifo_from = lifo_from
        self._wait_s = wait_s
        self._length = 0
        self._lines: tuple[_Line[T], ...] = tuple(_Line[T]() for _ in RANKS)

    def __len__(self) -> int:
        return self._length

    def offer(self, item: T, *, criticality: Criticality, due: float, now: float) -> Offer[T]:
        """Let ``item`` wait; by ``due`` it must be answered.

        When full, the oldest of the lowest criticality makes room, unless that one is higher than
        the item's own: then the item is not accepted.
        """
        line = self._lines[RANKS[criticality]]
        assert id(item) not in line.waiting, "offered twice"
        evicted: T | None = None
        if self._length >= self._size:
            lowest = self._lowest(RANKS[criticality])
            if lowest is None:
                return Offer(accepted=False)
            evicted = self._pop(lowest, newest=False).item
        if not line.waiting:
            line.above_since = None
        line.waiting[id(item)] = _Waiting(item, due=due, since=now)
        self._length += 1
        return Offer(accepted=True, evicted=evicted)

    def take(self, now: float, *, expected_s: float = 0.0) -> tuple[T | None, list[T]]:
        """The next to run, and those dropped on the way: they waited ``wait_s``, or would not be
        answered by their due if they began now and took ``expected_s``."""
        dropped: list[T] = []
        for line in self._lines:
            while line.waiting and self._is_late(line.oldest, now, expected_s=expected_s):
                dropped.append(self._pop(line, newest=False).item)
            while line.waiting:
                stands = line.stands(now, expected_s=expected_s)
                newest = stands or len(line.waiting) > self._lifo_from
                chosen = self._pop(line, newest=newest)
                if not self._is_late(chosen, now, expected_s=expected_s):
                    return chosen.item, dropped
                dropped.append(chosen.item)
        return None, dropped

    def expire(self, now: float, *, expected_s: float = 0.0) -> list[T]:
        """Drop all that ``take`` would drop, wherever they stand: for a sweep, as long as nothing
        is taken."""
        late = [
            (line, key)
            for line in self._lines
            for key, waiting in line.waiting.items()
            if self._is_late(waiting, now, expected_s=expected_s)
        ]
        self._length -= len(late)
        return [line.waiting.pop(key).item for line, key in late]

    def clear(self) -> list[T]:
        """Nobody waits any longer. Those who did, in the order in which they would be served first
        in, first out."""
        waiting = [each.item for line in self._lines for each in line.waiting.values()]
        for line in self._lines:
            line.waiting.clear()
        self._length = 0
        return waiting

    def remove(self, item: T) -> bool:
        """``item`` waits no longer (its caller left). False when it was not waiting."""
        for line in self._lines:
            if line.waiting.pop(id(item), None) is not None:
                self._length -= 1
                return True
        return False

    def _lowest(self, rank: int) -> _Line[T] | None:
        for line in reversed(self._lines[rank:]):
            if line.waiting:
                return line
        return None

    def _pop(self, line: _Line[T], *, newest: bool) -> _Waiting[T]:
        self._length -= 1
        return line.waiting.popitem(last=newest)[1]

    def _is_late(self, waiting: _Waiting[T], now: float, *, expected_s: float) -> bool:
        return waiting.due < now + expected_s or now - waiting.since > self._wait_s
