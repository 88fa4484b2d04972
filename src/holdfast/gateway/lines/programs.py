"""stdio: MCP servers that run as programs of this machine.

Only a signed blueprint names one (the blueprint's reading sees to it); nothing of a request ever
does. A program of 2025-11-25 is itself the session, so each principal has one of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from holdfast.gateway.holding import EVENT_STREAM
from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.lines.line import Pool, Session
from holdfast.providers.mcp import (
    Answered,
    McpError,
    Progressed,
    Reply,
    Revision,
    StdioEvent,
    StdioExchange,
    line,
    sse_event,
    write_answer,
    write_notification,
)
from holdfast.wire import (
    ConnectError,
    PoolFullError,
    ProtocolError,
    Receiver,
    ResetError,
    ResponseHead,
    Spawn,
    WireError,
)
from holdfast.world.ports import Clock, Programs, RunningProgram, WorldError

PENDING_BYTES_MAX: Final = 16 * 1024 * 1024
"""Written to a program that does not read."""
RESTART_S: Final = 1.0
"""Between two starts of one program: one that ends at once is not started by every call."""
STOP_S: Final = 5.0
_EVENTS: Final = ResponseHead(200, {b"content-type": EVENT_STREAM})
_TAKEN: Final = ResponseHead(202, {})


class Start(msgspec.Struct, frozen=True):
    """How a program is started."""

    command: tuple[str, ...]
    env: dict[str, str]
    cwd: str | None
    start_s: float


class _Sent:
    """One request to a program (an ``attempt`` holds it)."""

    __slots__ = ("_pool", "held", "message", "number", "paused", "receiver")

    def __init__(self, pool: "StdioPool", message: bytes, number: int, receiver: Receiver) -> None:
        self._pool = pool
        self.message = message
        self.number = number
        self.receiver = receiver
        self.paused = False
        self.held: list[bytes] = []

    def cancel(self) -> None:
        """The program is told; what it still says of it is dropped."""
        self._pool.take_back(self)

    def pause(self) -> None:
        """Its messages are kept: the one channel that all share does not stop for one."""
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        held, self.held = self.held, []
        for data in held:
            self.receiver.on_body(data)


class StdioPool:
    """One program, started when it is needed; the interface of ``wire.ClientPool``.

    ``on_change`` hears the methods of notifications that belong to no request.
    """

    def __init__(self, programs: Programs, start: Start, *, spawn: Spawn, clock: Clock) -> None:
        self.settings = (start.command, tuple(sorted(start.env.items())), start.cwd)
        self.on_change: Callable[[str], None] = _ignore
        self._programs = programs
        self._start = start
        self._spawn = spawn
        self._now = clock.monotonic
        self._exchange = StdioExchange()
        self._running: RunningProgram | None = None
        self._sent: dict[int, _Sent] = {}
        self._waiting: list[_Sent] = []
        self._is_starting = self._is_closed = False
        self._started_at = -RESTART_S

    def number(self) -> int:
        """An id for the next request. ``McpError`` when too many are under way."""
        return self._exchange.next_number()

    def send(self, message: bytes, receiver: Receiver, *, fresh: bool = False) -> _Sent:
        """Write one message. Every failure comes through ``receiver.on_failure``."""
        number = _number(message)
        sent = _Sent(self, message, number, receiver)
        if self._running is not None:
            self._write(sent)
        elif self._is_closed or self._now() - self._started_at < RESTART_S:
            self._later(sent, ConnectError("the program has ended, and is not started again yet"))
        else:
            self._waiting.append(sent)
            if not self._is_starting:
                self._is_starting = True
                self._spawn(self._run())
        return sent

    def close(self) -> None:
        """End the program once what it was asked is answered or taken back; at once when idle."""
        self._is_closed = True
        if not self._sent:
            self._stop()

    def take_back(self, sent: _Sent) -> None:
        """Nobody waits for this any more."""
        if sent in self._waiting:
            self._waiting.remove(sent)
        if self._sent.pop(sent.number, None) is not None:
            told = self._exchange.cancel(sent.number, "the caller does not wait any more")
            if told and self._running is not None:
                self._running.write(told)
        self._rest()

    # -- the program (``world.ProgramListener``) --------------------------------------------------

    def on_output(self, data: bytes) -> None:
        try:
            for event in self._exchange.feed(data):
                self._hear(event)
        except McpError as error:
            self._fail_all(ProtocolError(error.what))
            self._stop()

    def on_error_output(self, data: bytes) -> None:
        """For people; nobody here is one."""

    def on_exit(self, code: int) -> None:
        self._running = None
        self._exchange = StdioExchange()
        self._fail_all(ResetError(f"the program ended with {code}"))

    # -- its life -------------------------------------------------------------------------------

    async def _run(self) -> None:
        start = self._start
        problem: WireError | None = None
        self._started_at = self._now()
        try:
            async with asyncio.timeout(start.start_s):
                self._running = await self._programs.start(
                    self, command=start.command, env=start.env, cwd=start.cwd
                )
        except TimeoutError:
            problem = ConnectError(f"the program does not start within {start.start_s:g} s")
        except WorldError as error:
            problem = ConnectError(error.what, fix=error.fix)
        self._is_starting = False
        waiting, self._waiting = self._waiting, []
        for sent in waiting:
            if problem is None:
                self._write(sent)
            else:
                self._exchange.cancel(sent.number)
                sent.receiver.on_failure(problem)
        self._rest()

    def _write(self, sent: _Sent) -> None:
        running = self._running
        if running is None:
            self._later(sent, ConnectError("the program has ended"))
            return
        if running.pending_bytes() > PENDING_BYTES_MAX:
            self._later(sent, PoolFullError("the program does not read what it is asked"))
            return
        running.write(sent.message)
        if sent.number:
            self._sent[sent.number] = sent
        else:
            sent.receiver.on_head(_TAKEN)
            sent.receiver.on_end()

    def _hear(self, event: StdioEvent) -> None:
        match event:
            case Answered():
                self._answered(event)
            case Progressed():
                self._progressed(event)
            case Reply():
                if self._running is not None:
                    self._running.write(event.data)

    def _answered(self, event: Answered) -> None:
        sent = self._sent.pop(event.number, None)
        if sent is None:
            return
        if sent.paused:
            sent.resume()
        receiver = sent.receiver
        receiver.on_head(_EVENTS)
        receiver.on_body(sse_event(write_answer(event.answer)))
        receiver.on_end()
        self._rest()

    def _progressed(self, event: Progressed) -> None:
        sent = self._sent.get(event.number) if event.number is not None else None
        if sent is None:
            self.on_change(event.note.method)
            return
        data = sse_event(write_notification(event.note.method, event.note.params))
        if sent.paused:
            sent.held.append(data)
            return
        sent.receiver.on_head(_EVENTS)
        sent.receiver.on_body(data)

    def _fail_all(self, error: WireError) -> None:
        sent, self._sent = self._sent, {}
        for each in sent.values():
            each.receiver.on_failure(error)

    def _later(self, sent: _Sent, error: WireError) -> None:
        """Not from within ``send``: whoever sends has not taken note of it yet."""
        self._exchange.cancel(sent.number)
        asyncio.get_running_loop().call_soon(sent.receiver.on_failure, error)

    def _rest(self) -> None:
        if self._is_closed and not self._sent and not self._waiting:
            self._stop()

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            self._spawn(running.stop(within_s=STOP_S))


class StdioRoad:
    """Messages as lines; a program for each session."""

    is_told_of_cancels = False

    def __init__(self, programs: Programs, start: Start, *, spawn: Spawn, clock: Clock) -> None:
        self._programs = programs
        self._start = start
        self._spawn = spawn
        self._clock = clock

    def pool(self, on_change: Callable[[str], None]) -> StdioPool:
        """A program, not started yet."""
        pool = StdioPool(self._programs, self._start, spawn=self._spawn, clock=self._clock)
        pool.on_change = on_change
        return pool

    def number(self, pool: Pool) -> int:
        """The program's own count."""
        assert isinstance(pool, StdioPool)
        return pool.number()

    def frame(
        self, message: bytes, ask: Ask | None, revision: Revision, session: bytes | None
    ) -> bytes:
        """A line; what HTTP says in headers, the message says itself."""
        del ask, revision, session
        return line(message)

    def leave(self, session: Session) -> None:
        """Its program ends with its pool."""

    def listen(self, session: Session) -> bytes | None:
        """A program says what changed without being asked to."""
        return None


class _Numbered(msgspec.Struct):
    id: int = 0


_NUMBERED = msgspec.json.Decoder(_Numbered)


def _number(message: bytes) -> int:
    """Our number in a message of ours; 0 for one that wants no answer."""
    return _NUMBERED.decode(message).id


def _ignore(_method: str) -> None:
    """Nobody listens yet."""
