"""A simulated data directory that outlives crashes, and those who write to it."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    Log,
    LogReader,
    LogSigner,
    Recorder,
    encode_record,
    verify_log,
)
from holdfast.world.ports import Transaction, WorldError
from holdfast.world.real.postgres import PostgresStore
from holdfast.world.sim import SimClock, SimEntropy, SimLoop, simulate
from holdfast.world.sim.blobs import SimBlobs
from holdfast.world.sim.journals import SimJournals
from holdfast.world.sim.store import SimStore

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(range(32)))


class Killed(BaseException):
    """The process ends here. No handler in the code under test may survive it."""


class PostgresHouseStore:
    """A schema of its own in the session's one database; ``before_write`` as in ``SimStore``."""

    numbers = itertools.count(1)

    def __init__(self, shared: PostgresStore, *, before_write: Callable[[], None]) -> None:
        self._shared = shared
        self._before_write = before_write
        self._schema = f"house_{next(self.numbers)}"
        with shared.transaction() as transaction:
            transaction.execute(f"CREATE SCHEMA {self._schema}")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._shared.transaction() as transaction:
            transaction.execute(f"SET LOCAL search_path TO {self._schema}")
            yield transaction
            self._before_write()

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        with self._shared.snapshot() as transaction:
            transaction.execute(f"SET LOCAL search_path TO {self._schema}")
            yield transaction

    def close(self) -> None:
        """The session closes what is shared."""


class House:
    """What a disk holds. ``kill_at`` ends the process instead of the durable step of that number."""

    def __init__(self, seed: int = 1, *, make_store=SimStore, **journal_options) -> None:
        self.seed = seed
        self.entropy = SimEntropy(seed)
        self.steps = 0
        self.kill_at: int | None = None
        self.fail_at: int | None = None
        self.blobs = SimBlobs(before_write=self.step)
        self.journals = SimJournals(self.entropy, before_write=self.step, **journal_options)
        self._make_store = partial(make_store, before_write=self.step)
        self.store = self._make_store()
        self.signer = SIGNER
        self.acknowledged: list[bytes] = []
        self.refused: list[bytes] = []
        self._now = 0.0

    def renew_store(self) -> None:
        """Lose the rows, as a database that was deleted does."""
        self.store.close()
        self.store = self._make_store()

    def step(self) -> None:
        self.steps += 1
        if self.kill_at is not None and self.steps > self.kill_at:
            raise Killed
        if self.fail_at is not None and self.steps == self.fail_at:
            raise WorldError("the disk is full", fix="free disk space")

    def run(self, main: Callable[[SimLoop], object]):
        """One life of a worker process; the clock goes on from the life before."""

        async def timed(loop: SimLoop):
            loop.advance(self._now)
            try:
                return await main(loop)
            finally:
                self._now = loop.time() + 1.0

        self.seed += 1
        return simulate(self.seed, timed)

    def write(self, entries: Iterable[bytes], *, worker: int = 1, close: bool = True) -> None:
        """Submit all, wait for all."""
        self.run(lambda loop: self._write(loop, list(entries), worker, close))

    async def _write(self, loop: SimLoop, entries: list[bytes], worker: int, close: bool) -> None:
        recorder = Recorder(self.journals, SimClock(loop), worker=worker)
        done = [loop.create_future() for _ in entries]
        for entry, future in zip(entries, done, strict=True):
            recorder.submit(entry, future.set_result)
        for entry, error in zip(entries, await asyncio.gather(*done), strict=True):
            (self.acknowledged if error is None else self.refused).append(entry)
        if close:
            await recorder.close()

    def write_and_crash(self, entries: list[bytes], *, worker: int = 1) -> None:
        """Submit one by one over a while, and stop the machine in the middle of it."""

        async def main(loop: SimLoop) -> None:
            recorder = Recorder(self.journals, SimClock(loop), worker=worker)
            for entry in entries:

                def done(error, entry=entry) -> None:
                    (self.acknowledged if error is None else self.refused).append(entry)

                recorder.submit(entry, done)
                await asyncio.sleep(self.entropy.jitter() * 0.002)
            self.journals.crash()
            refused = len(self.refused)
            task = recorder._task
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
            del self.refused[refused:]  # nobody is left to hear of it

        self.run(main)

    def open(self, *, live: bool = False) -> Log:
        return Log.open(
            blobs=self.blobs, store=self.store, journals=self.journals, signer=SIGNER, live=live
        )

    def reader(self) -> LogReader:
        return LogReader(
            blobs=self.blobs, store=self.store, journals=self.journals, vkey=SIGNER.vkey
        )

    def verify(self):
        return verify_log(self.blobs, self.journals, SIGNER.vkey)

    def entries(self) -> list[bytes]:
        size = self.reader().checkpoint().size
        return [self.reader().entry(index).data for index in range(size)]

    def all_recent(self) -> list[bytes]:
        reader = self.reader()
        found, before = [], None
        while page := reader.recent(1000, before=before):
            found += page
            before = page[-1].index
        return [entry.data for entry in reversed(found)]

    def check_all_there_once(self) -> None:
        verification = self.verify()
        assert verification.problems == ()
        assert verification.verified
        counts = Counter(self.all_recent())
        assert [each for each, count in counts.items() if count != 1] == []
        assert [each for each in self.acknowledged if each not in counts] == []


def make_record(call: str = "01J0000000000000000000000A", **changes) -> CallRecord:
    fields = {
        "action": "chat",
        "answer": None,
        "at": 1_800_000_000_000_000,
        "blueprint": "sha256:" + "b" * 64,
        "bundle": "sha256:" + "c" * 64,
        "call": call,
        "credential": None,
        "decision": "allow",
        "duration_us": 1200,
        "event": "call",
        "outcome": "answered",
        "policies": ("permit-desk",),
        "principal": "review-desk",
        "prompt": "hmac-sha256:" + "d" * 64,
        "relationship": "desk-asks-reviewer",
        "resource": "clause-reviewer",
        "rule": None,
        "stages_us": (1, 2, 3),
        "status": 200,
        "tenant": "default",
        "tokens_in": 10,
        "tokens_out": 20,
        "upstream": "http://127.0.0.1:8090/v1",
        "v": RECORD_VERSION,
        "worker": 1,
    }
    return CallRecord(**fields | changes)


class Words:
    """Entries and records by the number."""

    record = staticmethod(make_record)
    killed = Killed

    @staticmethod
    def entry(call: str = "01J0000000000000000000000A", **changes) -> bytes:
        return encode_record(make_record(call, **changes))

    @staticmethod
    def entries(count: int, *, start: int = 0) -> list[bytes]:
        """Small entries that still name a call, so that hundreds cost little."""
        return [b'{"call":"call-%d"}' % number for number in range(start, start + count)]


@pytest.fixture(scope="session")
def words() -> type[Words]:
    return Words


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def make_house(request) -> Iterator[Callable[..., House]]:
    """Every rule about the log holds over both stores."""
    if request.param == "sqlite":
        yield House
        return
    shared = PostgresStore(request.getfixturevalue("postgres_address"))
    yield partial(House, make_store=partial(PostgresHouseStore, shared))
    shared.close()


@pytest.fixture
def house(make_house) -> House:
    return make_house()
