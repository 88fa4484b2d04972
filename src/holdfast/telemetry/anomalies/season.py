"""What was usual at this hour: medians of every hour, for six weeks.

Both seasons are read off one ring: the hour of the week from every 168th entry, the hour of the day
from every 24th. A ring of 1,008 hours takes 4 kB.
"""

from array import array
from collections.abc import Iterable
from math import isnan, nan
from statistics import median

_HOUR_S = 3_600
HOURS_KEPT = 6 * 168
DAYS_COMPARED = 7
WEEKS_COMPARED = 6
DAYS_MIN = 2
WEEKS_MIN = 2
LEVEL_HOURS = 12
LEVEL_HOURS_MIN = 6


class Season:
    """Hourly medians on a stabilised scale."""

    def __init__(self) -> None:
        self._medians = array("f", [nan]) * HOURS_KEPT
        self._hour: int | None = None
        self._values: list[float] = []
        self._told: dict[tuple[int, int], float | None] = {}

    def add(self, at_s: int, value: float) -> None:
        """A value of its hour. Values come in the order of time."""
        hour = at_s // _HOUR_S
        if hour != self._hour:
            self._close(hour)
        self._values.append(value)

    def _close(self, hour: int) -> None:
        if self._hour is not None:
            if self._values:
                self._medians[self._hour % HOURS_KEPT] = median(self._values)
            for gone in range(self._hour + 1, min(hour, self._hour + 1 + HOURS_KEPT)):
                self._medians[gone % HOURS_KEPT] = nan
        self._medians[hour % HOURS_KEPT] = nan
        self._hour, self._values = hour, []
        self._told.clear()

    def expected(self, at_s: int, value: float, *, period_h: int) -> float | None:
        """What is nearest to ``value`` of all that this time of the day (``period_h`` 24) or of the
        week (168) usually had; None while too little is known.

        That is from the one to the other of the two hours that a time lies between, moved to the
        level of the last hours: traffic may rise along the hour, or at once when it strikes.
        """
        first = (at_s - _HOUR_S // 2) // _HOUR_S
        one = self._usual(first, period_h)
        other = self._usual(first + 1, period_h)
        if one is None or other is None:
            return None
        level = self._level(at_s // _HOUR_S, period_h)
        return min(max(value, min(one, other) + level), max(one, other) + level)

    def _usual(self, hour: int, period_h: int) -> float | None:
        """Looked up once an hour: nothing it stands on changes within one."""
        key = (hour, period_h)
        if key not in self._told:
            self._told[key] = self._looked_up(hour, period_h)
        return self._told[key]

    def _looked_up(self, hour: int, period_h: int) -> float | None:
        count, least = (DAYS_COMPARED, DAYS_MIN) if period_h == 24 else (WEEKS_COMPARED, WEEKS_MIN)
        found = self._known(hour - period_h * back for back in range(1, count + 1))
        return median(found) if len(found) >= least else None

    def _level(self, hour: int, period_h: int) -> float:
        """How far the last hours lie from what was usual for them."""
        key = (-1, period_h)
        if key not in self._told:
            self._told[key] = self._shift(hour, period_h)
        return self._told[key] or 0.0

    def _shift(self, hour: int, period_h: int) -> float:
        off: list[float] = []
        for each in range(hour - LEVEL_HOURS, hour):
            usual, own = self._usual(each, period_h), self._known((each,))
            if usual is not None and own:
                off.append(own[0] - usual)
        return median(off) if len(off) >= LEVEL_HOURS_MIN else 0.0

    def _known(self, hours: Iterable[int]) -> list[float]:
        now = self._hour if self._hour is not None else 0
        kept = (self._medians[hour % HOURS_KEPT] for hour in hours if now - HOURS_KEPT < hour < now)
        return [value for value in kept if not isnan(value)]
