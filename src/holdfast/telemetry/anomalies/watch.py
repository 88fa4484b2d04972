"""Every relationship, five minutes at a time: what is fed to which detector, and what came of it."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import sqrt

from holdfast.history import Minute
from holdfast.telemetry.anomalies.detector import Detector
from holdfast.telemetry.anomalies.forms import Anomaly, AnomalyMeasure, Scale, Verdict

BUCKET_S = 300
RELATIONSHIPS_MAX = 200
"""Watched at once; each takes about 80 kB. What comes after is not watched, and told so."""
ANOMALIES_KEPT = 200
"""Of those that ended, the last."""
ANSWERED_MIN = 5
"""A percentile or a mean of fewer calls says nothing."""
ASKED_MIN = 10
"""A share of fewer calls says nothing."""

_SECOND_US = 1_000_000
_SCALES: dict[AnomalyMeasure, Scale] = {
    "rate": "count",
    "latency": "ratio",
    "tokens": "ratio",
    "refused": "share",
    "cost": "ratio",
}


@dataclass(frozen=True, slots=True)
class _Value:
    """A measure's value, and the deviation that it has by chance on its stabilised scale."""

    value: float
    noise: float


@dataclass(slots=True)
class _Watched:
    detectors: dict[AnomalyMeasure, Detector] = field(
        default_factory=lambda: {name: Detector(scale) for name, scale in _SCALES.items()}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An anomaly that begins, or one that has ended."""

    anomaly: Anomaly
    began: bool


class Watch:
    """Pure: closed buckets are told to it in their order."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._open: dict[tuple[str, AnomalyMeasure], Anomaly] = {}
        self._ended: deque[Anomaly] = deque(maxlen=ANOMALIES_KEPT)
        self.left_out: set[str] = set()

    def take(self, at: int, minutes: Iterable[Minute]) -> tuple[Change, ...]:
        """The minutes of the bucket that began ``at`` (microseconds since 1970) and is over."""
        by_name: dict[str, list[Minute]] = {}
        for minute in minutes:
            if minute.relationship is not None:
                by_name.setdefault(minute.relationship, []).append(minute)
        for name in by_name:
            self._meet(name)
        return tuple(
            change
            for name, watched in self._watched.items()
            for change in self._judge(name, watched, at=at, minutes=by_name.get(name, []))
        )

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Those that go on, the gravest first; then those that ended, the last first."""
        current = sorted(self._open.values(), key=lambda each: -abs(each.score))
        return (*current, *reversed(self._ended))

    def _meet(self, name: str) -> None:
        if name in self._watched or name in self.left_out:
            return
        if len(self._watched) < RELATIONSHIPS_MAX:
            self._watched[name] = _Watched()
        elif len(self.left_out) < RELATIONSHIPS_MAX:
            self.left_out.add(name)

    def _judge(
        self, name: str, watched: _Watched, *, at: int, minutes: list[Minute]
    ) -> Iterator[Change]:
        values = dict(_values(minutes))
        for measure, detector in watched.detectors.items():
            found = values.get(measure)
            if found is None:
                change = self._end((name, measure), at) if detector.pass_over() else None
            else:
                verdict = detector.feed(at // _SECOND_US, found.value, noise=found.noise)
                change = self._change(name, measure, verdict)
            if change is not None:
                yield change

    def _change(self, name: str, measure: AnomalyMeasure, verdict: Verdict) -> Change | None:
        key = (name, measure)
        current = self._open.get(key)
        if verdict.began:
            self._open[key] = _anomaly(name, measure, verdict)
            return Change(anomaly=self._open[key], began=True)
        if current is None:
            return None
        if verdict.ended:
            return self._end(key, verdict.at)
        if verdict.score is not None and abs(verdict.score) > abs(current.score):
            worse = _anomaly(name, measure, verdict)
            self._open[key] = replace(worse, since=current.since)
        return None

    def _end(self, key: tuple[str, AnomalyMeasure], at: int) -> Change:
        over = replace(self._open.pop(key), until=at)
        self._ended.append(over)
        return Change(anomaly=over, began=False)


def _anomaly(name: str, measure: AnomalyMeasure, verdict: Verdict) -> Anomaly:
    assert verdict.score is not None
    assert verdict.expected is not None
    assert verdict.baseline is not None
    return Anomaly(
        relationship=name,
        measure=measure,
        direction="above" if verdict.score > 0 else "below",
        since=verdict.at,
        until=None,
        value=verdict.value,
        expected=verdict.expected,
        score=verdict.score,
        baseline=verdict.baseline,
    )


def _values(minutes: list[Minute]) -> Iterator[tuple[AnomalyMeasure, _Value]]:
    """What five minutes of one relationship say; what too few calls tell of is left out."""
    calls = sum(each.calls for each in minutes)
    answered = sum(each.answered for each in minutes)
    yield "rate", _Value(float(calls), 0.0)
    if calls >= ASKED_MIN:
        share = sum(each.refused for each in minutes) / calls
        yield "refused", _Value(share, 1 / (2 * sqrt(calls)))
    if answered < ANSWERED_MIN:
        return
    noise = 1 / sqrt(answered)
    p95 = _p95(minutes)
    if p95 is not None:
        yield "latency", _Value(p95 / 1_000, noise)
    tokens = sum(each.tokens_in + each.tokens_out for each in minutes)
    cost = sum(each.cost for each in minutes)
    if tokens:
        yield "tokens", _Value(tokens / answered, noise)
    if cost:
        yield "cost", _Value(cost / answered / 1_000, noise)


def _p95(minutes: list[Minute]) -> float | None:
    """Of the minutes' 95th percentiles the mean, each by its calls: a percentile of five minutes
    cannot be had of percentiles of one, but this moves when it does."""
    known = [(each.durations.quantile(0.95), each.durations.count) for each in minutes]
    sums = [(value, count) for value, count in known if value is not None]
    total = sum(count for _, count in sums)
    return sum(value * count for value, count in sums) / total if total else None
