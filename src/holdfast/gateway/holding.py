"""What is under way at an upstream, whatever its dialect."""

from typing import Final, Protocol

EVENT_STREAM: Final = b"text/event-stream"


class Hold(Protocol):
    """A request under way (a ``wire.Ticket``, or a dialect's own)."""

    @property
    def paused(self) -> bool:
        """Whether its answer is held back."""
        ...

    def cancel(self) -> None:
        """Stop caring, and stop the upstream working. Idempotent."""
        ...

    def pause(self) -> None:
        """Hold its answer back."""
        ...

    def resume(self) -> None:
        """Let it come."""
        ...
