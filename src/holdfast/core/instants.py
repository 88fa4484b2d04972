"""Points in time as whole microseconds since the Unix epoch, UTC: exact, ordered, easy to store."""

from datetime import UTC, datetime
from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z."""


def rfc3339(instant: Instant) -> str:
    """The instant as RFC 3339 text with microseconds, such as ``2026-11-21T08:30:00.000001Z``."""
    seconds, micros = divmod(instant, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{micros:06d}Z"
