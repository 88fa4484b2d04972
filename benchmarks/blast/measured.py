"""Predicted against measured: every single failure injected, and whose calls got worse compared with
what the blast radius said. In the simulator, and in the running example's real processes.

``python benchmarks/blast/measured.py`` (``--write-docs`` renews docs/architecture/blast-measured.md;
``--no-example`` leaves the real processes out).
"""

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

from results import write_docs

from holdfast.testing.falling import KINDS, Measured, Score, measure, scored

PAGE = Path(__file__).parents[2] / "docs/architecture/blast-measured.md"
FIRST = 21
"""The equations were worked out with the seeds 1 to 8 and 11 to 18 in view; these had no part in it."""
MARKS = ("<!-- predicted: begin -->", "<!-- predicted: end -->")


def main() -> None:
    options = _options()
    head = "injected | failures | pairs worse | precision | recall | same state"
    head += " | all callers: precision | recall"
    lines = [f"| {head} |", "|---" * 8 + "|"]
    seeds = range(options.first, options.first + options.seeds)
    with ProcessPoolExecutor() as pool:
        running = {kind: pool.map(partial(measure, kind=kind), seeds) for kind in KINDS}
        for kind, systems in running.items():
            lines.append(_row(kind, [each for found in systems for each in found]))
            print(lines[-1], flush=True)
    text = "\n".join(lines)
    if not options.no_example:
        text += "\n\n" + _example()
    print(f"\n{text}")
    if options.write_docs:
        write_docs(PAGE, text, MARKS)


def _row(kind: str, found: list[Measured]) -> str:
    own, naive = scored(found), scored(found, naive=True)
    return (
        f"| {kind}: {KINDS[kind]} | {len(found)} | {own.hits + own.misses} | "
        f"{own.precision:.2f} | {own.recall:.2f} | {own.exact} of {_union(own)} | "
        f"{naive.precision:.2f} | {naive.recall:.2f} |"
    )


def _union(score: Score) -> int:
    return score.hits + score.false_alarms + score.misses


def _example() -> str:
    from example import SEEN, measured_example  # noqa: PLC0415 - it needs the demo's packages

    rows = list(measured_example())
    lines = ["| what fails | " + " | ".join(SEEN) + " |", "|---" * (len(SEEN) + 1) + "|"]
    pairs: list[tuple[bool, bool]] = []
    for fault, told, seen in rows:
        cells = []
        for name in SEEN:
            if name == fault:
                cells.append("itself")
                continue
            pairs.append((told[name], seen[name]))
            cells.append(f"{_word(told[name])} / {_word(seen[name])}")
        lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    precision, recall = _rates(pairs)
    return "\n".join(lines) + f"\n\nPrecision {precision:.2f}, recall {recall:.2f}."


def _word(is_worse: bool) -> str:
    return "worse" if is_worse else "well"


def _rates(pairs: Iterable[tuple[bool, bool]]) -> tuple[float, float]:
    listed = list(pairs)
    hits = sum(told and seen for told, seen in listed)
    told = sum(told for told, _ in listed)
    seen = sum(seen for _, seen in listed)
    return hits / max(1, told), hits / max(1, seen)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="systems drawn, for each kind")
    parser.add_argument("--first", type=int, default=FIRST, help=f"the first seed ({FIRST})")
    parser.add_argument("--no-example", action="store_true", help="only the simulator")
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
