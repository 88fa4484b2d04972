"""CPU per call of nginx, of Holdfast with every check on, and of its peers, in one run.

The gateway under test, with all its processes, has one core to itself; the upstream and the load
generator share another. Targets take turns, each started afresh in every repetition. ``make bench``
runs this; ``--quick`` takes a minute or two, ``--write-docs`` renews docs/reference/performance.md.
"""

import argparse
import contextlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import machine
import results
import stages
from peers import LiteLLM, Portkey, TensorZero
from results import Case
from targets import HERE, WORK, Direct, Holdfast, Nginx, Running, pinned, upstream_on

TARGETS = {
    target.name: target for target in (Direct, Nginx, Holdfast, LiteLLM, Portkey, TensorZero)
}

CASES = (Case("stream", 16), Case("chat", 64, pace=1_000), Case("chat", 64), Case("chat", 16))
"""Plain calls last, so that the newest records of a log are theirs."""
DOCS = HERE.parents[1] / "docs" / "reference" / "performance.md"


def main() -> None:
    options = _options()
    if sys.platform != "linux":
        raise SystemExit("this benchmark reads CPU time and pins processes as Linux has it")
    with machine.alone(WORK):
        _run(options)


def _run(options: argparse.Namespace) -> None:
    chosen = {name: TARGETS[name]() for name in options.targets}
    skipped = [reason for target in chosen.values() if (reason := target.missing())]
    for reason in skipped:
        print(f"skipped: {reason}")
    ready = {name: target for name, target in chosen.items() if target.missing() is None}
    cores = machine.cores()
    rows: list[dict[str, Any]] = []
    for repetition in range(options.repetitions):
        for name, target in ready.items():
            rows += _measure(name, target, repetition, options=options, cores=cores)
    holdfast = ready.get("holdfast")
    result = {
        "about": _about(options, {n: t.version for n, t in ready.items()}, skipped),
        "rows": rows,
        "steps": stages.steps_of(holdfast.data) if isinstance(holdfast, Holdfast) else [],
    }
    if isinstance(holdfast, Holdfast):
        _check_log(holdfast, rows)
    _keep(result, options)


def _measure(
    name: str,
    target: Any,
    repetition: int,
    *,
    options: argparse.Namespace,
    cores: tuple[int, int],
) -> Iterator[dict[str, Any]]:
    gateway_core, load_core = cores
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(upstream_on(load_core))
        run = stack.enter_context(target.running(upstream, gateway_core))
        for case in CASES:
            row = load(case, run, upstream, options=options, cores=cores)
            row |= {
                "target": name,
                "repetition": repetition,
                "kind": case.kind,
                "connections": case.connections,
                "pace": case.pace,
            }
            _tell(row)
            yield row


def load(
    case: Case,
    run: Running,
    upstream: Running,
    *,
    options: argparse.Namespace,
    cores: tuple[int, int],
) -> dict[str, Any]:
    """One target in one case, from a process of its own that makes the load."""
    # Without a gateway there is no process to account for: the load generator's own core is.
    gateway_core = cores[0] if run.pid != upstream.pid else cores[1]
    words = {
        "kind": case.kind,
        "connections": case.connections,
        "pace": case.pace,
        "port": run.port,
        "key": run.key,
        "path": run.path,
        "model": run.model,
        "pid": run.pid,
        "upstream-pid": upstream.pid,
        "gateway-core": gateway_core,
        "load-core": cores[1],
        "warmup-s": options.warmup_s,
        "measure-s": options.measure_s,
    }
    command = [sys.executable, str(HERE / "load.py")]
    for word, value in words.items():
        command += [f"--{word}", str(value)]
    for name, value in run.headers.items():
        command += ["--header", f"{name}: {value}"]
    with pinned(cores[1]):
        said = subprocess.run(command, check=False, capture_output=True, text=True)
    if said.returncode != 0:
        raise SystemExit(f"the load generator failed: {said.stderr}")
    row = json.loads(said.stdout)
    if row["errors"]:
        raise SystemExit(f"calls failed: {row['errors']}")
    return row


def _tell(row: dict[str, Any]) -> None:
    print(
        f"{row['repetition'] + 1}  {row['target']:<11}{row['kind']:<7}{row['connections']:>3}"
        f"{row['pace'] or '':>6}"
        f"{row['cpu_us']:>10.1f} us{row['rps']:>9.0f}/s  p99 {row['p99_ms']:>8.2f} ms"
        f"  core {row['gateway_busy']:>4.0%} busy, others {row['foreign_gateway_core']:.0%}",
        flush=True,
    )


def _check_log(holdfast: Holdfast, rows: list[dict[str, Any]]) -> None:
    """Every measured call must be in the log, and the log must verify: or it was not measured."""
    found = holdfast.verify()
    last = max(row["repetition"] for row in rows)
    mine = [r for r in rows if r["target"] == "holdfast" and r["repetition"] == last]
    least = sum(row["done"] * (2 if row["kind"] == "stream" else 1) for row in mine)
    if not found["verified"] or int(str(found["size"])) < least:
        raise SystemExit(f"the log does not hold what was measured: {found}")
    print(f"the log of the last repetition verifies: {found['size']} records, {least} measured")


def _keep(result: dict[str, Any], options: argparse.Namespace) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = WORK / f"gateway-{stamp}.json"
    path.write_text(json.dumps(result, indent=1))
    text = results.report(result)
    print(f"\n{text}\n\nraw rows: {path}")
    if options.write_docs:
        results.write_docs(DOCS, text)
        print(f"written: {DOCS}")


def _about(
    options: argparse.Namespace, versions: dict[str, str], skipped: list[str]
) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.described(),
        "python": platform.python_version(),
        "versions": versions,
        "skipped": skipped,
        "repetitions": options.repetitions,
        "measure_s": options.measure_s,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 repetitions of 1.5 s a cell")
    parser.add_argument("--repetitions", type=int, help="default 5")
    parser.add_argument("--measure-s", type=float, help="seconds a cell, default 4")
    parser.add_argument("--warmup-s", type=float, default=1.0)
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    parser.add_argument("--write-docs", action="store_true", help=f"renew {DOCS.name}")
    options = parser.parse_args()
    options.repetitions = options.repetitions or (2 if options.quick else 5)
    options.measure_s = options.measure_s or (1.5 if options.quick else 4.0)
    return options


if __name__ == "__main__":
    main()
