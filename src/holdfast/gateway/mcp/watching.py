"""One MCP server's lists, looked at again and again, within bounds."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, TypeAlias

from holdfast.core import JsonObject, NodeId
from holdfast.gateway.holding import Hold
from holdfast.gateway.lines.asking import Ask
from holdfast.gateway.lines.hearing import ask_line
from holdfast.gateway.lines.line import Line
from holdfast.gateway.lines.talking import messages_in
from holdfast.providers.mcp import (
    LIST_METHODS,
    METHOD_NOT_FOUND,
    McpError,
    McpNotification,
    read_listed,
    read_message,
)
from holdfast.registry import Descriptor, DescriptorKind
from holdfast.wire import EventSplitter, ProtocolError, ResponseHead, Spawn, WireError
from holdfast.world.ports import Entropy

LOOK_S: Final = 30.0
"""For all lists of one server together."""
REFRESH_S: Final = 60.0
"""How often a server is looked at that says nothing."""
RETRY_S: Final = 1.0
"""After a look that failed; doubled each time, up to the usual pace."""
SETTLE_S: Final = 0.1
"""A server that changes several lists says so several times; they are looked at once."""
PAGES_MAX: Final = 100
"""Of one list."""
_CHANGES: Final = frozenset(
    f"notifications/{what}/list_changed" for what in ("tools", "prompts", "resources")
)
_WANTED: Final[JsonObject] = {
    "notifications": {
        "toolsListChanged": True,
        "promptsListChanged": True,
        "resourcesListChanged": True,
    }
}

Tell: TypeAlias = Callable[["Watch", tuple[Descriptor, ...] | None, tuple[str, ...]], None]


class Watch:
    """Looks at one server through its line, and listens for changes in between."""

    def __init__(self, line: Line, server: NodeId, *, entropy: Entropy, tell: Tell) -> None:
        self.line = line
        self.server = server
        self._entropy = entropy
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._ear: Hold | None = None
        self.is_started = self._is_stopped = False

    def start(self, spawn: Spawn) -> None:
        """Begin; ``spawn`` runs it."""
        self.is_started = True
        self.line.on_change = self._on_change
        spawn(self._look_always())

    def stop(self) -> None:
        """Look no more. Idempotent."""
        self._is_stopped = True
        self._stop_listening()
        if self._task is not None:
            self._task.cancel()

    def _on_change(self, method: str) -> None:
        if method in _CHANGES:
            self._changed.set()

    async def _look_always(self) -> None:
        self._task = asyncio.current_task()
        failures = 0
        while not self._is_stopped:
            self._changed.clear()
            found = await self._look()
            failures = 0 if found else failures + 1
            pause_s = min(REFRESH_S, RETRY_S * 2 ** min(failures, 10)) if failures else REFRESH_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s * (0.9 + 0.2 * self._entropy.jitter())):
                    await self._changed.wait()
                await asyncio.sleep(SETTLE_S)

    async def _look(self) -> bool:
        try:
            async with asyncio.timeout(LOOK_S):
                seen, faults = await self._lists()
        except (TimeoutError, WireError, McpError):
            self._tell(self, None, ())
            return False
        if self._ear is None:
            self._listen()
        self._tell(self, seen, faults)
        return True

    async def _lists(self) -> tuple[tuple[Descriptor, ...], tuple[str, ...]]:
        seen: list[Descriptor] = []
        faults: list[str] = []
        for kind, method in LIST_METHODS.items():
            await self._list(kind, method, seen, faults)
        return tuple(seen), tuple(faults)

    async def _list(
        self, kind: DescriptorKind, method: str, seen: list[Descriptor], faults: list[str]
    ) -> None:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            params: JsonObject = {} if cursor is None else {"cursor": cursor}
            try:
                result = await ask_line(self.line, method, params)
            except McpError as error:
                if error.number == METHOD_NOT_FOUND:
                    return  # a server without such things
                raise
            page = read_listed(kind, result)
            seen += page.descriptors
            faults += page.faults
            cursor = page.next_cursor
            if cursor is None:
                return
        faults.append(f"{method} has more than {PAGES_MAX} pages")

    # -- listening ------------------------------------------------------------------------------

    def _listen(self) -> None:
        revision = self.line.revision
        if revision is not None and revision.is_stateless:
            ask = Ask(method="subscriptions/listen", params=_WANTED)
            self._ear = self.line.send(ask, _Ear(self._deaf))
            return
        found = self.line.listening()
        if found is not None:
            pool, message = found
            self._ear = pool.send(message, _Stream(self._on_change, self._deaf))

    def _deaf(self) -> None:
        """The stream has ended, or was never granted: the next look tries again."""
        self._ear = None

    def _stop_listening(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.cancel()


class _Ear:
    """Of a subscription: what it says reaches the line; only its end matters here."""

    def __init__(self, on_over: Callable[[], None]) -> None:
        self._on_over = on_over

    def on_head(self, head: ResponseHead) -> None: ...

    def on_body(self, data: bytes) -> None: ...

    def on_end(self) -> None:
        self._on_over()

    def on_failure(self, error: WireError) -> None:
        self._on_over()


class _Stream(_Ear):
    """The stream of a server of 2025-11-25: notifications without a request."""

    def __init__(self, on_change: Callable[[str], None], on_over: Callable[[], None]) -> None:
        super().__init__(on_over)
        self._on_change = on_change
        self._splitter = EventSplitter()

    def on_body(self, data: bytes) -> None:
        try:
            events = self._splitter.feed(data)
        except ProtocolError:
            return
        for message in messages_in(events):
            try:
                note = read_message(message)
            except McpError:
                continue
            if isinstance(note, McpNotification):
                self._on_change(note.method)
