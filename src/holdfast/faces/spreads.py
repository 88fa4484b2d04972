"""Metrics that are histograms, by relationship."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.telemetry.tally import (
    DURATION_BOUNDS,
    FIRST_TOKEN_BOUNDS,
    TOKENS_BOUNDS,
    Spread,
    Tallied,
)

SpreadSample: TypeAlias = tuple[tuple[str, ...], Spread]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadMetric:
    """One histogram: ``bounds`` are the largest values of its buckets, but for the last one's."""

    name: str
    labels: tuple[str, ...]
    meaning: str
    bounds: tuple[float, ...]
    read: Callable[[tuple[Tallied, ...]], Iterable[SpreadSample]]
    kind: Literal["histogram"] = "histogram"


SPREADS: tuple[SpreadMetric, ...] = (
    SpreadMetric(
        name="holdfast_call_duration_seconds",
        labels=("relationship",),
        meaning="how long calls took that were let through, whatever came of them",
        bounds=DURATION_BOUNDS,
        read=lambda tallied: (((each.relationship,), each.duration) for each in tallied),
    ),
    SpreadMetric(
        name="holdfast_first_token_seconds",
        labels=("relationship",),
        meaning="from the start of calls to the first piece of their streamed answers",
        bounds=FIRST_TOKEN_BOUNDS,
        read=lambda tallied: (((each.relationship,), each.first_token) for each in tallied),
    ),
    SpreadMetric(
        name="holdfast_call_tokens",
        labels=("relationship", "direction"),
        meaning="tokens of each call's prompt (in) and answer (out)",
        bounds=TOKENS_BOUNDS,
        read=lambda tallied: (
            sample
            for each in tallied
            for sample in (
                ((each.relationship, "in"), each.tokens_in),
                ((each.relationship, "out"), each.tokens_out),
            )
        ),
    ),
)
