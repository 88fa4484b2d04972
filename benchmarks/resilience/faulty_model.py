"""A model with few slots, that fails when it is told to: one process, killed and stopped for real.

A call waits for a slot in a queue without a bound, as most model servers have it, and keeps its slot
to the end even when its caller has gone: the work of an abandoned call is the harder case. Settings
change over the control port, one JSON object a line; the answer to each is what has been counted.
The number of calls that arrived is kept in a file as well, so that it outlives a kill.
"""

import argparse
import asyncio
import json
import math
import mmap
import random
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import uvloop
from conversation import remaining

SPREAD = 0.5
"""Sigma of the log-normal service times."""
CONTROL_LINE_MAX = 64 * 1024
_ID = "chatcmpl-000000000001"


@dataclass(frozen=True)
class Settings:
    """``status`` other than 200 answers so at once, on ``share`` of the calls. ``late_s`` passes
    before a call is looked at, beside its service. ``reset`` cuts every connection that asks.
    ``first_share`` of a stream's service time passes before its first event."""

    slots: int = 10
    service_s: float = 0.5
    spread: float = SPREAD
    first_share: float = 0.3
    status: int = 200
    share: float = 1.0
    retry_after_s: float | None = None
    late_s: float = 0.0
    reset: bool = False


class Job:
    """One call: waits, is served, is answered if anyone still listens."""

    def __init__(self, connection: "Connection", body: bytes) -> None:
        asked = json.loads(body)
        self.connection = connection
        self.pieces = remaining(asked["messages"])
        self.stream = bool(asked.get("stream"))
        self.model = asked["model"]
        self.with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))

    def begin(self, service_s: float, first_share: float, done: Callable[[], None]) -> None:
        later = asyncio.get_running_loop().call_later
        if not self.stream:
            later(service_s, self._answer, done)
            return
        first_s = service_s * first_share
        gap_s = (service_s - first_s) / max(1, len(self.pieces) - 1)
        later(first_s, self._event, 0, gap_s, done)

    def _usage(self) -> dict[str, int]:
        count = len(self.pieces)
        return {"prompt_tokens": 20, "completion_tokens": count, "total_tokens": 20 + count}

    def _answer(self, done: Callable[[], None]) -> None:
        message = {"role": "assistant", "content": "".join(self.pieces)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self.connection.answer(200, self._object("chat.completion", [choice], self._usage()))
        done()

    def _event(self, place: int, gap_s: float, done: Callable[[], None]) -> None:
        if place == 0:
            self.connection.begin_stream()
        if place < len(self.pieces):
            self.connection.send_event(self._chunk({"content": self.pieces[place]}, None))
        if place < len(self.pieces) - 1:
            asyncio.get_running_loop().call_later(gap_s, self._event, place + 1, gap_s, done)
            return
        self.connection.send_event(self._chunk({}, "stop"))
        if self.with_usage:
            self.connection.send_event(
                json.dumps(self._object("chat.completion.chunk", [], self._usage()))
            )
        self.connection.end_stream()
        done()

    def _chunk(self, delta: dict[str, str], finish: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps(self._object("chat.completion.chunk", [choice], None))

    def _object(
        self, kind: str, choices: list[dict[str, Any]], usage: dict[str, int] | None
    ) -> dict[str, Any]:
        made: dict[str, Any] = {"id": _ID, "object": kind, "created": 1767225600}
        made |= {"model": self.model, "choices": choices}
        return made | ({"usage": usage} if usage else {})


class Model:
    """The slots, the queue before them, and what has been counted."""

    def __init__(self, settings: Settings, *, seed: int, arrived: mmap.mmap) -> None:
        self.settings = settings
        self.chance = random.Random(seed)
        self.waiting: deque[Job] = deque()
        self.busy = self.finished = self.refused = 0
        self._arrived = arrived

    def arrive(self, connection: "Connection", body: bytes) -> None:
        (before,) = struct.unpack("q", self._arrived[:8])
        self._arrived[:8] = struct.pack("q", before + 1)
        settings = self.settings
        if settings.reset:
            self.refused += 1
            connection.cut()
        elif settings.late_s:
            asyncio.get_running_loop().call_later(settings.late_s, self._look, connection, body)
        else:
            self._look(connection, body)

    def _look(self, connection: "Connection", body: bytes) -> None:
        settings = self.settings
        if settings.status != 200 and self.chance.random() < settings.share:
            self.refused += 1
            error = {"message": "told to fail", "type": "fault", "code": str(settings.status)}
            connection.answer(settings.status, {"error": error}, settings.retry_after_s)
            return
        self.waiting.append(Job(connection, body))
        self.serve()

    def serve(self) -> None:
        while self.waiting and self.busy < self.settings.slots:
            self.busy += 1
            self.waiting.popleft().begin(self._service_s(), self.settings.first_share, self._done)

    def _done(self) -> None:
        self.busy -= 1
        self.finished += 1
        self.serve()

    def _service_s(self) -> float:
        spread = self.settings.spread
        middle = math.log(self.settings.service_s) - spread * spread / 2
        return self.chance.lognormvariate(middle, spread)

    def told(self, line: bytes) -> bytes:
        """A line of the control port: settings to change; none to only ask for the counts."""
        self.settings = replace(self.settings, **json.loads(line))
        self.serve()
        seen = {"busy": self.busy, "waiting": len(self.waiting), "finished": self.finished}
        seen |= {"refused": self.refused, "arrived": struct.unpack("q", self._arrived[:8])[0]}
        return json.dumps(seen | asdict(self.settings)).encode() + b"\n"


class Connection(asyncio.Protocol):
    """Requests one after the other on one connection."""

    transport: asyncio.Transport

    def __init__(self, model: Model) -> None:
        self.model = model
        self.buffer = b""
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue]

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        body = self.buffer[end + 4 : end + 4 + length]
        self.buffer = self.buffer[end + 4 + length :]
        if head.startswith(b"get "):
            self.answer(200, {"object": "list", "data": []})
        else:
            self.model.arrive(self, body)

    def cut(self) -> None:
        """A reset, not an orderly end."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def answer(
        self, status: int, content: dict[str, Any], retry_after_s: float | None = None
    ) -> None:
        if not self.is_open:
            return
        body = json.dumps(content).encode()
        later = f"retry-after: {retry_after_s:g}\r\n" if retry_after_s is not None else ""
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{later}"
        self.transport.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    def begin_stream(self) -> None:
        if self.is_open:
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
            )

    def send_event(self, data: str) -> None:
        if self.is_open:
            event = f"data: {data}\n\n".encode()
            self.transport.write(b"%x\r\n%b\r\n" % (len(event), event))

    def end_stream(self) -> None:
        self.send_event("[DONE]")
        if self.is_open:
            self.transport.write(b"0\r\n\r\n")


def _control(model: Model) -> Callable[..., Any]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(model.told(line))
        writer.close()

    return serve


async def _main(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    with open(options.count, "r+b") as file, mmap.mmap(file.fileno(), 8) as arrived:
        model = Model(Settings(**json.loads(options.settings)), seed=options.seed, arrived=arrived)
        await loop.create_server(
            lambda: Connection(model), "127.0.0.1", options.port, backlog=16_384
        )
        await asyncio.start_server(
            _control(model), "127.0.0.1", options.control_port, limit=CONTROL_LINE_MAX
        )
        print("ready", flush=True)
        # Ends when whoever started it closes the pipe, even by dying.
        await loop.run_in_executor(None, sys.stdin.read)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "control-port", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--count", required=True, help="a file of 8 bytes: how many calls arrived")
    parser.add_argument("--settings", default="{}", help="JSON, fields of Settings")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(_main(_options()))
