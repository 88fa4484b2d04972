"""A server's whole answer, awaited: for greetings and lists, which no caller waits for."""

import asyncio
from typing import Final, Protocol

from holdfast.core import JsonObject
from holdfast.gateway.holding import EVENT_STREAM, Hold
from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.lines.talking import messages_in
from holdfast.providers.mcp import McpAnswer, McpAnswerError, McpError, read_answer, read_message
from holdfast.wire import (
    EventSplitter,
    Headers,
    ProtocolError,
    Receiver,
    ResponseHead,
    StaleError,
    WireError,
)

WHOLE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Of a greeting's answer, or of one page of a list."""


class _Pool(Protocol):
    def send(self, message: bytes, receiver: Receiver, *, fresh: bool = False) -> Hold: ...


class _Line(Protocol):
    def send(self, ask: Ask, receiver: Receiver, *, fresh: bool = False) -> Hold: ...


class Whole:
    """A ``wire.Receiver`` that gathers until the answer is whole; of events, only the answer."""

    __slots__ = ("_body", "_messages", "_size", "_splitter", "headers", "over", "status")

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = {}
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._body: list[bytes] = []
        self._messages: list[bytes] = []
        self._size = 0
        self._splitter: EventSplitter | None = None

    def answer(self, number: int) -> McpAnswer | None:
        """The answer to our request of that number; None when what came is none."""
        for data in self._messages:
            try:
                answer = read_answer(data, bytes_max=WHOLE_BYTES_MAX)
            except McpError:
                continue
            if answer.id in (number, None):
                return answer
        return None

    def body(self) -> bytes:
        """All of what is no events; the last message of what is."""
        return self._messages[-1] if self._messages else b""

    def on_head(self, head: ResponseHead) -> None:
        self.status, self.headers = head.status, head.headers
        if head.headers.get(b"content-type", b"").startswith(EVENT_STREAM):
            self._splitter = EventSplitter()

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > WHOLE_BYTES_MAX:
            self._end(ProtocolError(f"the server answers with more than {WHOLE_BYTES_MAX} bytes"))
        elif self._splitter is None:
            self._body.append(data)
        else:
            self._take_events(self._splitter, data)

    def on_end(self) -> None:
        if self._splitter is None:
            self._messages.append(b"".join(self._body))
        self._end(None)

    def on_failure(self, error: WireError) -> None:
        self._end(error)

    def _take_events(self, splitter: EventSplitter, data: bytes) -> None:
        try:
            events = splitter.feed(data)
        except ProtocolError as error:
            self._end(error)
            return
        for message in messages_in(events):
            if _is_answer(message):
                self._messages.append(message)
                self._end(None)

    def _end(self, error: WireError | None) -> None:
        if self.over.done():
            return
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


def _is_answer(data: bytes) -> bool:
    try:
        return isinstance(read_message(data, bytes_max=WHOLE_BYTES_MAX), McpAnswer)
    except McpError:
        return False


async def ask_whole(pool: _Pool, message: bytes) -> Whole:
    """Send what may be sent twice; ``WireError`` when no answer comes. The caller of this holds a
    deadline around it."""
    whole = Whole()
    hold = pool.send(message, whole)
    try:
        await whole.over
    except StaleError:
        whole = Whole()
        hold = pool.send(message, whole, fresh=True)
        await whole.over
    finally:
        # What is over needs nothing; a stream that goes on after its answer is ended.
        hold.cancel()
    return whole


async def ask_line(line: _Line, method: str, params: JsonObject) -> JsonObject:
    """A result that the gateway itself needs. ``WireError`` or ``McpError`` when there is none."""
    whole = Whole()
    hold = line.send(Ask(method=method, params=params, bytes_max=WHOLE_BYTES_MAX), whole)
    try:
        await whole.over
    finally:
        hold.cancel()
    answer = read_answer(whole.body(), bytes_max=WHOLE_BYTES_MAX)
    if answer.result is None:
        assert answer.fault is not None
        raise McpAnswerError(f"{method}: {answer.fault.message[:200]}", number=answer.fault.code)
    return answer.result
