"""The window through which faces see the running system."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from holdfast.audit import LogReader
from holdfast.blueprint import Blueprint
from holdfast.gateway import Seen, Totals


class WorkerState(msgspec.Struct, frozen=True):
    """One worker process: ``fault`` says why it cannot take calls, None when it can."""

    worker: int
    pid: int
    ready: bool
    fault: str | None


class Live(msgspec.Struct, frozen=True):
    """The system at one moment. ``recent`` are ended calls, newest first, at most 200."""

    at: int
    workers: tuple[WorkerState, ...]
    totals: Totals
    in_flight: tuple[Seen, ...]
    recent: tuple[Seen, ...]


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
