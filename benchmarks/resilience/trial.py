"""One trial: fresh models, a fresh target, an open loop of calls, faults on time, and what came of it."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
import upstreams
from payloads import framed
from scenarios import DEADLINE_S, SERVICE_S, SLOTS, Step
from targets import Running, pinned
from upstreams import Upstream

HERE = Path(__file__).parent
LEAD_S = 1.0
"""From a plan's making to its first call."""
LATE_S_MAX = 30.0
"""What the load generator may take after the last caller's deadline."""


@dataclass(frozen=True)
class Plan:
    """``phases`` are ``(seconds, calls a second)``; ``steps`` run at seconds from the beginning."""

    phases: tuple[tuple[float, float], ...]
    steps: tuple[tuple[float, Step], ...]
    stream: bool
    seed: int


def run(gateway: Any, plan: Plan, *, cores: tuple[int, int]) -> dict[str, Any]:
    """Every call's row, attempts at the models per call, and how busy the target's core was."""
    gateway_core, load_core = cores
    with (
        upstreams.running(load_core, slots=SLOTS, service_s=SERVICE_S) as both,
        gateway.serving(both, gateway_core) as target,
    ):
        before = sum(upstream.arrived() for upstream in both)
        used_before, began = _cpu_s(target), time.monotonic()
        rows = _calls(target, plan, both, load_core=load_core)
        used, took = _cpu_s(target) - used_before, time.monotonic() - began
        arrived = sum(upstream.arrived() for upstream in both) - before
        return {
            "rows": rows,
            "attempts": arrived / max(1, len(rows)),
            "cpu_share": used / took,
        }


def _cpu_s(target: Running) -> float:
    return sum(processes.cpu_by_process(target.pid).values())


def _calls(
    target: Running, plan: Plan, both: tuple[Upstream, Upstream], *, load_core: int
) -> list[list[Any]]:
    begin = time.monotonic() + LEAD_S
    with pinned(load_core):
        load = subprocess.Popen(
            [sys.executable, str(HERE / "open_load.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    assert load.stdin is not None
    load.stdin.write(json.dumps(_told(target, plan, begin)).encode())
    load.stdin.close()
    load.stdin = None
    for at, step in sorted(plan.steps, key=lambda pair: pair[0]):
        time.sleep(max(0.0, begin + at - time.monotonic()))
        _do(step, both)
    end = begin + sum(seconds for seconds, _ in plan.phases) + DEADLINE_S
    said, _ = load.communicate(timeout=max(0.0, end - time.monotonic()) + LATE_S_MAX)
    if load.returncode != 0:
        raise SystemExit("the load generator failed")
    return [json.loads(line) for line in said.splitlines()]


def _told(target: Running, plan: Plan, begin: float) -> dict[str, Any]:
    host = f"127.0.0.1:{target.port}"
    head = framed(b"", host=host, key=target.key, path=target.path, headers=target.headers)
    return {
        "begin": begin,
        "phases": plan.phases,
        "seed": plan.seed,
        "kind": "stream" if plan.stream else "chat",
        "deadline_s": DEADLINE_S,
        "port": target.port,
        "model": target.model,
        "head": head.decode().replace("Content-Length: 0", "Content-Length: CONTENT_LENGTH"),
    }


def _do(step: Step, both: tuple[Upstream, Upstream]) -> None:
    upstream = both[step.who]
    if step.act == "tell":
        upstream.tell(**step.settings)
    else:
        {
            "kill": upstream.kill,
            "start": upstream.start,
            "freeze": upstream.freeze,
            "thaw": upstream.thaw,
        }[step.act]()
