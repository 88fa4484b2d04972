"""From results to tables and a plot."""

import statistics
from typing import Any

from chart import Chart, Line, svg
from gateways import GATEWAYS
from scenarios import ATTEMPT_S, CAPACITY, DEADLINE_S, SCENARIOS, SERVICE_S, SLOTS, Scenario

Row = dict[str, Any]

CURVE_SAID = """\
Goodput is the calls answered rightly within the caller's deadline, a second. Each point has a fresh
target, some seconds of calm, then its load, and is measured once queues have had time to fill. Offered load and goodput are told as multiples of what the two models can answer
({capacity:g} calls a second). A target that works the best it can follows the first to 1 and then
stays there."""


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, as Markdown."""
    parts = [_how(result)]
    parts += [f"Not measured: {reason}." for reason in result["about"]["skipped"]]
    faults = result["faults"]
    if faults:
        parts += ["### At a glance", _GLANCE, _glance(faults)]
    for scenario in SCENARIOS:
        rows = [row for row in faults if row["scenario"] == scenario.name]
        if rows:
            parts += [f"### {scenario.title}", _what(scenario), _fault_table(rows)]
    if result["curve"]:
        parts += ["### Goodput against offered load", CURVE_SAID.format(capacity=CAPACITY)]
        parts += ["![Goodput against offered load](../assets/degradation.svg)"]
        parts += [_curve_table(result["curve"])]
    return "\n\n".join(parts)


_GLANCE = """\
Share of the calls answered fully and rightly, of all that came during the fault and after it; in
brackets the time until right answers stayed at 95 % of the calls."""


def _how(result: dict[str, Any]) -> str:
    about = result["about"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"Measured {about['date']} on {about['machine']}; {versions}. Two models of {SLOTS} slots "
        f"and {SERVICE_S:g} s a call on average: {CAPACITY:g} calls a second. Callers wait "
        f"{DEADLINE_S:g} s and try once; every target is told that an attempt may take "
        f"{ATTEMPT_S:g} s. Faults last {about['fault_s']:g} s, after {about['calm_s']:g} s of calm; "
        f"then {about['after_s']:g} s are watched. Repetitions: {about['repetitions']}."
    )


def _what(scenario: Scenario) -> str:
    rate = scenario.load * CAPACITY
    surge = f", {rate * scenario.surge:g} during it" if scenario.surge != 1 else ""
    return f"{scenario.what} {rate:g} calls a second{surge}."


def _targets(rows: list[Row]) -> list[str]:
    there = {row["target"] for row in rows}
    return [name for name in GATEWAYS if name in there]


def _of(rows: list[Row], target: str) -> list[Row]:
    return [row for row in rows if row["target"] == target]


def _share(rows: list[Row], span: str) -> str:
    right = sum(row[span]["right"] for row in rows)
    calls = sum(row[span]["calls"] for row in rows)
    return f"{100 * right / calls:.1f} %" if calls else ""


def _recovery(rows: list[Row]) -> str:
    found = [row["recovery_s"] for row in rows]
    if any(value is None for value in found):
        return "not seen"
    return f"{max(found):.1f} s" if max(found) else "0 s"


def _glance(faults: list[Row]) -> str:
    targets = _targets(faults)
    heads = [GATEWAYS[name].title for name in targets]
    lines = ["| fault | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for scenario in SCENARIOS:
        rows = [row for row in faults if row["scenario"] == scenario.name]
        cells = [
            f"{_share(mine, 'whole')} ({_recovery(mine)})" if (mine := _of(rows, name)) else ""
            for name in targets
        ]
        if rows:
            lines.append(f"| {scenario.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _fault_table(rows: list[Row]) -> str:
    lines = [
        (
            "| through | right during | right after | recovered after | p50 / p99 s during | "
            "p50 / p99 s after | attempts a call | what else callers got |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name in _targets(rows):
        mine = _of(rows, name)
        cells = [
            GATEWAYS[name].title,
            _share(mine, "during"),
            _share(mine, "after"),
            _recovery(mine),
            _times(mine, "during"),
            _times(mine, "after"),
            f"{statistics.median(row['attempts'] for row in mine):.2f}",
            _reasons(mine),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _times(rows: list[Row], span: str) -> str:
    if not any(row[span]["right"] for row in rows):
        return ""
    p50 = statistics.median(row[span]["p50_s"] for row in rows)
    p99 = statistics.median(row[span]["p99_s"] for row in rows)
    return f"{p50:.2f} / {p99:.2f}"


def _reasons(rows: list[Row]) -> str:
    found: dict[str, int] = {}
    for row in rows:
        for why, count in row["reasons"].items():
            found[why] = found.get(why, 0) + count
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {why}" for why, count in ordered[:3])


def _curve_table(curve: list[Row]) -> str:
    targets = _targets(curve)
    heads = [f"{GATEWAYS[name].title} {what}" for name in targets for what in _CURVE_COLUMNS]
    lines = ["| offered | " + " | ".join(heads) + " |", "|---:|" + "---:|" * len(heads)]
    for load in sorted({row["load"] for row in curve}):
        cells: list[str] = []
        for name in targets:
            row = next((r for r in _of(curve, name) if r["load"] == load), None)
            cells += _curve_cells(row)
        lines.append(f"| {load:g} x | " + " | ".join(cells) + " |")
    return "\n".join(lines)


_CURVE_COLUMNS = ("goodput", "p50 / p99 s", "attempts a call", "of its core")


def _curve_cells(row: Row | None) -> list[str]:
    if row is None:
        return [""] * len(_CURVE_COLUMNS)
    return [
        f"{row['good'] / CAPACITY:.2f} x",
        f"{row['p50_s']:.2f} / {row['p99_s']:.2f}" if row["right"] else "",
        f"{row['attempts']:.2f}",
        f"{row['cpu_share']:.0%}",
    ]


def curve_chart(curve: list[Row]) -> str:
    """The plot of goodput against offered load."""
    loads = sorted({row["load"] for row in curve})
    between = [loads[0] * (1 / loads[0]) ** (step / 20) for step in range(21)]
    best = [(load, load) for load in between] + [(max(loads[-1], 1.0), 1.0)]
    lines = [Line("the best there could be", best, quiet=True)]
    for name in _targets(curve):
        points = sorted((row["load"], row["good"] / CAPACITY) for row in _of(curve, name))
        lines.append(Line(GATEWAYS[name].title.strip("*"), points))
    return svg(
        Chart(
            title="Goodput against offered load",
            x_title="offered load, times what the models can answer (logarithmic)",
            y_title="right answers, times capacity",
            lines=lines,
            x_log=True,
            x_ticks=[tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10) if tick <= loads[-1]],
            y_max=1.2,
        )
    )
