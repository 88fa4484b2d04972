"""Metrics: cumulative sums and explicit-bucket histograms, with the bounds of the conventions.

Cumulative since the process began, so that a batch that is lost loses nothing.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from holdfast.core import CallTrace, Instant
from holdfast.telemetry.otlp import names
from holdfast.telemetry.otlp.forms import Value
from holdfast.telemetry.otlp.messages import NANO_PER_MICRO, attributes
from holdfast.telemetry.otlp.protobuf import (
    chosen,
    double,
    fixed64,
    message,
    number,
    packed_doubles,
    packed_fixed64,
    raw,
    text,
)
from holdfast.telemetry.tally import DURATION_BOUNDS, FIRST_TOKEN_BOUNDS, TOKENS_BOUNDS

SERIES_MAX: Final = 1_000
"""Series of one instrument; what goes beyond is told as one, marked ``otel.metric.overflow``."""
MCP_BOUNDS: Final = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
"""Seconds."""
_CUMULATIVE: Final = 2
_OVERFLOW: Final = ((names.OVERFLOW, True),)

Labels: TypeAlias = tuple[tuple[str, Value], ...]


class Instrument(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A histogram where it has ``bounds``, else a sum that only grows. Each is itself only."""

    name: str
    unit: str
    description: str
    bounds: tuple[float, ...] = ()


MODEL_DURATION: Final = Instrument(
    name="gen_ai.client.operation.duration",
    unit="s",
    description="GenAI operation duration.",
    bounds=DURATION_BOUNDS,
)
TOKEN_USAGE: Final = Instrument(
    name="gen_ai.client.token.usage",
    unit="{token}",
    description="Number of input and output tokens used.",
    bounds=TOKENS_BOUNDS,
)
FIRST_CHUNK: Final = Instrument(
    name="gen_ai.client.operation.time_to_first_chunk",
    unit="s",
    description="From sending to an upstream until its stream began.",
    bounds=DURATION_BOUNDS,
)
FIRST_TOKEN: Final = Instrument(
    name="gen_ai.server.time_to_first_token",
    unit="s",
    description="From a caller's request until its stream began.",
    bounds=FIRST_TOKEN_BOUNDS,
)
MCP_CLIENT: Final = Instrument(
    name="mcp.client.operation.duration",
    unit="s",
    description="From sending to an MCP server until its answer was recorded.",
    bounds=MCP_BOUNDS,
)
MCP_SERVER: Final = Instrument(
    name="mcp.server.operation.duration",
    unit="s",
    description="From a client's MCP request until its answer was recorded.",
    bounds=MCP_BOUNDS,
)
CALLS: Final = Instrument(
    name="holdfast.calls", unit="{call}", description="Calls that ended, by how and by which rule."
)
COST: Final = Instrument(
    name="holdfast.cost", unit="{currency}", description="What calls cost, by the declared prices."
)
DROPPED: Final = Instrument(
    name="holdfast.telemetry.dropped",
    unit="{item}",
    description="Spans and log records that did not reach the collector.",
)
INSTRUMENTS: Final = (
    MODEL_DURATION,
    TOKEN_USAGE,
    FIRST_CHUNK,
    FIRST_TOKEN,
    MCP_CLIENT,
    MCP_SERVER,
    CALLS,
    COST,
    DROPPED,
)


class _Exemplar(msgspec.Struct, frozen=True, gc=False):
    trace: str
    span: str
    at: int
    value: float


class Point(msgspec.Struct, frozen=True, gc=False):
    """One series as it stands: never changed, only replaced."""

    count: int = 0
    total: float = 0.0
    buckets: tuple[int, ...] = ()
    exemplar: _Exemplar | None = None


class _Series:
    """One that grows; only the thread that adds sees it."""

    __slots__ = ("buckets", "count", "exemplar", "total")

    def __init__(self, instrument: Instrument) -> None:
        self.count = 0
        self.total = 0.0
        self.buckets = [0] * (len(instrument.bounds) + 1) if instrument.bounds else []
        self.exemplar: tuple[CallTrace, int, float] | None = None

    def point(self) -> Point:
        exemplar = None
        if self.exemplar is not None:
            ids, at, value = self.exemplar
            exemplar = _Exemplar(ids.trace, ids.server, at, value)
        return Point(self.count, self.total, tuple(self.buckets), exemplar)


class Meter:
    """One thread adds, another encodes: ``_told`` is replaced as a whole, never changed."""

    def __init__(self, began: Instant) -> None:
        self._began = began
        self._series: dict[Instrument, dict[Labels, _Series]] = {each: {} for each in INSTRUMENTS}
        self._touched: dict[tuple[Instrument, Labels], _Series] = {}
        self._told: dict[Instrument, dict[Labels, Point]] = {each: {} for each in INSTRUMENTS}

    def add(
        self,
        instrument: Instrument,
        labels: Labels,
        value: float,
        *,
        ids: CallTrace | None = None,
        at: int = 0,
    ) -> None:
        """One more value; ``ids`` are those of a call whose spans are sent."""
        known = self._series[instrument]
        series = known.get(labels)
        if series is None:
            if len(known) >= SERIES_MAX:
                labels = _OVERFLOW
            series = known.setdefault(labels, _Series(instrument))
        series.count += 1
        series.total += value
        if instrument.bounds:
            series.buckets[bisect_left(instrument.bounds, value)] += 1
        if ids is not None:
            series.exemplar = ids, at, value
        self._touched[instrument, labels] = series

    def publish(self) -> None:
        """What was added since is told from now on."""
        told = {each: dict(points) for each, points in self._told.items()}
        for (instrument, labels), series in self._touched.items():
            told[instrument][labels] = series.point()
        self._told, self._touched = told, {}

    def encoded(self, now: Instant, *, dropped: Mapping[Labels, int]) -> list[bytes]:
        """``opentelemetry.proto.metrics.v1.Metric``, of each instrument that has a series.
        ``dropped`` is counted by others."""
        lost = {labels: Point(count, float(count)) for labels, count in dropped.items()}
        told, times = {**self._told, DROPPED: lost}, self._times(now)
        return [_metric(each, points, times) for each, points in told.items() if points]

    def _times(self, now: Instant) -> bytes:
        start, end = self._began * NANO_PER_MICRO, now * NANO_PER_MICRO
        return fixed64(2, start) + fixed64(3, max(start, end))


def _metric(instrument: Instrument, points: dict[Labels, Point], times: bytes) -> bytes:
    head = text(1, instrument.name) + text(2, instrument.description) + text(3, instrument.unit)
    if instrument.bounds:
        bounds = packed_doubles(7, instrument.bounds)
        data = b"".join(
            [message(1, _spread(labels, point, times, bounds)) for labels, point in points.items()]
        )
        return head + message(9, data + number(2, _CUMULATIVE))
    data = b"".join([message(1, _sum(labels, point, times)) for labels, point in points.items()])
    return head + message(7, data + number(2, _CUMULATIVE) + chosen(3, 1))


def _spread(labels: Labels, point: Point, times: bytes, bounds: bytes) -> bytes:
    """``HistogramDataPoint``."""
    return b"".join(
        (
            times,
            fixed64(4, point.count),
            double(5, point.total),
            packed_fixed64(6, point.buckets),
            bounds,
            _exemplar(8, point.exemplar),
            attributes(9, dict(labels)),
        )
    )


def _sum(labels: Labels, point: Point, times: bytes) -> bytes:
    """``NumberDataPoint``."""
    exemplar = _exemplar(5, point.exemplar)
    return times + double(4, point.total) + exemplar + attributes(7, dict(labels))


def _exemplar(field: int, found: _Exemplar | None) -> bytes:
    if found is None:
        return b""
    return message(
        field,
        fixed64(2, found.at * NANO_PER_MICRO)
        + double(3, found.value)
        + raw(4, bytes.fromhex(found.span))
        + raw(5, bytes.fromhex(found.trace)),
    )
