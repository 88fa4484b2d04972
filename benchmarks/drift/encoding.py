"""Spans written as OTLP, in both encodings, as an SDK would: for measuring how fast they are read."""

import json
import struct
from collections.abc import Iterable, Iterator
from itertools import groupby

from holdfast.loops.drift import Span

OTHERS = (("http.request.method", "GET"), ("url.path", "/items/7"), ("user_agent.original", "curl"))
"""Attributes that every real span has and that drift does not read."""
BATCH = 512


def batches(spans: Iterable[Span]) -> Iterator[list[Span]]:
    held: list[Span] = []
    for span in spans:
        held.append(span)
        if len(held) == BATCH:
            yield held
            held = []
    if held:
        yield held


def _groups(spans: list[Span]) -> Iterator[tuple[str, list[Span]]]:
    ordered = sorted(spans, key=lambda span: span.origin.identity)
    for who, group in groupby(ordered, key=lambda span: span.origin.identity):
        yield who.rpartition("/")[2].partition("@")[0], list(group)


def as_json(spans: list[Span]) -> bytes:
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": [_pair("service.name", name)]},
                    "scopeSpans": [{"scope": {"name": "x"}, "spans": [_json(s) for s in group]}],
                }
                for name, group in _groups(spans)
            ]
        }
    ).encode()


def _pair(key: str, value: object) -> dict:
    said = {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}
    return {"key": key, "value": said}


def _json(span: Span) -> dict:
    return {
        "traceId": span.trace,
        "spanId": span.id,
        "parentSpanId": span.parent,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start * 1_000),
        "endTimeUnixNano": str(span.end * 1_000),
        "attributes": [_pair(k, v) for k, v in (*span.attributes.items(), *OTHERS)],
        "status": {},
    }


def as_wire(spans: list[Span]) -> bytes:
    return b"".join(
        _field(
            1,
            _field(1, _field(1, _wire_pair("service.name", name)))
            + _field(2, b"".join(_field(2, _wire(span)) for span in group)),
        )
        for name, group in _groups(spans)
    )


def _wire(span: Span) -> bytes:
    times = b"\x39" + struct.pack("<Q", span.start * 1_000)
    times += b"\x41" + struct.pack("<Q", span.end * 1_000)
    return (
        _field(1, bytes.fromhex(span.trace))
        + _field(2, bytes.fromhex(span.id))
        + (_field(4, bytes.fromhex(span.parent)) if span.parent else b"")
        + _field(5, span.name.encode())
        + b"\x30"
        + _varint(span.kind)
        + times
        + b"".join(_field(9, _wire_pair(k, v)) for k, v in (*span.attributes.items(), *OTHERS))
    )


def _wire_pair(key: str, value: object) -> bytes:
    said = b"\x18" + _varint(value) if isinstance(value, int) else _field(1, str(value).encode())
    return _field(1, key.encode()) + _field(2, said)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
