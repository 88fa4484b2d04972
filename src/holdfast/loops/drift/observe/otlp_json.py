"""OTLP in its JSON encoding: what exporters send and what the collector's file exporter writes.

opentelemetry.io/docs/specs/otlp: ids are hexadecimal, 64-bit numbers may be text, enumerations are
numbers, unknown fields are passed over.
"""

from collections.abc import Iterable, Iterator

import msgspec

from holdfast.loops.drift.errors import TracesError
from holdfast.loops.drift.observe.names import READ
from holdfast.loops.drift.observe.origins import origin_of
from holdfast.loops.drift.observe.sampling import probability_of
from holdfast.loops.drift.observe.spans import Attribute, Span

_KINDS = {
    "SPAN_KIND_INTERNAL": 1,
    "SPAN_KIND_SERVER": 2,
    "SPAN_KIND_CLIENT": 3,
    "SPAN_KIND_PRODUCER": 4,
    "SPAN_KIND_CONSUMER": 5,
}


class _Value(msgspec.Struct, rename="camel", gc=False):
    string_value: str | None = None
    int_value: int | str | None = None
    bool_value: bool | None = None
    double_value: float | str | None = None


class _Pair(msgspec.Struct, gc=False):
    key: str = ""
    value: _Value | None = None


class _Link(msgspec.Struct, rename="camel", gc=False):
    trace_id: str = ""
    span_id: str = ""


class _Span(msgspec.Struct, rename="camel", gc=False):
    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    links: list[_Link] = []


class _Scope(msgspec.Struct, gc=False):
    spans: list[_Span] = []


class _Resource(msgspec.Struct, gc=False):
    attributes: list[_Pair] = []


class _ResourceSpans(msgspec.Struct, rename="camel", gc=False):
    resource: _Resource | None = None
    scope_spans: list[_Scope] = []
    instrumentation_library_spans: list[_Scope] = []


class _Traces(msgspec.Struct, rename="camel", gc=False):
    resource_spans: list[_ResourceSpans] = []


_DECODER = msgspec.json.Decoder(_Traces)


def read_otlp_json(data: bytes | memoryview, *, p: float = 1.0) -> list[Span]:
    """The spans of one message; ``TracesError`` when it is none."""
    try:
        traces = _DECODER.decode(data)
        return [span for each in traces.resource_spans for span in _spans(each, p)]
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TracesError(
            f"this is no OTLP message in JSON: {str(error)[:200]}",
            fix="send an ExportTraceServiceRequest, or a file of the collector's file exporter",
        ) from error


def _spans(group: _ResourceSpans, p: float) -> Iterator[Span]:
    origin = origin_of(_attributes(group.resource.attributes if group.resource else ()))
    for scope in (*group.scope_spans, *group.instrumentation_library_spans):
        for span in scope.spans:
            if not span.trace_id or not span.span_id:
                raise ValueError("a span without trace id or span id")
            yield Span(
                trace=span.trace_id.lower(),
                id=span.span_id.lower(),
                parent=span.parent_span_id.lower(),
                name=span.name,
                kind=_KINDS.get(span.kind, 0) if isinstance(span.kind, str) else span.kind,
                start=int(span.start_time_unix_nano) // 1_000,
                end=int(span.end_time_unix_nano) // 1_000,
                origin=origin,
                attributes=_attributes(span.attributes),
                links=tuple((link.trace_id.lower(), link.span_id.lower()) for link in span.links),
                p=probability_of(span.trace_state, p) if span.trace_state else p,
            )


def _attributes(pairs: Iterable[_Pair]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for pair in pairs:
        name, value = READ.get(pair.key), pair.value
        if name is None or value is None:
            continue
        said = _said(value)
        # A newest name goes before an older one of the same thing.
        if said is not None and (name == pair.key or name not in found):
            found[name] = said
    return found


def _said(value: _Value) -> Attribute | None:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int(value.int_value)
    return value.bool_value if value.bool_value is not None else value.double_value
