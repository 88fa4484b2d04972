"""Clients that listen for changes of what they are shown (``subscriptions/listen``)."""

import asyncio
from typing import Final

from holdfast.core import CallId, JsonObject
from holdfast.gateway.mcp.asked import McpAsked
from holdfast.gateway.mcp.words import event_headers
from holdfast.providers.mcp import RequestId, sse_event, write_notification, write_result
from holdfast.wire import Exchange

LISTENERS_MAX: Final = 1024
"""Open streams of a worker; the next one is refused."""
BEAT_S: Final = 15.0
"""How often a silent stream shows that it lives."""
_SETTLE_S: Final = 0.05
_HEARD: Final = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}


class Listeners:
    """One worker's open streams. Each is told that a list changed, never what is in it."""

    def __init__(self) -> None:
        self._open: dict[Exchange, tuple[McpAsked, tuple[str, ...]]] = {}
        self._beat: asyncio.TimerHandle | None = None
        self._change: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        return len(self._open) >= LISTENERS_MAX

    def begin(self, asked: McpAsked, call: CallId, exchange: Exchange) -> None:
        """The stream begins with what it will tell."""
        wanted = asked.request.params.get("notifications")
        asks = wanted if isinstance(wanted, dict) else {}
        granted: JsonObject = {name: True for name in _HEARD if asks.get(name) is True}
        methods = tuple(_HEARD[name] for name in granted)
        self._open[exchange] = (asked, methods)
        exchange.on_disconnect = lambda: self._forget(exchange)
        exchange.start(200, event_headers(call))
        acknowledged = write_notification(
            "notifications/subscriptions/acknowledged",
            {"notifications": granted},
            subscription=asked.request.id,
        )
        exchange.write(sse_event(acknowledged))
        if self._beat is None:
            self._beat = asyncio.get_running_loop().call_later(BEAT_S, self._on_beat)

    def changed(self) -> None:
        """Something of what clients are shown may have changed."""
        if self._open and self._change is None:
            self._change = asyncio.get_running_loop().call_later(_SETTLE_S, self._tell)

    def end(self) -> None:
        """End every stream properly: the worker leaves, or forgets who may listen."""
        for handle in (self._beat, self._change):
            if handle is not None:
                handle.cancel()
        self._beat = self._change = None
        streams, self._open = self._open, {}
        for exchange, (asked, _) in streams.items():
            identity = asked.request.id
            closing = write_result(identity, _closing(identity), revision=asked.revision)
            exchange.end(sse_event(closing))

    def _tell(self) -> None:
        self._change = None
        for exchange, (asked, methods) in list(self._open.items()):
            if not exchange.writable:
                continue  # it will ask for the lists once it has read what it was told before
            for method in methods:
                note = write_notification(method, subscription=asked.request.id)
                exchange.write(sse_event(note))

    def _on_beat(self) -> None:
        self._beat = None
        for exchange in self._open:
            if exchange.writable:
                exchange.write(b":\n\n")
        if self._open:
            self._beat = asyncio.get_running_loop().call_later(BEAT_S, self._on_beat)

    def _forget(self, exchange: Exchange) -> None:
        self._open.pop(exchange, None)


def _closing(identity: RequestId) -> JsonObject:
    return {"_meta": {"io.modelcontextprotocol/subscriptionId": identity}}
