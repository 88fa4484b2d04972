"""A caller of the gateway, and what it heard."""

import asyncio

import msgspec

from holdfast.testing.upstream import Script
from holdfast.wire import ClientPool, ResponseHead, WireError


class Heard(msgspec.Struct):
    """One call from the caller's side. ``whole``: the answer ended as HTTP says it must."""

    script: Script
    caller: str
    model: str
    stream: bool
    call: str | None = None
    status: int | None = None
    body: bytes = b""
    whole: bool = False
    failure: str | None = None
    left: bool = False


class _Listening:
    """A ``wire.Receiver`` that gathers one answer."""

    def __init__(self, heard: Heard) -> None:
        self.heard = heard
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_head(self, head: ResponseHead) -> None:
        self.heard.status = head.status
        call = head.headers.get(b"x-request-id")
        self.heard.call = call.decode("ascii") if call is not None else None

    def on_body(self, data: bytes) -> None:
        self.heard.body += data

    def on_end(self) -> None:
        self.heard.whole = True
        self._end()

    def on_failure(self, error: WireError) -> None:
        self.heard.failure = error.code
        self._end()

    def _end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class Caller:
    """Sends calls with one key over one pool."""

    def __init__(self, name: str, *, key: str, pool: ClientPool) -> None:
        self.name = name
        self._key = key
        self._pool = pool

    async def ask(self, script: Script, *, model: str, patience_s: float) -> Heard:
        """One call; leaves (closing the connection) when patience ends before the answer does."""
        stream = script.kind in ("stream", "die")
        body = msgspec.json.encode(
            {
                "model": model,
                "stream": stream,
                "messages": [{"content": msgspec.json.encode(script).decode()}],
            }
        )
        heard = Heard(script, self.name, model, stream)
        listening = _Listening(heard)
        ticket = self._pool.send(self._message(body), listening)
        try:
            async with asyncio.timeout(patience_s):
                await listening.over
        except TimeoutError:
            heard.left = True
            ticket.cancel()
        return heard

    def _message(self, body: bytes) -> bytes:
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
            f"authorization: Bearer {self._key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body
