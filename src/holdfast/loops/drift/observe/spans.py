"""A span, as far as it tells who met whom."""

from typing import TypeAlias

import msgspec

from holdfast.loops.drift.sightings import Identity

Attribute: TypeAlias = str | int | float | bool
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
"""OTLP's SpanKind; 0 is unspecified."""


class Origin(msgspec.Struct, frozen=True):
    """Whoever made a span, by its resource."""

    identity: Identity
    region: str | None = None
    release: str | None = None


class Span(msgspec.Struct, gc=False):
    """``start`` and ``end`` are microseconds since 1970; ``p`` is how likely a trace was kept."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: int
    end: int
    origin: Origin
    attributes: dict[str, Attribute]
    links: tuple[tuple[str, str], ...] = ()
    p: float = 1.0
