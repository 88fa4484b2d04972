"""A data directory with so many calls in its log, and the history that is made of it."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import made

from holdfast.app import wiring
from holdfast.app.datadir import DataDir
from holdfast.app.history_file import HistoryFile
from holdfast.audit import CallRecord, Log, LogReader, Recorder, decode_entry, encode_record
from holdfast.history import CallIndex, CallQuery, Heard, History
from holdfast.world.ports import Store
from holdfast.world.real import FileJournals, SystemClock, SystemEntropy

AT_ONCE = 2_000
BATCH = 500
INTEGRATE_EVERY = 100_000


class Stored(NamedTuple):
    """What the console reads."""

    log: LogReader
    history: History
    file: Path
    newest: int


class Cost(NamedTuple):
    """CPU microseconds a record, and bytes a call on disk."""

    reading: float
    indexing: float
    bytes_a_call: float


def write_log(folder: Path, count: int, *, until: int) -> None:
    """Records through a recorder and a log, as calls leave them."""
    data = DataDir(folder)
    data.create()
    store = wiring.choose_store(data, None)
    log = wiring.open_log(data, store=store, clock=SystemClock(), entropy=SystemEntropy())
    asyncio.run(_record(data, log, made.records(count, until=until)))
    _integrate(log)
    store.close()


async def _record(data: DataDir, log: Log, records: Iterable[CallRecord]) -> None:
    recorder = Recorder(FileJournals(data.journals), SystemClock(), worker=0)
    loop = asyncio.get_running_loop()
    waiting: list[asyncio.Future[object]] = []
    for number, record in enumerate(records, 1):
        done = loop.create_future()
        recorder.submit(encode_record(record), done.set_result)
        waiting.append(done)
        if len(waiting) == AT_ONCE:
            await asyncio.gather(*waiting)
            waiting.clear()
        if number % INTEGRATE_EVERY == 0:
            print(f"  {number:,} recorded", flush=True)
            await asyncio.to_thread(_integrate, log)
    await asyncio.gather(*waiting)
    await recorder.close()


def _integrate(log: Log) -> None:
    while log.integrate() is not None:
        pass


def make_history(folder: Path, store: Store) -> Stored:
    """As the keeper makes it; one that is whole already stays."""
    data = DataDir(folder)
    log, file = wiring.open_reader(data, store=store), HistoryFile(data.history)
    index = file.open(log.checkpoint().origin)
    _index(log, index, first=index.upto)
    newest = file.history.calls(CallQuery(limit=1))[0].at
    return Stored(log, file.history, data.history, newest)


def cost_of(found: Stored, *, count: int) -> Cost:
    """What the newest records cost when they are new, in a history of their own."""
    size = found.log.checkpoint().size
    path = found.file.with_name("cost.db")
    file = HistoryFile(path)
    reading, indexing = _index(found.log, file.renew("cost"), first=max(0, size - count))
    file.close()
    path.unlink()
    calls = found.history.extent().calls
    return Cost(reading, indexing, found.file.stat().st_size / max(1, calls))


def _index(log: LogReader, index: CallIndex, *, first: int) -> tuple[float, float]:
    """CPU microseconds a record: to read and decode it, and to index it."""
    size, at = log.checkpoint().size, first
    reading = indexing = 0.0
    while at < size:
        upto = min(at + BATCH, size)
        began = time.process_time()
        entries = log.recent(upto - at, before=upto)
        heard = [Heard(each.index or 0, decode_entry(each.data)) for each in reversed(entries)]
        read = time.process_time()
        index.take(heard, upto=upto)
        reading += read - began
        indexing += time.process_time() - read
        at = upto
    count = max(1, size - first)
    return reading / count * 1e6, indexing / count * 1e6
