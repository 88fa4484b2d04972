"""How long proofs take, by size: survival of k failures, and what the network enforces.

``python benchmarks/proofs/run.py``; ``--write-docs`` renews docs/architecture/proofs.md
and the plot beside it. CPU time of one process.
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

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import Layer, Rule, RuleBook, ports_of
from holdfast.blueprint.proofs import Enforced, Proof, enforced_within_declared, survives

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "architecture" / "proofs.md"
PLOT = DOCS / "assets" / "proofs-sizes.svg"
FAULTS = (1, 2, 3)
PARTS = (100, 200, 400, 800, 1600)
WORKLOADS = (50, 100, 200, 400, 800)
MARKS = ("<!-- sizes: begin -->", "<!-- sizes: end -->")


def layered(services: int) -> System:
    """Layers of groups of three members, of which one is needed; each calls two of the next layer."""
    draw = random.Random(services)
    lines = ["holdfast: 1", "name: t", "nodes:", "  p: {type: actor, description: d}"]
    links = ["  - {id: start, interacts: {actor: p, nodes: [g0]}}"]
    groups = services // 4
    for group in range(groups):
        lines.append(f"  g{group}: {{type: service, description: d}}")
        members = [f"g{group}-{copy}" for copy in range(3)]
        for copy, name in enumerate(members):
            url = f"http://127.0.0.1:{1 + group * 3 + copy}/v1"
            lines.append(
                f"  {name}: {{type: service, description: d, controls: {{upstream: {{url: '{url}'}}}}, "
                f"facts: {{failure_domains: ['zone:{copy}']}}}}"
            )
        links.append(
            f"  - {{id: c{group}, composed-of: {{container: g{group}, nodes: [{', '.join(members)}]}}}}"
        )
        onward = range(group + 1, min(groups, group + 8))
        for other in draw.sample(onward, min(2, len(onward))):
            links += [
                f"  - {{id: {name}-g{other}, connects: [{name}, g{other}], facts: {{strength: soft}}}}"
                if copy == 0 else f"  - {{id: {name}-g{other}, connects: [{name}, g{other}]}}"
                for copy, name in enumerate(members)
            ]  # fmt: skip
    flow = "flows:\n  - {id: f, name: f, description: d, steps: [{over: start, description: d}]}"
    text = "\n".join([*lines, "relationships:", *links, flow])
    return System(load(text, source="t", read=str))


def cluster(count: int, *, is_wide: bool, seed: int = 1) -> Enforced:
    """Workloads of which each may be called by a few on one port; ``is_wide`` plants two rules that
    permit more than is declared."""
    draw = random.Random(seed)
    declared: dict[tuple[int, int], Any] = {}
    rules: list[Rule] = []
    everyone = frozenset(range(count))
    for number in range(count):
        callers = frozenset(draw.sample(range(count), 4)) - {number}
        ports = ports_of("TCP", 8000 + number % 100)
        declared |= {(caller, number): ports for caller in callers}
        rules.append(_rule(number, callers, ports))
    wide = (count // 3, count // 2) if is_wide else ()
    rules += [_rule(number, everyone, ports_of("TCP", 9090)) for number in wide]
    return Enforced(
        book=RuleBook(
            workloads=tuple(f"w{number}" for number in range(count)),
            rules=tuple(rules),
            isolated={"ingress": everyone, "egress": frozenset()},
        ),
        declared=declared,
    )


def _rule(number: int, callers: frozenset[int], ports: Any) -> Rule:
    return Rule(
        origin="r", direction="ingress", action="allow", layer=Layer.NAMESPACE,
        subjects=frozenset({number}), peers=callers, ports=ports,
    )  # fmt: skip


def timed(act: Callable[[], Proof]) -> tuple[float, str]:
    """Seconds of CPU, and what came out."""
    began = time.process_time()
    proof = act()
    return time.process_time() - began, str(proof.outcome)


def survival() -> tuple[list[str], list[Line]]:
    """The table of survival by size, and its lines."""
    lines = ["| parts | survives 1 | survives 2 | survives 3 |", "|---|---|---|---|"]
    points: dict[int, list[tuple[float, float]]] = {faults: [] for faults in FAULTS}
    for count in PARTS:
        system = layered(count)
        cells: list[str] = []
        for faults in FAULTS:
            seconds, outcome = timed(lambda k=faults, made=system: survives(made, "f", faults=k))
            points[faults].append((len(system.nodes), seconds))
            cells.append(f"{seconds:.2f} s, {outcome}")
        lines.append(f"| {len(system.nodes):,} | " + " | ".join(cells) + " |")
    return lines, [Line(f"survives {faults}", found) for faults, found in points.items()]


def networks() -> tuple[list[str], list[Line]]:
    """The table of what the network permits by size, and its lines."""
    lines = ["| workloads | permits just what is declared | permits too much |", "|---|---|---|"]
    points: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for count in WORKLOADS:
        cells: list[str] = []
        for is_wide, found in points.items():
            made = cluster(count, is_wide=is_wide)
            seconds, outcome = timed(lambda made=made: enforced_within_declared(made))
            found.append((count, seconds))
            cells.append(f"{seconds:.2f} s, {outcome}")
        lines.append(f"| {count:,} | " + " | ".join(cells) + " |")
    return lines, [
        Line("network, proved", points[False]),
        Line("network, refuted", points[True], quiet=True),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    options = parser.parse_args()
    surviving, permitting = survival(), networks()
    text = "\n".join([*surviving[0], "", *permitting[0]])
    print(text)
    if options.write_docs:
        write_docs(PAGE, text, MARKS)
        PLOT.write_text(_chart([*surviving[1], *permitting[1]]))


def _chart(lines: list[Line]) -> str:
    ticks = sorted({x for line in lines for x, _ in line.points if x in WORKLOADS})
    return svg(
        Chart(
            title="Proofs by size", x_title="parts, or workloads", y_title="seconds", lines=lines,
            x_log=True, x_ticks=ticks,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
