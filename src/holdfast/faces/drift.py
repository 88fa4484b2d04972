"""The windows through which faces see drift, and through which traces come in."""

from typing import Protocol

from holdfast.loops.drift import Answer, Report


class DriftView(Protocol):
    """Read-only. ``report`` blocks on the database and is used from a thread."""

    def report(self) -> Report:
        """What the gateway recorded and what traces told, against the blueprint in force."""
        ...


class TraceIntake(Protocol):
    """Takes traces. ``take`` blocks and is used from a thread."""

    def take(self, body: bytes, *, media: str, encoding: str) -> Answer:
        """One request of OTLP/HTTP, as it came, and what to answer."""
        ...
