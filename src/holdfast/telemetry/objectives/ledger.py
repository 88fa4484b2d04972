"""Two numbers for every minute and every hour: what was used of a budget, and what was counted.

Bounded: three days of minutes, and as many hours as the objective's window has.
"""

from array import array
from dataclasses import dataclass

from holdfast.telemetry.objectives.alerts import LONGEST_MIN

_HOUR_MIN = 60


@dataclass(frozen=True, slots=True)
class Sums:
    """``used`` is the bad, or the money; ``counted`` is all."""

    used: int
    counted: int


class _Ring:
    """The newest ``size`` steps; what was never written is 0."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = array("q", bytes(8 * size))
        self._counted = array("q", bytes(8 * size))
        self.newest = -1

    def reach(self, step: int) -> None:
        """Forget what lies more than ``size`` steps before ``step``."""
        if step <= self.newest:
            return
        first = max(self.newest + 1, step - self._size + 1)
        for each in range(first, step + 1):
            self._used[each % self._size] = self._counted[each % self._size] = 0
        self.newest = step

    def holds(self, step: int) -> bool:
        return self.newest - self._size < step <= self.newest

    def at(self, step: int) -> Sums:
        return Sums(self._used[step % self._size], self._counted[step % self._size])

    def add(self, step: int, *, used: int, counted: int) -> None:
        self._used[step % self._size] += used
        self._counted[step % self._size] += counted

    def last(self, steps: int) -> Sums:
        """The sums of the newest ``steps``."""
        steps = min(steps, self._size, self.newest + 1)
        end = self.newest % self._size + 1
        begin = end - steps
        if begin >= 0:
            return Sums(sum(self._used[begin:end]), sum(self._counted[begin:end]))
        return Sums(
            sum(self._used[begin:]) + sum(self._used[:end]),
            sum(self._counted[begin:]) + sum(self._counted[:end]),
        )


class Ledger:
    """What one objective counted. Minutes are numbered since 1970."""

    def __init__(self, days: int) -> None:
        self._minutes = _Ring(LONGEST_MIN)
        self._hours = _Ring(days * 24)
        self._first: int | None = None

    def reach(self, minute: int) -> None:
        """Time has come so far, whether or not calls came with it."""
        self._minutes.reach(minute)
        self._hours.reach(minute // _HOUR_MIN)

    def put(self, minute: int, sums: Sums) -> None:
        """What a minute came to. Told again, the later word counts, for three days."""
        self.reach(minute)
        hour = minute // _HOUR_MIN
        before = Sums(0, 0)
        if self._minutes.holds(minute):
            before = self._minutes.at(minute)
            self._minutes.add(
                minute, used=sums.used - before.used, counted=sums.counted - before.counted
            )
        if self._hours.holds(hour):
            self._hours.add(
                hour, used=sums.used - before.used, counted=sums.counted - before.counted
            )
        if sums.counted and (self._first is None or minute < self._first):
            self._first = minute

    def within(self, minutes: int) -> Sums:
        """The last so many minutes, the one that runs included; at most three days."""
        return self._minutes.last(minutes)

    def whole(self) -> Sums:
        """The objective's window, in whole hours and the one that runs."""
        return self._hours.last(self._hours.newest + 1)

    @property
    def seen_min(self) -> int:
        """Minutes since the first that counted anything; 0 where none did."""
        return 0 if self._first is None else self._minutes.newest - self._first + 1
