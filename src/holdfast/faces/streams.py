"""Server-sent events: each watcher gets the system's changes, and a look now and then."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from holdfast.faces.errors import StreamsFullError
from holdfast.faces.view import Live, SystemView

STREAMS_MAX = 64
LOOK_S = 0.5
"""How often a watcher gets a look though no call began or ended: checkpoints come after calls."""

Render = Callable[[Live], Awaitable[bytes]]
"""The event for one moment, empty when there is nothing new to say."""

STILL_HERE = b": still here\n\n"


def event(data: str, *, name: str = "") -> bytes:
    """One event in the wire form of the HTML standard (section 9.2), for text of any lines."""
    head = f"event: {name}\n" if name else ""
    # Not splitlines(): a U+2028 inside a JSON string ends no line of an event stream.
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


class Streams:
    """The watchers of one server, at most ``STREAMS_MAX``."""

    def __init__(self, view: SystemView) -> None:
        self._view = view
        self._open = 0

    def to(self, render: Render) -> "EventStream":
        """An answer that streams; ``StreamsFullError`` when there are too many already."""
        if self._open >= STREAMS_MAX:
            raise StreamsFullError(
                f"{STREAMS_MAX} watchers are connected already", fix="close one, or reload later"
            )
        return EventStream(self._view, render, place=self._place)

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1


class EventStream(Response):
    """Streams until the watcher leaves or the system stops."""

    media_type = "text/event-stream"

    def __init__(
        self,
        view: SystemView,
        render: Render,
        *,
        place: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._view = view
        self._render = render
        self._place = place
        self._news = asyncio.Event()
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with self._place(), asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            leaving = group.create_task(self._until_gone(receive))
            await self._stream(send)
            watching.cancel()
            leaving.cancel()

    async def _stream(self, send: Send) -> None:
        while not self._over:
            self._news.clear()
            body = await self._render(self._view.live()) or STILL_HERE
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await self._wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._news.wait()
        except TimeoutError:
            return

    async def _watch(self) -> None:
        async for _ in self._view.changes():
            self._news.set()
        self._end()

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._end()

    def _end(self) -> None:
        self._over = True
        self._news.set()
