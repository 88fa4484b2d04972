"""Holdfast's memory: over a million calls, and with ten thousand streams open at once.

``make bench-memory`` runs both and renews the tables of docs/reference/performance.md and its two
plots; ``--quick`` takes a minute or two and far fewer calls.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# What several benchmarks use lies in these folders.
sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))
sys.path.insert(1, str(Path(__file__).parents[1] / "drawing"))
sys.path.insert(1, str(Path(__file__).parents[1] / "resilience"))

import calls
import curves
import machine
import streams
from results import write_docs
from targets import WORK, Holdfast

DOCS = Path(__file__).parents[2] / "docs"
MARKS = ("<!-- memory: begin -->", "<!-- memory: end -->")


def main() -> None:
    options = _options()
    if options.report:
        joined: dict[str, Any] = {}
        for path in options.report:
            joined |= json.loads(path.read_text())
        _tell(joined, options)
        return
    if sys.platform != "linux":
        raise SystemExit("this benchmark reads memory and pins processes as Linux has it")
    with machine.alone(WORK):
        _run(options)


def _run(options: argparse.Namespace) -> None:
    cores = machine.cores()
    result: dict[str, Any] = {
        "about": {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine.described(),
            "version": Holdfast().version,
        }
    }
    if options.part != "streams":
        result["calls"] = calls.measure(options.calls, cores=cores)
    if options.part != "calls":
        result["streams"] = streams.measure(
            options.streams,
            rounds=options.rounds,
            open_s=options.open_s,
            held_s=options.held_s,
            cores=cores,
        )
    path = WORK / f"memory-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result))
    _tell(result, options)
    print(f"raw rows: {path}")


def _tell(result: dict[str, Any], options: argparse.Namespace) -> None:
    text = curves.report(result)
    print(f"\n{text}\n")
    if not options.write_docs:
        return
    write_docs(DOCS / "reference" / "performance.md", text, MARKS)
    for name, picture in curves.charts(result).items():
        (DOCS / "assets" / name).write_text(picture)
        print(f"written: {DOCS / 'assets' / name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50,000 calls, 1,000 streams")
    parser.add_argument("--part", choices=("all", "calls", "streams"), default="all")
    parser.add_argument("--calls", type=int, help="default 1,000,000")
    parser.add_argument("--streams", type=int, help="default 10,000")
    parser.add_argument("--rounds", type=int, help="how often streams are opened, default 4")
    parser.add_argument("--open-s", type=float, help="seconds to open them in, default 25")
    parser.add_argument("--held-s", type=float, help="seconds they are all open, default 10")
    parser.add_argument(
        "--report", nargs="+", type=Path, help="tell of what earlier runs measured; measure nothing"
    )
    parser.add_argument("--write-docs", action="store_true", help="renew the page and the plots")
    options = parser.parse_args()
    quick = {"calls": 50_000, "streams": 1_000, "rounds": 2, "open_s": 4.0, "held_s": 5.0}
    whole = {"calls": 1_000_000, "streams": 10_000, "rounds": 4, "open_s": 25.0, "held_s": 10.0}
    for name, value in (quick if options.quick else whole).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


if __name__ == "__main__":
    main()
