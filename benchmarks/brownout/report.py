"""From courses to tables and a plot."""

import statistics
from typing import Any

from chart import Chart, Line, svg

from holdfast.testing.brownout import TROUBLE_S, WARM_S, Course

AFTER_S = 90
SPANS = ((0, 1), (1, 10), (10, 30), (30, AFTER_S))
"""Seconds after the trouble's end."""
SYSTEMS = {
    "holdfast-defaults": "**Holdfast**",
    "holdfast": "**Holdfast**, told of 20",
    "litellm": "LiteLLM Router",
    "naive": "three tries",
}
TITLES = {
    "brown-out": "Brown-out: nine of ten slots are lost",
    "rate-limit": "Rate limit: every call is refused with 429, retry after 1 s",
    "hang": "Hang: calls are taken and never answered",
    "errors": "Errors: every call fails at once with 500",
    "slow-first-token": "Slow: every call takes eight times as long",
}
PLOT = ("brown-out", 0.7)

Row = dict[str, Any]


def course(row: Row) -> Course:
    asked, answered = (
        {int(second): count for second, count in row[what].items()}
        for what in ("asked", "answered")
    )
    return Course(asked, answered, row["attempts"])


def spans(found: Course) -> list[float]:
    """Goodput before and during the trouble, and in each span after it."""
    return [found.before, found.during, *(found.goodput(*span) for span in SPANS)]


def report(result: dict[str, Any]) -> str:
    """Everything that was measured, as Markdown."""
    rows = result["rows"]
    versions = sorted({row["version"] for row in rows if "version" in row})
    parts = [
        f"Measured {result['date']}"
        + (f" with LiteLLM {', '.join(versions)}" if versions else "")
        + f"; means over {result['seeds']} seeds. Shares are of the calls that began in a span "
        "of time, and were answered fully and rightly within 10 s. Times are those after the "
        "trouble's end."
    ]
    if result["skipped"]:
        parts.append(f"Not measured: {result['skipped']}.")
    if _of(rows, *PLOT):
        parts.append("![Goodput before, during and after a brown-out](../assets/brownout.svg)")
    for trouble, title in TITLES.items():
        loads = sorted({row["load"] for row in rows if row["trouble"] == trouble})
        if loads:
            parts += [f"### {title}", _table(rows, trouble, loads)]
    return "\n\n".join(parts)


def _of(rows: list[Row], trouble: str, load: float, system: str | None = None) -> list[Course]:
    wanted = [row for row in rows if (row["trouble"], row["load"]) == (trouble, load)]
    return [course(row) for row in wanted if system in (None, row["system"])]


def _table(rows: list[Row], trouble: str, loads: list[float]) -> str:
    heads = ["load", "through", "before", "during"]
    heads += [f"{since} to {until} s" for since, until in SPANS]
    heads += ["attempts a call"]
    lines = ["| " + " | ".join(heads) + " |", "|---:|---|" + "---:|" * (len(heads) - 2)]
    for load in loads:
        for system, title in SYSTEMS.items():
            if found := _of(rows, trouble, load, system):
                lines.append(
                    f"| {100 * load:.0f} % | {title} | " + " | ".join(_cells(found)) + " |"
                )
    return "\n".join(lines)


def _cells(found: list[Course]) -> list[str]:
    shares = zip(*(spans(one) for one in found), strict=True)
    attempts = statistics.mean(one.attempts_a_call for one in found)
    return [*(_percent(statistics.mean(share)) for share in shares), f"{attempts:.2f}"]


def _percent(share: float) -> str:
    """What is not all does not read as all, and what is not nothing not as nothing."""
    shown = f"{100 * share:.1f}"
    if shown == "100.0":
        shown = "100" if share == 1 else "> 99.9"
    if shown == "0.0":
        shown = "0" if share == 0 else "< 0.1"
    return f"{shown} %"


def chart(result: dict[str, Any]) -> str:
    """The plot: goodput by the second in which calls began."""
    rows = result["rows"]
    end = WARM_S + TROUBLE_S
    window = [(WARM_S, 0.0), (WARM_S, 1.0), (end, 1.0), (end, 0.0)]
    lines = [Line("the trouble", [(float(x), y) for x, y in window], quiet=True)]
    for system, title in SYSTEMS.items():
        if system != "holdfast" and (found := _of(rows, *PLOT, system)):
            lines.append(Line(title.strip("*"), _points(found)))
    return svg(
        Chart(
            title="Two models lose nine of ten slots for 30 s, at 70 % load",
            x_title="seconds",
            y_title="share of calls answered, by when they began",
            lines=lines,
            x_ticks=[float(x) for x in range(0, end + AFTER_S + 1, 15)],
            y_max=1.0,
        )
    )


def _points(found: list[Course]) -> list[tuple[float, float]]:
    end = WARM_S + TROUBLE_S
    return [
        (end + second + 0.5, statistics.mean(one.goodput(second, second + 1) for one in found))
        for second in range(-end, AFTER_S)
    ]
