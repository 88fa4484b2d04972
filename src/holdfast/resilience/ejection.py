"""Outlier ejection: an upstream that fails far more than its peers is left out for a while."""

from holdfast.blueprint import Ejection

WINDOW_S = 10.0
"""How long calls are counted before they are judged (Envoy: `interval`)."""
VOLUME_MIN = 50
"""Upstreams with fewer calls in a window are not judged and judge nobody."""
DEVIATIONS = 1.9
"""How far below the mean success rate an outlier lies (Envoy: `success_rate_stdev_factor`)."""
GAP_MIN = 0.1
"""An outlier succeeds at least this much less: in an even group deviations are tiny."""
PEERS_MIN = 5
"""In fewer than this, no one can lie 1.9 deviations below the mean: at most sqrt(n - 1)."""
GAP_FEW = 0.3
"""In so small a group: how much less it succeeds than the others together."""
EJECTED_S_MAX = 300.0


class Ejector:
    """Which of ``count`` upstreams are left out. Never more than ``share_max`` of them: when more
    would have to be, the fault is elsewhere and nobody is left out (panic).

    A window's outliers stay out for ``ejected_s``, times how often in a row they were ejected; a
    window of good conduct takes one off. ``failures`` in a row eject too when that is not 0; by default
    they are the breaker's, which probes again after half a second instead of seconds.
    Source: Envoy's outlier detection and panic threshold.
    """

    __slots__ = (
        "_allowed",
        "_bad",
        "_ends",
        "_failures",
        "_good",
        "_latest",
        "_settings",
        "_streaks",
        "_times",
        "_untils",
    )

    def __init__(self, settings: Ejection, *, count: int, failures: int = 0) -> None:
        self._settings = settings
        self._failures = failures
        self._allowed = min(int(settings.share_max * count), count - 1)
        self._good = [0] * count
        self._bad = [0] * count
        self._streaks = [0] * count
        self._times = [0] * count
        self._untils = [0.0] * count
        self._latest = 0.0
        self._ends = 0.0

    def observe(self, index: int, ok: bool, now: float) -> None:
        """A call to upstream ``index`` ended."""
        if now >= self._ends:
            self._turn(now)
        if ok:
            self._good[index] += 1
            self._streaks[index] = 0
            return
        self._bad[index] += 1
        self._streaks[index] += 1
        if self._failures and self._streaks[index] >= self._failures:
            self._streaks[index] = 0
            self._eject(index, now)

    def ejected(self, index: int, now: float) -> bool:
        """Whether upstream ``index`` is left out now."""
        if now >= self._latest:
            return False
        return now < self._untils[index] and not self.panic(now)

    def panic(self, now: float) -> bool:
        """Whether so many are outliers that nobody is left out."""
        if now >= self._latest:
            return False
        return sum(now < until for until in self._untils) > self._allowed

    def until(self, index: int) -> float:
        """Until when upstream ``index`` is an outlier; in the past when it is none."""
        return self._untils[index]

    def eject(self, index: int, until: float) -> None:
        """Another worker ejected upstream ``index``."""
        self._untils[index] = max(self._untils[index], until)
        self._latest = max(self._latest, until)

    def readmit(self, index: int) -> None:
        """Upstream ``index`` was seen to be well: a health check passed."""
        self._untils[index] = 0.0
        self._streaks[index] = 0
        self._latest = max(self._untils)

    def _eject(self, index: int, now: float) -> None:
        if now < self._untils[index]:
            return
        self._times[index] += 1
        out_s = min(self._settings.ejected_s * self._times[index], EJECTED_S_MAX)
        self.eject(index, now + out_s)

    def _turn(self, now: float) -> None:
        """End a window: judge it, and begin the next. What lies further back says nothing of now."""
        began = self._ends - WINDOW_S
        is_recent = now < self._ends + WINDOW_S
        outliers = _outliers(self._good, self._bad) if is_recent else []
        for index, until in enumerate(self._untils):
            if index in outliers:
                self._eject(index, now)
            elif self._times[index] and self._good[index] and until <= began:
                self._times[index] -= 1
        self._good = [0] * len(self._good)
        self._bad = [0] * len(self._bad)
        self._ends = now + WINDOW_S


def _outliers(good: list[int], bad: list[int]) -> list[int]:
    """Those whose success rate lies far below their peers'."""
    judged = [i for i in range(len(good)) if good[i] + bad[i] >= VOLUME_MIN]
    if len(judged) < PEERS_MIN:
        return [i for i in judged if _falls_behind(i, judged, good, bad)]
    rates = {i: good[i] / (good[i] + bad[i]) for i in judged}
    mean = sum(rates.values()) / len(rates)
    deviation = (sum((rate - mean) ** 2 for rate in rates.values()) / len(rates)) ** 0.5
    floor = mean - max(DEVIATIONS * deviation, GAP_MIN)
    return [i for i in judged if rates[i] < floor]


def _falls_behind(index: int, judged: list[int], good: list[int], bad: list[int]) -> bool:
    theirs_good = sum(good[i] for i in judged) - good[index]
    theirs = theirs_good + sum(bad[i] for i in judged) - bad[index]
    if not theirs:
        return False
    rate = good[index] / (good[index] + bad[index])
    return theirs_good / theirs - rate >= GAP_FEW
