"""How fast drift takes spans in, and how well it finds what was planted.

``make bench-drift`` (``--write-docs``) renews docs/architecture/drift-measured.md and its pictures. Speed
is process CPU time of one core, the best of several rounds; the scenarios are those of
``holdfast.testing.drifting`` with seeds that were not looked at while the code was written.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

import machine
from curves import by_sampling, picture_of_sampling, picture_of_speed, table
from encoding import as_json, as_wire, batches
from results import write_docs

from holdfast.loops.drift import (
    TITLES,
    Gathering,
    Kind,
    Question,
    Report,
    Span,
    Tally,
    compare,
    observe_trace,
    read_nezha,
    read_otlp_json,
    read_otlp_wire,
)
from holdfast.testing.drift_traffic import Score, Traffic, observed, score
from holdfast.testing.drifting import Scenario, scenario

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "architecture/drift-measured.md"
SPEED, SAMPLING = DOCS / "assets/drift-spans.svg", DOCS / "assets/drift-sampling.svg"
MARKS = ("<!-- drift: begin -->", "<!-- drift: end -->")
SEEDS = range(20_000, 20_012)
ROUNDS = 3
SIZES = (2_500, 10_000, 40_000)
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    words = parser.parse_args()
    result = {
        "about": {"date": datetime.now(UTC).date().isoformat(), "machine": machine.described()},
        "speed": speed(),
        "quality": quality(words.seeds),
        "sampling": by_sampling(judged),
    }
    text = report(result)
    print(text)
    print(json.dumps(result, default=str))
    if words.write_docs:
        write_docs(PAGE, text, MARKS)
        SPEED.write_text(picture_of_speed(result["speed"]))
        SAMPLING.write_text(picture_of_sampling(result["sampling"]))


def speed() -> list[dict[str, Any]]:
    spans = [span for trace in Traffic(scenario(1, load=0.5), 2).traces() for span in trace]
    spans.sort(key=lambda span: span.start)
    rows: list[dict[str, Any]] = []
    for size in SIZES:
        some = spans[:size]
        readers: dict[str, tuple[Callable[[Any], list[Span]], list[Any]]] = {
            "OTLP, JSON": (read_otlp_json, [as_json(each) for each in batches(some)]),
            "OTLP, protocol buffers": (read_otlp_wire, [as_wire(each) for each in batches(some)]),
            "Nezha's CSV": (read_nezha, [as_table(some)]),
        }
        for name, (read, pieces) in readers.items():
            best = min(one_round(read, pieces) for _ in range(ROUNDS))
            rows.append(
                {
                    "format": name,
                    "spans": len(some),
                    "read": len(some) / best[1],
                    "whole": len(some) / best[0],
                    "bytes": sum(len(piece) for piece in pieces) / len(some),
                }
            )
    return rows


def one_round(read: Callable[[Any], list[Span]], pieces: list[Any]) -> tuple[float, float]:
    """CPU seconds of everything, and of reading alone."""
    begun = time.process_time()
    groups = [read(piece) for piece in pieces]
    done = time.process_time()
    gathering, tally, at = Gathering(), Tally(), 0
    for group in groups:
        at = max(at, *(span.end for span in group))
        for trace in gathering.add(group, at):
            observe_trace(trace, tally)
    for trace in gathering.rest():
        observe_trace(trace, tally)
    return time.process_time() - begun, done - begun


def as_table(spans: list[Span]) -> str:
    head = (
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
    )
    rows = [
        f"{s.trace},{s.id},{s.parent or 'root'},{s.origin.identity.rpartition('/')[2]}-6f6cfc45b-h5m2n,"
        f"{s.name},{s.start * 1000},{s.end * 1000},{s.end - s.start}"
        for s in spans
    ]
    return "\n".join([head, *rows])


def judged(case: Scenario, seed: int) -> Report:
    question = Question(
        blueprint=case.blueprint,
        period=case.period,
        today=date(2026, 11, 21),
        bindings=case.bindings,
    )
    return compare(observed(case, seed), question)


def quality(seeds: int) -> dict[str, Any]:
    whole = dict.fromkeys(Kind, Score())
    planted = dict.fromkeys(Kind, 0)
    decided = dict.fromkeys(Kind, 0)
    curve = {at: Score() for at in THRESHOLDS}
    mistakes: list[str] = []
    for seed in list(SEEDS)[:seeds]:
        case = scenario(seed, load=0.6)
        report = judged(case, seed + 1)
        found, wrong = score(case, report)
        whole = {kind: whole[kind] + found[kind] for kind in Kind}
        mistakes += [f"seed {seed}: {each}" for each in wrong]
        for label, can in case.planted.items():
            planted[label.kind] += 1
            decided[label.kind] += can
        for at in THRESHOLDS:
            curve[at] = curve[at] + _at(case, report, at)
    rows = [
        {
            "class": kind.value,
            "title": TITLES[kind],
            "planted": planted[kind],
            "decidable": decided[kind],
            "right": whole[kind].right,
            "wrong": whole[kind].wrong,
            "missed": whole[kind].missed,
            "precision": whole[kind].precision,
            "recall": whole[kind].recall,
        }
        for kind in Kind
    ]
    roc = [
        {"threshold": at, "precision": each.precision, "recall": each.recall}
        for at, each in curve.items()
    ]
    return {"seeds": seeds, "rows": rows, "mistakes": mistakes, "roc": roc}


def _at(case: Scenario, report: Report, threshold: float) -> Score:
    """Divergences at another threshold: against all that was planted, decidable or not."""
    wanted = {
        (label.kind, label.source, label.target)
        for label in case.planted
        if label.kind.startswith("D")
    }
    found = {
        (each.kind, each.source, each.target)
        for each in report.findings
        if each.kind.startswith("D") and each.confidence >= threshold
    }
    return Score(len(found & wanted), len(found - wanted), len(wanted - found))


def report(result: dict[str, Any]) -> str:
    lines = [
        f"Taken on {result['about']['date']}, {result['about']['machine']}.",
        "",
        "## Taking spans in",
        "",
        "| format | spans | bytes a span | read, spans/s | read, gathered and counted, spans/s |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['format']} | {row['spans']:,} | {row['bytes']:.0f} | {row['read']:,.0f} "
        f"| {row['whole']:,.0f} |"
        for row in result["speed"]
    ]
    quality = result["quality"]
    lines += [
        "",
        f"## Finding what was planted, {quality['seeds']} systems at 1 % sampling",
        "",
        "| class | | planted | decidable | found | wrong | missed | precision | recall |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['class']} | {row['title']} | {row['planted']} | {row['decidable']} "
        f"| {row['right']} | {row['wrong']} | {row['missed']} | {row['precision']:.3f} "
        f"| {row['recall']:.3f} |"
        for row in quality["rows"]
    ]
    lines += ["", *(f"- {each}" for each in quality["mistakes"]), ""]
    lines += [
        "Divergences by the threshold of their confidence, against *all* that was planted, also what",
        "too few samples were kept of to decide (0.5 is what is reported, 0.9 what is an alert):",
        "",
        "| threshold | precision | recall |",
        "|---:|---:|---:|",
    ]
    lines += [
        f"| {row['threshold']} | {row['precision']:.3f} | {row['recall']:.3f} |"
        for row in quality["roc"]
    ]
    lines += ["", "All classes, four systems, by how many of the traces are kept:", ""]
    lines += table(result["sampling"])
    return "\n".join(lines)


if __name__ == "__main__":
    main()
