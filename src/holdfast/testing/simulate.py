"""``make sim SEED=n``: run one seed, or ``--count`` of them from there, and say what happened."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from holdfast.testing.plan import CALLS, DAY_CALLS, Plan, draw_day, draw_plan
from holdfast.testing.shrinking import shrunk
from holdfast.testing.simulation import History, run_plan
from holdfast.world.sim import Trace

RUNS_MAX = 200
"""Runs spent on making a failing plan smaller."""


def main() -> int:
    """Exit code 1 when a rule was broken: the seed, the command that replays it and the faults it
    needs are printed."""
    options = _options()
    began = time.process_time()
    calls = seeds = 0
    for seed in _seeds(options):
        plan = _plan(options, seed)
        if options.plan:
            sys.stdout.writelines(f"{i}: {fault}\n" for i, fault in enumerate(plan.faults))
            continue
        try:
            history = _run(plan, options.trace)
        except Exception as error:  # noqa: BLE001 - whatever ends a run is a finding
            _tell_broken(options, plan, error)
            return 1
        seeds, calls = seeds + 1, calls + history.calls
        if not options.quiet:
            sys.stdout.write(_line(history))
    if options.quiet and not options.plan:
        spent = time.process_time() - began
        sys.stdout.write(
            f"{seeds} seeds, {calls} calls, no rule broken; {spent:.1f} CPU s, "
            f"{calls / spent:.0f} calls a CPU second\n"
        )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run the whole gateway in a simulated world.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="seeds to run, counting up")
    parser.add_argument("--minutes", type=float, help="run on for so long instead")
    parser.add_argument("--calls", type=int, help=f"calls ({CALLS}, of a day {DAY_CALLS})")
    parser.add_argument("--day", action="store_true", help="a whole day, not a few seconds")
    parser.add_argument("--keep", help="only these faults of the plan: 0,3,4 (or: none)")
    parser.add_argument("--plan", action="store_true", help="print the faults, run nothing")
    parser.add_argument("--trace", help="write every event to this file")
    parser.add_argument("--quiet", action="store_true", help="print failures and a summary only")
    parser.add_argument("--no-shrink", action="store_true", help="do not look for fewer faults")
    return parser.parse_args()


def _seeds(options: argparse.Namespace) -> Iterator[int]:
    if options.minutes is None:
        yield from range(options.seed, options.seed + options.count)
        return
    ends, seed = time.monotonic() + options.minutes * 60, options.seed
    while time.monotonic() < ends:
        yield seed
        seed += 1


def _plan(options: argparse.Namespace, seed: int) -> Plan:
    plan = _draw(options, seed)
    if options.keep is None:
        return plan
    kept = [] if options.keep == "none" else [int(index) for index in options.keep.split(",")]
    return plan.with_faults([plan.faults[index] for index in kept])


def _draw(options: argparse.Namespace, seed: int) -> Plan:
    draw = draw_day if options.day else draw_plan
    return draw(seed, calls=options.calls) if options.calls else draw(seed)


def _run(plan: Plan, trace: str | None) -> History:
    if trace is None:
        return run_plan(plan)
    with Path(trace).open("w", encoding="utf-8") as file:
        return run_plan(plan, trace=Trace(lambda line: _write(file, line)))


def _write(file: TextIO, line: str) -> None:
    file.write(line + "\n")


def _line(history: History) -> str:
    heard = ", ".join(f"{count} {name}" for name, count in history.heard.items())
    return (
        f"seed {history.seed}: {history.calls} calls ({heard}), {history.attempts} attempts, "
        f"{history.records} records, {history.faults} faults, {history.virtual_s:g} virtual s, "
        f"{history.events} events, {history.digest}\n"
    )


def _tell_broken(options: argparse.Namespace, plan: Plan, error: Exception) -> None:
    """What was broken, how to see it again, and what of the plan it takes."""
    write = sys.stdout.write
    write(f"seed {plan.seed}: BROKEN: {str(error) or repr(error)}\n")
    whole = _draw(options, plan.seed)
    kept = tuple(whole.faults.index(fault) for fault in plan.faults)
    calls = plan.calls
    if not options.no_shrink:
        smaller = shrunk(plan, fails=lambda p: _said(p) == _rule(error), runs_max=RUNS_MAX)
        kept, calls = tuple(kept[index] for index in smaller.kept), smaller.plan.calls
    write(f"replay it:  {_command(options, plan.seed)}\n")
    write(f"{len(kept)} of {len(whole.faults)} faults are needed, and {calls} calls:\n")
    write("".join(f"  {index}: {whole.faults[index]}\n" for index in kept))
    keep = ",".join(map(str, kept)) or "none"
    write(f"replay that:  {_command(options, plan.seed)} --keep {keep} --calls {calls}\n")


def _said(plan: Plan) -> str | None:
    """The rule that the plan breaks."""
    try:
        run_plan(plan)
    except Exception as error:  # noqa: BLE001 - whatever ends a run is a finding
        return _rule(error)
    return None


def _rule(error: Exception) -> str:
    return type(error).__name__ + str(error).partition(":")[0]


def _command(options: argparse.Namespace, seed: int) -> str:
    day = " --day" if options.day else ""
    return f".venv/bin/python -m holdfast.testing.simulate --seed {seed}{day}"


if __name__ == "__main__":
    sys.exit(main())
