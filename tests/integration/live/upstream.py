"""An honest HTTP upstream that answers each request as the request's own ``scripted`` field says.

It runs on the wire's server, in a thread of the test process, so that tests can look at what
reached it.
"""

import asyncio
import base64
import json
import socket
import struct
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

import uvloop

from holdfast.wire import Exchange, Headers, Request, Server, WireLimits
from holdfast.world.real import SocketNetwork, SystemClock

JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
VECTOR = (0.5, -0.25, 1.0)
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "file_finding", "arguments": '{"item":"LIAB-2"}'},
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it reached the upstream."""

    target: str
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return self.headers.get(name)


@dataclass(slots=True)
class _Log:
    """What happened, by the ``mark`` of the request it happened to."""

    seen: dict[str, Seen] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    written: dict[str, int] = field(default_factory=dict)


class ScriptedUpstream:
    """Context manager. ``scripted`` in a request's body may hold, each optional:

    ``mark`` (names the request for tests), ``say`` (the answer's text), ``events``, ``delay_s``,
    ``size`` (bytes of padding, in each event), ``die_after`` (events, then half an event, then a reset),
    ``status``, ``headers``, ``silent``, ``reset``.
    """

    def __init__(self) -> None:
        self.port = 0
        self._log = _Log()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready: Future[int] = Future()
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._ready.result(timeout=10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)

    def seen(self, mark: str) -> Seen:
        return self._log.seen[mark]

    def was_reached(self, mark: str) -> bool:
        return mark in self._log.seen

    def saw_leave(self, mark: str) -> bool:
        """Whether the connection of that request was closed before its answer ended."""
        return mark in self._log.left

    def written(self, mark: str) -> int:
        """Bytes of a stream handed to the connection so far; it waits when the reader does."""
        return self._log.written.get(mark, 0)

    # -- in the thread ------------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        limits = WireLimits(body_bytes=64 * 1024 * 1024)
        server = Server(self, clock=SystemClock(), limits=limits)
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        async with asyncio.TaskGroup() as group:
            self._group = group
            await server.start(SocketNetwork(), sock=sock)
            self._ready.set_result(sock.getsockname()[1])
            await self._stop.wait()
            await server.drain(within_s=0)
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()

    def handle(self, request: Request, exchange: Exchange) -> None:
        body = json.loads(request.body)
        script = body.get("scripted", {})
        mark = script.setdefault("mark", f"unnamed-{len(self._log.seen)}")
        self._log.seen[mark] = Seen(request.target.decode(), request.headers, request.body)
        exchange.on_disconnect = lambda: self._log.left.add(mark)
        if script.get("silent"):
            return
        if script.get("reset"):
            _reset(exchange)
        elif "status" in script:
            headers = [(k.encode(), v.encode()) for k, v in script.get("headers", {}).items()]
            error = {"message": "scripted", "type": "scripted", "param": None, "code": "scripted"}
            exchange.respond(
                script["status"], (JSON, *headers), json.dumps({"error": error}).encode()
            )
        elif body.get("stream"):
            self._group.create_task(self._stream(request, exchange, body, script))
        else:
            exchange.respond(200, (JSON,), json.dumps(_plain(request, body, script)).encode())

    async def _stream(
        self, request: Request, exchange: Exchange, body: dict[str, Any], script: dict[str, Any]
    ) -> None:
        mark = script["mark"]
        writable = asyncio.Event()
        exchange.on_writable = writable.set
        exchange.start(200, (SSE,))
        for number, event in enumerate(_events(request, body, script)):
            if mark in self._log.left:
                return
            if number == script.get("die_after"):
                exchange.write(event[: len(event) // 2])
                await asyncio.sleep(0.05)
                _reset(exchange)
                return
            exchange.write(event)
            self._log.written[mark] = self._log.written.get(mark, 0) + len(event)
            if not exchange.writable:
                writable.clear()
                await writable.wait()
            # Also without delay: a connection that was lost says so between two events.
            await asyncio.sleep(script.get("delay_s", 0))
        if mark not in self._log.left:
            exchange.end(b"data: [DONE]\n\n")


def _reset(exchange: Exchange) -> None:
    """Cut off with a reset, not an orderly end."""
    sock = exchange._transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.abort()


def _plain(request: Request, body: dict[str, Any], script: dict[str, Any]) -> dict[str, Any]:
    if request.target.endswith(b"/embeddings"):
        return _embeddings(body)
    head = {"id": "c-1", "created": 1, "model": body["model"], "usage": USAGE}
    text = script.get("say", "Hello there.") + "x" * script.get("size", 0)
    if request.target.endswith(b"/chat/completions"):
        message: dict[str, Any] = {"role": "assistant", "content": text}
        reason = "stop"
        if body.get("tools"):
            message, reason = {**message, "content": None, "tool_calls": [TOOL_CALL]}, "tool_calls"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return {**head, "object": "chat.completion", "choices": [choice]}
    choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
    return {**head, "object": "text_completion", "choices": [choice]}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    vector: object = list(VECTOR)
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    data = [{"object": "embedding", "index": i, "embedding": vector} for i in range(len(inputs))]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _events(request: Request, body: dict[str, Any], script: dict[str, Any]) -> list[bytes]:
    is_chat = request.target.endswith(b"/chat/completions")
    kind = "chat.completion.chunk" if is_chat else "text_completion"
    head = {"id": "c-1", "object": kind, "created": 1, "model": body["model"]}
    choices = [
        [{"index": 0, "delta": delta, "finish_reason": None}]
        if is_chat
        else [{"index": 0, "text": delta.get("content", ""), "finish_reason": None}]
        for delta in _deltas(body, script)
    ]
    chunks: list[dict[str, Any]] = [{**head, "choices": each} for each in choices]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "choices": [], "usage": USAGE})
    return [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]


def _deltas(body: dict[str, Any], script: dict[str, Any]) -> list[dict[str, Any]]:
    if body.get("tools"):
        function = TOOL_CALL["function"]
        assert isinstance(function, dict)
        first = {**TOOL_CALL, "index": 0, "function": {**function, "arguments": ""}}
        pieces = ('{"item":', '"LIAB-2"}')
        rest = [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
        return [{"tool_calls": [each]} for each in (first, *rest)]
    say, padding = script.get("say", "tok"), "x" * script.get("size", 0)
    return [{"content": f"{say}{i} {padding}"} for i in range(script.get("events", 5))]
