"""How well drift finds what was planted by how much is sampled, and the plots of the page."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "drawing"))

from chart import Chart, Line, svg

from holdfast.loops.drift import Kind, Report
from holdfast.testing.drift_traffic import Score, score
from holdfast.testing.drifting import Scenario, scenario

SEEDS = range(20_000, 20_004)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)

Judge = Callable[[Scenario, int], Report]


def by_sampling(judged: Judge) -> list[dict[str, Any]]:
    """One row a rate, all classes together."""
    return [_at(rate, judged) for rate in RATES]


def _at(rate: float, judged: Judge) -> dict[str, Any]:
    whole, planted, decidable, seen = Score(), 0, 0, 0
    for seed in SEEDS:
        case = scenario(seed, load=0.6, p=rate)
        report = judged(case, seed + 1)
        found, _ = score(case, report)
        whole = sum(found.values(), whole)
        planted += len(case.planted)
        decidable += sum(case.planted.values())
        seen += _told(case, report)
    return {
        "rate": rate,
        "planted": planted,
        "decidable": decidable / planted,
        "precision": whole.precision,
        "recall": whole.recall,
        "recall_of_all": seen / planted,
    }


def _told(case: Scenario, report: Report) -> int:
    """How much of all that was planted is told, decidable or not."""
    told = {
        (each.kind, each.source, each.target)
        for each in report.findings
        if each.level != "note" or each.kind is Kind.BLIND
    }
    return sum((label.kind, label.source, label.target) in told for label in case.planted)


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    head = (
        "sampling",
        "planted",
        "of it decidable",
        "precision",
        "recall of the decidable",
        "recall of all",
    )
    return [
        f"| {' | '.join(head)} |",
        "|" + "---:|" * len(head),
        *(
            f"| {row['rate']:.2%} | {row['planted']} | {row['decidable']:.2f} "
            f"| {row['precision']:.3f} | {row['recall']:.3f} "
            f"| {row['recall_of_all']:.3f} |"
            for row in rows
        ),
    ]


def picture_of_sampling(rows: Sequence[dict[str, Any]]) -> str:
    def line(name: str, key: str) -> Line:
        return Line(name, [(100 * row["rate"], row[key]) for row in rows])

    return svg(
        Chart(
            title="What is found, by how much is sampled",
            x_title="traces kept, percent",
            y_title="share",
            lines=[
                line("precision", "precision"),
                line("recall of the decidable", "recall"),
                line("recall of all that was planted", "recall_of_all"),
            ],
            x_log=True,
            x_ticks=[100 * row["rate"] for row in rows],
            y_max=1.0,
        )
    )


def picture_of_speed(rows: Sequence[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(row["format"] for row in rows))
    return svg(
        Chart(
            title="Spans read, gathered and counted in a second of one core",
            x_title="spans in one go",
            y_title="spans a second",
            lines=[
                Line(name, [(row["spans"], row["whole"]) for row in rows if row["format"] == name])
                for name in names
            ],
            x_log=True,
            x_ticks=sorted({row["spans"] for row in rows}),
        )
    )
