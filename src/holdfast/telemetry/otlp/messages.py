"""OTLP's requests, as bytes. Field numbers are those of opentelemetry-proto 1.x.

Spans and log records are encoded one by one, as they are heard; a request is their envelope, so
that a batch costs the exporter no more than joining bytes.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from holdfast.telemetry.otlp.forms import Attributes, Event, Source, Span, Value
from holdfast.telemetry.otlp.protobuf import (
    chosen,
    double,
    fixed32,
    fixed64,
    message,
    number,
    raw,
    text,
)

SCOPE: Final = "holdfast"
NANO_PER_MICRO: Final = 1000
_SAMPLED: Final = 0x01
_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_STATUS_ERROR: Final = 2
_SEVERITIES: Final = {9: "INFO", 13: "WARN", 17: "ERROR"}


def encode_span(span: Span) -> bytes:
    """``opentelemetry.proto.trace.v1.Span``."""
    flags = _SAMPLED | _HAS_IS_REMOTE | (_IS_REMOTE if span.is_remote else 0)
    return b"".join(
        (
            raw(1, bytes.fromhex(span.trace)),
            raw(2, bytes.fromhex(span.id)),
            text(3, span.state),
            raw(4, bytes.fromhex(span.parent or "")),
            text(5, span.name),
            number(6, span.kind),
            fixed64(7, span.start * NANO_PER_MICRO),
            fixed64(8, span.end * NANO_PER_MICRO),
            attributes(9, span.attributes),
            message(15, chosen(3, _STATUS_ERROR)) if span.is_error else b"",
            fixed32(16, flags),
        )
    )


def encode_event(event: Event) -> bytes:
    """``opentelemetry.proto.logs.v1.LogRecord``."""
    at = event.at * NANO_PER_MICRO
    return b"".join(
        (
            fixed64(1, at),
            number(2, event.severity),
            text(3, _SEVERITIES.get(event.severity, "")),
            message(5, _value(event.text)),
            attributes(6, event.attributes),
            fixed32(8, _SAMPLED if event.trace else 0),
            raw(9, bytes.fromhex(event.trace)),
            raw(10, bytes.fromhex(event.span)),
            fixed64(11, at),
            text(12, event.name),
        )
    )


def attributes(field: int, found: Attributes) -> bytes:
    """Repeated ``KeyValue``."""
    return b"".join([_pair(field, name, value) for name, value in found.items()])


class Envelope:
    """The three requests have one shape: what tells, the scope, and the things themselves."""

    def __init__(self, source: Source) -> None:
        self._resource = message(1, attributes(1, source.resource))
        self._scope = message(1, text(1, SCOPE) + text(2, source.version))

    def request(self, items: Iterable[bytes]) -> bytes:
        """An export request of encoded spans, log records or metrics."""
        inner = self._scope + b"".join([message(2, item) for item in items])
        return message(1, self._resource + message(2, inner))


@lru_cache(maxsize=4096, typed=True)
def _pair(field: int, name: str, value: Value) -> bytes:
    """Most attributes of a system are the same from call to call."""
    return message(field, text(1, name) + message(2, _value(value)))


def _value(value: Value) -> bytes:
    """``AnyValue``: one choice of several, so that zeros and empty texts are written."""
    match value:
        case bool():
            return chosen(2, value)
        case str():
            return message(1, value.encode("utf-8", "replace"))
        case int():
            return chosen(3, value)
        case float():
            return double(4, value)
        case _:
            return message(5, b"".join([message(1, _value(each)) for each in value]))
