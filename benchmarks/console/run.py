"""The console with a million calls stored: how long each question and each page takes.

``make bench-console``; ``--calls N`` for fewer, ``--keep FOLDER`` keeps the data directory and uses
it again. ``--write-docs`` renews docs/reference/console-measured.md. The records go through a real
recorder and a real log; the history is made of them as the keeper makes it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

# What several benchmarks use lies in this folder.
sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

import machine
import pages
import questions
import stored
from results import write_docs

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.world.real import SystemClock

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference" / "console-measured.md"
MARKS = ("<!-- console: begin -->", "<!-- console: end -->")
HEAD = "| CPU, ms | passed, ms | slowest, ms |"
RULE = "|---|---:|---:|---:|"
ROUNDS = 21
COST_OF = 50_000
"""Records, the newest, that are indexed once more to see what one costs."""
LIMIT_MS = 100.0
"""What an answer may take: on a machine of its own what it needs of CPU."""


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        now = SystemClock().now()
        if not DataDir(folder).is_used:
            print(f"{options.calls:,} calls are recorded ...", flush=True)
            stored.write_log(folder, options.calls, until=now)
        store = stack.enter_context(closing(wiring.open_store(DataDir(folder))))
        print("the history is made of them ...", flush=True)
        found = stored.make_history(folder, store)
        cost = stored.cost_of(found, count=COST_OF)
        text = "\n".join([*_about(found, cost), "", *_asked(found), "", *_shown(found)])
    print(f"\n{text}\n")
    if options.write_docs:
        write_docs(PAGE, text, MARKS)


def _about(found: stored.Stored, cost: stored.Cost) -> list[str]:
    calls = found.history.extent().calls
    text = (
        f"Taken on {datetime.now(UTC):%Y-%m-%d}, {machine.described()}; {calls:,} calls of 30 pairs "
        f"in 30 days. A record costs the keeper {cost.reading:.1f} us of CPU to read off the log and "
        f"decode, and {cost.indexing:.1f} us to index; a call takes {cost.bytes_a_call:.0f} bytes of "
        "`history.db`."
    )
    return [text]


def _asked(found: stored.Stored) -> list[str]:
    lines = [f"| question {HEAD}", RULE]
    for name, question in questions.questions(found.history, found.newest + 1).items():
        lines.append(_row(name, lambda ask=question: ask(found.history)))
    return lines


def _shown(found: stored.Stored) -> list[str]:
    lines = [f"| page or path {HEAD}", RULE]
    with pages.client(found.log, found.history, found.newest + 1) as client:
        for address in pages.addresses(found.history):
            status = client.get(address).status_code
            if status != 200:
                print(f"  {address}: {status}")
                continue
            lines.append(_row(f"`{_short(address)}`", lambda at=address: client.get(at)))
    return lines


def _short(address: str) -> str:
    """Without what is only of this run."""
    path, mark, words = address.partition("?")
    parts = (each if len(each) < 26 and not each.isdigit() else "..." for each in path.split("/"))
    return "/".join(parts) + mark + words


def _row(name: str, act: Callable[[], object]) -> str:
    """Milliseconds; once before that for what is made on first use."""
    act()
    used: list[float] = []
    passed: list[float] = []
    for _ in range(ROUNDS):
        cpu, clock = time.process_time(), time.perf_counter()
        act()
        used.append((time.process_time() - cpu) * 1e3)
        passed.append((time.perf_counter() - clock) * 1e3)
    median = statistics.median(used)
    mark = " **over**" if median > LIMIT_MS else ""
    return f"| {name} | {median:.1f}{mark} | {statistics.median(passed):.1f} | {max(passed):.1f} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the data directory, used again")
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
