"""What the MCP endpoints of all paths of a worker share: it outlives reloads."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from holdfast.core import CallId
from holdfast.gateway.mcp.catalogue import Catalogue
from holdfast.gateway.mcp.listening import Listeners
from holdfast.gateway.mcp.metadata import Resource
from holdfast.gateway.mcp.sealing import Seal
from holdfast.providers.mcp import RequestId


class Cancelled(msgspec.Struct, frozen=True):
    """A client took a request back; another worker may be the one that carries it."""

    principal: str
    session: str | None
    id: RequestId


OnCancelled: TypeAlias = Callable[[Cancelled], None]


class Cancels:
    """Requests under way, by whose they are and what their client calls them.

    Two clients of one principal may use one id: a session tells them apart; without one, what is
    not certain is not cancelled.
    """

    def __init__(self) -> None:
        self.on_elsewhere: OnCancelled = _nowhere
        self._cancels: dict[Cancelled, dict[CallId, Callable[[], None]]] = {}

    def add(
        self,
        principal: str,
        session: str | None,
        identity: RequestId,
        call: CallId,
        cancel: Callable[[], None],
    ) -> None:
        """A request is under way."""
        key = Cancelled(principal, session, identity)
        self._cancels.setdefault(key, {})[call] = cancel

    def forget(
        self, principal: str, session: str | None, identity: RequestId, call: CallId
    ) -> None:
        """It is over."""
        key = Cancelled(principal, session, identity)
        calls = self._cancels.get(key)
        if calls is not None:
            calls.pop(call, None)
            if not calls:
                del self._cancels[key]

    def cancel(self, principal: str, session: str | None, identity: RequestId) -> None:
        """A client says so."""
        cancelled = Cancelled(principal, session, identity)
        if not self.hear(cancelled):
            self.on_elsewhere(cancelled)

    def hear(self, cancelled: Cancelled) -> bool:
        """Somebody says so; whether it was a request of this worker."""
        calls = self._cancels.get(cancelled, {})
        if len(calls) == 1:
            next(iter(calls.values()))()
        return bool(calls)


class Shared:
    """``hosts`` are the names that the gateway is known by, beside its addresses."""

    __slots__ = ("cancels", "catalogue", "hosts", "listeners", "resource", "seal")

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        seal: Seal,
        resource: Resource,
        hosts: frozenset[str],
    ) -> None:
        self.catalogue = catalogue
        self.listeners = Listeners()
        self.cancels = Cancels()
        self.seal = seal
        self.resource = resource
        self.hosts = hosts
        catalogue.on_adopted = self.listeners.changed


def _nowhere(_cancelled: Cancelled) -> None:
    """There is no other worker."""
