"""What many watch is drawn once, and not more often than anybody reads."""

import asyncio
import contextlib

from holdfast.faces.streams import STILL_HERE, Streams
from holdfast.faces.web.shell import DRAWN_US, Hints, Shell

WATCHERS = 20


class Watcher:
    """The server's side of one connection, and what it was sent."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[bytes] = asyncio.Queue()
        self.left = asyncio.Event()

    async def send(self, message) -> None:
        if message["type"] == "http.response.body":
            self.told.put_nowait(message["body"])

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def until(self, word: bytes) -> None:
        while word not in await self.told.get():
            pass


class Painter:
    """Draws the count of calls, and counts how often."""

    def __init__(self, system) -> None:
        hints = Hints(version="1", gateway=None, verify="verify")
        self.shell = Shell(system, streams=Streams(system), hints=hints)
        self.drawn = 0

    async def draw(self, live):
        self.drawn += 1
        return [("count", f"{live.totals.calls} calls"), ("rest", "always the same")]

    @contextlib.asynccontextmanager
    async def watched_by(self, *watchers: Watcher):
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for watcher in watchers:
                stream = self.shell.stream("page", self.draw)
                group.create_task(stream({}, watcher.receive, watcher.send))
            yield
            for watcher in watchers:
                watcher.left.set()


def test_what_twenty_watch_is_drawn_once(system):
    async def main() -> None:
        painter, watchers = Painter(system), [Watcher() for _ in range(WATCHERS)]
        system.totals.calls = 7
        async with painter.watched_by(*watchers):
            for watcher in watchers:
                await watcher.until(b"7 calls")
        assert painter.drawn == 1

    asyncio.run(main())


def test_a_change_waits_for_the_next_drawing_and_is_in_it(system):
    async def main() -> None:
        painter, watcher = Painter(system), Watcher()
        async with painter.watched_by(watcher):
            await watcher.until(b"calls")
            system.totals.calls = 77_777
            system.announce(after_us=DRAWN_US - 1)
            assert await watcher.told.get() == STILL_HERE
            assert painter.drawn == 1
            system.announce(after_us=1)
            await watcher.until(b"77777 calls")

    asyncio.run(main())


def test_a_watcher_is_told_of_nothing_but_what_is_new_to_it(system):
    async def main() -> None:
        painter, early, late = Painter(system), Watcher(), Watcher()
        async with painter.watched_by(early):
            await early.until(b"always the same")
            system.totals.calls = 77_777
            async with painter.watched_by(late):
                system.announce()
                await late.until(b"77777 calls")
                while b"77777 calls" not in (said := await early.told.get()):
                    pass
                assert b"always the same" not in said

    asyncio.run(main())


def test_a_clock_that_was_set_back_holds_nothing_up(system):
    async def main() -> None:
        painter, watcher = Painter(system), Watcher()
        async with painter.watched_by(watcher):
            await watcher.until(b"calls")
            system.totals.calls = 77_777
            system.announce(after_us=-3_600_000_000)
            await watcher.until(b"77777 calls")

    asyncio.run(main())
