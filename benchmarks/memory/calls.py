"""Memory over very many plain calls: a closed loop on kept-alive connections."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import processes
import uvloop
from load import Caller, Measure
from payloads import request
from sampling import disk_bytes, resident
from targets import Holdfast, Running, filled, upstream_on

CONNECTIONS = 64
SAMPLE_S = 0.5
STALLED_S = 30.0
"""Without an answer for so long the run is given up."""


def measure(calls: int, *, cores: tuple[int, int]) -> dict[str, Any]:
    """Samples ``[calls so far, MiB of keeper, MiB of workers]``, and how long it took."""
    gateway_core, load_core = cores
    holdfast = Holdfast()
    filled("business.cedar")
    with upstream_on(load_core) as upstream:
        blueprint: Path = filled("blueprint.yaml", UPSTREAM_PORT=upstream.port)
        with holdfast.serving(blueprint, gateway_core) as target:
            os.sched_setaffinity(0, {load_core})
            samples, seconds = uvloop.run(_ask(target, calls))
    found = holdfast.verify()
    if not found["verified"] or int(str(found["size"])) < calls:
        raise SystemExit(f"the log does not hold what was asked: {found}")
    return {
        "calls": calls,
        "seconds": seconds,
        "samples": samples,
        "records": found["size"],
        "disk_bytes": disk_bytes(holdfast.data),
    }


async def _ask(target: Running, calls: int) -> tuple[list[list[float]], float]:
    loop = asyncio.get_running_loop()
    message = request("chat", host=f"127.0.0.1:{target.port}", key=target.key)
    callers: list[Caller] = []
    for _ in range(CONNECTIONS):
        _, caller = await loop.create_connection(
            lambda: Caller(message, stream=False), "127.0.0.1", target.port
        )
        callers.append(caller)
    measure = Measure()
    began = time.monotonic()
    samples = [_sample(target, 0)]
    for caller in callers:
        caller.begin(measure)
    await _watch(target, measure, calls, samples)
    for caller in callers:
        caller.running = False
    for caller in callers:
        await caller.idle.wait()
    seconds = time.monotonic() - began
    # Work put off is not memory forgotten: the keeper brings the last records into the log.
    processes.settle(target.pid)
    samples.append(_sample(target, len(measure.latencies)))
    return samples, seconds


async def _watch(target: Running, measure: Measure, calls: int, samples: list[list[float]]) -> None:
    changed = time.monotonic()
    while (done := len(measure.latencies)) < calls:
        await asyncio.sleep(SAMPLE_S)
        if measure.errors:
            raise SystemExit(f"calls failed: {measure.errors[:3]}")
        if len(measure.latencies) > done:
            changed = time.monotonic()
        elif time.monotonic() - changed > STALLED_S:
            raise SystemExit(f"no answer for {STALLED_S:g} s after {done} calls")
        samples.append(_sample(target, len(measure.latencies)))


def _sample(target: Running, done: int) -> list[float]:
    seen = resident(target.pid)
    return [done, seen["keeper"], seen["workers"]]
