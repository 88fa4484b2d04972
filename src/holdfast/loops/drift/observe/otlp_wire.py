"""OTLP in its binary encoding: a reader of just the protocol-buffer fields that tell who met whom.

Of opentelemetry/proto/trace/v1/trace.proto; field numbers beside each. Unknown fields are passed
over, as the encoding asks for. The nesting is the messages' own, so there is no recursion to bound;
the size is bounded by whoever reads the bytes.
"""

import struct
from collections.abc import Iterator

from holdfast.loops.drift.errors import TracesError
from holdfast.loops.drift.observe.names import READ
from holdfast.loops.drift.observe.origins import origin_of
from holdfast.loops.drift.observe.sampling import probability_of
from holdfast.loops.drift.observe.spans import Attribute, Origin, Span

_NAMES = {old.encode(): (old, new) for old, new in READ.items()}
_VARINT_SHIFT_MAX = 63


def read_otlp_wire(data: bytes, *, p: float = 1.0) -> list[Span]:
    """The spans of one ExportTraceServiceRequest; ``TracesError`` when it is none."""
    try:
        return [
            span
            for number, start, end in _fields(data, 0, end=len(data))
            if number == 1 and end >= 0  # resource_spans
            for span in _resource_spans(data, start, end=end, p=p)
        ]
    except (IndexError, ValueError, OverflowError, struct.error) as error:
        raise TracesError(
            f"this is no OTLP message in protocol buffers: {str(error)[:200]}",
            fix="send an ExportTraceServiceRequest",
        ) from error


def _fields(data: bytes, at: int, *, end: int) -> Iterator[tuple[int, int, int]]:
    """Each field: its number, then start and end of its bytes, or its value and -1."""
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 2:
            size, at = _varint(data, at)
            if at + size > end:
                raise ValueError("a field is longer than its message")
            yield key >> 3, at, at + size
            at += size
        elif kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value, -1
        elif kind == 1:
            yield key >> 3, int.from_bytes(data[at : at + 8], "little"), -1
            at += 8
        elif kind == 5:
            yield key >> 3, int.from_bytes(data[at : at + 4], "little"), -1
            at += 4
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
    if at != end:
        raise ValueError("a message ends within a field")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
        if shift > _VARINT_SHIFT_MAX:
            raise ValueError("a number is longer than 64 bits")


def _resource_spans(data: bytes, at: int, *, end: int, p: float) -> Iterator[Span]:
    resource: dict[str, Attribute] = {}
    scopes: list[tuple[int, int]] = []
    for number, start, stop in _fields(data, at, end=end):
        if number == 1:  # resource
            _resource(data, start, end=stop, into=resource)
        elif number == 2:  # scope_spans
            scopes.append((start, stop))
    origin = origin_of(resource)
    for start, stop in scopes:
        for number, low, high in _fields(data, start, end=stop):
            if number == 2:  # spans
                yield _span(data, low, end=high, origin=origin, p=p)


def _resource(data: bytes, at: int, *, end: int, into: dict[str, Attribute]) -> None:
    for number, start, stop in _fields(data, at, end=end):
        if number == 1:  # attributes
            _attribute(data, start, end=stop, into=into)


def _span(data: bytes, at: int, *, end: int, origin: Origin, p: float) -> Span:
    span = Span("", "", "", "", 0, 0, 0, origin, {}, (), p)
    for number, a, b in _fields(data, at, end=end):
        if number == 9:
            _attribute(data, a, end=b, into=span.attributes)
        elif number == 1:
            span.trace = data[a:b].hex()
        elif number == 2:
            span.id = data[a:b].hex()
        elif number == 3:
            span.p = probability_of(data[a:b].decode(), p)
        elif number == 4:
            span.parent = data[a:b].hex()
        elif number == 5:
            span.name = data[a:b].decode()
        elif number == 6:
            span.kind = a
        elif number == 7:
            span.start = a // 1_000
        elif number == 8:
            span.end = a // 1_000
        elif number == 13:
            span.links = (*span.links, _link(data, a, end=b))
    if not span.trace or not span.id:
        raise ValueError("a span without trace id or span id")
    return span


def _link(data: bytes, at: int, *, end: int) -> tuple[str, str]:
    found = {number: data[a:b].hex() for number, a, b in _fields(data, at, end=end) if number < 3}
    return found.get(1, ""), found.get(2, "")


def _attribute(data: bytes, at: int, *, end: int, into: dict[str, Attribute]) -> None:
    key, value = b"", (0, 0)
    for number, a, b in _fields(data, at, end=end):
        if number == 1:
            key = data[a:b]
        elif number == 2:
            value = (a, b)
    names = _NAMES.get(key)
    if names is None:
        return
    old, new = names
    said = _value(data, value[0], end=value[1])
    if said is not None and (old == new or new not in into):
        into[new] = said


def _value(data: bytes, at: int, *, end: int) -> Attribute | None:
    for number, a, b in _fields(data, at, end=end):
        match number:
            case 1:  # string_value
                return data[a:b].decode()
            case 2:  # bool_value
                return a != 0
            case 3:  # int_value, in two's complement
                return a - (1 << 64) if a >= 1 << 63 else a
            case 4:  # double_value
                return float(struct.unpack("<d", a.to_bytes(8, "little"))[0])
            case _:
                continue
    return None
