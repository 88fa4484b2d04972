"""What a collector answers with, and what of it means: not now, never, or in part.

opentelemetry.io/docs/specs/otlp, "OTLP/HTTP response".
"""

from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from holdfast.core import Instant

RETRYABLE: Final = frozenset((429, 502, 503, 504))
RETRY_AFTER_MAX_S: Final = 300.0
_TEXT_MAX: Final = 200


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``retry_after`` is the header as it came."""

    status: int
    retry_after: str = ""
    body: bytes = b""


class Partial(msgspec.Struct, frozen=True):
    """So many of a batch were rejected, with the collector's word for it."""

    rejected: int
    why: str


def retry_after_s(answer: Answer, now: Instant) -> float | None:
    """How long to wait as the collector wants it; None where it says nothing usable."""
    sent = answer.retry_after.strip()
    if sent.isdigit() and len(sent) < 10:
        return min(float(sent), RETRY_AFTER_MAX_S)
    try:
        wait_s = parsedate_to_datetime(sent).timestamp() - now / 1_000_000
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)


def partial_of(body: bytes) -> Partial | None:
    """The ``partial_success`` of a response, None where all was taken: field 1, with the rejected
    count in its field 1 and a message in its field 2, alike for all signals."""
    try:
        inner = _fields(body).get(1, b"")
        if not isinstance(inner, bytes) or not inner:
            return None
        found = _fields(inner)
    except (IndexError, ValueError):
        return None
    rejected, why = found.get(1, 0), found.get(2, b"")
    if not isinstance(rejected, int) or not isinstance(why, bytes) or not (rejected or why):
        return None
    return Partial(rejected, why[:_TEXT_MAX].decode("utf-8", "replace"))


def _fields(data: bytes) -> dict[int, int | bytes]:
    """The varints and bytes of a message, by field; the last of each."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 0:
            found[key >> 3] = value
        elif key & 7 == 2 and at + value <= len(data):
            found[key >> 3], at = data[at : at + value], at + value
        else:
            raise ValueError("a wire type that no response has")
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 64, 7):
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("a number of more than 64 bits")
