"""Event streams: framing, changes, and that watchers are counted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.faces.errors import StreamsFullError
from holdfast.faces.streams import STREAMS_MAX, Streams, event


@given(st.text())
def test_an_event_carries_any_text_whole(text):
    framed = event(text).decode()
    assert framed.endswith("\n\n")
    lines = framed[:-2].split("\n")
    assert all(line.startswith("data: ") for line in lines)
    said = "\n".join(line.removeprefix("data: ") for line in lines)
    assert said == text.replace("\r\n", "\n").replace("\r", "\n")


class Watcher:
    """The server's side of one connection."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.got = asyncio.Event()
        self.left = asyncio.Event()

    async def send(self, message) -> None:
        if message["type"] == "http.response.body":
            self.bodies.append(message["body"])
            self.got.set()

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def next(self) -> bytes:
        await self.got.wait()
        self.got.clear()
        return self.bodies[-1]


async def counted(live) -> bytes:
    return event(str(live.totals.calls))


def test_a_change_reaches_a_watcher(system):
    async def main() -> None:
        watcher, streams = Watcher(), Streams(system)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(streams.to(counted)({}, watcher.receive, watcher.send))
            await watcher.next()
            system.totals.calls = 77_777
            system.announce()
            while b"77777" not in await watcher.next():
                pass
            watcher.left.set()

    asyncio.run(main())


@pytest.mark.parametrize("leave", [True, False])
def test_a_stream_ends_when_its_watcher_leaves_or_the_system_stops(system, leave):
    async def main() -> None:
        watcher, streams = Watcher(), Streams(system)
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            task = group.create_task(streams.to(counted)({}, watcher.receive, watcher.send))
            await watcher.next()
            if leave:
                watcher.left.set()
            else:
                system.close()
            await task

    asyncio.run(main())


def test_watchers_beyond_the_bound_are_refused_and_places_come_back(system):
    async def main() -> None:
        streams = Streams(system)
        watchers = [Watcher() for _ in range(STREAMS_MAX)]
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for watcher in watchers:
                group.create_task(streams.to(counted)({}, watcher.receive, watcher.send))
            for watcher in watchers:
                await watcher.next()
            with pytest.raises(StreamsFullError):
                streams.to(counted)
            for watcher in watchers:
                watcher.left.set()
        streams.to(counted)

    asyncio.run(main())
