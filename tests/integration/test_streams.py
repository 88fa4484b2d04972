"""Streams: nothing lost, nothing mixed, nobody paid for who does not listen."""

import asyncio
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import DEADLINE_S, Events, Home, ScriptedUpstream, chat_body, eventually, open_stream

pytestmark = pytest.mark.slow

STREAMS = 1_000
EVENTS = 20
FILES_NEEDED = 4 * STREAMS
FLOOD_BYTES = 64 * 1024 * 1024
HELD_BYTES_MAX = 24 * 1024 * 1024
"""Far less than the flood, far more than all socket buffers on the way."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for the sockets of all streams, both ways."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES_NEEDED:
        pytest.skip(f"this needs {FILES_NEEDED} open files, the system allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES_NEEDED), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def contents(stream: bytes) -> list[dict[str, Any]]:
    """Every event of a stream, parsed; ``[DONE]`` as an empty one."""
    assert stream.endswith(b"\n\n")
    events = stream.removesuffix(b"\n\n").split(b"\n\n")
    assert all(event.startswith(b"data: ") for event in events)
    data = [event.removeprefix(b"data: ") for event in events]
    return [{} if each == b"[DONE]" else json.loads(each) for each in data]


def tokens(stream: bytes) -> list[str]:
    return [each["choices"][0]["delta"]["content"] for each in contents(stream) if each]


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


async def stream_whole(home: Home, **script: Any) -> tuple[Events, bytes]:
    body = chat_body(stream=True, scripted=script)
    async with await open_stream(home.url, body, home.keys["desk"]) as events:
        return events, await events.rest()


def test_a_thousand_concurrent_streams_lose_and_mix_nothing(home: Home, many_files: None) -> None:
    limits = "limits: {answer_bytes: 256MiB}"
    waiting = "concurrency: {queue: 1024, queue_s: 60}"
    text = home.blueprint.read_text()
    assert text.count(limits) == 1
    # Until the adaptive limit has grown to so many they wait, on a busy machine for long.
    home.blueprint.write_text(text.replace(limits, f"{limits}\n      {waiting}"))
    home.up()
    home.make_keys("desk")

    async def all_at_once() -> list[tuple[Events, bytes]]:
        async with asyncio.timeout(60):
            streams = [
                stream_whole(home, say=f"s{i}-", events=EVENTS, delay_s=0.05)
                for i in range(STREAMS)
            ]
            return await asyncio.gather(*streams)

    answers = asyncio.run(all_at_once())
    for number, (events, text) in enumerate(answers):
        assert events.status == 200
        assert tokens(text) == [f"s{number}-{i} " for i in range(EVENTS)]
        assert contents(text)[-1] == {}
    assert len({events.call for events, _ in answers}) == STREAMS
    assert home.instance.stop() == 0
    found = home.tell("audit", "verify")
    assert (found["verified"], found["size"], found["pending"]) == (True, 2 * STREAMS, 0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_a_slow_reader_holds_back_the_upstream_and_fills_no_memory(
    home: Home, upstream: ScriptedUpstream
) -> None:
    instance = home.up()
    home.make_keys("desk")
    [worker] = instance.workers()
    size = 64 * 1024
    script = {"mark": "flood", "events": FLOOD_BYTES // size, "size": size}
    body = chat_body(stream=True, scripted=script)

    def stands_still() -> bool:
        before = upstream.written("flood")
        asyncio.run(asyncio.sleep(0.3))
        return 0 < before == upstream.written("flood")

    async def dawdle() -> tuple[int, int, bytes]:
        events = await open_stream(home.url, body, home.keys["desk"], buffer_bytes=4096)
        async with events, asyncio.timeout(DEADLINE_S):
            await asyncio.to_thread(eventually, stands_still, "the upstream is made to wait")
            held, grown = upstream.written("flood"), resident_bytes(worker) - at_rest
            return held, grown, await events.rest()

    at_rest = resident_bytes(worker)
    held, grown, text = asyncio.run(dawdle())
    assert held < HELD_BYTES_MAX
    assert grown < HELD_BYTES_MAX
    # Held back is not lost: whoever reads on gets all of it.
    assert [each.partition(" ")[0] for each in tokens(text)] == [
        f"tok{i}" for i in range(FLOOD_BYTES // size)
    ]


def test_a_reader_slower_than_the_idle_limit_is_not_called_a_silent_upstream(
    home: Home, upstream: ScriptedUpstream
) -> None:
    home.up()
    home.make_keys("desk")
    script = {"mark": "dawdle", "events": 256, "size": 64 * 1024}
    body = chat_body(model="impatient", stream=True, scripted=script)

    async def dawdle() -> bytes:
        events = await open_stream(home.url, body, home.keys["desk"], buffer_bytes=4096)
        async with events, asyncio.timeout(DEADLINE_S):
            await asyncio.sleep(1.0)  # more than three times the idle limit of 0.3 s
            return await events.rest()

    text = asyncio.run(dawdle())
    assert contents(text)[-1] == {}
    assert len(tokens(text)) == 256


def test_a_caller_that_leaves_frees_the_upstream_and_is_recorded_as_gone(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    script = {"mark": "leaver", "events": 10_000, "delay_s": 0.01}
    body = chat_body(stream=True, scripted=script)

    async def leave() -> str:
        async with await open_stream(shared.url, body, shared.keys["desk"]) as events:
            async for piece in events.pieces():
                assert piece
                break
            return events.call

    call = asyncio.run(leave())
    eventually(lambda: upstream.saw_leave("leaver"), "the upstream sees the close")
    opened, closed = eventually(
        lambda: records if len(records := shared.records(call)) == 2 else None, "two records"
    )
    assert (opened["event"], opened["outcome"]) == ("opened", "open")
    assert (closed["event"], closed["outcome"]) == ("closed", "cancelled")
    assert closed["rule"] == "call.cancelled"


def test_a_caller_that_leaves_before_the_answer_frees_the_upstream_too(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    body = chat_body(scripted={"mark": "silent-leaver", "silent": True})

    async def leave() -> None:
        asking = asyncio.create_task(open_stream(shared.url, body, shared.keys["desk"]))
        await asyncio.to_thread(
            eventually, lambda: upstream.was_reached("silent-leaver"), "the call arrives"
        )
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(leave())
    eventually(lambda: upstream.saw_leave("silent-leaver"), "the upstream sees the close")
    call = (upstream.seen("silent-leaver").header(b"x-request-id") or b"").decode()
    [record] = eventually(lambda: shared.records(call), "the record")
    assert (record["outcome"], record["status"]) == ("cancelled", 499)


def test_an_upstream_that_dies_leaves_whole_events_and_a_terminal_error(shared: Home) -> None:
    events, text = asyncio.run(stream_whole(shared, events=9, die_after=4))
    assert events.ended
    *whole, last = contents(text)
    assert [each["choices"][0]["delta"]["content"] for each in whole] == [
        f"tok{i} " for i in range(4)
    ]
    assert last["error"]["code"] == "upstream.reset"
    assert last["error"]["call"] == events.call
    opened, closed = shared.records(events.call)
    assert opened["event"] == "opened"
    assert (closed["event"], closed["outcome"]) == ("closed", "failed")
    assert (closed["rule"], closed["status"]) == ("upstream.reset", 502)


def test_an_upstream_that_falls_silent_in_a_stream_ends_in_a_terminal_error(
    shared: Home, upstream: ScriptedUpstream
) -> None:
    script = {"mark": "stall", "events": 3, "delay_s": 60}
    body = chat_body(model="impatient", stream=True, scripted=script)

    async def listen() -> tuple[str, bytes]:
        async with (
            await open_stream(shared.url, body, shared.keys["desk"]) as events,
            asyncio.timeout(DEADLINE_S),
        ):
            return events.call, await events.rest()

    call, text = asyncio.run(listen())
    first, last = contents(text)
    assert first["choices"][0]["delta"]["content"] == "tok0 "
    assert last["error"]["code"] == "upstream.timeout"
    assert shared.records(call)[1]["rule"] == "upstream.timeout"
    eventually(lambda: upstream.saw_leave("stall"), "the upstream is let go")
