"""The follower: whoever listens hears every entry once, and the history is made whatever befalls it."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from holdfast.app.follower import Follower
from holdfast.app.history_file import HistoryFile
from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    Log,
    LogReader,
    LogSigner,
    Recorder,
    encode_record,
)
from holdfast.core import Instant, ulid
from holdfast.history import CallQuery, Heard, HistoryError, Moment
from holdfast.world.real import SystemClock
from holdfast.world.sim import (
    SimBlobs,
    SimClock,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimStore,
    simulate,
)

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(range(32)))
HOUR_US = 3_600_000_000


class Ear:
    """A listener that remembers; it may be one that fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[Heard] = []
        self._fails = fails

    def hear(self, heard: Sequence[Heard]) -> None:
        self.heard += heard
        if self._fails:
            raise RuntimeError("a listener's own fault")

    @property
    def indices(self) -> list[int]:
        return [each.index for each in self.heard]


class Written:
    """A log in a simulated world, and records for it."""

    def __init__(self) -> None:
        self._blobs, self._store = SimBlobs(), SimStore()
        self._journals = SimJournals(SimEntropy(1))
        self._clock_s = 1.0
        self._count = 0

    def reader(self) -> LogReader:
        return LogReader(
            blobs=self._blobs, store=self._store, journals=self._journals, vkey=SIGNER.vkey
        )

    def write(self, count: int, at: int | None = None) -> None:
        at = SystemClock().now() if at is None else at
        records = [_record(at, self._count + n) for n in range(count)]
        self._count += count

        async def main(loop: SimLoop) -> None:
            loop.advance(self._clock_s)
            recorder = Recorder(self._journals, SimClock(loop), worker=0)
            for record in records:
                done = loop.create_future()
                recorder.submit(encode_record(record), done.set_result)
                await done
            await recorder.close()
            self._clock_s = loop.time() + 1.0

        simulate(int(self._clock_s * 7), main)
        Log.open(
            blobs=self._blobs, store=self._store, journals=self._journals, signer=SIGNER
        ).integrate()


def _record(at: int, number: int) -> CallRecord:
    return CallRecord(
        action="chat",
        at=at,
        blueprint="sha256:" + "b" * 64,
        bundle="sha256:" + "c" * 64,
        call=ulid(Instant(at), number.to_bytes(10, "big")),
        decision="allow",
        duration_us=1_200,
        event="call",
        outcome="answered",
        status=200,
        tenant="default",
        v=RECORD_VERSION,
        worker=0,
    )


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def kept(written: Written, tmp_path: Path) -> SimpleNamespace:
    """A follower on a file, with someone who listens."""
    file, ear = HistoryFile(tmp_path / "history.db"), Ear()
    moments: list[Moment] = []

    def taken() -> Sequence[Moment]:
        found = tuple(moments)
        moments.clear()
        return found

    def made(*ears: Ear) -> Follower:
        return Follower(written.reader(), file, clock=SystemClock(), listeners=ears, moments=taken)

    return SimpleNamespace(
        file=file, path=tmp_path / "history.db", ear=ear, made=made, moments=moments
    )


def places(file: HistoryFile) -> list[int]:
    return sorted(call.index for call in file.history.calls(CallQuery(limit=500)))


def test_every_entry_is_heard_once_and_is_in_the_history(written, kept):
    written.write(3)
    follower = kept.made(kept.ear)
    follower.follow()
    follower.follow()
    written.write(2)
    follower.follow()
    assert kept.ear.indices == places(kept.file) == [0, 1, 2, 3, 4]
    assert follower.trouble is None


def test_after_a_restart_only_what_is_new_is_heard(written, kept):
    written.write(3)
    first = kept.made(kept.ear)
    first.follow()
    first.close()
    written.write(1)
    again = Ear()
    kept.made(again).follow()
    assert again.indices == [3]
    assert places(kept.file) == [0, 1, 2, 3]


def test_a_history_that_is_gone_is_made_again_and_what_is_long_past_is_told_to_be(written, kept):
    written.write(2, at=SystemClock().now() - 2 * HOUR_US)
    written.write(1)
    kept.made(kept.ear).follow()
    assert [each.is_old for each in kept.ear.heard] == [True, True, False]
    assert places(kept.file) == [0, 1, 2]


@pytest.mark.parametrize("content", [b"this is no database" * 400, b""])
def test_a_file_that_is_no_history_is_made_anew(written, kept, content):
    kept.path.write_bytes(content)
    written.write(2)
    follower = kept.made(kept.ear)
    follower.follow()
    assert places(kept.file) == kept.ear.indices == [0, 1]


def test_a_file_damaged_within_is_made_anew_and_nobody_hears_anything_twice(written, kept):
    written.write(40)
    follower = kept.made(kept.ear)
    follower.follow()
    follower.close()
    pages = bytearray(kept.path.read_bytes())
    pages[4096:] = b"\x5a" * (len(pages) - 4096)
    kept.path.write_bytes(pages)
    written.write(1)
    follower.follow()
    follower.follow()
    assert places(kept.file) == list(range(41))
    assert kept.ear.indices == list(range(41))


def test_while_the_history_cannot_be_written_whoever_listens_hears_on(written, tmp_path):
    blocked = tmp_path / "folder"
    blocked.write_text("a file where a folder has to be")
    file, ear = HistoryFile(blocked / "history.db"), Ear()
    written.write(1)
    follower = Follower(written.reader(), file, clock=SystemClock(), listeners=[ear])
    follower.follow()
    assert follower.trouble is not None
    with pytest.raises(HistoryError):
        file.history.extent()
    written.write(2)
    follower.follow()
    assert ear.indices == [1, 2]
    blocked.unlink()
    follower.follow()
    assert follower.trouble is None
    assert places(file) == [0, 1, 2]
    assert ear.indices == [1, 2]


def test_a_listener_that_fails_keeps_nobody_else_from_hearing(written, kept):
    written.write(2)
    kept.made(Ear(fails=True), kept.ear).follow()
    assert kept.ear.indices == places(kept.file) == [0, 1]


def test_what_was_noted_is_in_the_history(written, kept):
    written.write(1)
    now = SystemClock().now()
    kept.moments.append(Moment(at=now, kind="worker.gone", subject="worker 1", text=""))
    kept.made().follow()
    assert [each.kind for each in kept.file.history.moments(0, now + 1)] == ["worker.gone"]
