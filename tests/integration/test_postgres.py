"""A whole instance on PostgreSQL: the same answers, through a kill, and alarms for what it cut."""

import asyncio
import json
import os
import signal
import urllib.request

import pytest
from live import Home, chat, chat_body, eventually, open_stream

pytestmark = pytest.mark.slow


def alarms(home: Home, *, grace_s: int = 0) -> list[dict]:
    words = ("audit", "alarms", "--grace", str(grace_s), "--data", str(home.data), "--json")
    ran = home.run(*words)
    found = ran.json()["alarms"]
    assert ran.code == (1 if found else 0)
    return found


def test_an_instance_on_postgres_goes_on_after_a_kill(home: Home, new_schema) -> None:
    home.up("--store", new_schema())
    home.make_keys("desk")
    first = chat(home.url, home.keys["desk"])
    assert first.status == 200
    home.instance.kill()
    assert not (home.data / "holdfast.db").exists()

    home.up()  # the address is remembered
    second = chat(home.url, home.keys["desk"])
    assert second.status == 200
    for answer in (first, second):
        assert home.records(answer.call)[0]["outcome"] == "answered"
        assert home.tell("audit", "prove", answer.call)["verified"]
    revoked = home.tell("key", "list")["keys"][0]["id"]
    home.tell("key", "revoke", revoked)
    assert chat(home.url, home.keys["desk"]).status == 401
    assert home.instance.stop() == 0
    found = home.tell("audit", "verify")
    assert (found["verified"], found["pending"]) == (True, 0)


def test_a_stream_that_a_kill_cut_off_is_an_alarm_until_it_is_settled(home: Home) -> None:
    home.up()
    home.make_keys("desk")

    async def cut() -> str:
        body = chat_body(stream=True, scripted={"events": 500, "delay_s": 0.05})
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            async for _ in events.pieces():
                for worker in home.instance.workers():
                    os.kill(worker, signal.SIGKILL)
                break
            return events.call

    call = asyncio.run(cut())
    (alarm,) = eventually(lambda: alarms(home), "the call is an alarm")
    assert (alarm["call"], alarm["event"]) == (call, "opened")
    assert alarms(home, grace_s=3600) == []
    with urllib.request.urlopen(f"{home.instance.console}/api/alarms") as answer:
        assert json.load(answer) == {"alarms": []}, "its time is not over yet"
    home.tell("audit", "settle", call, "--reason", "the callee only answered")
    eventually(lambda: alarms(home) == [], "the alarm is gone")


def test_an_erasure_reaches_a_running_instance(home: Home) -> None:
    home.up()
    home.make_keys("desk")
    before = home.records(chat(home.url, home.keys["desk"], "the same").call)[0]["prompt"]
    again = home.records(chat(home.url, home.keys["desk"], "the same").call)[0]["prompt"]
    assert before == again
    done = home.tell("audit", "erase", "--reason", "asked to", "--yes")
    assert done["workers"] == 1
    after = home.records(chat(home.url, home.keys["desk"], "the same").call)[0]["prompt"]
    assert after != before
    assert home.instance.stop() == 0
    assert home.tell("audit", "verify")["verified"]
    (record,) = home.records(done["change"])
    assert (record["kind"], record["reason"]) == ("salt.destroyed", "asked to")
