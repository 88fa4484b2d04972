"""One series against its own past: what is expected, how far off a value is, when to say so.

Three forecasts run side by side: the same hour of earlier weeks, of earlier days, and the median of
the last values. The one that was nearest lately is believed. How far off is too far is read off
the forecast's own past errors, so a series that is always restless is not always anomalous.
"""

from array import array
from collections import deque
from statistics import median

from holdfast.telemetry.anomalies.forms import Baseline, Scale, Verdict
from holdfast.telemetry.anomalies.scales import SCALES
from holdfast.telemetry.anomalies.season import Season

RECENT = 36
"""Values that the forecast of the last hours stands on."""
ERRORS_KEPT = 2_016
"""A week of five minutes."""
ERRORS_MIN = 144
"""Half a day: before, nothing is called anomalous."""
JUDGED_AGAIN = 12
"""After how many values the spread of errors is looked at anew."""
NEAR = 0.002
"""How fast it is forgotten how near a forecast was: within about two days of five minutes."""
ABOUT_AS_NEAR = 1.3
"""So much further off a forecast may be than the nearest, where it knows a longer season."""
OFF = 4.0
"""Deviations from which a value is off."""
FAR_OFF = 7.0
"""Deviations from which one value alone is enough."""
OFF_OF = (2, 3)
"""So many of so many values must be off, all to one side, for an anomaly to begin."""
CALM = 36
"""Values in a row that must not be off for it to end."""
LEARNT = 6
"""Of the values of one anomaly that are off, how many count as errors of the forecast. So what comes
again and again becomes usual, and one long outage does not."""
RELEARNT = 288
"""After so many it is no anomaly but how things are now: all count again."""
_BASELINES: tuple[Baseline, ...] = ("week", "day", "recent")


class Detector:
    """Judges one value after the other. Pure; about 15 kB."""

    def __init__(self, scale: Scale, *, off: float = OFF, far_off: float = FAR_OFF) -> None:
        self._scale = SCALES[scale]
        self._off = off
        self._far_off = far_off
        self._season = Season()
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._error = dict.fromkeys(_BASELINES, 0.0)
        self._errors = _Errors()
        self._sides: deque[int] = deque(maxlen=OFF_OF[1])
        self._calm = 0
        self._off_values = 0
        self._is_on = False

    def feed(self, at_s: int, value: float, *, noise: float = 0.0) -> Verdict:
        """The next value of the series, at its time in seconds. ``noise`` is the deviation, on the
        stabilised scale, that it has by chance alone: what few calls say is not certain."""
        stable = self._scale.of(value)
        forecasts = self._forecasts(at_s, stable)
        baseline = self._nearest(forecasts)
        expected = forecasts.get(baseline) if baseline is not None else None
        # Measured in what chance alone does to it: a busy hour must not hide behind a quiet one.
        unit = max(self._scale.floor, noise)
        error = None if expected is None else (stable - expected) / unit
        score = None if error is None else self._errors.score(error)
        began, ended = self._decide(score)
        verdict = Verdict(
            at=at_s * 1_000_000,
            value=value,
            expected=None if expected is None else self._scale.back(expected),
            score=score,
            baseline=baseline,
            is_anomalous=self._is_on,
            began=began,
            ended=ended,
        )
        self._learn(at_s, stable, forecasts=forecasts, unit=unit, error=error)
        return verdict

    def pass_over(self) -> bool:
        """There was nothing to say a value of; whether an anomaly ends with that."""
        self._sides.append(0)
        self._calm += 1
        ended = self._is_on and self._calm >= CALM
        self._is_on = self._is_on and not ended
        return ended

    def _forecasts(self, at_s: int, stable: float) -> dict[Baseline, float]:
        found: dict[Baseline, float] = {}
        week = self._season.expected(at_s, stable, period_h=168)
        day = self._season.expected(at_s, stable, period_h=24)
        if week is not None:
            found["week"] = week
        if day is not None:
            found["day"] = day
        if len(self._recent) == RECENT:
            found["recent"] = median(self._recent)
        return found

    def _nearest(self, forecasts: dict[Baseline, float]) -> Baseline | None:
        """The longest season that is about as near as the nearest: on a Friday the days before tell
        as much as the Fridays before, but not of the Saturday that comes."""
        if not forecasts:
            return None
        least = min(self._error[name] for name in forecasts)
        return next(name for name in forecasts if self._error[name] <= least * ABOUT_AS_NEAR)

    def _decide(self, score: float | None) -> tuple[bool, bool]:
        """Whether an anomaly begins, and whether one ends."""
        side = 0 if score is None or abs(score) < self._off else 1 if score > 0 else -1
        self._sides.append(side)
        self._calm = 0 if side else self._calm + 1
        if self._is_on:
            self._is_on = self._calm < CALM
            return False, not self._is_on
        alone = score is not None and abs(score) >= self._far_off
        self._is_on = alone or max(self._sides.count(1), self._sides.count(-1)) >= OFF_OF[0]
        return self._is_on, False

    def _learn(
        self,
        at_s: int,
        stable: float,
        *,
        forecasts: dict[Baseline, float],
        unit: float,
        error: float | None,
    ) -> None:
        """The value becomes part of the past; what was anomalous counts as no error beyond it."""
        spread = self._errors.spread
        for name, expected in forecasts.items():
            off = abs(stable - expected) / unit
            capped = off if spread is None else min(off, self._off * spread)
            self._error[name] += NEAR * (capped - self._error[name])
        if not self._is_on:
            self._off_values = 0
        elif self._sides[-1]:
            self._off_values += 1
        if error is not None and not LEARNT < self._off_values <= RELEARNT:
            self._errors.add(error)
        self._season.add(at_s, stable)
        self._recent.append(stable)


class _Errors:
    """The forecast's last errors, in units of their noise, and the deviation they come to."""

    def __init__(self) -> None:
        self._kept = array("f")
        self._next = 0
        self._since = 0
        self.spread: float | None = None

    def add(self, error: float) -> None:
        if len(self._kept) < ERRORS_KEPT:
            self._kept.append(abs(error))
        else:
            self._kept[self._next] = abs(error)
            self._next = (self._next + 1) % ERRORS_KEPT
        self._since += 1
        if len(self._kept) >= ERRORS_MIN and (self.spread is None or self._since >= JUDGED_AGAIN):
            self.spread = _deviation(sorted(self._kept))
            self._since = 0

    def score(self, error: float) -> float | None:
        """How many deviations an error is: never more than units."""
        return None if self.spread is None else error / max(self.spread, 1.0)


def _deviation(ordered: list[float]) -> float:
    """The deviation that the errors come to, robust and mindful of heavy tails.

    Each share of a normal distribution's errors lies within a known number of deviations: the
    half within 0.674 (that is the median absolute deviation), 99 % within 2.576. Where the tail is
    heavier than that, the tail decides.
    """
    return max(
        ordered[int(len(ordered) * share)] / width
        for share, width in ((0.5, 0.674), (0.9, 1.645), (0.99, 2.576))
    )
