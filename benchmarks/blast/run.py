"""How long questions about blast radius take, by the size of the system.

``python benchmarks/blast/run.py`` takes about a minute; ``--write-docs`` renews
docs/architecture/blast-measured.md and the plot beside it. Figures are CPU time of one process.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))
sys.path.insert(2, str(Path(__file__).parents[1] / "drawing"))

from chart import Chart, Line, svg
from results import write_docs

from holdfast.blueprint import Blueprint, Connects, Limits, Node, Relationship, Timeouts, kind_of
from holdfast.blueprint.blast import (
    Assumptions,
    Equations,
    Threats,
    boot,
    compromise,
    impact,
    single_failures,
    single_takeovers,
)
from holdfast.blueprint.facts import NodeFacts, RelationshipFacts
from holdfast.blueprint.graph import System
from holdfast.core import NodeId, RelationshipId

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "architecture/blast-measured.md"
MARKS = ("<!-- sizes: begin -->", "<!-- sizes: end -->")
SIZES = (100, 300, 1_000, 3_000, 10_000)
EDGES = 5
STRENGTHS = ("hard", "hard", "soft", "optional", "async")
ZONES = 20


def drawn(count: int, seed: int = 1) -> System:
    """``count`` nodes with five times as many edges; calls go onward, and one in fifty back."""
    draw_ = random.Random(seed)
    nodes = {NodeId(f"n{i}"): _node(i) for i in range(count)}
    links = [_link(draw_, number, count) for number in range(count * EDGES)]
    return System(
        Blueprint(
            name="drawn", description="", tenant="t", trust_domain="d", digest=None,
            nodes=nodes, relationships=tuple(links), flows=(), policies=(), content=b"", text="",
            warnings=(),
        )
    )  # fmt: skip


def _node(number: int) -> Node:
    zone = [f"zone:{number % ZONES}"] if number % 3 == 0 else None
    return Node(
        id=NodeId(f"n{number}"), type="service", kind=kind_of("service"), name="n", description="",
        interfaces={}, upstream=None, timeouts=Timeouts(), limits=Limits(), controls={}, labels={},
        facts=NodeFacts(failure_domains=zone),
    )  # fmt: skip


def _link(draw_: random.Random, number: int, count: int) -> Relationship:
    one = draw_.randrange(count - 1)
    other = draw_.randrange(one + 1, min(count, one + 1 + count // 5 + 1))
    if number % 50 == 0:
        one, other = other, one
    return Relationship(
        id=RelationshipId(f"r{number}"),
        link=Connects(source=NodeId(f"n{one}"), destination=NodeId(f"n{other}")),
        description="", protocol=None, timeouts=Timeouts(), limits=Limits(), controls={},
        facts=RelationshipFacts(strength=draw_.choice(STRENGTHS)),
    )  # fmt: skip


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = act()
    return time.process_time() - began, found


def measured(count: int) -> dict[str, float]:
    system = drawn(count)
    _ = system.leaving, system.entering
    last = f"n{count - 1}"
    times: dict[str, float] = {}
    times["equations"], equations = timed(lambda: Equations(system, Assumptions()))
    times["one failure"], _ = timed(lambda: impact(system, [last], equations=equations))
    times["all single failures"], _ = timed(lambda: single_failures(system).shares_down)
    times["boot order"], _ = timed(lambda: boot(system))
    times["rules of an attack"], threats = timed(lambda: Threats(system))
    times["one takeover"], _ = timed(lambda: compromise(threats, [last]))
    times["all single takeovers"], _ = timed(lambda: single_takeovers(threats))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    options = parser.parse_args()
    rows = {count: measured(count) for count in SIZES}
    names = list(rows[SIZES[0]])
    lines = ["| nodes | edges | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for count, times in rows.items():
        cells = [_spelled(times[name]) for name in names]
        lines.append(f"| {count:,} | {count * EDGES:,} | " + " | ".join(cells) + " |")
    text = "\n".join(lines)
    print(text)
    if options.write_docs:
        write_docs(PAGE, text, MARKS)
        (DOCS / "assets" / "blast-sizes.svg").write_text(_chart(rows))


def _spelled(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _chart(rows: dict[int, dict[str, float]]) -> str:
    shown = ("one failure", "all single failures", "one takeover", "all single takeovers")
    lines = [Line(name, [(count, times[name]) for count, times in rows.items()]) for name in shown]
    return svg(
        Chart(
            title="Blast radius by size of the system (five edges a node)",
            x_title="nodes", y_title="seconds", lines=lines, x_log=True,
            x_ticks=[float(count) for count in SIZES],
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
