"""Made-up traffic: days and weeks that have a shape, and chance; without anomalies, and with some."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.telemetry.anomalies import BUCKET_S, Detector, Scale

WEEK = 7 * 24 * 3600 // BUCKET_S
DAY = WEEK // 7
LEARNING_WEEKS = 2
WEEKS = 12
SERIES = 8
MONDAY_S = 1_700_438_400  # 2023-11-20, a Monday
INJECTED_EVERY = 3 * DAY + 61
"""One anomaly every three days and five hours, so that they come at all hours."""
INJECTED_LONG = 12


@dataclass(frozen=True)
class Kind:
    """A measure as traffic makes it: ``draw`` gives the value of a bucket that has ``calls``."""

    name: str
    scale: Scale
    peak: float
    draw: Callable[[random.Random, int, float], float | None]
    noise: Callable[[int], float]
    injected: tuple[tuple[str, float], ...]


def calls_at(chance: random.Random, step: int, peak: float) -> int:
    """A Poisson count whose rate follows the day and the week, and wanders by a tenth."""
    hour, day = (step % DAY) / DAY * 24, step % WEEK // DAY
    shape = 0.15 + 0.85 * math.exp(-((hour - 14) ** 2) / 18)
    rate = peak * shape * (0.35 if day >= 5 else 1.0) * chance.gammavariate(100, 0.01)
    return poisson(chance, rate)


def poisson(chance: random.Random, rate: float) -> int:
    if rate > 60:
        return max(0, round(chance.gauss(rate, math.sqrt(rate))))
    left, count = math.exp(-rate), -1
    product = 1.0
    while product > left:
        product *= chance.random()
        count += 1
    return max(count, 0)


def slow(chance: random.Random, calls: int, factor: float) -> float | None:
    """The 95th percentile of lognormal times, by its sampling error; a little slower under load."""
    if calls < 5:
        return None
    true = 800 * (1 + calls / 2_000) * factor
    return true * math.exp(chance.gauss(0, 1.06 / math.sqrt(calls)))


def mean_tokens(chance: random.Random, calls: int, factor: float) -> float | None:
    return None if calls < 5 else 600 * factor * math.exp(chance.gauss(0, 0.9 / math.sqrt(calls)))


def refused(chance: random.Random, calls: int, factor: float) -> float | None:
    if calls < 10:
        return None
    share = min(0.01 * factor, 1.0)
    return min(poisson(chance, calls * share), calls) / calls


def counted(_: random.Random, calls: int, factor: float) -> float | None:
    return float(round(calls * factor))


def by_root(calls: int) -> float:
    return 1 / math.sqrt(calls) if calls else 0.0


KINDS = (
    Kind("rate, busy (to 400 calls in 5 min)", "count", 400, counted, lambda _: 0.0,
         (("half", 0.5), ("none", 0.0), ("double", 2.0))),
    Kind("rate, quiet (to 6 calls in 5 min)", "count", 6, counted, lambda _: 0.0,
         (("none", 0.0), ("tenfold", 10.0))),
    Kind("latency p95, busy", "ratio", 400, slow, by_root, (("half more", 1.5), ("double", 2.0))),
    Kind("latency p95, quiet (to 20 calls)", "ratio", 20, slow, by_root, (("double", 2.0), ("fourfold", 4.0))),
    Kind("tokens per call, busy", "ratio", 400, mean_tokens, by_root, (("half more", 1.5), ("double", 2.0))),
    Kind("share refused, busy", "share", 400, refused,
         lambda calls: 1 / (2 * math.sqrt(calls)) if calls else 0.0, (("5 %", 5.0), ("20 %", 20.0))),
)  # fmt: skip


def series(
    kind: Kind, seed: int, factor: float | None
) -> Iterator[tuple[int, float | None, float, bool]]:
    """Step, value, noise, whether an injected anomaly is on; none without ``factor``."""
    chance = random.Random(seed)
    for step in range(WEEKS * WEEK):
        calls = calls_at(chance, step, kind.peak)
        on = (
            factor is not None
            and step >= LEARNING_WEEKS * WEEK
            and step % INJECTED_EVERY < INJECTED_LONG
        )
        yield (
            step,
            kind.draw(chance, calls, factor if on and factor is not None else 1.0),
            kind.noise(calls),
            on,
        )


def false_alarms(kind: Kind, seed: int) -> float:
    """Anomalies a week of one series, after the first weeks."""
    found = 0
    for index in range(SERIES):
        detector = Detector(kind.scale)
        for step, value, noise, _ in series(kind, seed + index, None):
            if value is None:
                detector.pass_over()
                continue
            began = detector.feed(MONDAY_S + step * BUCKET_S, value, noise=noise).began
            found += began and step >= LEARNING_WEEKS * WEEK
    return found / SERIES / (WEEKS - LEARNING_WEEKS)


def detected(kind: Kind, seed: int, factor: float) -> tuple[float, float]:
    """The share of injected anomalies told while they last, and after how many minutes (median)."""
    hits: list[float] = []
    injected = 0
    for index in range(SERIES // 2):
        detector, began_at, told = Detector(kind.scale), 0, True
        was_on = False
        for step, value, noise, on in series(kind, seed + index, factor):
            if on and not was_on:
                injected, began_at, told = injected + 1, step, False
            was_on = on
            if value is None:
                detector.pass_over()
                continue
            verdict = detector.feed(MONDAY_S + step * BUCKET_S, value, noise=noise)
            if on and not told and verdict.began:
                hits.append((step - began_at + 1) * BUCKET_S / 60)
                told = True
    hits.sort()
    return len(hits) / injected, hits[len(hits) // 2] if hits else math.nan


def made_up_report(seed: int) -> str:
    """Both tables."""
    lines = [
        f"Made-up traffic without anomalies: {SERIES} series of {WEEKS} weeks each, seed {seed}",
        f"(of {WEEKS - LEARNING_WEEKS} weeks, after {LEARNING_WEEKS} to learn)",
        "",
        "| measure | false alarms a week, one relationship |",
        "|---|---|",
    ]
    lines += [f"| {kind.name} | {false_alarms(kind, seed):.3f} |" for kind in KINDS]
    lines += [
        "",
        f"The same with an anomaly of an hour every {INJECTED_EVERY * BUCKET_S / 3600:.0f} h",
        "",
        "| measure | anomaly | told while it lasts | after, median |",
        "|---|---|---|---|",
    ]
    for kind in KINDS:
        for name, factor in kind.injected:
            share, minutes = detected(kind, seed, factor)
            lines.append(
                f"| {kind.name} | {name} | {share:.0%} | {'-' if math.isnan(minutes) else f'{minutes:.0f} min'} |"
            )
    return "\n".join(lines)
