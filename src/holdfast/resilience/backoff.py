"""How long to wait before trying again: full jitter, and what the callee asked for."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

RETRY_AFTER_S_MAX = 300.0
"""A callee that asks for more is tried again after this: it may have been wrong, or be replaced."""
RETRY_AFTER_BYTES_MAX = 64
DOUBLINGS_MAX = 62

_SECONDS = re.compile(rb"[0-9]+(\.[0-9]*)?")


def backoff_s(retry: int, *, base_s: float, most_s: float, chance: float) -> float:
    """Seconds before retry 0, 1, ...: anything from 0 to ``base_s`` doubled ``retry`` times.

    Full jitter: callers that failed together come back spread over the whole wait (M. Brooker,
    "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    return chance * min(most_s, base_s * 2.0 ** min(retry, DOUBLINGS_MAX))


def retry_after_s(value: bytes | None, *, wall_s: float) -> float | None:
    """Seconds from ``wall_s`` (Unix time) that a Retry-After field asks for (RFC 9110 10.2.3).

    0 to ``RETRY_AFTER_S_MAX``; None when there is no field, or nobody can tell what it says.
    Fractions of a second are not in the RFC, but providers send them.
    """
    if value is None or len(value) > RETRY_AFTER_BYTES_MAX:
        return None
    value = value.strip(b" \t")
    if _SECONDS.fullmatch(value):
        return min(float(value), RETRY_AFTER_S_MAX)
    at = _http_date_s(value)
    return None if at is None else min(max(at - wall_s, 0.0), RETRY_AFTER_S_MAX)


def _http_date_s(value: bytes) -> float | None:
    """Unix time of an HTTP-date, in all three forms of RFC 9110 5.6.7."""
    try:
        date = parsedate_to_datetime(value.decode("ascii"))
        # The form of asctime names no zone; an HTTP-date is always UTC.
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
