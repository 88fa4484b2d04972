"""The recorder: entries a second with group commit on one core, and how long durability takes.

``--write-docs`` renews docs/reference/audit-measured.md. The disk is the machine's own, so latency
is told as a ratio to what one append and fsync costs on it, measured in turns with the recorder, in
the same folder and with as many bytes. For the rates the process is held to one core, its writing
thread with it.
"""

import argparse
import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvloop

sys.path.insert(1, str(Path(__file__).parents[1] / "gateway"))

import machine
from results import write_docs

from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    Log,
    LogSigner,
    Recorder,
    encode_record,
    verify_log,
)
from holdfast.core import RANDOM_BYTES, ulid
from holdfast.world.real import (
    FileBlobs,
    FileJournals,
    SqliteStore,
    SystemClock,
    SystemEntropy,
)

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference/audit-measured.md"
MARKS = ("<!-- audit: begin -->", "<!-- audit: end -->")
ROUNDS = 7
ENTRIES = 20_000
CROWDS = (1, 16, 256, 1_024)
LATENCY_ENTRIES = 400
LATENCY_ROUNDS = 15
SYNCS = 400
RATE = 500
ALONE, ALONE_PACED = "append and fsync, one at a time", f"append and fsync, {RATE} a second"
SINGLE, STEADY = "recorder, one at a time", f"recorder, {RATE} a second"
SIGNER = LogSigner.from_seed("bench.holdfast.local/log", bytes(range(32)))


def entry(clock: SystemClock, entropy: SystemEntropy) -> bytes:
    """A record as a plain call leaves it, about 800 bytes."""
    now = clock.now()
    return encode_record(
        CallRecord(
            action="chat",
            answer="hmac-sha256:" + "a" * 64,
            at=now,
            attempts=1,
            blueprint="sha256:" + "b" * 64,
            bundle="sha256:" + "c" * 64,
            call=ulid(now, entropy.noise(RANDOM_BYTES)),
            credential="01J0000000000000000000000A",
            decision="allow",
            duration_us=1_234,
            event="call",
            node="clause-reviewer",
            outcome="answered",
            policies=("desk-asks-reviewer",),
            principal="spiffe://holdfast.local/t/default/service/review-desk",
            prompt="hmac-sha256:" + "d" * 64,
            relationship="desk-asks-reviewer",
            resource="clause-reviewer",
            stages_us=(10, 20, 30, 40, 50, 60),
            status=200,
            tenant="default",
            tokens_in=100,
            tokens_out=200,
            upstream="http://127.0.0.1:8090/v1",
            v=RECORD_VERSION,
            worker=0,
        )
    )


@dataclass(slots=True)
class Run:
    """One run of many submitters: wall and CPU seconds, appends, and each entry's wait."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    waits_s: list[float] = field(default_factory=list)


async def closed_loop(
    recorder: Recorder, *, crowd: int, count: int, make: Callable[[], bytes]
) -> Run:
    """``crowd`` submitters, each with its next record once the one before is durable."""
    run, left = Run(), count
    finished = asyncio.get_running_loop().create_future()
    open_submitters = crowd

    def next_one() -> None:
        nonlocal left, open_submitters
        if left <= 0:
            open_submitters -= 1
            if open_submitters == 0:
                finished.set_result(None)
            return
        left -= 1
        began = time.perf_counter()

        def done(error: Exception | None) -> None:
            if error is not None:
                raise SystemExit(str(error))
            run.waits_s.append(time.perf_counter() - began)
            loop.call_soon(next_one)

        recorder.submit(make(), done)

    loop = asyncio.get_running_loop()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(crowd):
        next_one()
    await finished
    run.wall_s, run.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return run


async def open_loop(recorder: Recorder, *, rate: int, count: int, make: Callable[[], bytes]) -> Run:
    """Records at even moments, whatever became of those before."""
    run = Run()
    loop = asyncio.get_running_loop()
    all_done = loop.create_future()

    def submit() -> None:
        began = time.perf_counter()

        def done(error: Exception | None) -> None:
            if error is not None:
                raise SystemExit(str(error))
            run.waits_s.append(time.perf_counter() - began)
            if len(run.waits_s) == count:
                all_done.set_result(None)

        recorder.submit(make(), done)

    start = loop.time() + 0.01
    for number in range(count):
        loop.call_at(start + number / rate, submit)
    await all_done
    return run


def syncs(folder: Path, *, size: int, count: int, rate: int | None = None) -> list[float]:
    """What an append of ``size`` bytes and an fsync cost: one behind the other, or at ``rate``."""
    data, waits = bytes(size), []
    descriptor = os.open(folder / "sync", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        start = time.perf_counter()
        for number in range(count):
            if rate is not None:
                time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            began = time.perf_counter()
            os.write(descriptor, data)
            os.fsync(descriptor)
            waits.append(time.perf_counter() - began)
    finally:
        os.close(descriptor)
        (folder / "sync").unlink()
    return waits


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def throughput(folder: Path, make: Callable[[], bytes]) -> list[dict[str, float]]:
    """For each crowd the best of several runs: recorded, and recorded and integrated."""
    rows = []
    for crowd in CROWDS:
        count = ENTRIES if crowd >= 256 else ENTRIES // 20
        runs = [one_throughput(folder / f"t{crowd}-{n}", crowd, count, make) for n in range(ROUNDS)]
        rows.append(
            {
                "crowd": crowd,
                "recorded": max(count / run.wall_s for run, _ in runs),
                "median": statistics.median(count / run.wall_s for run, _ in runs),
                "cpu_us": min(run.cpu_s / count * 1e6 for run, _ in runs),
                "whole": max(count / (run.wall_s + more) for run, more in runs),
            }
        )
        print(rows[-1], file=sys.stderr)
    return rows


def one_throughput(
    folder: Path, crowd: int, count: int, make: Callable[[], bytes]
) -> tuple[Run, float]:
    journals, blobs = FileJournals(folder / "journal"), FileBlobs(folder / "log")
    store = SqliteStore(folder / "x.db")
    log = Log.open(blobs=blobs, store=store, journals=journals, signer=SIGNER)

    async def record() -> Run:
        recorder = Recorder(journals, SystemClock(), worker=0)
        recorder.gather_for(lambda: crowd)  # as the gateway does: so many calls are under way
        run = await closed_loop(recorder, crowd=crowd, count=count, make=make)
        await recorder.close()
        return run

    gc.collect()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = runner.run(record())
    began = time.perf_counter()
    log.integrate()
    integrated = time.perf_counter() - began
    if log.size != count or (crowd == 1 and not verify_log(blobs, journals, SIGNER.vkey).verified):
        raise SystemExit("the log does not hold what was recorded")
    store.close()
    return run, integrated


def latency(folder: Path, make: Callable[[], bytes]) -> list[dict[str, float]]:
    """In turns: the disk alone, and the recorder at two loads. Ratios are taken within each round,
    and the median of the rounds is told: a stall of the disk in one of them is not the recorder's."""
    size = len(make()) + 8
    rounds: list[dict[str, list[float]]] = []

    async def both() -> tuple[Run, Run]:
        recorder = Recorder(FileJournals(folder / "journal"), SystemClock(), worker=0)
        await closed_loop(recorder, crowd=1, count=20, make=make)  # the thread and file are made
        single = await closed_loop(recorder, crowd=1, count=LATENCY_ENTRIES, make=make)
        steady = await open_loop(recorder, rate=RATE, count=LATENCY_ENTRIES, make=make)
        await recorder.close()
        return single, steady

    for _ in range(LATENCY_ROUNDS):
        found = {
            ALONE: syncs(folder, size=size, count=SYNCS),
            ALONE_PACED: syncs(folder, size=size, count=SYNCS, rate=RATE),
        }
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            single, steady = runner.run(both())
        found[SINGLE], found[STEADY] = single.waits_s, steady.waits_s
        rounds.append(found)
    rows = [_waits(name, rounds) for name in rounds[0]]
    for row in rows:
        print(row, file=sys.stderr)
    return rows


def _waits(name: str, rounds: list[dict[str, list[float]]]) -> dict:
    """Quantiles in ms of the median round, and their ratios to the bare disk's of the same round."""
    row: dict = {"what": name}
    base = ALONE_PACED if name in {STEADY, ALONE_PACED} else ALONE
    for q in (50, 90, 99):
        own = [quantile(found[name], q / 100) for found in rounds]
        disk = [quantile(found[base], q / 100) for found in rounds]
        row[f"p{q}"] = statistics.median(own) * 1e3
        row[f"r{q}"] = statistics.median(
            mine / alone for mine, alone in zip(own, disk, strict=True)
        )
    return row


def report(result: dict) -> str:
    lines = [
        f"Taken on {result['date']}, {result['machine']}; one core, {result['size']} bytes a record.",
        "",
        "| records under way | recorded a second (best) | (median) | CPU us a record | recorded and in the log, a second |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['crowd']:,} | {row['recorded']:,.0f} | {row['median']:,.0f} | {row['cpu_us']:.0f} "
        f"| {row['whole']:,.0f} |"
        for row in result["throughput"]
    ]
    lines += [
        "",
        "| wait until durable, ms | p50 | p90 | p99 | p50 in fsyncs' p50 | p99 in fsyncs' p99 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['what']} | {row['p50']:.2f} | {row['p90']:.2f} | {row['p99']:.2f} "
        f"| {row['r50']:.1f} | {row['r99']:.1f} |"
        for row in result["latency"]
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--core", type=int, default=machine.cores()[0])
    parser.add_argument("--write-docs", action="store_true", help=f"renew {PAGE.name}")
    options = parser.parse_args()
    cores = os.sched_getaffinity(0)
    clock, entropy = SystemClock(), SystemEntropy()

    def make() -> bytes:
        return entry(clock, entropy)

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        os.sched_setaffinity(0, {options.core})
        rates = throughput(Path(name), make)
        os.sched_setaffinity(0, cores)  # a wait is no matter of how many cores share the work
        result = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine.described(),
            "size": len(make()),
            "throughput": rates,
            "latency": latency(Path(name), make),
        }
    print(report(result))
    if options.write_docs:
        write_docs(PAGE, report(result), MARKS)


if __name__ == "__main__":
    main()
