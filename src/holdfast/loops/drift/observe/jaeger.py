"""Traces in Jaeger's JSON, as its query API and its user interface give them out."""

from collections.abc import Iterable, Iterator

import msgspec

from holdfast.loops.drift.errors import TracesError
from holdfast.loops.drift.observe.names import READ
from holdfast.loops.drift.observe.origins import origin_of
from holdfast.loops.drift.observe.spans import Attribute, Origin, Span

_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


class _Tag(msgspec.Struct, gc=False):
    key: str = ""
    value: str | int | float | bool | None = None


class _Reference(msgspec.Struct, rename={"kind": "refType", "trace": "traceID", "span": "spanID"}):
    kind: str = ""
    trace: str = ""
    span: str = ""


class _Span(
    msgspec.Struct,
    rename={
        "trace": "traceID",
        "span": "spanID",
        "name": "operationName",
        "start": "startTime",
        "process": "processID",
    },
):
    trace: str
    span: str
    name: str = ""
    references: list[_Reference] = []
    start: int = 0
    duration: int = 0
    tags: list[_Tag] = []
    process: str = ""


class _Process(msgspec.Struct, rename={"service": "serviceName"}):
    service: str = ""
    tags: list[_Tag] = []


class _Trace(msgspec.Struct):
    spans: list[_Span] = []
    processes: dict[str, _Process] = {}


class _Answer(msgspec.Struct):
    data: list[_Trace]


_DECODER = msgspec.json.Decoder(_Answer)


def read_jaeger(data: bytes, *, p: float = 1.0) -> list[Span]:
    """The spans of one answer of the API; ``TracesError`` when it is none."""
    try:
        answer = _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TracesError(
            f"this is no trace in Jaeger's JSON: {str(error)[:200]}",
            fix="save the answer of /api/traces as it comes",
        ) from error
    return [span for trace in answer.data for span in _spans(trace, p)]


def _spans(trace: _Trace, p: float) -> Iterator[Span]:
    origins = {name: _origin(process) for name, process in trace.processes.items()}
    nobody = Origin("")
    for span in trace.spans:
        tags = _attributes(span.tags)
        kind = next((str(tag.value) for tag in span.tags if tag.key == "span.kind"), "")
        parents = [r for r in span.references if r.kind == "CHILD_OF" and r.trace == span.trace]
        others = [r for r in span.references if r not in parents]
        yield Span(
            trace=span.trace,
            id=span.span,
            parent=parents[0].span if parents else "",
            name=span.name,
            kind=_KINDS.get(kind, 0),
            start=span.start,
            end=span.start + span.duration,
            origin=origins.get(span.process, nobody),
            attributes=tags,
            links=tuple((each.trace, each.span) for each in others),
            p=p,
        )


def _origin(process: _Process) -> Origin:
    return origin_of({**_attributes(process.tags), "service.name": process.service})


def _attributes(tags: Iterable[_Tag]) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for tag in tags:
        name = READ.get(tag.key)
        if name is not None and tag.value is not None and (name == tag.key or name not in found):
            found[name] = tag.value
    return found
