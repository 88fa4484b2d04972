"""How long proofs take, by size: survival of k failures, and what the network enforces.

``python benchmarks/proofs/run.py``; ``--write-docs`` renews docs/architecture/proofs.md.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

from results import write_docs

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes import Layer, Rule, RuleBook, ports_of
from holdfast.blueprint.proofs import Enforced, Proof, enforced_within_declared, survives

PAGE = Path(__file__).parents[2] / "docs/architecture/proofs.md"
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


def cluster(count: int, seed: int = 1) -> Enforced:
    """Workloads of which each may be called by a few on one port; two rules too wide are planted."""
    draw = random.Random(seed)
    declared: dict[tuple[int, int], Any] = {}
    rules: list[Rule] = []
    everyone = frozenset(range(count))
    for number in range(count):
        callers = frozenset(draw.sample(range(count), 4)) - {number}
        ports = ports_of("TCP", 8000 + number % 100)
        declared |= {(caller, number): ports for caller in callers}
        rules.append(_rule(number, callers, ports))
    rules += [_rule(number, everyone, ports_of("TCP", 9090)) for number in (count // 3, count // 2)]
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


def timed(act: Callable[[], Proof]) -> str:
    began = time.process_time()
    proof = act()
    return f"{time.process_time() - began:.2f} s, {proof.outcome}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    options = parser.parse_args()
    lines = ["| parts | survives 1 | survives 2 | survives 3 |", "|---|---|---|---|"]
    for count in (100, 400, 800):
        system = layered(count)
        cells = [
            timed(lambda k=k, system=system: survives(system, "f", faults=k)) for k in (1, 2, 3)
        ]
        lines.append(f"| {len(system.nodes)} | " + " | ".join(cells) + " |")
    lines += ["", "| workloads | everything permitted is declared |", "|---|---|"]
    for count in (50, 100, 200, 400):
        lines.append(f"| {count} | {timed(lambda c=count: enforced_within_declared(cluster(c)))} |")
    text = "\n".join(lines)
    print(text)
    if options.write_docs:
        write_docs(PAGE, text, MARKS)


if __name__ == "__main__":
    main()
