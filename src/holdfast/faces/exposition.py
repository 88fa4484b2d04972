"""Metrics as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0 with exemplars.

Written by hand: a table and an escape are all there is to it.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from holdfast.faces.metrics import METRICS, Metric, Scrape
from holdfast.faces.spreads import SpreadMetric
from holdfast.telemetry.tally import Exemplar, Spread

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_TOTAL = "_total"
_OPEN_VERSIONS = frozenset(("", "1.0.0"))
ACCEPT_PARTS_MAX = 32
"""Media ranges of an Accept field that are looked at."""


def exposition(scrape: Scrape) -> str:
    """In the text format 0.0.4."""
    lines: list[str] = []
    for metric in METRICS:
        lines.append(f"# HELP {metric.name} {metric.meaning}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += _lines(metric, scrape, is_open=False)
    return "\n".join(lines) + "\n"


def open_exposition(scrape: Scrape) -> str:
    """In OpenMetrics 1.0: a counter's family is named without ``_total``, and buckets show a call."""
    lines: list[str] = []
    for metric in METRICS:
        family = metric.name.removesuffix(_TOTAL) if metric.kind == "counter" else metric.name
        lines.append(f"# TYPE {family} {metric.kind}")
        lines.append(f"# HELP {family} {metric.meaning}")
        lines += _lines(metric, scrape, is_open=True)
    return "\n".join(lines) + "\n# EOF\n"


def wants_open(accept: str) -> bool:
    """Whether an Accept field (RFC 9110, section 12.5.1) would rather have OpenMetrics 1.0 than text.

    Where both are wanted alike the text is given, which everybody reads.
    """
    open_q = text_q = 0.0
    for part in accept.split(",")[:ACCEPT_PARTS_MAX]:
        kind, *rest = (each.strip() for each in part.lower().split(";"))
        named = dict(each.split("=", 1) for each in rest if "=" in each)
        quality = _quality(named.get("q", "1"))
        is_version = named.get("version", "").strip('"') in _OPEN_VERSIONS
        if kind == "application/openmetrics-text" and is_version:
            open_q = max(open_q, quality)
        elif kind in ("text/plain", "text/*", "*/*"):
            text_q = max(text_q, quality)
    return open_q > text_q


def _quality(text: str) -> float:
    try:
        return max(0.0, min(1.0, float(text)))
    except ValueError:
        return 0.0


def _lines(metric: Metric | SpreadMetric, scrape: Scrape, *, is_open: bool) -> Iterator[str]:
    if isinstance(metric, Metric):
        for values, value in metric.read(scrape):
            yield f"{metric.name}{_labels(metric.labels, values)} {value!r}"
        return
    for values, spread in metric.read(scrape.tallied):
        yield from _spread_lines(metric, values, spread, is_open=is_open)


def _spread_lines(
    metric: SpreadMetric, values: tuple[str, ...], spread: Spread, *, is_open: bool
) -> Iterator[str]:
    names = (*metric.labels, "le")
    bounds = [*map(repr, metric.bounds), "+Inf"]
    counts = list(accumulate(spread.counts))
    shown = spread.exemplars if is_open and spread.exemplars else (None,) * len(counts)
    for bound, count, exemplar in zip(bounds, counts, shown, strict=True):
        mark = "" if exemplar is None else f" # {_exemplar(exemplar)}"
        yield f"{metric.name}_bucket{_labels(names, (*values, bound))} {count}{mark}"
    labels = _labels(metric.labels, values)
    yield f"{metric.name}_sum{labels} {spread.total!r}"
    yield f"{metric.name}_count{labels} {counts[-1]}"


def _exemplar(seen: Exemplar) -> str:
    labels = _labels(("trace_id", "span_id"), (seen.trace, seen.span))
    return f"{labels} {float(seen.value)!r} {seen.at:.3f}"


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    pairs = zip(names, values, strict=True)
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
