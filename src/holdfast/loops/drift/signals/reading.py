"""From weekly values to what they say: a slope, a step, or nothing that chance does not explain."""

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.loops.drift.signals.trends import WEEKS_MAX, WEEKS_MIN, Trend, holm, trend
from holdfast.loops.drift.signals.weekly import NEEDS, Series, Sources, series_of

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A series with its trend. ``p_slope`` and ``p_step`` are corrected for all tests of the run;
    ``said`` is the whole of it in words. ``trend`` None: too few weeks."""

    series: Series
    trend: Trend | None
    p_slope: float | None
    p_step: float | None
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """All signals that the data allows, and what those need that it does not."""

    signals: tuple[Signal, ...]
    missing: Mapping[str, str]
    tests: int


def read_signals(sources: Sources) -> Signals:
    """Every signal with its trend; p-values corrected (Holm) for the number of tests made."""
    series = series_of(sources)
    trends = [trend(_gapless(each.values)) for each in series]
    tested = [found for found in trends if found is not None]
    corrected = iter(holm([p for found in tested for p in (found.p_slope, found.p_step)]))
    signals = tuple(
        _untested(each)
        if found is None
        else _tested(each, found, p_slope=next(corrected), p_step=next(corrected))
        for each, found in zip(series, trends, strict=True)
    )
    there = {each.signal for each in series}
    missing = {name: need for name, need in NEEDS.items() if name not in there}
    return Signals(signals=signals, missing=missing, tests=2 * len(tested))


def _gapless(values: Mapping[int, float]) -> list[float]:
    """The values in order. Weeks without one are left out: nothing is made up for them."""
    return [values[week] for week in sorted(values)][-WEEKS_MAX:]


def _untested(series: Series) -> Signal:
    said = f"{len(series.values)} weeks; a trend needs {WEEKS_MIN}"
    return Signal(series=series, trend=None, p_slope=None, p_step=None, said=said)


def _tested(series: Series, found: Trend, *, p_slope: float, p_step: float) -> Signal:
    words: list[str] = []
    if p_slope < SIGNIFICANT and found.slope:
        words.append(f"{'rises' if found.slope > 0 else 'falls'} by {abs(found.slope):.3g} a week")
    if p_step < SIGNIFICANT:
        week = sorted(series.values)[-WEEKS_MAX:][found.step]
        words.append(f"stepped after week {week}")
    said = " and ".join(words) or "no trend that chance does not explain"
    return Signal(series=series, trend=found, p_slope=p_slope, p_step=p_step, said=said)
