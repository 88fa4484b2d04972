"""Time. Waiting needs no port: ``asyncio`` sleeps on whichever loop runs, real or simulated."""

from typing import Protocol

from holdfast.core import Instant


class Clock(Protocol):
    """Wall time for records, monotonic time for durations and deadlines."""

    def now(self) -> Instant:
        """Wall time; may step when the machine's clock is set."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back; the running loop's own time."""
        ...
