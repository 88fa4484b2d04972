"""Watchers of the console's first page: plain event streams, or tabs of a headless Chromium.

Told what to do by ``watched.py``, a line each: ``open`` and ``close`` them, ``seen`` for what each
has received so far. Ends when the pipe does.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys

FEED = "/fragments/changes"
LIVE = "#feed[data-state=live]"
"""What a page shows whose stream is open."""
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A tab that nobody sees would be slowed down, and so would what it is sent.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)
LEAST_NICE = 19
OPENED_S = 120.0
"""Until every watcher has received something."""


class Watcher:
    """What one has received."""

    def __init__(self) -> None:
        self.bytes = 0
        self.gone = False


class Stream(asyncio.Protocol):
    """Reads a stream as fast as it comes and looks at nothing."""

    transport: asyncio.Transport

    def __init__(self, port: int) -> None:
        self.port = port
        self.watcher = Watcher()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]
        head = f"GET {FEED} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: text/event-stream\r\n\r\n"
        self.transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        if not self.watcher.bytes and not data.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the console does not stream: {data[:300]!r}")
        self.watcher.bytes += len(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.watcher.gone = True


class Streams:
    """Plain clients."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.count = port, count
        self.streams: list[Stream] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self.count):
            _, stream = await loop.create_connection(
                lambda: Stream(self.port), "127.0.0.1", self.port
            )
            self.streams.append(stream)

    async def close(self) -> None:
        for stream in self.streams:
            stream.transport.abort()
        self.streams.clear()

    @property
    def watchers(self) -> list[Watcher]:
        return [stream.watcher for stream in self.streams]


class Browsers:
    """Tabs that show the page, scripts and all. They stay; closed means that they show nothing."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.count = port, count
        self.pages = []
        self.watchers = [Watcher() for _ in range(count)]

    async def open(self) -> None:
        if not self.pages:
            await self._start()
        url = f"http://127.0.0.1:{self.port}/"
        for watcher, page in zip(self.watchers, self.pages, strict=True):
            watcher.bytes = 0
            await page.goto(url, wait_until="commit", timeout=OPENED_S * 1000)
        for page in self.pages:
            await page.wait_for_selector(LIVE, timeout=OPENED_S * 1000)

    async def _start(self) -> None:
        from playwright.async_api import async_playwright  # noqa: PLC0415 - only where asked for

        driver = await async_playwright().start()
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = await driver.chromium.launch(
            executable_path=path, args=list(FLAGS), chromium_sandbox=False
        )
        for watcher in self.watchers:
            page = await (await browser.new_context()).new_page()
            session = await page.context.new_cdp_session(page)
            await session.send("Network.enable")
            session.on("Network.dataReceived", lambda told, of=watcher: _received(of, told))
            self.pages.append(page)

    async def close(self) -> None:
        for page in self.pages:
            await page.goto("about:blank")


def _received(watcher: Watcher, told: dict[str, int]) -> None:
    watcher.bytes += told["dataLength"]


async def _until_all_see(watching: Streams | Browsers) -> None:
    async with asyncio.timeout(OPENED_S):
        while not all(watcher.bytes for watcher in watching.watchers):
            await asyncio.sleep(0.05)


def _told(watching: Streams | Browsers) -> dict[str, object]:
    return {
        "bytes": [watcher.bytes for watcher in watching.watchers],
        "gone": sum(watcher.gone for watcher in watching.watchers),
    }


async def _main(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    kind = Browsers if options.browsers else Streams
    watching = kind(options.port, options.count)
    while word := (await reader.readline()).strip():
        if word == b"open":
            await watching.open()
            await _until_all_see(watching)
        elif word == b"close":
            await watching.close()
        print(json.dumps(_told(watching)), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--browsers", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    given = _options()
    if given.browsers:
        # Elsewhere a browser has its own machine: here it takes little more than is left over.
        os.nice(LEAST_NICE)
    asyncio.run(_main(given))
