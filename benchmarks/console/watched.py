"""What watching costs: calls a second with nobody at the console, and with twenty watchers.

``make bench-watched``. One instance with one worker, a load that keeps the worker busy, and phases
with and without watchers by turns, in three layouts of the two cores. ``--browsers N`` watches with
N tabs of a headless Chromium instead of plain event streams; ``--write-docs`` renews
docs/reference/console-watched.md.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

# What several benchmarks use lies in this folder.
sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

import machine
import processes
import uvloop
import watched_report
from load import Caller, Measure
from payloads import request
from results import write_docs
from targets import WORK, Holdfast, Running, filled, upstream_on

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "console-watched.md"
MARKS = ("<!-- watched: begin -->", "<!-- watched: end -->")
CONNECTIONS = 64
TAIL_S = 1.5
"""Between a change of the watchers and the phase."""
WARMUP_S = 5.0
READ_BYTES_MAX = 1 << 20
OPENED_S = 300.0


class Layout(NamedTuple):
    """Which cores the keeper has and which the worker; all else has the load's, or both."""

    keeper: set[int]
    worker: set[int]
    load: set[int]


def layouts(gateway: int, load: int) -> dict[str, Layout]:
    return {
        "worker": Layout(keeper={load}, worker={gateway}, load={load}),
        "instance": Layout(keeper={gateway}, worker={gateway}, load={load}),
        "free": Layout(*[{gateway, load}] * 3),
    }


class Trial:
    """One running instance, the load on it and its watchers."""

    def __init__(self, target: Running, upstream: Running, *, cores: tuple[int, int]) -> None:
        self.target = target
        self.cores = cores
        self.keeper = target.pid
        (self.worker,) = (
            pid for pid in processes.tree(target.pid)[1:] if "worker" in processes.name_of(pid)
        )
        self.upstream = upstream.pid
        self.callers: list[Caller] = []
        self.watchers: Any = None

    def place(self, layout: Layout) -> None:
        """Every process with all its threads onto its cores."""
        instance = processes.tree(self.keeper)
        _onto(layout.keeper, instance)
        _onto(layout.worker, [self.worker])
        _onto(layout.load, [self.upstream, *processes.tree(self.watchers.pid), os.getpid()])

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        host = f"127.0.0.1:{self.target.port}"
        message = request("chat", host=host, key=self.target.key)
        for _ in range(CONNECTIONS):
            _, caller = await loop.create_connection(
                lambda: Caller(message, stream=False), "127.0.0.1", self.target.port
            )
            self.callers.append(caller)

    async def tell(self, word: str) -> dict[str, Any]:
        self.watchers.stdin.write(word.encode() + b"\n")
        async with asyncio.timeout(OPENED_S):
            said = await self.watchers.stdout.readline()
        if not said:
            raise SystemExit("the watchers have ended")
        return json.loads(said)

    async def phase(self, seconds: float, *, watched: bool) -> dict[str, Any]:
        """What happened in so many seconds of full load."""
        await self.tell("open" if watched else "close")
        await asyncio.sleep(TAIL_S)
        seen = await self.tell("seen")
        measure = Measure()
        for caller in self.callers:
            caller.measure = measure
        before = self._clocks()
        await asyncio.sleep(seconds)
        used = {name: clock - before[name] for name, clock in self._clocks().items()}
        done = len(measure.latencies)
        seen_then = await self.tell("seen")
        if measure.errors or seen_then["gone"]:
            raise SystemExit(f"failed: {measure.errors[:3]}, {seen_then['gone']} watchers gone")
        received = [now - then for now, then in zip(seen_then["bytes"], seen["bytes"], strict=True)]
        if watched and min(received) < seconds * 100:
            raise SystemExit(f"a watcher starved: bytes received: {received}")
        return _row(measure.latencies[:done], used) | {
            "watched": watched,
            "watcher_bytes_s": statistics.mean(received) / used["time"] if watched else 0.0,
        }

    def _clocks(self) -> dict[str, float]:
        ours = (self.upstream, os.getpid(), *processes.tree(self.watchers.pid))
        return {
            "time": time.perf_counter(),
            "keeper": sum(
                processes.cpu_s(pid) for pid in processes.tree(self.keeper) if pid != self.worker
            ),
            "worker": processes.cpu_s(self.worker),
            "load": sum(processes.cpu_s(pid) for pid in ours),
            "cores": sum(processes.core_busy_s(core) for core in self.cores),
        }


def _row(latencies: list[float], used: dict[str, float]) -> dict[str, Any]:
    ordered = sorted(latencies)
    ours = used["keeper"] + used["worker"] + used["load"]
    return {
        "rps": len(latencies) / used["time"],
        "worker": used["worker"] / used["time"],
        "keeper": used["keeper"] / used["time"],
        "load": used["load"] / used["time"],
        "foreign": max(0.0, used["cores"] - ours) / used["time"],
        "worker_us": used["worker"] * 1e6 / len(latencies),
        "keeper_us": used["keeper"] * 1e6 / len(latencies),
        "p50_ms": ordered[len(ordered) // 2] * 1e3,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1e3,
    }


def _onto(cores: set[int], pids: Iterable[int]) -> None:
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(task), cores)


@contextlib.asynccontextmanager
async def _watching(trial: Trial, options: argparse.Namespace) -> AsyncGenerator[None]:
    command = [sys.executable, str(HERE / "watchers.py"), "--port", str(trial.target.console)]
    command += ["--count", str(options.browsers or options.watchers)]
    command += ["--browsers"] if options.browsers else []
    trial.watchers = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield
    finally:
        trial.watchers.stdin.close()
        try:
            async with asyncio.timeout(10):
                await trial.watchers.wait()
        except TimeoutError:
            trial.watchers.kill()


async def _measured(trial: Trial, options: argparse.Namespace) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    await trial.connect()
    load = Measure()
    async with _watching(trial, options):
        # Everything is open once before anything counts: imports, templates, a browser's start.
        await trial.tell("open")
        for caller in trial.callers:
            caller.begin(load)
        chosen = layouts(*trial.cores)
        for name in options.layouts:
            trial.place(chosen[name])
            await asyncio.sleep(WARMUP_S)
            for pair in range(options.pairs):
                # Turned about in every pair: what drifts weighs on both alike.
                for watched in (False, True) if pair % 2 == 0 else (True, False):
                    trial.place(chosen[name])
                    row = await trial.phase(options.seconds, watched=watched)
                    rows.append(row | {"layout": name, "pair": pair})
                    print(watched_report.line(rows[-1]), flush=True)
        for caller in trial.callers:
            caller.running = False
        for caller in trial.callers:
            await caller.idle.wait()
    return rows


def _blueprint(upstream: Running, nodes: int) -> Path:
    """The gateway benchmark's, with as many models more that nobody asks now."""
    path = filled("blueprint.yaml", UPSTREAM_PORT=upstream.port)
    filled("business.cedar")
    url = f"http://127.0.0.1:{upstream.port}/v1"
    more = "".join(
        f"  model-{n}:\n    type: ai:llm\n    description: Rests.\n"
        f'    controls: {{upstream: {{url: "{url}", model: m}}}}\n'
        for n in range(nodes)
    )
    joined = "".join(
        f"  - {{id: asks-{n}, connects: [app, model-{n}], description: Questions.}}\n"
        for n in range(nodes)
    )
    text = path.read_text().replace("\nrelationships:", f"{more}\nrelationships:")
    path.write_text(text.replace("\npolicies:", f"{joined}\npolicies:"))
    return path


def main() -> None:
    options = _options()
    if sys.platform != "linux":
        raise SystemExit("this benchmark reads CPU time and pins processes as Linux has it")
    if options.report:
        _tell(json.loads(options.report.read_text()), options)
        return
    machine.open_files()
    with machine.alone(WORK):
        result = _run(options)
    path = WORK / f"watched-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result))
    _tell(result, options)
    print(f"raw rows: {path}")


def _run(options: argparse.Namespace) -> dict[str, Any]:
    # Asked before anything is placed: afterwards this process has the load's cores only.
    cores = gateway_core, load_core = machine.cores()
    holdfast = Holdfast()
    with upstream_on(load_core) as upstream:
        blueprint = _blueprint(upstream, options.nodes - 3)
        with holdfast.serving(blueprint, gateway_core, more=("--console-open",)) as target:
            rows = uvloop.run(_measured(Trial(target, upstream, cores=cores), options))
    return {
        "about": {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine.described(),
            "version": holdfast.version,
            "nodes": options.nodes,
            "watchers": options.browsers or options.watchers,
            "kind": "browser" if options.browsers else "stream",
            "connections": CONNECTIONS,
            "seconds": options.seconds,
            "pairs": options.pairs,
        },
        "rows": rows,
    }


def _tell(result: dict[str, Any], options: argparse.Namespace) -> None:
    text = watched_report.report(result)
    print(f"\n{text}\n")
    if options.write_docs:
        write_docs(PAGE, text, MARKS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watchers", type=int, default=20)
    parser.add_argument("--browsers", type=int, default=0, help="tabs of Chromium instead")
    parser.add_argument("--pairs", type=int, default=8, help="of phases, in each layout")
    parser.add_argument("--seconds", type=float, default=8.0, help="of a phase")
    parser.add_argument("--nodes", type=int, default=20, help="in the blueprint, at least 3")
    names = tuple(watched_report.LAYOUTS)
    parser.add_argument("--layouts", nargs="+", choices=names, default=names)
    parser.add_argument("--report", type=Path, help="tell of an earlier run; measure nothing")
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    return parser.parse_args()


if __name__ == "__main__":
    main()
