"""What is told, before it is encoded."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

Value: TypeAlias = str | bool | int | float | tuple[str, ...]
Attributes: TypeAlias = Mapping[str, Value]

SERVER: Final = 2
CLIENT: Final = 3
"""Of OTLP's SpanKind."""
INFO, WARN, ERROR = 9, 13, 17
"""Of OTLP's SeverityNumber."""


class Signal(StrEnum):
    """Each goes to a path of its own, by a queue of its own."""

    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Ids in hexadecimal, instants in microseconds since 1970. ``state`` is the W3C tracestate;
    ``is_remote`` says whether the parent is somebody else's."""

    trace: str
    id: str
    parent: str | None
    is_remote: bool
    state: str
    name: str
    kind: int
    start: int
    end: int
    attributes: Attributes
    is_error: bool = False


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A log record with a name: something happened that is no span."""

    at: int
    name: str
    severity: int
    text: str
    attributes: Attributes
    trace: str = ""
    span: str = ""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who tells: the resource's attributes, and the version of the instrumentation scope."""

    resource: Attributes
    version: str
