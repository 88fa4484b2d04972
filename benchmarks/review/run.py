"""What a review costs by the size of the system: all rules, no evidence, and each rule by itself.

``make bench-review`` (``--write-docs``) renews docs/architecture/review-measured.md and its picture.
Every figure is process CPU time of one core in one run, the best of a few rounds: wall clocks of a
shared machine say little. As in ``holdfast review``, the garbage collector rests meanwhile. Each size is
measured in a process of its own.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))
sys.path.insert(1, str(Path(__file__).parents[1] / "drawing"))

import machine
from chart import Chart, Line, svg
from results import write_docs
from systems import system

from holdfast.blueprint import load_large
from holdfast.blueprint.drawing import draw
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Case, Evidence, built_in_rules, review
from holdfast.blueprint.review.report import html_page, marks_of, nowhere

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "architecture/review-measured.md"
PICTURE = DOCS / "assets/review-measured.svg"
WORK = Path(__file__).parents[1] / ".work"
MARKS = ("<!-- review: begin -->", "<!-- review: end -->")
SIZES = ((100, 500), (1_000, 5_000), (3_000, 15_000), (10_000, 50_000))
BOUNDS_S = {1_000: 1.0, 10_000: 10.0}
TODAY = date(2026, 6, 1)
SLOWEST = 8


def main() -> None:
    options = _options()
    if options.one:
        print(json.dumps(_measure(*options.one)))
        return
    if options.report:
        result = json.loads(options.report.read_text())
    else:
        result = _all()
        WORK.mkdir(exist_ok=True)
        (WORK / "review.json").write_text(json.dumps(result))
    text = _report(result)
    print(text)
    if options.write_docs:
        write_docs(PAGE, text, MARKS)
        PICTURE.write_text(_picture(result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    parser.add_argument("--report", type=Path, help="a result kept from an earlier run")
    parser.add_argument("--one", type=int, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _all() -> dict[str, Any]:
    rows = []
    for nodes, relationships in SIZES:
        words = [sys.executable, __file__, "--one", str(nodes), str(relationships)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
        print({**rows[-1], "rules": "..."}, file=sys.stderr)
    about = {"date": datetime.now(UTC).date().isoformat(), "machine": machine.described()}
    return {"about": about, "rows": rows}


def _measure(nodes: int, relationships: int) -> dict[str, Any]:
    text = json.dumps(system(nodes, relationships))
    gc.disable()
    started = time.process_time()
    blueprint = load_large(text, source="made up", read=lambda _: "")
    load_s = time.process_time() - started
    gc.collect()
    gc.freeze()
    best, report, graph = float("inf"), None, System(blueprint)
    for _ in range(5 if nodes <= 1_000 else 1):
        graph = System(blueprint)
        started = time.process_time()
        report = review(graph, Evidence(), TODAY)
        best = min(best, time.process_time() - started)
    assert report is not None
    started = time.process_time()
    draw(graph, marks_of(report))
    draw_s = time.process_time() - started
    page = html_page(report, graph, nowhere, source="made up")
    return {
        "nodes": nodes,
        "relationships": relationships,
        "load_s": load_s,
        "review_s": best,
        "draw_s": draw_s,
        "page_bytes": len(page),
        "broken": len(report.broken),
        "undecided": len(report.undecided),
        "held": report.held,
        "rules": _by_rule(System(blueprint)),
    }


def _by_rule(graph: System) -> list[tuple[str, float]]:
    """Each rule after the others, so that what several share is counted with the first."""
    limits = graph.blueprint.review.limits
    case = Case(system=graph, evidence=Evidence(), today=TODAY, limits=limits)
    found = []
    for rule in built_in_rules():
        started = time.process_time()
        for _ in rule.judge(case):
            pass
        found.append((rule.id, time.process_time() - started))
    return sorted(found, key=lambda pair: -pair[1])


def _report(result: dict[str, Any]) -> str:
    about = f"Taken on {result['about']['date']}, {result['about']['machine']}"
    lines = [
        f"{about}; {len(built_in_rules())} rules, no evidence.",
        "",
        "| nodes | relations | review, s | bound, s | load, s | map, s | broken | undecided | holds |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        bound = BOUNDS_S.get(row["nodes"])
        lines.append(
            f"| {row['nodes']:,} | {row['relationships']:,} | {row['review_s']:.2f} "
            f"| {bound or ''} | {row['load_s']:.2f} | {row['draw_s']:.2f} "
            f"| {row['broken']:,} | {row['undecided']:,} | {row['held']:,} |"
        )
    largest = result["rows"][-1]
    slowest = ", ".join(f"{name} {took:.2f} s" for name, took in largest["rules"][:SLOWEST])
    lines += ["", f"The slowest rules at {largest['nodes']:,} nodes: {slowest}."]
    return "\n".join(lines)


def _picture(result: dict[str, Any]) -> str:
    rows = result["rows"]
    return svg(
        Chart(
            title="A review of all rules, by the size of the system",
            x_title="nodes, with five relationships each",
            y_title="seconds of CPU",
            lines=[
                Line("review", [(row["nodes"], row["review_s"]) for row in rows]),
                Line("load", [(row["nodes"], row["load_s"]) for row in rows]),
                Line(
                    "bound of the review",
                    list(BOUNDS_S.items()),
                    quiet=True,
                ),
            ],
            x_log=True,
            x_ticks=[row["nodes"] for row in rows],
        )
    )


if __name__ == "__main__":
    main()
