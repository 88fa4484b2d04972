"""The model's place: answers at once, or streams an event every few milliseconds.

Prints the port it listens at. Run by ``run.py``; knows nothing of what stands in front of it.
"""

import asyncio
import sys

import uvloop
from payloads import ANSWER, STREAM

EVENT_S = 0.005
"""Between two events of a stream: 200 tokens a second, each a packet of its own, as a fast model."""

_PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_CHUNKS = [b"%x\r\n%b\r\n" % (len(event), event) for event in STREAM]
_LAST = b"0\r\n\r\n"


class Pacer:
    """One timer for all streams."""

    def __init__(self) -> None:
        self.streams: dict[Connection, int] = {}

    def tick(self) -> None:
        asyncio.get_running_loop().call_later(EVENT_S, self.tick)
        for connection, place in tuple(self.streams.items()):
            is_last = place == len(_CHUNKS) - 1
            connection.transport.write(_CHUNKS[place] + (_LAST if is_last else b""))
            if is_last:
                del self.streams[connection]
            else:
                self.streams[connection] = place + 1


class Connection(asyncio.Protocol):
    """Requests one after the other on one connection."""

    transport: asyncio.Transport

    def __init__(self, pacer: Pacer) -> None:
        self.pacer = pacer
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]

    def connection_lost(self, exc: Exception | None) -> None:
        self.pacer.streams.pop(self, None)

    def data_received(self, data: bytes) -> None:
        self.buffer = data = self.buffer + data if self.buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(data) < end + 4 + length:
            return
        self.buffer = b""
        body = data[end + 4 :]
        if b'"stream":true' in body or b'"stream": true' in body:
            self.transport.write(_STREAM_HEAD + _CHUNKS[0])
            self.pacer.streams[self] = 1
        else:
            self.transport.write(_PLAIN)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    pacer = Pacer()
    server = await loop.create_server(lambda: Connection(pacer), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    pacer.tick()
    # Ends when whoever started it closes the pipe, even by dying.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_main())
