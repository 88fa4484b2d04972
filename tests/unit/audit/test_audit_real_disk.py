"""The whole way of a record on real files: journal, log, database, proof."""

import asyncio
from pathlib import Path

import pytest

from holdfast.audit import Log, LogReader, LogSigner, Proof, Recorder, verify_log
from holdfast.world.ports import WorldError
from holdfast.world.real import SystemClock
from holdfast.world.real.blobs import FileBlobs
from holdfast.world.real.journals import FileJournals
from holdfast.world.real.store import SqliteStore

SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(32))


async def record(journals: FileJournals, entries: list[bytes], worker: int) -> None:
    recorder = Recorder(journals, SystemClock(), worker=worker)
    done = [asyncio.get_running_loop().create_future() for _ in entries]
    for entry, future in zip(entries, done, strict=True):
        recorder.submit(entry, future.set_result)
    assert await asyncio.gather(*done) == [None] * len(entries)
    await recorder.close()


def test_records_on_real_files_are_logged_proved_and_found_from_another_opening(
    tmp_path: Path, words
) -> None:
    journals, blobs = FileJournals(tmp_path / "journal"), FileBlobs(tmp_path / "log")
    store = SqliteStore(tmp_path / "holdfast.db")
    for worker in (1, 2, 1):
        start = verify_log(blobs, journals, SIGNER.vkey).size
        asyncio.run(record(journals, words.entries(300, start=start), worker))
        log = Log.open(blobs=blobs, store=store, journals=journals, signer=SIGNER)
        assert log.integrate().size == start + 300
    assert len(journals.names()) == 2
    elsewhere = SqliteStore(tmp_path / "holdfast.db")
    reader = LogReader(blobs=blobs, store=elsewhere, journals=journals, vkey=SIGNER.vkey)
    (entry,) = reader.find("call-777")
    proof = Proof.parse(reader.prove(777).text())
    assert proof.verify(entry.data, SIGNER.vkey) == log.checkpoint
    assert verify_log(blobs, journals, SIGNER.vkey).verified
    elsewhere.close()
    store.close()


def test_a_disk_that_fills_up_during_integration_delays_the_log_and_loses_nothing(
    house, words
) -> None:
    log = house.open()
    house.write(words.entries(600))
    house.blobs.capacity = 9_000
    for _ in range(3):
        with pytest.raises(WorldError, match="no space left"):
            log.integrate()
        assert house.verify().verified
        assert house.verify().pending == 600
    house.blobs.capacity = None
    assert log.integrate().size == 600
    house.check_all_there_once()
