"""An upstream that does what the prompt tells it to: answer, stream, stall, die, refuse."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Literal, TypeAlias

import msgspec

from holdfast.wire import Exchange, Request, Server
from holdfast.world.ports import Address, Clock, Network

Kind: TypeAlias = Literal["plain", "stream", "die", "silent", "error", "cut"]
KINDS: tuple[Kind, ...] = ("plain", "stream", "die", "silent", "error", "cut")
JSON_TYPE = (b"content-type", b"application/json")
SSE_TYPE = (b"content-type", b"text/event-stream")
DONE = b"data: [DONE]\n\n"


class Script(msgspec.Struct, frozen=True):
    """What to do with one call: ``kind``, in ``pieces`` pieces, ``pause_s`` apart."""

    number: int
    kind: Kind
    pieces: int = 1
    pause_s: float = 0.0


class _Message(msgspec.Struct):
    content: str


class _Body(msgspec.Struct):
    messages: list[_Message]


class _Chunk(msgspec.Struct):
    mark: str


def plain_body(script: Script) -> bytes:
    """The answer to a ``plain`` script."""
    return msgspec.json.encode(
        {
            "id": f"answer-{script.number}",
            "choices": [{"message": {"content": f"answer {script.number} " * script.pieces}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": script.pieces},
        }
    )


def event(script: Script, piece: int) -> bytes:
    """One event of a ``stream`` script: nobody else's event has this mark."""
    return b"data: " + msgspec.json.encode(_Chunk(f"{script.number}.{piece}")) + b"\n\n"


def events(script: Script) -> bytes:
    """All events of a whole stream."""
    return b"".join(event(script, piece) for piece in range(script.pieces)) + DONE


class ScriptedUpstream:
    """A ``wire.Handler``; ``reached`` are the numbers of the calls that got here."""

    def __init__(self, spawn: Callable[[Coroutine[None, None, None]], object]) -> None:
        self.reached: list[int] = []
        self._spawn = spawn

    async def listen(self, network: Network, clock: Clock, address: Address) -> Server:
        """Serve at ``address``."""
        server = Server(self, clock=clock)
        await server.start(network, sock=address)
        return server

    def handle(self, request: Request, exchange: Exchange) -> None:
        body = msgspec.json.decode(request.body, type=_Body)
        script = msgspec.json.decode(body.messages[-1].content, type=Script)
        self.reached.append(script.number)
        self._spawn(self._play(script, exchange))

    async def _play(self, script: Script, exchange: Exchange) -> None:
        await asyncio.sleep(script.pause_s)
        if not exchange.busy:
            return
        match script.kind:
            case "plain":
                exchange.respond(200, (JSON_TYPE,), plain_body(script))
            case "error":
                exchange.respond(429, (JSON_TYPE, (b"retry-after", b"1")), b'{"error":{}}')
            case "stream" | "die":
                await self._stream(script, exchange)
            case "cut":
                exchange.abort()
            case "silent":
                """Never answers; the gateway's deadline must end the call."""

    async def _stream(self, script: Script, exchange: Exchange) -> None:
        exchange.start(200, (SSE_TYPE,))
        for piece in range(script.pieces):
            if not exchange.busy:
                return
            exchange.write(event(script, piece))
            await asyncio.sleep(script.pause_s)
        if script.kind == "die":
            # Half an event, then nothing: what the caller must never see.
            exchange.write(event(script, script.pieces)[:9])
            exchange.abort()
        elif exchange.busy:
            exchange.write(DONE)
            exchange.end()
