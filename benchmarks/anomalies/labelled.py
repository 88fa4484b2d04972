"""Numenta's labelled series (NAB): how many windows are found, at how many false alarms, and NAB's
own score beside those of the detectors whose results lie in NAB's repository.

Scored by NAB's own ``nab/sweeper.py``, loaded from the checkout. Nothing of NAB is kept here.
"""

import csv
import importlib.util
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from holdfast.telemetry.anomalies import Detector

PEERS = ("numenta", "twitterADVec", "windowedGaussian", "bayesChangePt", "random", "null")
PROBATION = 0.15
WEEK_S = 604_800


@dataclass(frozen=True)
class Series:
    """One file: times, whether an alarm begins at each, and the labelled windows."""

    name: str
    times: list[datetime]
    alarms: list[float]
    windows: list[tuple[datetime, datetime]]


@dataclass(frozen=True)
class Row:
    name: str
    score: float
    found: int
    windows: int
    false_a_week: float


def labelled_report(nab: Path) -> str:
    """The table."""
    sweeper = _sweeper(nab)
    windows = {
        name: [(_time(a), _time(b)) for a, b in each]
        for name, each in json.loads((nab / "labels/combined_windows.json").read_text()).items()
    }
    costs = json.loads((nab / "config/profiles.json").read_text())["standard"]["CostMatrix"]
    ours = [_ours(nab, name, each) for name, each in sorted(windows.items())]
    rows = [_row("Holdfast, as it runs", ours, sweeper, costs)]
    halves = (("every second series", ours[::2]), ("the others", ours[1::2]))
    rows += [_row(f"Holdfast, {name}", half, sweeper, costs) for name, half in halves]
    thresholds = json.loads((nab / "config/thresholds.json").read_text())
    for peer in PEERS:
        if (nab / "results" / peer).is_dir():
            threshold = thresholds[peer]["standard"]["threshold"]
            found = [
                _theirs(nab, peer, name, windows=each, threshold=threshold)
                for name, each in sorted(windows.items())
            ]
            rows.append(_row(peer, found, sweeper, costs))
    lines = [
        "",
        "| detector | NAB score, standard | windows found | false alarms a week and series |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.score:.1f} | {row.found} of {row.windows} | {row.false_a_week:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _sweeper(nab: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("nab_sweeper", nab / "nab/sweeper.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.partition(".")[0]).replace(tzinfo=UTC)


def _ours(nab: Path, name: str, windows: list[tuple[datetime, datetime]]) -> Series:
    detector = Detector("plain")
    times: list[datetime] = []
    alarms: list[float] = []
    with (nab / "data" / name).open() as file:
        for row in csv.DictReader(file):
            at = _time(row["timestamp"])
            times.append(at)
            alarms.append(float(detector.feed(int(at.timestamp()), float(row["value"])).began))
    return Series(name, times, alarms, windows)


def _theirs(
    nab: Path,
    peer: str,
    name: str,
    *,
    windows: list[tuple[datetime, datetime]],
    threshold: float,
) -> Series:
    folder, _, file_name = name.rpartition("/")
    times: list[datetime] = []
    alarms: list[float] = []
    with (nab / "results" / peer / folder / f"{peer}_{file_name}").open() as file:
        for row in csv.DictReader(file):
            times.append(_time(row["timestamp"]))
            alarms.append(float(float(row["anomaly_score"]) >= threshold))
    return Series(name, times, alarms, windows)


def _row(name: str, found: list[Series], sweeper: ModuleType, costs: dict[str, float]) -> Row:
    """NAB's score: 0 for who tells nothing, 100 for who tells each window at its very beginning."""
    scorer: Any = sweeper.Sweeper(PROBATION, costs)
    points: list[Any] = []
    for each in found:
        points += scorer.calcSweepScore(each.times, each.alarms, each.windows, each.name)
    scores = scorer.calcScoreByThreshold(points)
    told = [each.score for each in scores if each.threshold == 1.0]
    raw = told[0] if told else scores[0].score
    windows = sum(len(each.windows) for each in found)
    null = -windows * costs["fnWeight"]
    perfect = windows * costs["tpWeight"]
    hits = sum(_hits(each) for each in found)
    weeks = sum(_weeks(each) for each in found)
    false = sum(_false(each) for each in found)
    return Row(name, 100 * (raw - null) / (perfect - null), hits, windows, false / weeks)


def _probation(each: Series) -> int:
    return min(math.floor(PROBATION * len(each.times)), round(PROBATION * 5000))


def _hits(each: Series) -> int:
    told = [at for at, alarm in zip(each.times, each.alarms, strict=True) if alarm]
    return sum(any(low <= at <= high for at in told) for low, high in each.windows)


def _false(each: Series) -> int:
    """Alarms outside every window; those that follow at the very next values count once."""
    count, before = 0, False
    for index, (at, alarm) in enumerate(zip(each.times, each.alarms, strict=True)):
        begins = bool(alarm) and not before
        before = bool(alarm)
        outside = not any(low <= at <= high for low, high in each.windows)
        count += begins and outside and index >= _probation(each)
    return count


def _weeks(each: Series) -> float:
    return (each.times[-1] - each.times[_probation(each)]).total_seconds() / WEEK_S
