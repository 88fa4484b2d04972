"""The load generator: a closed loop over kept-alive connections, the same for every target.

With a pace, a connection begins its calls in even steps, or later when its last answer is late.

Warms up, lets the target come to rest, measures, waits for the last answer and for rest again.
CPU time is read at the two rests. Prints one JSON object. Run by ``run.py``.
"""

import argparse
import asyncio
import json
import time

import processes
import uvloop
from payloads import ANSWER, EVENTS, request

ERRORS_MAX = 20
"""After so many the run is given up: its figures would mean nothing."""


class Measure:
    """What a phase has seen."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.first_events: list[float] = []
        self.errors: list[str] = []


class Caller(asyncio.Protocol):
    """One connection, one request at a time, the next as soon as the answer is whole; with
    ``every_s`` so long after the one before at the earliest."""

    transport: asyncio.Transport

    def __init__(self, message: bytes, *, stream: bool, every_s: float) -> None:
        self.message = message
        self.stream = stream
        self.every_s = every_s
        self.measure = Measure()
        self.running = False
        self.idle = asyncio.Event()
        self.idle.set()
        self.parts: list[bytes] = []
        self.missing = -1
        self.began = self.first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.idle.is_set():
            self.measure.errors.append(f"connection lost: {exc}")
            self.idle.set()

    def begin(self, measure: Measure, *, after_s: float) -> None:
        self.measure = measure
        self.running = True
        self.idle.clear()
        asyncio.get_running_loop().call_later(after_s, self._send)

    def _send(self) -> None:
        self.parts = []
        self.missing = -1
        self.first = 0.0
        self.began = time.perf_counter()
        self.transport.write(self.message)

    def data_received(self, data: bytes) -> None:
        parts = self.parts
        parts.append(data)
        if not self.first and self.stream and b"data:" in data:
            self.first = time.perf_counter()
        if self.missing >= 0:
            self.missing -= len(data)
        elif len(parts) == 1 or not self.stream:
            self._read_head(b"".join(parts))
        if self.missing == 0 or (self.missing < 0 and self._is_last_chunk()):
            self._end(b"".join(parts))

    def _read_head(self, data: bytes) -> None:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        at = head.find(b"content-length:")
        if at >= 0:
            length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            self.missing = end + 4 + length - len(data)

    def _is_last_chunk(self) -> bool:
        tail = self.parts[-1]
        if len(tail) < 5 and len(self.parts) > 1:
            tail = self.parts[-2][-5:] + tail
        return tail.endswith(b"0\r\n\r\n")

    def _end(self, answer: bytes) -> None:
        now = time.perf_counter()
        measure = self.measure
        measure.latencies.append(now - self.began)
        if self.stream:
            measure.first_events.append(self.first - self.began)
        problem = _problem(answer, stream=self.stream)
        if problem is not None:
            measure.errors.append(problem)
        wait_s = self.began + self.every_s - now
        if not self.running or len(measure.errors) >= ERRORS_MAX:
            self.idle.set()
        elif wait_s > 0:
            asyncio.get_running_loop().call_later(wait_s, self._send)
        else:
            self._send()


def _problem(answer: bytes, *, stream: bool) -> str | None:
    if answer[9:12] != b"200":
        return answer[:200].decode("latin-1")
    if stream and (answer.count(b'"delta"') < EVENTS or b"[DONE]" not in answer):
        return f"a stream with {answer.count(b'delta')} events"
    return None if stream or len(answer) > len(ANSWER) else "a short answer"


async def _phase(callers: list[Caller], seconds: float) -> tuple[Measure, float]:
    measure = Measure()
    began = time.perf_counter()
    for number, caller in enumerate(callers):
        caller.begin(measure, after_s=number / len(callers) * caller.every_s)
    await asyncio.sleep(seconds)
    for caller in callers:
        caller.running = False
    for caller in callers:
        await caller.idle.wait()
    return measure, time.perf_counter() - began


def _share(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def _sample(options: argparse.Namespace) -> dict[str, float]:
    return {
        "time": time.perf_counter(),
        "ours": processes.cpu_s(options.upstream_pid) + time.process_time(),
        "gateway_core": processes.core_busy_s(options.gateway_core),
        "load_core": processes.core_busy_s(options.load_core),
    }


async def _main(options: argparse.Namespace) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    stream = options.kind == "stream"
    message = request(
        options.kind,
        host=f"127.0.0.1:{options.port}",
        key=options.key,
        path=options.path,
        model=options.model,
        headers=dict(header.split(": ", 1) for header in options.header),
    )
    every_s = options.connections / options.pace if options.pace else 0.0
    callers: list[Caller] = []
    for _ in range(options.connections):
        _, caller = await loop.create_connection(
            lambda: Caller(message, stream=stream, every_s=every_s), "127.0.0.1", options.port
        )
        callers.append(caller)
    await _phase(callers, options.warmup_s)
    processes.settle(options.pid)
    busy_before, before = _sample(options), processes.cpu_by_process(options.pid)
    measure, seconds = await _phase(callers, options.measure_s)
    busy_after = _sample(options)
    during = sum(processes.cpu_by_process(options.pid).values()) - sum(before.values())
    settled_s = processes.settle(options.pid)
    after = processes.cpu_by_process(options.pid)
    processes.check_pinned(after, options.gateway_core)
    if set(before) - set(after):
        raise SystemExit("a process of the target ended while it was measured")
    done = len(measure.latencies)
    used = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
    by_name: dict[str, float] = {}
    for pid, cpu in used.items():
        name = processes.name_of(pid)
        by_name[name] = by_name.get(name, 0.0) + cpu * 1e6 / max(done, 1)
    busy = {key: busy_after[key] - busy_before[key] for key in busy_before}
    return {
        "done": done,
        "errors": measure.errors[:3],
        "seconds": seconds,
        "settled_s": settled_s,
        "rps": done / seconds,
        "cpu_us": sum(used.values()) * 1e6 / max(done, 1),
        "cpu_us_by_process": by_name,
        "p50_ms": _share(measure.latencies, 0.5),
        "p99_ms": _share(measure.latencies, 0.99),
        "first_p50_ms": _share(measure.first_events, 0.5),
        "first_p99_ms": _share(measure.first_events, 0.99),
        "gateway_busy": during / busy["time"],
        "foreign_gateway_core": max(0.0, (busy["gateway_core"] - during) / busy["time"]),
        "foreign_load_core": max(0.0, (busy["load_core"] - busy["ours"]) / busy["time"]),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("chat", "stream"), required=True)
    for name in ("port", "connections", "pid", "upstream-pid", "gateway-core", "load-core"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--pace", type=int, default=0, help="calls a second in all; 0: no pause")
    for name in ("key", "path", "model"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--header", action="append", default=[], help="`name: value`, repeatable")
    parser.add_argument("--warmup-s", type=float, required=True)
    parser.add_argument("--measure-s", type=float, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_main(_options()))))
