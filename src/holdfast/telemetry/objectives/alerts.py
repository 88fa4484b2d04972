"""When a budget burns so fast that somebody must know: multi-window, multi-burn-rate alerts.

Site Reliability Workbook (Beyer et al., 2018), chapter 5, "6: Multiwindow, Multi-Burn-Rate Alerts".
A factor says what part of a budget of thirty days its long window takes: 14.4 in an hour is 2 %,
6 in six hours 5 %, 3 in a day 10 %, 1 in three days 10 %. The short window is a twelfth of the long.
"""

from collections.abc import Callable, Iterator

from holdfast.telemetry.objectives.forms import Alert

_HOUR = 60
_DAY = 24 * _HOUR

ALERTS: tuple[Alert, ...] = (
    Alert(severity="page", factor=14.4, long_min=_HOUR, short_min=5),
    Alert(severity="page", factor=6.0, long_min=6 * _HOUR, short_min=30),
    Alert(severity="ticket", factor=3.0, long_min=_DAY, short_min=2 * _HOUR),
    Alert(severity="ticket", factor=1.0, long_min=3 * _DAY, short_min=6 * _HOUR),
)
"""The fastest first."""
WINDOWS_MIN = tuple(sorted({w for each in ALERTS for w in (each.long_min, each.short_min)}))
"""Every window that burn is told for, in minutes: 5, 30, 60, 120, 360, 1440, 4320."""
LONGEST_MIN = WINDOWS_MIN[-1]


def alerts_of(
    rate: Callable[[int], float | None], *, enough: Callable[[int], bool], days: int
) -> Iterator[Alert]:
    """The alerts that hold. ``rate`` gives the burn of a window of minutes, ``enough`` whether it
    counted enough to be believed. Windows longer than the objective's own ask nothing."""
    for alert in ALERTS:
        if alert.long_min > days * _DAY or not enough(alert.long_min):
            continue
        long, short = rate(alert.long_min), rate(alert.short_min)
        if long is not None and short is not None and min(long, short) >= alert.factor:
            yield alert
