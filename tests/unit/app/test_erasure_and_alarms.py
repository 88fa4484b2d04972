"""Destroying a salt makes digests mute and leaves the log whole; alarms are told and settled."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from holdfast.app import wiring
from holdfast.app.alarms import list_alarms, settle
from holdfast.app.chronicle import Chronicle
from holdfast.app.datadir import DataDir, DataDirError
from holdfast.app.erasure import erase, finish_erasures
from holdfast.app.evidence import EvidenceError, verify
from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    ChangeRecord,
    Outbox,
    Recorder,
    decode_entry,
    encode_record,
)
from holdfast.cli import main
from holdfast.core import Salt
from holdfast.world.ports import Store
from holdfast.world.real import FileJournals, PostgresStore, SystemClock, SystemEntropy

PROMPT = b'{"messages": [{"content": "yes"}]}'
ENTROPY = SystemEntropy()


def record(call: str, *, prompt: str | None = None, event: str = "call") -> bytes:
    return encode_record(
        CallRecord(
            action="chat",
            at=1_700_000_000_000_000,
            blueprint="sha256:b",
            bundle="sha256:c",
            call=call,
            decision="allow",
            duration_us=1,
            event=event,  # type: ignore[arg-type]
            outcome="open" if event == "intent" else "answered",
            principal="desk",
            prompt=prompt,
            resource="reviewer",
            status=200,
            tenant="default",
            v=RECORD_VERSION,
            worker=0,
        )
    )


async def bring_in(data: DataDir, store: Store, *entries: bytes) -> list[ChangeRecord | CallRecord]:
    """What a keeper does: records into a journal, changes after them, all into the log."""
    log = wiring.open_log(data, store=store, clock=SystemClock(), entropy=ENTROPY)
    recorder = Recorder(FileJournals(data.journals), SystemClock(), worker=0)
    done = [asyncio.get_running_loop().create_future() for _ in entries]
    for entry, future in zip(entries, done, strict=True):
        recorder.submit(entry, future.set_result)
    await asyncio.gather(*done)
    await Chronicle(Outbox(store), recorder, wiring.open_reader(data, store=store)).close()
    log.integrate()
    return [decode_entry(entry.data) for entry in log.recent(100)]


@pytest.fixture(params=["sqlite", "postgres"])
def data(request, tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "data")
    made.create()
    address = request.getfixturevalue("new_schema")() if request.param == "postgres" else None
    wiring.choose_store(made, address).close()
    return made


@pytest.fixture
def store(data: DataDir) -> Iterator[Store]:
    opened = wiring.open_store(data)
    yield opened
    opened.close()


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_after_an_erasure_digests_are_mute_and_the_log_verifies(
    data: DataDir, store: Store
) -> None:
    secret = wiring.digest_salt(data, "default", ENTROPY)
    digest = Salt(secret).digest(PROMPT)
    asyncio.run(bring_in(data, store, record("one", prompt=digest)))

    done = erase(data, "default", reason="Ms A. asked")
    records = asyncio.run(bring_in(data, store, record("two")))

    assert verify(data).verified
    assert verify(data).size == 3
    kept = next(each for each in records if isinstance(each, CallRecord) and each.call == "one")
    assert kept.prompt == digest, "the entry stands as it was"
    fresh = wiring.digest_salt(data, "default", ENTROPY)
    assert fresh != secret
    assert Salt(fresh).digest(PROMPT) != digest
    found = everything(data.path)
    assert secret.hex().encode() not in found
    assert secret not in found
    (change,) = [each for each in records if isinstance(each, ChangeRecord)]
    assert (change.kind, change.subject, change.reason, change.digest) == (
        "salt.destroyed",
        "tenant:default",
        "Ms A. asked",
        done.salt,
    )


def test_an_erasure_touches_one_tenant(data: DataDir) -> None:
    others = wiring.digest_salt(data, "other", ENTROPY)
    wiring.digest_salt(data, "default", ENTROPY)
    erase(data, "default", reason="")
    assert wiring.digest_salt(data, "other", ENTROPY) == others


def test_an_erasure_that_a_crash_cut_off_is_finished_at_the_next_start(
    data: DataDir, store: Store
) -> None:
    """Cut off after the salt was renamed: nothing was recorded, and it still lies there."""
    secret = wiring.digest_salt(data, "default", ENTROPY)
    path = data.keys / wiring.salt_name("default")
    path.rename(path.with_name(path.name + ".doomed"))
    assert wiring.digest_salt(data, "default", ENTROPY) != secret
    finish_erasures(data, store)
    assert secret.hex().encode() not in everything(data.path)
    finish_erasures(data, store)
    records = asyncio.run(bring_in(data, store))
    assert [each.kind for each in records if isinstance(each, ChangeRecord)] == ["salt.destroyed"]


def test_there_is_no_erasure_of_what_is_not_there(data: DataDir) -> None:
    for tenant in ("nobody", "../log-signing", "x/../../y"):
        with pytest.raises(DataDirError):
            erase(data, tenant, reason="")
    assert list(data.keys.iterdir()) == []


def test_the_one_salt_of_an_older_instance_becomes_its_tenants(data: DataDir) -> None:
    old = data.key(wiring.SALT_KEY, ENTROPY)
    assert wiring.digest_salt(data, "acme", ENTROPY) == old
    assert not (data.keys / wiring.SALT_KEY).exists()


def test_the_command_asks_before_it_destroys(data: DataDir) -> None:
    secret = wiring.digest_salt(data, "default", ENTROPY)
    words = ["audit", "erase", "--data", str(data.path)]
    asked = CliRunner().invoke(main, words, input="n\n")
    assert asked.exit_code == 1
    assert CliRunner().invoke(main, [*words, "--json"]).exit_code == 2
    assert wiring.digest_salt(data, "default", ENTROPY) == secret
    done = CliRunner().invoke(main, [*words, "--yes", "--json"])
    assert done.exit_code == 0, done.output
    assert wiring.digest_salt(data, "default", ENTROPY) != secret


def test_an_intent_without_outcome_is_told_until_somebody_answers_for_it(
    data: DataDir, store: Store
) -> None:
    asyncio.run(bring_in(data, store, record("lost", event="intent"), record("done")))
    words = ["audit", "alarms", "--data", str(data.path)]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 1
    assert "lost" in told.output
    (alarm,) = list_alarms(data).alarms
    assert (alarm.call, alarm.event, alarm.principal, alarm.index) == ("lost", "intent", "desk", 0)

    with pytest.raises(EvidenceError):
        settle(data, "done", reason="it has its outcome")
    settle(data, "lost", reason="looked at the callee: nothing was changed")
    records = asyncio.run(bring_in(data, store))
    assert list_alarms(data).alarms == ()
    assert CliRunner().invoke(main, words).exit_code == 0
    change = next(each for each in records if isinstance(each, ChangeRecord))
    assert (change.kind, change.subject) == ("intent.settled", "lost")
    assert verify(data).verified


def test_every_command_finds_the_database_that_the_instance_was_started_with(
    tmp_path: Path, new_schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = new_schema()
    data = DataDir(tmp_path / "data")
    data.create()
    monkeypatch.setenv(wiring.STORE_VARIABLE, address)
    wiring.choose_store(data, None).close()
    monkeypatch.delenv(wiring.STORE_VARIABLE)
    assert not data.database.exists()
    data.require()
    assert oct(data.store_file.stat().st_mode & 0o777) == "0o600"
    for opened in (wiring.open_store(data), wiring.choose_store(data, None)):
        assert isinstance(opened, PostgresStore)
        opened.close()


def test_rows_do_not_move_to_another_engine_by_themselves(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.create()
    wiring.choose_store(data, None).close()
    with pytest.raises(DataDirError, match="do not move"):
        wiring.choose_store(data, "postgresql://nobody:secret@nowhere/x")
    with pytest.raises(DataDirError, match="not one of PostgreSQL") as caught:
        wiring.choose_store(data, "mysql://nobody:secret@nowhere/x")
    assert "secret" not in str(caught.value)
