"""kill -9 at any moment: what was acknowledged is in the log, and the log verifies."""

import asyncio
import http.client
import json
import os
import random
import signal
import threading
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from live import (
    DEADLINE_S,
    Home,
    ScriptedUpstream,
    chat,
    chat_body,
    eventually,
    is_running,
    open_stream,
    post,
)

from holdfast.audit import LogReader, Verification, decode_record, verify_log
from holdfast.world.real import FileBlobs, FileJournals, SqliteStore

pytestmark = pytest.mark.slow

ROUNDS = 50
PARTS = 2
"""The rounds are shared between two data directories, so that two test processes share them."""
CALLERS = 8
ACKNOWLEDGED_MIN = 16
"""Calls that must be through before the kill, so that every round has something to lose."""
LOAD_S_MAX = 0.3
CHECKED_AT_ONCE = 16


@dataclass(slots=True)
class Load:
    """Callers that go on until told to stop, and what was acknowledged to them."""

    home: Home
    stop: threading.Event = field(default_factory=threading.Event)
    whole: list[str] = field(default_factory=list)
    """Calls that must have a record of their end."""
    begun: list[str] = field(default_factory=list)
    """Streams of which at least the head arrived: they must have a record of their opening."""

    def call(self, number: int) -> None:
        while not self.stop.is_set():
            try:
                self._one(streamed=number % 4 == 0)
            except (OSError, http.client.HTTPException):
                continue

    def _one(self, *, streamed: bool) -> None:
        body = chat_body(stream=streamed, scripted={"events": 3})
        answer = post(self.home.url, body, key=self.home.keys["desk"])
        assert answer.status == 200, answer
        if streamed:
            self.begun.append(answer.call)
            assert answer.body.endswith(b"data: [DONE]\n\n")
        self.whole.append(answer.call)


def verified(home: Home) -> Verification:
    """The log checked from files alone, as nobody runs."""
    vkey = (home.data / "log.pub").read_text().strip()
    return verify_log(FileBlobs(home.data / "log"), FileJournals(home.data / "journal"), vkey)


def reader_of(home: Home, store: SqliteStore) -> LogReader:
    return LogReader(
        blobs=FileBlobs(home.data / "log"),
        store=store,
        journals=FileJournals(home.data / "journal"),
        vkey=(home.data / "log.pub").read_text().strip(),
    )


def events_recorded(home: Home) -> Counter[tuple[str, str]]:
    """(call, event) of every entry of the log."""
    store = SqliteStore(home.data / "holdfast.db")
    try:
        reader = reader_of(home, store)
        found: Counter[tuple[str, str]] = Counter()
        before: int | None = None
        while before != 0 and (page := reader.recent(1_000, before=before)):
            for entry in page:
                record = decode_record(entry.data)
                found[record.call, record.event] += 1
            before = page[-1].index
        return found
    finally:
        store.close()


def under_load_until_killed(home: Home, moment: random.Random) -> Load:
    load = Load(home)
    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(load.call, number) for number in range(CALLERS)]
        try:
            eventually(lambda: len(load.whole) >= ACKNOWLEDGED_MIN, "calls are answered")
            time.sleep(moment.uniform(0, LOAD_S_MAX))
        finally:
            home.instance.kill()
            load.stop.set()
        for each in running:
            each.result(timeout=DEADLINE_S)
    return load


@pytest.mark.timeout(400)
@pytest.mark.parametrize("part", range(PARTS))
def test_kill_under_load_loses_no_acknowledged_record(home: Home, part: int) -> None:
    moment = random.Random(part)
    whole: list[str] = []
    begun: list[str] = []
    for _ in range(ROUNDS // PARTS):
        home.up()
        if not home.keys:
            home.make_keys("desk")
        load = under_load_until_killed(home, moment)
        whole += load.whole
        begun += load.begun
        state = verified(home)
        assert state.verified, state.problems
        store = SqliteStore(home.data / "holdfast.db")
        try:
            newest = load.whole[-CHECKED_AT_ONCE:]
            reader = reader_of(home, store)
            assert [call for call in newest if not reader.find(call)] == []
        finally:
            store.close()
    home.up()
    assert home.instance.stop() == 0
    found = home.tell("audit", "verify")
    assert (found["verified"], found["pending"]) == (True, 0), found
    recorded = events_recorded(home)
    assert set(recorded.values()) == {1}
    streamed = set(begun)
    ended = [(call, "closed" if call in streamed else "call") for call in whole]
    opened = [(call, "opened") for call in begun]
    assert [each for each in ended + opened if each not in recorded] == []


def test_a_killed_worker_is_replaced_while_calls_go_on(home: Home) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    first, second = instance.workers()
    os.kill(first, signal.SIGKILL)
    answers = [chat(home.url, home.keys["desk"]) for _ in range(40)]
    assert [answer.status for answer in answers] == [200] * 40
    eventually(lambda: instance.has_logged("worker.replaced"), "the worker is replaced")
    workers = instance.workers()
    assert len(workers) == 2
    assert second in workers
    assert first not in workers
    with urllib.request.urlopen(f"{instance.console}/readyz", timeout=DEADLINE_S) as ready:
        assert json.load(ready)["status"] == "ready"
    assert instance.stop() == 0
    recorded = events_recorded(home)
    assert all(recorded[answer.call, "call"] == 1 for answer in answers)
    assert verified(home).verified


def test_a_killed_workers_calls_are_in_the_log_before_the_keeper_ends(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    answers = [chat(home.url, home.keys["desk"]) for _ in range(20)]
    [worker] = instance.workers()
    os.kill(worker, signal.SIGKILL)
    answers += [chat(home.url, home.keys["desk"]) for _ in range(20)]
    eventually(
        lambda: home.tell("audit", "verify")["size"] == 40, "both workers' records are in the log"
    )
    assert instance.stop() == 0
    recorded = events_recorded(home)
    assert all(recorded[answer.call, "call"] == 1 for answer in answers)


def test_a_revoked_key_stays_revoked_on_a_replaced_worker(home: Home) -> None:
    instance = home.up()
    revoked = home.tell("key", "create", "desk")
    home.make_keys("desk")
    home.tell("key", "revoke", revoked["id"])
    [worker] = instance.workers()
    os.kill(worker, signal.SIGKILL)
    assert chat(home.url, revoked["key"]).rule == "identity.unknown"
    assert chat(home.url, home.keys["desk"]).status == 200


def test_a_key_revoked_while_a_worker_is_replaced_stays_revoked(home: Home) -> None:
    instance = home.up()
    revoked = home.tell("key", "create", "desk")
    home.make_keys("desk")
    [worker] = instance.workers()
    os.kill(worker, signal.SIGKILL)
    home.tell("key", "revoke", revoked["id"])
    assert chat(home.url, revoked["key"]).rule == "identity.unknown"
    assert chat(home.url, home.keys["desk"]).status == 200


def test_a_blueprint_changed_while_a_worker_is_replaced_is_taken_by_all(home: Home) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    os.kill(instance.workers()[0], signal.SIGKILL)
    more = "  - {id: desk-other, connects: [desk, other], protocol: HTTP, description: Asks.}\n"
    home.blueprint.write_text(home.blueprint.read_text() + more)
    instance.process.send_signal(signal.SIGHUP)
    eventually(lambda: instance.has_logged("reload.adopted"), "the new blueprint is in force")
    eventually(lambda: instance.has_logged("worker.replaced"), "the worker is replaced")
    answers = [chat(home.url, home.keys["desk"], model="other") for _ in range(32)]
    assert {answer.status for answer in answers} == {200}


def test_a_call_that_outlives_its_keeper_is_recorded_by_the_next(
    home: Home, upstream: ScriptedUpstream
) -> None:
    """The keeper alone dies; its worker finishes the call while the next instance starts."""
    instance = home.up()
    home.make_keys("desk")
    [worker] = instance.workers()
    body = chat_body(stream=True, scripted={"events": 20, "delay_s": 0.1})

    async def outlive() -> tuple[str, bytes]:
        async with await open_stream(instance.url, body, home.keys["desk"]) as events:
            os.kill(instance.process.pid, signal.SIGKILL)
            instance.process.wait(timeout=DEADLINE_S)
            starting = asyncio.create_task(asyncio.to_thread(home.up))
            async with asyncio.timeout(DEADLINE_S):
                text = await events.rest()
            await starting
            return events.call, text

    call, text = asyncio.run(outlive())
    assert text.endswith(b"data: [DONE]\n\n")
    eventually(lambda: not is_running(worker), "the old worker ends")
    assert [record["event"] for record in home.records(call)] == ["opened", "closed"]
    assert home.instance.stop() == 0
    assert verified(home).verified
    assert home.tell("audit", "prove", call)["verified"] is True
