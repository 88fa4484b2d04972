"""The window through which faces see the running system."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from holdfast.audit import Intent, LogReader
from holdfast.blueprint import Blueprint
from holdfast.gateway import BudgetSeen, NodeSeen, Seen, Totals, UpstreamSeen
from holdfast.identity.revocation import Freshness


class WorkerState(msgspec.Struct, frozen=True):
    """One worker process: ``fault`` says why it cannot take calls, None when it can; one that is
    ``leaving`` has a successor and finishes its calls. ``revocations`` is up to which change it
    knows what is revoked, ``revoked`` how many things are, ``freshness`` how old that is."""

    worker: int
    pid: int
    ready: bool
    fault: str | None
    leaving: bool = False
    revocations: int = 0
    revoked: int = 0
    freshness: Freshness = "fresh"


class WaitingCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for a person's word; ``groups`` are those whose yes is missing. Nothing of
    what would be sent: that is told to whoever may decide."""

    call: str
    groups: tuple[str, ...]
    principal: str
    on_behalf_of: str | None
    action: str
    callee: str
    tool: str | None
    relationship: str
    policies: tuple[str, ...]
    since: int
    until: int


class Live(msgspec.Struct, frozen=True):
    """The system at one moment. ``recent`` are ended calls, newest first, at most 200. ``nodes`` are
    the called ones; they and their upstreams are told over all workers. ``alarms`` are calls that were begun and have no outcome, oldest first."""

    at: int
    workers: tuple[WorkerState, ...]
    totals: Totals
    in_flight: tuple[Seen, ...]
    recent: tuple[Seen, ...]
    nodes: tuple[NodeSeen, ...] = ()
    upstreams: tuple[UpstreamSeen, ...] = ()
    budgets: tuple[BudgetSeen, ...] = ()
    alarms: tuple[Intent, ...] = ()
    approvals: tuple[WaitingCall, ...] = ()


class SystemView(Protocol):
    """Read-only. Methods do not block; the log's reader does and is used from a thread."""

    def blueprint(self) -> Blueprint: ...

    def live(self) -> Live: ...

    def changes(self) -> AsyncIterator[Live]:
        """A new ``Live`` whenever something changed, at most four a second; ends at shutdown."""
        ...

    def log(self) -> LogReader: ...

    def trouble(self) -> str | None:
        """Why the system is not ready, or None when it is."""
        ...
