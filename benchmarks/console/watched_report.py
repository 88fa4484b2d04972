"""From phases to what watching costs."""

import random
import statistics
from typing import Any

MARK = 0.95
"""At least so much of the throughput must be left."""
RESAMPLES = 10_000
QUIET_SHARE = 0.1
"""Of a core, used by anything else: above it figures are not worth quoting."""
SHARES_SAID = "Processor time, as shares of a core:"
LAYOUTS = {
    "worker": "worker alone on a core; keeper, watchers, load and upstream on the other",
    "instance": "keeper and worker together on a core; watchers, load and upstream on the other",
    "free": "everything on both cores, as the system deals it",
}
Row = dict[str, Any]


def line(row: Row) -> str:
    """One phase, while it runs."""
    return (
        f"{row['layout']:9} pair {row['pair']:2} {'watched' if row['watched'] else 'alone  '} "
        f"{row['rps']:8,.0f} calls/s  worker {row['worker']:.2f}  keeper {row['keeper']:.2f}  "
        f"load {row['load']:.2f}  others {row['foreign']:.2f}  p99 {row['p99_ms']:.1f} ms  "
        f"{row['watcher_bytes_s'] / 1e3:.1f} kB/s a watcher"
    )


def interval(rows: list[Row]) -> tuple[float, float, float]:
    """Throughput watched over throughput alone: the median over pairs, and where it lies in 95 %
    of the samples that are drawn from the pairs again."""
    ratios = _ratios(rows)
    # The same samples every time: a report told again says the same.
    draw = random.Random(1)
    found = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return statistics.median(ratios), found[RESAMPLES // 40], found[-RESAMPLES // 40]


def _ratios(rows: list[Row]) -> list[float]:
    rates = {(row["pair"], row["watched"]): row["rps"] for row in rows}
    return [rates[pair, True] / rates[pair, False] for pair in sorted({pair for pair, _ in rates})]


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, as Markdown."""
    about, rows = result["about"], result["rows"]
    names = [name for name in LAYOUTS if any(row["layout"] == name for row in rows)]
    of = {name: [row for row in rows if row["layout"] == name] for name in names}
    who = "browser tabs" if about["kind"] == "browser" else "event streams"
    said = (
        f"Measured {about['date']} on {about['machine']}; holdfast {about['version']}; "
        f"{about['watchers']} {who}, {about['connections']} calls at a time, {about['nodes']} nodes; "
        f"{about['pairs']} pairs of phases of {about['seconds']:g} s in each layout; medians, and for "
        f"the ratio the middle 95 % of {RESAMPLES:,} samples of pairs drawn again. Anything else used "
        f"{_median(rows, 'foreign'):.2f} of a core in the median phase, "
        f"{max(row['foreign'] for row in rows):.2f} in the worst."
    )
    if _median(rows, "foreign") > QUIET_SHARE:
        said += " **The machine was not quiet: do not quote these.**"
    return "\n\n".join([said, _rates(of), SHARES_SAID, _processors(of), _verdicts(of)])


def _rates(of: dict[str, list[Row]]) -> str:
    lines = [
        "| layout | calls/s, nobody watches | watched | of it is left | p99 ms | watched |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, rows in of.items():
        alone, watched = _parted(rows)
        middle, low, high = interval(rows)
        lines.append(
            f"| {LAYOUTS[name]} | {_median(alone, 'rps'):,.0f} | {_median(watched, 'rps'):,.0f} "
            f"| {middle:.3f} ({low:.3f} to {high:.3f}) "
            f"| {_median(alone, 'p99_ms'):.1f} | {_median(watched, 'p99_ms'):.1f} |"
        )
    return "\n".join(lines)


def _processors(of: dict[str, list[Row]]) -> str:
    lines = [
        "| layout | | worker, us a call | worker | keeper | load and watchers | kB/s a watcher |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, rows in of.items():
        for word, some in zip(("nobody watches", "watched"), _parted(rows), strict=True):
            sent = _median(some, "watcher_bytes_s") / 1e3
            lines.append(
                f"| {name} | {word} | {_median(some, 'worker_us'):.1f} "
                f"| {_median(some, 'worker'):.2f} | {_median(some, 'keeper'):.2f} "
                f"| {_median(some, 'load'):.2f} | {f'{sent:.1f}' if sent else ''} |"
            )
    return "\n".join(lines)


def _drawing(rows: list[Row]) -> float:
    """Of a core: what the keeper uses with watchers beyond what as many calls cost it without."""
    alone, watched = _parted(rows)
    call_s = _median(alone, "keeper_us") / 1e6
    return statistics.median(row["keeper"] - call_s * row["rps"] for row in watched)


def _verdicts(of: dict[str, list[Row]]) -> str:
    said: list[str] = []
    for name, rows in of.items():
        middle, low, high = interval(rows)
        met = "met" if middle >= MARK else "MISSED"
        sure = "" if (low >= MARK) == (high >= MARK) else ", though the interval reaches across it"
        said.append(
            f"- {name}: watching costs {1 - middle:.1%} of the throughput (mark: at most "
            f"{1 - MARK:.0%}): {met}{sure}; the keeper draws and sends for {_drawing(rows):.3f} of a core."
        )
    return "\n".join(said)


def _parted(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    return [r for r in rows if not r["watched"]], [r for r in rows if r["watched"]]


def _median(rows: list[Row], key: str) -> float:
    return statistics.median(row[key] for row in rows)
