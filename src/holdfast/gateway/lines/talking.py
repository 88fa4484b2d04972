"""One request at an MCP server, and what it says until its answer.

What goes on to the receiver is the dialect's own: each ``on_body`` is one whole JSON-RPC message,
notifications first, the answer last. Their head says ``text/event-stream`` when notifications come
before the answer, else ``application/json``; whether the server used events itself says nothing.
"""

import asyncio
from typing import Final, Protocol

from holdfast.gateway.holding import EVENT_STREAM, Hold
from holdfast.gateway.lines.asking import Ask
from holdfast.providers.mcp import (
    McpAnswer,
    McpError,
    McpNotification,
    McpRequest,
    read_message,
)
from holdfast.wire import (
    EventSplitter,
    ProtocolError,
    Receiver,
    ResetError,
    ResponseHead,
    WireError,
)

PASSED: Final = frozenset(("notifications/progress", "notifications/message"))
"""Notifications that belong to a request; the others are the server's own news."""
LINGER_S: Final = 1.0
"""After its answer, how long a server may take to end its stream before that is done for it."""
_JSON: Final = ResponseHead(200, {b"content-type": b"application/json"})
_EVENTS: Final = ResponseHead(200, {b"content-type": EVENT_STREAM})


class Party(Protocol):
    """The line that a talk is over, as the talk sees it."""

    def asked(self, talk: "Talk", request: McpRequest) -> None:
        """The server asks us something."""
        ...

    def told(self, method: str) -> None:
        """The server says that something changed."""
        ...

    def turned_away(self, talk: "Talk", status: int, body: bytes) -> bool:
        """The answer is an error; True when the talk will be begun anew."""
        ...

    def taken_back(self, talk: "Talk") -> None:
        """Nobody waits for the answer any more."""
        ...


class Talk:
    """A ``wire.Receiver`` of what the server sends, and a ``Hold`` for whoever asked."""

    __slots__ = (
        "_begun",
        "_body",
        "_head",
        "_paused",
        "_size",
        "_splitter",
        "_timer",
        "ask",
        "fresh",
        "is_over",
        "number",
        "party",
        "receiver",
        "session",
        "ticket",
    )

    def __init__(self, party: Party, ask: Ask, receiver: Receiver, *, fresh: bool) -> None:
        self.party = party
        self.ask = ask
        self.receiver = receiver
        self.fresh = fresh
        self.number = 0
        self.session: object | None = None
        self.ticket: Hold | None = None
        self.is_over = False
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self.renew()

    def renew(self) -> None:
        """Nothing of an answer is there: before it is sent, and before it is sent again."""
        self._head: ResponseHead | None = None
        self._splitter: EventSplitter | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._begun = False
        self.ticket = None

    @property
    def head(self) -> ResponseHead | None:
        """What the server's answer began with."""
        return self._head

    # -- whoever asked (``attempt.Hold``) -------------------------------------------------------

    @property
    def paused(self) -> bool:
        return self._paused

    def cancel(self) -> None:
        if self.is_over:
            return
        self.is_over = True
        self.party.taken_back(self)
        if self.ticket is not None:
            self.ticket.cancel()

    def pause(self) -> None:
        self._paused = True
        if self.ticket is not None:
            self.ticket.pause()

    def resume(self) -> None:
        self._paused = False
        if self.ticket is not None:
            self.ticket.resume()

    # -- the server (``wire.Receiver``) ---------------------------------------------------------

    def on_head(self, head: ResponseHead) -> None:
        self._head = head
        if head.status == 200 and head.headers.get(b"content-type", b"").startswith(EVENT_STREAM):
            self._splitter = EventSplitter()

    def on_body(self, data: bytes) -> None:
        if self.is_over:
            return
        if self._splitter is None:
            self._gather(data)
            return
        try:
            events = self._splitter.feed(data)
        except ProtocolError as error:
            self.fail(error)
            return
        for message in messages_in(events):
            self._hear(message)
            if self.is_over:
                return

    def on_end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.is_over:
            return
        head, body = self._head, b"".join(self._body)
        assert head is not None
        if self._splitter is not None:
            self.fail(ResetError("the server ended its stream without an answer"))
        elif head.status != 200:
            self._turned_away(head, body)
        else:
            self._hear(body)
            if not self.is_over:
                self.fail(ProtocolError("the server's answer is no JSON-RPC answer"))

    def on_failure(self, error: WireError) -> None:
        if not self.is_over:
            self.fail(error)

    # -- what comes of it -----------------------------------------------------------------------

    def fail(self, error: WireError) -> None:
        """It came to nothing."""
        self.is_over = True
        if self.ticket is not None:
            self.ticket.cancel()
        self.receiver.on_failure(error)

    def _gather(self, data: bytes) -> None:
        self._body.append(data)
        self._size += len(data)
        if self._size > self.ask.bytes_max:
            # Whoever asked counts too, and says by which rule it was too much.
            self._give(_JSON, b"".join(self._body))
            if not self.is_over:
                self.fail(ProtocolError("the server's answer is larger than it may be"))

    def _turned_away(self, head: ResponseHead, body: bytes) -> None:
        if self.party.turned_away(self, head.status, body):
            return
        self.is_over = True
        self.receiver.on_head(head)
        self.receiver.on_body(body)
        self.receiver.on_end()

    def _hear(self, data: bytes) -> None:
        try:
            message = read_message(data, bytes_max=self.ask.bytes_max)
        except McpError as error:
            if len(data) > self.ask.bytes_max:
                self._give(_JSON, data)
            if not self.is_over:
                self.fail(ProtocolError(f"the server's message cannot be read: {error.what}"))
            return
        match message:
            case McpAnswer():
                self._answered(message, data)
            case McpNotification():
                self._noticed(message, data)
            case McpRequest():
                self.party.asked(self, message)

    def _answered(self, answer: McpAnswer, data: bytes) -> None:
        if answer.id != self.number and answer.id is not None:
            self.fail(ProtocolError("the server answered another request than ours"))
            return
        self._give(_JSON, data)
        if self.is_over:
            return
        self.is_over = True
        if self._splitter is not None and self.ticket is not None:
            loop, ticket = asyncio.get_running_loop(), self.ticket
            self._timer = loop.call_later(LINGER_S, ticket.cancel)
        self.receiver.on_end()

    def _noticed(self, note: McpNotification, data: bytes) -> None:
        if note.method not in PASSED:
            self.party.told(note.method)
        elif self._passes(note):
            self._give(_EVENTS, data)

    def _passes(self, note: McpNotification) -> bool:
        if note.method == "notifications/message":
            return self.ask.logs or self.ask.log_level is not None
        return self.ask.progress and note.params.get("progressToken") == self.number

    def _give(self, head: ResponseHead, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self.receiver.on_head(head)
        if not self.is_over:
            self.receiver.on_body(data)


def messages_in(events: bytes) -> list[bytes]:
    """The data of each whole event; priming events and comments have none."""
    found: list[bytes] = []
    for event in events.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line for line in event.split(b"\n") if line.startswith(b"data:")]
        data = b"\n".join([line[5:].removeprefix(b" ") for line in lines])
        if data:
            found.append(data)
    return found
