"""Every bound of the server's side of the wire, in one place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLimits:
    """Sizes in bytes, times in seconds, counts per worker."""

    head_bytes: int = 32 * 1024
    headers: int = 100
    body_bytes: int = 10 * 1024 * 1024
    connections: int = 20_000
    pipelined_bytes: int = 64 * 1024
    """What a client may send ahead while its request is being answered; then reading stops."""
    head_s: float = 10.0
    """From a request's first byte to the end of its head (slow-loris)."""
    body_idle_s: float = 30.0
    """Between two pieces of a body."""
    body_total_s: float = 120.0
    """For a whole body, however steadily it trickles."""
    idle_s: float = 75.0
    """Between two requests on one connection."""
    stalled_write_s: float = 60.0
    """How long a client may refuse to read its answer."""
