"""Traces as tables: the CSV of the Nezha data set (github.com/IntelligentDDS/Nezha).

Columns: TraceID, SpanID, ParentID (``root`` for none), PodName, OperationName, StartTimeUnixNano,
EndTimeUnixNano, Duration. Kinds and attributes are lost in it: who called whom is told by pods only.
"""

import csv
from collections.abc import Iterable

from holdfast.loops.drift.errors import TracesError
from holdfast.loops.drift.observe.origins import origin_of
from holdfast.loops.drift.observe.spans import Origin, Span

HEAD = ("TraceID", "SpanID", "ParentID", "PodName", "OperationName")
_START, _END = "StartTimeUnixNano", "EndTimeUnixNano"


def read_nezha(text: str | Iterable[str], *, p: float = 1.0) -> list[Span]:
    """The spans of one file; ``TracesError`` when its columns are others, with the line."""
    rows = csv.reader(text.splitlines() if isinstance(text, str) else text)
    places = _places(next(rows, list[str]()))
    origins: dict[str, Origin] = {}
    spans: list[Span] = []
    for line, row in enumerate(rows, 2):
        try:
            spans.append(_span(row, places, origins=origins, p=p))
        except (ValueError, IndexError) as error:
            raise TracesError(f"line {line} is no span: {error}", fix="restore the line") from error
    return spans


def _places(head: list[str]) -> tuple[int, ...]:
    names = [name.strip().lstrip("﻿") for name in head]
    try:
        return tuple(names.index(name) for name in (*HEAD, _START, _END))
    except ValueError as error:
        raise TracesError(
            f"this table has not the columns of a trace: {error}",
            fix=f"begin it with {','.join((*HEAD, _START, _END))}",
        ) from error


def _span(row: list[str], places: tuple[int, ...], *, origins: dict[str, Origin], p: float) -> Span:
    trace, span, parent, pod, name, start, end = (row[place] for place in places)
    if not trace or not span:
        raise ValueError("it has no trace id or no span id")
    origin = origins.get(pod)
    if origin is None:
        origin = origins[pod] = origin_of({"k8s.pod.name": pod})
    return Span(
        trace,
        span,
        "" if parent == "root" else parent,
        name,
        0,
        int(start) // 1_000,
        int(end) // 1_000,
        origin,
        {},
        (),
        p,
    )
