"""Trouble for half a minute, and what becomes of calls when it ends: Holdfast, LiteLLM's Router, and a
client that tries three times, before the same models in virtual time, from the same seeds.

``make bench-brownout`` runs all of it (some 20 minutes) and renews docs/reference/resilience-measured.md
and docs/assets/brownout.svg. The same seeds give the same figures on any machine.
"""

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

# What several benchmarks use lies in these folders.
sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))
sys.path.insert(1, str(Path(__file__).parents[1] / "drawing"))

import peers
import report
from results import write_docs
from targets import WORK

from holdfast.testing.brownout import run_course
from holdfast.testing.slotted import TROUBLES

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
MARKS = ("<!-- brownout: begin -->", "<!-- brownout: end -->")
LOADS = (0.5, 0.7, 0.85)
Own: TypeAlias = Literal["holdfast-defaults", "holdfast", "naive"]
OWN: Final[tuple[Own, ...]] = ("holdfast-defaults", "holdfast", "naive")

Row = dict[str, Any]


class Router(peers.LiteLLM):
    """LiteLLM as a library, in an environment in which the simulated world runs too."""

    title = "LiteLLM's Router"
    megabytes = 390

    def __init__(self) -> None:
        super().__init__()
        self.home, self.pins = WORK / "brownout", HERE / "litellm.txt"

    @contextlib.contextmanager
    def measuring(self, courses: list[Any]) -> Iterator[Iterator[Row]]:
        """Its courses run in a process of their own meanwhile; their rows, once all are done."""
        found = WORK / "brownout-litellm.jsonl"
        command = [str(self.home / "bin" / "python"), str(HERE / "router.py"), str(found)]
        env = {**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=env)
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(courses).encode())
            process.stdin.close()
            yield _rows(process, found)
        finally:
            process.terminate()
            process.wait()


def _rows(process: "subprocess.Popen[bytes]", found: Path) -> Iterator[Row]:
    if process.wait() != 0:
        raise SystemExit("the Router's process failed; what it said stands above")
    for line in found.read_text().splitlines():
        yield json.loads(line)


def main() -> None:
    options = _options()
    if options.report:
        result = json.loads(options.report.read_text())
    else:
        result = _measured(options)
        path = WORK / f"brownout-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
        path.write_text(json.dumps(result))
        print(f"raw rows: {path}")
    text = report.report(result)
    print(f"\n{text}")
    if options.write_docs:
        write_docs(DOCS / "reference" / "resilience-measured.md", text, MARKS)
        (DOCS / "assets" / "brownout.svg").write_text(report.chart(result))


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    WORK.mkdir(exist_ok=True)
    seeds = range(1, options.seeds + 1)
    courses = list(itertools.product(options.troubles, options.loads, seeds, [report.AFTER_S]))
    rows: list[Row] = []
    router = Router()
    skipped = router.missing()
    with contextlib.ExitStack() as stack:
        theirs: Iterator[Row] = iter(())
        if skipped is None:
            theirs = stack.enter_context(router.measuring(courses))
        for trouble, load, seed, after_s in courses:
            for system in OWN:
                rows.append(_own(system, trouble, load, seed=seed, after_s=after_s))
                _tell(rows[-1])
        for row in theirs:
            rows.append(row)
            _tell(row)
    date = datetime.now(UTC).date().isoformat()
    return {"date": date, "seeds": options.seeds, "skipped": skipped, "rows": rows}


def _own(system: Own, trouble: Any, load: float, *, seed: int, after_s: int) -> Row:
    course = run_course(trouble, load_share=load, system=system, after_s=after_s, seed=seed)
    row = {"system": system, "trouble": trouble, "load": load, "seed": seed}
    row |= {"asked": course.asked, "answered": course.answered, "attempts": course.attempts}
    return json.loads(json.dumps(row))


def _tell(row: Row) -> None:
    course = report.course(row)
    spans = " ".join(f"{share:6.1%}" for share in report.spans(course))
    print(
        f"{row['system']:<18}{row['trouble']:<17}{row['load']:<5}{row['seed']} {spans} "
        f"{course.attempts_a_call:.2f}",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--troubles", nargs="+", choices=TROUBLES, default=list(TROUBLES))
    parser.add_argument("--loads", nargs="+", type=float, default=list(LOADS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--report", type=Path, help="tell of an earlier run; measure nothing")
    parser.add_argument("--write-docs", action="store_true", help="renew the page and the plot")
    return parser.parse_args()


if __name__ == "__main__":
    main()
