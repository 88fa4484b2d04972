"""An upstream that does what the prompt tells it to, on bare transports: it shares no code with the
gateway, is strict about what it is sent, and can misbehave in every way that bytes allow.

It serves so many calls at once as it has slots, in order of arrival, and goes on working on calls
whose caller has gone: so that overload is real.
"""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Final

import msgspec

from holdfast.testing.scripts import (
    DONE,
    Script,
    Trouble,
    error_body,
    event,
    last_event,
    mark,
    plain_body,
)
from holdfast.world.ports import Address
from holdfast.world.sim import Fault, SimListener, SimLoop, SimNetwork, SimTransport

UPSTREAM_KINDS: Final[dict[str, str]] = {
    "up-slow": "all work takes `amount` times as long",
    "up-first": "the first byte comes `amount` seconds later",
    "up-error": "a `share` of calls is answered with status `amount`",
    "up-limit": "a `share` of calls is answered 429, to be asked again after `amount` seconds",
    "up-hang": "a `share` of calls is never answered",
    "up-die": "a `share` of answers is cut in the middle",
    "up-long": "a `share` of answers is shorter than it says",
    "up-short": "a `share` of answers is longer than it says",
    "up-garbage": "a `share` of calls is answered with what is not HTTP",
    "up-slots": "only `amount` calls are worked on at once",
    "up-down": "nobody listens, and what was open is cut",
}
_TROUBLE: Final[dict[str, Trouble]] = {
    "up-error": "error",
    "up-limit": "limit",
    "up-hang": "hang",
    "up-die": "die",
    "up-long": "long",
    "up-short": "short",
    "up-garbage": "garbage",
}
DAWDLE_S: Final = 0.7
GARBAGE: Final = b"\x16\x03\x01 this is not the protocol you are looking for\r\n\r\n\x00\xff\n\n"
SLOW_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: "


class Attempt(msgspec.Struct):
    """One request that reached an upstream. ``payload`` is what a reader of the whole answer should
    hold; ``ending`` how it ended here: ``whole``, ``cut`` (by us), ``lost`` (the gateway left)."""

    order: int
    """The number of the order, as its baggage says; of the question, see ``script``."""
    call: str
    where: str
    turn: int
    worker: str
    connection: int
    began: float
    wall: int
    """When it came, by the gateway's wall clock."""
    fields: dict[str, str]
    model: str
    max_tokens: int | None
    timeout_ms: int | None
    asks_usage: bool
    so_far: str | None
    """The answer that it is asked to go on from."""
    script: Script
    trouble: Trouble | None = None
    status: int | None = None
    payload: bytes = b""
    first_at: float | None = None
    ended: float | None = None
    ending: str | None = None
    retry_after: float | None = None
    served: bool = False
    """Whether it was given a slot: work was done on it."""


class _Message(msgspec.Struct):
    content: str
    role: str = "user"


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool = False


class _Body(msgspec.Struct):
    model: str
    messages: list[_Message]
    max_tokens: int | None = None
    stream_options: _StreamOptions = _StreamOptions()


class ScriptedUpstream:
    """One upstream at one address. ``on_reached`` and ``on_left`` hear of every attempt."""

    def __init__(
        self,
        address: Address,
        *,
        loop: SimLoop,
        spawn: Callable[[Coroutine[None, None, None]], object],
        slots: int,
        seed: int,
        wall: Callable[[], int],
        on_reached: Callable[[Attempt], None],
        on_left: Callable[[Attempt], None],
    ) -> None:
        self.address = address
        self.name = str(address)
        self.attempts: list[Attempt] = []
        self.broken: list[str] = []
        """What the gateway sent that it should not have."""
        self.links: dict[UpstreamLink, None] = {}
        self.on_reached = on_reached
        self.on_left = on_left
        self.loop = loop
        self.spawn = spawn
        self._slots = slots
        self._wall = wall
        self._busy = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._draw = Random(f"upstream {seed} {address}")  # noqa: S311 - replayable by intent
        self._turns: dict[int, int] = {}
        self._lasting: list[Fault] = []
        self._listener: SimListener | None = None
        self._network: SimNetwork | None = None

    async def listen(self, network: SimNetwork) -> None:
        """Serve."""
        self._network = network
        self._listener = await network.listen(lambda: UpstreamLink(self), sock=self.address)

    def close(self) -> None:
        """Stop serving and cut what is open."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in tuple(self.links):
            link.cut()

    # -- faults -------------------------------------------------------------------------------

    def begin(self, fault: Fault) -> None:
        self._lasting.append(fault)
        if fault.kind == "up-down":
            self.close()

    def end(self, fault: Fault) -> None:
        self._lasting.remove(fault)
        if fault.kind == "up-slots":
            self._next_in_line()
        if fault.kind == "up-down" and not any(f.kind == "up-down" for f in self._lasting):
            assert self._network is not None
            self.spawn(self.listen(self._network))

    def slots(self) -> int:
        """How many calls are worked on at once, now."""
        lost = [int(f.amount) for f in self._lasting if f.kind == "up-slots"]
        return min(lost, default=self._slots)

    def _slowness(self) -> float:
        factors = [fault.amount for fault in self._lasting if fault.kind == "up-slow"]
        return max(factors, default=1.0)

    def _trouble(self, script: Script, turn: int) -> tuple[Trouble | None, float]:
        """What goes wrong with this attempt, and the figure that goes with it."""
        for fault in self._lasting:
            trouble = _TROUBLE.get(fault.kind)
            if trouble is not None and self._draw.random() < fault.share:
                return trouble, fault.amount
        if script.trouble is not None and turn < script.times:
            return script.trouble, 0.0
        return None, 0.0

    # -- work ---------------------------------------------------------------------------------

    def take(self, link: "UpstreamLink", fields: dict[str, str], body: bytes) -> None:
        """A whole request."""
        asked = msgspec.json.decode(body, type=_Body)
        users = [message for message in asked.messages if message.role == "user"]
        last = asked.messages[-1]
        script = msgspec.json.decode(users[-1].content, type=Script)
        if asked.max_tokens is not None:
            script = msgspec.structs.replace(script, pieces=min(script.pieces, asked.max_tokens))
        order = int(fields.get("baggage", "order=-1").removeprefix("order="))
        turn = self._turns.get(order, 0)
        self._turns[order] = turn + 1
        timeout = fields.get("x-request-timeout-ms")
        attempt = Attempt(
            order=order,
            call=fields.get("x-request-id", ""),
            where=self.name,
            turn=turn,
            worker=link.transport.peer_owner.name,
            connection=link.transport.number,
            began=self.loop.time(),
            wall=self._wall(),
            fields=fields,
            model=asked.model,
            max_tokens=asked.max_tokens,
            timeout_ms=int(timeout) if timeout is not None else None,
            asks_usage=asked.stream_options.include_usage,
            so_far=last.content if last.role == "assistant" else None,
            script=script,
        )
        self.attempts.append(attempt)
        link.attempt = attempt
        self.on_reached(attempt)
        self.spawn(self._play(attempt, link))

    async def _play(self, attempt: Attempt, link: "UpstreamLink") -> None:
        if self._busy >= self.slots():
            turn = self.loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._busy += 1
        attempt.served = True
        try:
            await self._answer(attempt, link)
        finally:
            self._busy -= 1
            self._next_in_line()

    def _next_in_line(self) -> None:
        while self._waiting and self._busy < self.slots():
            self._busy += 1
            self._waiting.pop(0).set_result(None)

    async def _answer(self, attempt: Attempt, link: "UpstreamLink") -> None:
        script, slowness = attempt.script, self._slowness()
        trouble, figure = self._trouble(script, attempt.turn)
        attempt.trouble = trouble
        late = sum(fault.amount for fault in self._lasting if fault.kind == "up-first")
        late += DAWDLE_S if trouble == "dawdle" else 0.0
        await asyncio.sleep(script.first_s * slowness + late)
        by = f"{self.name}#{attempt.call}#{attempt.turn}"
        match trouble:
            case "hang":
                await asyncio.sleep(script.pause_s * script.pieces * slowness)
            case "cut":
                link.cut()
            case "garbage":
                link.say(attempt, GARBAGE)
                link.close()
            case "error":
                link.whole(attempt, int(figure) or self._draw.choice((500, 503, 529)))
            case "limit":
                link.whole(attempt, 429, retry_after=figure or 1.0)
            case None | "die" | "dawdle" | "long" | "short" | "no-sse":
                if script.kind == "plain":
                    await asyncio.sleep(script.pause_s * script.pieces * slowness)
                    link.plain(attempt, plain_body(script, by), trouble)
                else:
                    await self._stream(attempt, link, by, trouble)

    async def _stream(
        self, attempt: Attempt, link: "UpstreamLink", by: str, trouble: Trouble | None
    ) -> None:
        script, slowness = attempt.script, self._slowness()
        link.begin_stream(attempt)
        first = self._first_piece(attempt)
        for piece in range(first, script.pieces):
            if trouble == "die" and piece == max(first, script.pieces // 2):
                # Half an event, then nothing: what the caller must never see.
                link.say(attempt, event(script, piece, by)[:9], chunked=True)
                link.cut()
                return
            if trouble == "no-sse":
                link.piece(attempt, GARBAGE)
            link.piece(attempt, event(script, piece, by))
            if script.pause_s:
                await asyncio.sleep(script.pause_s * slowness)
        usage = last_event(script, by) if attempt.asks_usage else b""
        link.piece(attempt, usage + DONE)
        link.end_stream(attempt)

    def _first_piece(self, attempt: Attempt) -> int:
        """Where an answer goes on that broke off elsewhere."""
        said, script = attempt.so_far, attempt.script
        if said is None:
            return 0
        pieces = [mark(script, piece) for piece in range(script.pieces)]
        for count in range(script.pieces + 1):
            if "".join(pieces[:count]) == said:
                return count
        self.broken.append(f"asked to go on from {said[-60:]!r}, which nobody said")
        return script.pieces


class UpstreamLink(asyncio.Protocol):
    """One connection from the gateway."""

    transport: SimTransport

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._upstream = upstream
        self._buffer = b""
        self.attempt: Attempt | None = None
        self._is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, SimTransport)
        self.transport = transport
        self._upstream.links[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._upstream.links.pop(self, None)
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            self._over(attempt, "lost")
            self._upstream.on_left(attempt)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            fields = self._fields(self._buffer[:end])
            size = int(fields.get("content-length", "0"))
            if len(self._buffer) < end + 4 + size:
                return
            body = self._buffer[end + 4 : end + 4 + size]
            self._buffer = self._buffer[end + 4 + size :]
            if self.attempt is not None:
                self._upstream.broken.append("a request was sent before the last one was answered")
            if fields[""].startswith("GET "):
                self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                continue
            self._upstream.take(self, fields, body)

    def _fields(self, head: bytes) -> dict[str, str]:
        first, *lines = head.decode("ascii").split("\r\n")
        fields = {"": first}
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() in fields:
                self._upstream.broken.append(f"the header field {name} was sent twice")
            fields[name.lower()] = value.strip()
        if not first.endswith(" HTTP/1.1") or "host" not in fields:
            self._upstream.broken.append(f"this is no request: {head[:80]!r}")
        return fields

    # -- answers ------------------------------------------------------------------------------

    def whole(self, attempt: Attempt, status: int, *, retry_after: float | None = None) -> None:
        """A whole answer that is an error."""
        wait = b"retry-after: %d\r\n" % round(retry_after) if retry_after is not None else b""
        body = error_body(status)
        head = b"HTTP/1.1 %d Trouble\r\ncontent-type: application/json\r\n%b" % (status, wait)
        attempt.status = status
        attempt.payload = body
        attempt.retry_after = retry_after
        self.say(attempt, head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self._end(attempt)

    def plain(self, attempt: Attempt, body: bytes, trouble: Trouble | None) -> None:
        """A plain answer, as it should be or not."""
        attempt.status = 200
        stated = len(body)
        if trouble == "long":
            stated += 50
        elif trouble == "short":
            stated -= 10
        elif trouble == "no-sse":
            body = GARBAGE
            stated = len(body)
        attempt.payload = body[:stated]
        head = SLOW_HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n" % stated
        if trouble == "die":
            self.say(attempt, head + body[: len(body) // 2])
            self.cut()
            return
        self.say(attempt, head + body)
        if trouble == "long":
            self.close()
        else:
            self._end(attempt)

    def begin_stream(self, attempt: Attempt) -> None:
        attempt.status = 200
        self.say(attempt, SLOW_HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def piece(self, attempt: Attempt, data: bytes) -> None:
        attempt.payload += data
        self.say(attempt, data, chunked=True)

    def end_stream(self, attempt: Attempt) -> None:
        self.say(attempt, b"0\r\n\r\n")
        self._end(attempt)

    def say(self, attempt: Attempt, data: bytes, *, chunked: bool = False) -> None:
        """Send bytes, to whoever still listens."""
        if self._is_lost or self.attempt is not attempt:
            return
        if attempt.first_at is None:
            attempt.first_at = self._upstream.loop.time()
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)

    def cut(self) -> None:
        self._leave("cut")
        self.transport.abort()

    def close(self) -> None:
        self._leave("cut")
        self.transport.close()

    def _leave(self, ending: str) -> None:
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            self._over(attempt, ending)

    def _end(self, attempt: Attempt) -> None:
        if self.attempt is attempt:
            self.attempt = None
            self._over(attempt, "whole")

    def _over(self, attempt: Attempt, ending: str) -> None:
        attempt.ended = self._upstream.loop.time()
        attempt.ending = ending
