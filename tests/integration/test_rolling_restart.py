"""Rolling restart: fresh workers behind the same sockets, and no call is dropped for it."""

import asyncio
import http.client
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from live import (
    DEADLINE_S,
    Home,
    Instance,
    KeptConnection,
    chat,
    chat_body,
    eventually,
    is_running,
    open_stream,
)

pytestmark = pytest.mark.slow

ASK: Any = [{"role": "user", "content": "Which clause is this?"}]
CALLERS = 8
EVENTS = 20
STREAMED = "".join(f"tok{i} " for i in range(EVENTS))
LONG = {"events": 100, "delay_s": 0.02}


def restart(home: Home) -> dict[str, Any]:
    return home.tell("restart")


def fresh_workers(instance: Instance, before: list[int], count: int) -> bool:
    """Whether the old processes are gone and as many new ones are there."""
    now = instance.workers()
    return len(now) == count and not set(before) & set(now)


# -- under load -------------------------------------------------------------------------------


def ask_plain(client: openai.OpenAI) -> bool:
    answer = client.chat.completions.create(model="reviewer", messages=ASK)
    return answer.choices[0].message.content == "Hello there."


def ask_streamed(client: openai.OpenAI) -> bool:
    chunks = client.chat.completions.create(
        model="reviewer",
        messages=ASK,
        stream=True,
        extra_body={"scripted": {"events": EVENTS, "delay_s": 0.005}},
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == STREAMED


def call_on(home: Home, stop: threading.Event, *, streamed: bool) -> Counter[str]:
    """Call over kept connections until told to stop; the client itself tries nothing twice."""
    ask, counts = (ask_streamed if streamed else ask_plain), Counter[str]()
    with openai.OpenAI(
        base_url=f"{home.url}/v1", api_key=home.keys["desk"], max_retries=0, timeout=DEADLINE_S
    ) as client:
        while not stop.is_set():
            try:
                counts["whole" if ask(client) else "not whole"] += 1
            except openai.OpenAIError as error:
                counts[f"{error!r} from {error.__cause__!r}"] += 1
    return counts


def test_a_restart_under_load_drops_no_call_plain_or_streamed(home: Home) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    stop = threading.Event()
    with ThreadPoolExecutor(CALLERS) as callers:
        running = [
            callers.submit(call_on, home, stop, streamed=bool(i % 2)) for i in range(CALLERS)
        ]
        try:
            for _ in range(3):
                before = instance.workers()
                assert restart(home)["workers"] == 2
                eventually(lambda b=before: fresh_workers(instance, b, 2), "the old ones leave")
        finally:
            stop.set()
        counts = sum((each.result() for each in running), Counter[str]())
    assert set(counts) == {"whole"}
    left = [each for each in instance.events() if each["event"] == "worker.left"]
    assert [each["calls_cut_off"] for each in left] == [0] * 6
    assert not instance.has_logged("worker.died")
    assert instance.stop() == 0
    found = home.tell("audit", "verify")
    assert (found["verified"], found["pending"], found["notes"]) == (True, 0, [])
    assert found["size"] >= counts["whole"]


def test_connections_that_wait_to_be_accepted_are_served_by_the_successor(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    [stuck] = instance.workers()
    os.kill(stuck, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(CALLERS) as callers:
            asking = [callers.submit(chat, home.url, home.keys["desk"]) for _ in range(CALLERS)]
            assert restart(home)["workers"] == 1
            assert {each.result(timeout=DEADLINE_S).status for each in asking} == {200}
        assert is_running(stuck)
    finally:
        os.kill(stuck, signal.SIGCONT)
    eventually(lambda: not is_running(stuck), "the old worker has left")


def test_sigusr2_restarts_too(home: Home) -> None:
    instance = home.up("--workers", "2")
    home.make_keys("desk")
    before = instance.workers()
    instance.process.send_signal(signal.SIGUSR2)
    eventually(lambda: instance.has_logged("restart.done"), "the restart is done")
    eventually(lambda: fresh_workers(instance, before, 2), "the old ones have left")
    assert chat(home.url, home.keys["desk"]).status == 200


# -- what an old worker still does ------------------------------------------------------------


def test_a_stream_outlasts_the_restart_of_its_worker(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    [old] = instance.workers()
    body = chat_body(stream=True, scripted=LONG)

    async def outlast() -> tuple[str, bytes]:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            done = await asyncio.to_thread(restart, home)
            assert (done["workers"], done["leaving"]) == (1, 1)
            assert is_running(old)
            during = await asyncio.to_thread(chat, home.url, home.keys["desk"])
            assert during.status == 200
            return events.call, await events.rest()

    call, text = asyncio.run(outlast())
    assert text.endswith(b"data: [DONE]\n\n")
    eventually(lambda: not is_running(old), "the old worker has left")
    assert [record["event"] for record in home.records(call)] == ["opened", "closed"]
    assert {record["worker"] for record in home.records(call)} == {0}
    assert home.records(chat(home.url, home.keys["desk"]).call)[0]["worker"] == 1


def test_a_kept_connection_is_told_to_close_with_its_next_answer(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    [old] = instance.workers()
    kept = KeptConnection(home.url, home.keys["desk"])
    assert not kept.ask().closes
    done = home.tell("restart", "--reason", "a new kernel")
    assert is_running(old)
    last = kept.ask()
    assert (last.status, last.closes) == (200, True)
    eventually(lambda: not is_running(old), "nothing keeps the old worker")
    assert not kept.ask().closes
    kept.close()
    [record] = home.records(done["change"])
    assert (record["kind"], record["reason"]) == ("instance.restarted", "a new kernel")


def test_a_revoked_key_is_revoked_on_a_worker_that_is_leaving(home: Home) -> None:
    instance = home.up()
    made = home.tell("key", "create", "desk")
    home.keys["desk"] = made["key"]
    [old] = instance.workers()
    kept = KeptConnection(home.url, home.keys["desk"])
    assert not kept.ask().closes
    restart(home)
    home.tell("key", "revoke", made["id"])
    assert is_running(old)
    refused = kept.ask()
    assert (refused.status, refused.closes) == (401, True)
    kept.close()


def test_stopping_hurries_workers_that_are_leaving_and_still_lets_calls_end(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    body = chat_body(stream=True, scripted=LONG)
    idle = KeptConnection(home.url, home.keys["desk"])
    assert not idle.ask().closes

    async def outlast() -> bytes:
        async with await open_stream(home.url, body, home.keys["desk"]) as events:
            await asyncio.to_thread(restart, home)
            instance.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(DEADLINE_S):
                return await events.rest()

    assert asyncio.run(outlast()).endswith(b"data: [DONE]\n\n")
    assert instance.process.wait(timeout=DEADLINE_S) == 0
    [stopped] = [each for each in instance.events() if each["event"] == "keeper.stopped"]
    assert stopped["calls_cut_off"] == 0
    idle.close()


def test_the_console_still_says_ready_while_old_workers_finish(home: Home) -> None:
    instance = home.up()
    home.make_keys("desk")
    kept = KeptConnection(home.url, home.keys["desk"])
    kept.ask()
    restart(home)
    at = urlsplit(instance.console)
    console = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
    console.request("GET", "/readyz")
    assert console.getresponse().read() == b'{"status":"ready","reason":null}'
    console.request("GET", "/metrics")
    text = console.getresponse().read().decode()
    assert 'holdfast_workers{state="leaving"} 1\n' in text
    assert 'holdfast_workers{state="ready"} 1\n' in text
    console.close()
    kept.close()


# -- when it cannot be done -------------------------------------------------------------------


def test_a_successor_that_does_not_start_leaves_the_old_worker_in_place(home: Home) -> None:
    secret = home.folder / "upstream.key"
    secret.write_text("sk-first\n")
    text = home.blueprint.read_text()
    named = f'{{url: "http://127.0.0.1:{home.upstream_port}/v1"}}'
    keyed = named.replace("}", ', api_key: "file:upstream.key"}')
    home.blueprint.write_text(text.replace(named, keyed, 1))
    instance = home.up()
    home.make_keys("desk")
    [old] = instance.workers()
    secret.unlink()
    ran = home.run("restart", "--data", str(home.data), "--json")
    assert ran.code == 1
    assert "goes on" in ran.json()["error"]["what"]
    assert instance.workers() == [old]
    assert chat(home.url, home.keys["desk"]).status == 200
    secret.write_text("sk-second\n")
    assert restart(home)["workers"] == 1
    assert chat(home.url, home.keys["desk"]).status == 200


def test_restart_without_a_running_instance_says_what_to_do(home: Home) -> None:
    home.up()
    home.instance.stop()
    ran = home.run("restart", "--data", str(home.data))
    assert ran.code == 1
    assert "no instance is running" in ran.err
    assert "holdfast up" in ran.err
