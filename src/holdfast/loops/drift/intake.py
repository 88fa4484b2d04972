"""One OTLP/HTTP request read, and its answer in the encoding it came in.

opentelemetry.io/docs/specs/otlp: 200 with a partial success where some spans were refused; 400 for
what can never be read, with a google.rpc.Status; 413, 415; 429 with Retry-After when it is too much
just now.
"""

import zlib
from dataclasses import dataclass

import msgspec

from holdfast.loops.drift.errors import TracesError, TracesSizeError
from holdfast.loops.drift.observe import Span, read_otlp_json, read_otlp_wire

BODY_BYTES_MAX = 4 * 1024 * 1024
"""A request as it is sent."""
INFLATED_BYTES_MAX = 16 * 1024 * 1024
"""The same, unpacked."""
FUTURE_US_MAX = 3_600_000_000
"""How far ahead of our clock a span may begin: an hour."""
PAST_US_MAX = 7 * 86_400_000_000
"""How old a span may be: a week."""
RETRY_AFTER_S = 5
JSON_MEDIA = "application/json"
WIRE_MEDIA = "application/x-protobuf"
_GZIP = 16 + zlib.MAX_WBITS
_STATUS = {400: 3, 413: 3, 415: 3, 429: 8, 503: 14}  # google.rpc.Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to send back."""

    status: int
    media: str
    body: bytes
    retry_after_s: int | None = None


def read_request(body: bytes, *, media: str, encoding: str) -> list[Span]:
    """The spans of a request; ``TracesError`` when it is none, ``TracesSizeError`` when too large."""
    if len(body) > BODY_BYTES_MAX:
        raise TracesSizeError(f"more than {BODY_BYTES_MAX} bytes", fix="send smaller batches")
    data = _inflated(body) if encoding == "gzip" else body
    return read_otlp_json(data) if media == JSON_MEDIA else read_otlp_wire(data)


def is_readable(media: str, encoding: str) -> bool:
    """Whether a request says of itself that it is in a form that is read."""
    return media in {JSON_MEDIA, WIRE_MEDIA} and encoding in {"", "identity", "gzip"}


def media_of(content_type: str) -> str:
    """The media type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def split_by_time(spans: list[Span], *, now: int) -> tuple[list[Span], int]:
    """The spans that may count, and how many have a time that no running system has."""
    kept = [s for s in spans if now - PAST_US_MAX <= s.start <= now + FUTURE_US_MAX]
    return kept, len(spans) - len(kept)


def taken(media: str, *, refused: int) -> Answer:
    """All was taken, or all but ``refused`` spans."""
    words = "their time lies more than a week back or an hour ahead" if refused else ""
    if media == JSON_MEDIA:
        partial = {"partialSuccess": {"rejectedSpans": str(refused), "errorMessage": words}}
        body = msgspec.json.encode(partial if refused else {})
    else:
        inner = b"\x08" + _varint(refused) + b"\x12" + _sized(words.encode())
        body = b"\x0a" + _sized(inner) if refused else b""
    return Answer(status=200, media=_known(media), body=body)


def turned_down(status: int, words: str, *, media: str) -> Answer:
    """Nothing was taken."""
    code = _STATUS[status]
    if _known(media) == JSON_MEDIA:
        body = msgspec.json.encode({"code": code, "message": words})
    else:
        body = b"\x08" + _varint(code) + b"\x12" + _sized(words.encode())
    retry = RETRY_AFTER_S if status in {429, 503} else None
    return Answer(status=status, media=_known(media), body=body, retry_after_s=retry)


def _known(media: str) -> str:
    return media if media == WIRE_MEDIA else JSON_MEDIA


def _inflated(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        data = unpacker.decompress(body, INFLATED_BYTES_MAX)
    except zlib.error as error:
        raise TracesError("the body is not in gzip", fix="leave out Content-Encoding") from error
    if unpacker.unconsumed_tail:
        raise TracesSizeError(
            f"more than {INFLATED_BYTES_MAX} bytes when unpacked", fix="send smaller batches"
        )
    if not unpacker.eof:
        raise TracesError("the gzip body ends early", fix="send all of it")
    return data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data
