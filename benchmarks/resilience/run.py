"""What becomes of calls when the models behind a gateway fail, or are too few: real processes.

Two models with few slots stand behind one name, and an open loop of callers asks. Faults: each
scenario once for each target. Curve: goodput against offered load. ``make bench-resilience`` runs
both and renews docs/reference/resilience-measured.md; ``--quick`` takes some minutes.
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

import machine
import report
import trial
import verdict
from gateways import GATEWAYS
from results import write_docs
from scenarios import CAPACITY, SCENARIOS, Scenario, Step
from targets import WORK
from trial import Plan

DOCS = Path(__file__).parents[2] / "docs"
CURVE_TARGETS = ("holdfast", "litellm")
CALM_LOAD = 0.5
"""What is asked before the load of a point of the curve sets in, at most."""
LOADS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
QUICK_LOADS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)


def main() -> None:
    options = _options()
    if options.report:
        _tell(_joined(options.report), options)
        return
    if sys.platform != "linux":
        raise SystemExit("this benchmark pins processes and reads CPU time as Linux has it")
    with machine.alone(WORK):
        _run(options)


def _run(options: argparse.Namespace) -> None:
    cores = machine.cores()
    ready, skipped = _ready(options.targets)
    result: dict[str, Any] = {"about": _about(options, ready, skipped), "faults": [], "curve": []}
    path = WORK / f"resilience-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    for scenario in SCENARIOS if options.part != "curve" else ():
        if scenario.name in options.scenarios:
            for name, gateway in ready.items():
                result["faults"] += _fault(name, gateway, scenario, options=options, cores=cores)
                path.write_text(json.dumps(result, indent=1))
    for name, gateway in ready.items() if options.part != "faults" else ():
        if name in options.curve_targets:
            for load in options.loads or (QUICK_LOADS if options.quick else LOADS):
                row = _point(gateway, load, options=options, cores=cores)
                result["curve"].append({"target": name} | row)
                _tell_point(name, row)
                path.write_text(json.dumps(result, indent=1))
    path.write_text(json.dumps(result, indent=1))
    _tell(result, options)
    print(f"raw rows: {path}")


def _fault(
    name: str,
    gateway: Any,
    scenario: Scenario,
    *,
    options: argparse.Namespace,
    cores: tuple[int, int],
) -> list[dict[str, Any]]:
    rate = scenario.load * CAPACITY
    calm_s, fault_s, after_s = options.calm_s, options.fault_s, options.after_s
    rows: list[dict[str, Any]] = []
    for repetition in range(options.repetitions):
        plan = Plan(
            phases=((calm_s, rate), (fault_s, rate * scenario.surge), (after_s, rate)),
            steps=tuple((calm_s + step.at * fault_s, step) for step in scenario.steps),
            stream=scenario.stream,
            seed=repetition,
        )
        found = trial.run(gateway, plan, cores=cores)
        said = verdict.findings(found.pop("rows"), calm_s=calm_s, fault_s=fault_s, after_s=after_s)
        row = {"scenario": scenario.name, "target": name, "repetition": repetition}
        rows.append(row | found | said)
        _tell_fault(rows[-1])
    return rows


def _point(
    gateway: Any, load: float, *, options: argparse.Namespace, cores: tuple[int, int]
) -> dict[str, Any]:
    """Goodput at one load, after a calm beginning, and after time for queues to fill."""
    calm, rate = (options.calm_s, min(load, CALM_LOAD) * CAPACITY), load * CAPACITY
    phases = (calm, (options.fill_s, rate), (options.measure_s, rate))
    steps: tuple[tuple[float, Step], ...] = ()
    found = trial.run(gateway, Plan(phases, steps, stream=False, seed=0), cores=cores)
    calls = [verdict.Seen(*row) for row in found.pop("rows")]
    begin = options.calm_s + options.fill_s
    seen = verdict.ended(calls, begin, begin + options.measure_s)
    return {"load": load} | found | seen._asdict()


def _tell_fault(row: dict[str, Any]) -> None:
    during, after = row["during"], row["after"]
    recovery = row["recovery_s"]
    print(
        f"{row['scenario']:<16}{row['target']:<13}"
        f"during {during['right']:>4}/{during['calls']:<5} p99 {during['p99_s']:>6.2f} s  "
        f"after {after['right']:>4}/{after['calls']:<5}"
        f"recovered {'never' if recovery is None else f'{recovery:.2f} s':<8} "
        f"attempts {row['attempts']:.2f}  cpu {row['cpu_share']:.0%}  {row['reasons']}",
        flush=True,
    )


def _tell_point(name: str, row: dict[str, Any]) -> None:
    print(
        f"{name:<13}{row['load']:>5.2f} x  goodput {row['good']:>6.1f}/s  p50 {row['p50_s']:.2f} s  "
        f"p99 {row['p99_s']:.2f} s  attempts {row['attempts']:.2f}  cpu {row['cpu_share']:.0%}",
        flush=True,
    )


def _joined(paths: list[Path]) -> dict[str, Any]:
    """What several runs measured; of what was measured twice, the later file's."""
    results = [json.loads(path.read_text()) for path in paths]
    faults: dict[Any, dict[str, Any]] = {}
    curve: dict[Any, dict[str, Any]] = {}
    versions: dict[str, str] = {}
    for result in results:
        again = {(row["scenario"], row["target"]) for row in result["faults"]}
        faults = {key: row for key, row in faults.items() if key[:2] not in again}
        faults |= {(r["scenario"], r["target"], r["repetition"]): r for r in result["faults"]}
        curve |= {(row["target"], row["load"]): row for row in result["curve"]}
        versions |= result["about"]["versions"]
    about = results[-1]["about"] | {"versions": versions}
    return {"about": about, "faults": list(faults.values()), "curve": list(curve.values())}


def _tell(result: dict[str, Any], options: argparse.Namespace) -> None:
    text = report.report(result)
    print(f"\n{text}")
    if options.write_docs:
        page = DOCS / "reference" / "resilience-measured.md"
        write_docs(page, text)
        print(f"written: {page}")
        if result["curve"]:
            chart = DOCS / "assets" / "degradation.svg"
            chart.write_text(report.curve_chart(result["curve"]))
            print(f"written: {chart}")


def _ready(names: list[str]) -> tuple[dict[str, Any], list[str]]:
    ready: dict[str, Any] = {}
    skipped: list[str] = []
    for name in names:
        gateway = GATEWAYS[name]()
        reason = gateway.target.missing()
        if reason is None:
            ready[name] = gateway
        else:
            skipped.append(reason)
            print(f"skipped: {reason}")
    return ready, skipped


def _about(
    options: argparse.Namespace, ready: dict[str, Any], skipped: list[str]
) -> dict[str, Any]:
    names = ("calm_s", "fault_s", "after_s", "fill_s", "measure_s", "repetitions")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine.described(),
        "versions": {name: gateway.target.version for name, gateway in ready.items()},
        "skipped": skipped,
        **{name: getattr(options, name) for name in names},
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short spans, fewer points")
    parser.add_argument("--part", choices=("all", "faults", "curve"), default="all")
    parser.add_argument("--targets", nargs="+", choices=list(GATEWAYS), default=list(GATEWAYS))
    parser.add_argument(
        "--curve-targets", nargs="+", choices=list(GATEWAYS), default=list(CURVE_TARGETS)
    )
    parser.add_argument("--loads", nargs="+", type=float, help="of the curve, times the capacity")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenarios", nargs="+", choices=names, default=names)
    parser.add_argument("--repetitions", type=int, default=1, help="each with another seed")
    spans = {
        "calm": (15, 15),
        "fault": (10, 5),
        "after": (20, 8),
        "fill": (15, 12),
        "measure": (20, 8),
    }
    for name, (whole, quick) in spans.items():
        parser.add_argument(f"--{name}-s", type=float, help=f"default {whole}, quick {quick}")
    parser.add_argument(
        "--report", nargs="+", type=Path, help="tell of what earlier runs measured; measure nothing"
    )
    parser.add_argument("--write-docs", action="store_true", help="renew the page and the plot")
    options = parser.parse_args()
    for name, (whole, quick) in spans.items():
        if getattr(options, f"{name}_s") is None:
            setattr(options, f"{name}_s", float(quick if options.quick else whole))
    return options


if __name__ == "__main__":
    main()
