"""CPU per decision against the number of policies: cold, with facts never seen, and looked up.

``make bench-policy`` (``--write-docs``) renews docs/reference/policy-measured.md. Every figure is
process CPU time of one core, the best of several rounds in one run; wall clocks of a shared machine
say little. A cold decision is one whose exact facts were never asked before: nothing is looked up.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

import machine
from results import write_docs

from holdfast.blueprint import load
from holdfast.policy import Facts, Policy

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference/policy-measured.md"
WORK = Path(__file__).parents[1] / ".work"
MARKS = ("<!-- policy: begin -->", "<!-- policy: end -->")
SIZES = (10, 100, 1_000)
ROUNDS = 7
CALLS = 300
SERVERS = 50

SHAPES: dict[str, tuple[str, Callable[[int], str]]] = {
    "by callee": (
        "each policy names the server it is about in its scope",
        lambda n: (
            f'(principal, action == Holdfast::Action::"call", resource == Holdfast::Tool::"s{n % SERVERS}")'
            f" when {{ context.depth > {n % 7 + 3} }}"
        ),
    ),
    "by label": (
        "no scope at all; each asks for the caller's team and the depth",
        lambda n: (
            "(principal, action, resource) when {"
            f' principal.labels has team && principal.labels.team == "team-{n}" && context.depth > 3 }}'
        ),
    ),
    "by tool": (
        "no scope at all; each asks for one tool",
        lambda n: (
            "(principal, action, resource) when {"
            f' context has tool && context.tool == "tool-{n}" && context.depth > 3 }}'
        ),
    ),
    "by threshold": (
        "no scope; each a limit on tokens, few of which the call measured exceeds",
        lambda n: (
            "(principal, action, resource) when {"
            f" context has max_tokens && context.max_tokens > {n * 100} }}"
        ),
    ),
    "all apply": (
        "no scope, and every one of them applies to the call: the worst case",
        lambda n: (
            "(principal, action, resource) when {"
            f" context has max_tokens && context.max_tokens > {n - 2_000} }}"
        ),
    ),
}


def main() -> None:
    options = _options()
    if options.report:
        result = json.loads(options.report.read_text())
    else:
        result = _measure()
        WORK.mkdir(exist_ok=True)
        (WORK / "policy.json").write_text(json.dumps(result))
    text = _report(result)
    print(text)
    if options.write_docs:
        write_docs(PAGE, text, MARKS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    parser.add_argument("--report", type=Path, help="a result kept from an earlier run")
    return parser.parse_args()


def _measure() -> dict[str, Any]:
    rows = []
    for shape, (_, written) in SHAPES.items():
        for size in SIZES:
            rows.append({"shape": shape, "size": size, **_row(written, size)})
            print(rows[-1], file=sys.stderr)
    about = {"date": datetime.now(UTC).date().isoformat(), "machine": machine.described()}
    return {"about": about, "rows": rows}


def _row(written: Callable[[int], str], size: int) -> dict[str, float]:
    policies = "\n".join(f'@id("p{n}") forbid {written(n)};' for n in range(size))
    blueprint = _blueprint(policies)
    started = time.process_time()
    policy = Policy.compile(blueprint)
    load_ms = (time.process_time() - started) * 1000
    using = policy.rules_for("desk", "call", "s1")
    numbers = count()

    def cold() -> None:
        policy.decide("desk", "call", "s1", _new(next(numbers)))

    known = _new(0)
    return {
        "cold_us": _best(cold),
        "warm_us": _best(lambda: policy.decide("desk", "call", "s1", known)),
        "load_ms": load_ms,
        "slice": len(using),
    }


def _new(number: int) -> Facts:
    """Facts that were never asked about: a policy speaks of the tool, so its name counts."""
    return Facts(tool=f"tool-{number}", depth=number % 9, max_tokens=1_000)


def _best(once: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(CALLS):
            once()
        best = min(best, (time.process_time() - started) / CALLS)
    return best * 1e6


def _blueprint(policies: str) -> Any:
    upstream = {"upstream": {"url": "http://127.0.0.1:1/v1"}}
    # One policy speaks of tools whatever the shape, so that the tool tells decisions apart.
    policies += (
        '\nforbid (principal, action, resource) when { context has tool && context.tool == "" };'
    )
    nodes: dict[str, Any] = {
        "desk": {"type": "service", "description": "d", "metadata": {"team": "team-7"}}
    }
    for n in range(SERVERS):
        nodes[f"s{n}"] = {"type": "ai:tool", "description": "d", "controls": upstream}
    data = {
        "holdfast": 1,
        "name": "bench",
        "nodes": nodes,
        "relationships": [{"id": f"r{n}", "connects": ["desk", f"s{n}"]} for n in range(SERVERS)],
        "policies": ["many.cedar"],
    }
    return load(json.dumps(data), source="bench.yaml", read=lambda _: policies)


def _report(result: dict[str, Any]) -> str:
    lines = [
        f"Taken on {result['about']['date']}, {result['about']['machine']}.",
        "",
        "| policies | written as | cold, us | looked up, us | in the slice | load, ms |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        lines.append(
            f"| {row['size']:,} | {row['shape']} | {row['cold_us']:.0f} | {row['warm_us']:.1f} "
            f"| {row['slice']:,} | {row['load_ms']:.0f} |"
        )
    lines += ["", *(f"- *{name}*: {what}." for name, (what, _) in SHAPES.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
