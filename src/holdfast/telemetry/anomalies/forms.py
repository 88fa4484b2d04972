"""What is watched of a relationship, and what is said of it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

AnomalyMeasure: TypeAlias = Literal["rate", "latency", "tokens", "refused", "cost"]
"""Of five minutes: calls; the 95th percentile of answered calls' time (milliseconds); tokens per
answered call; the share of calls refused; cost per answered call (millionths of the currency)."""
Direction: TypeAlias = Literal["above", "below"]
Baseline: TypeAlias = Literal["week", "day", "recent"]
"""What a value is compared with: the same hour of earlier weeks, of earlier days, or the last
hours."""
Scale: TypeAlias = Literal["count", "ratio", "share", "plain"]
"""How values vary: a count as its root, a positive amount as its logarithm, a share as its arcsine,
anything else as it is. On these scales the noise is about the same at every level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One value against what was expected there. ``score`` is how many deviations off it is, with
    its sign; None while too little is known. ``began`` says that an anomaly begins with it."""

    at: int
    value: float
    expected: float | None
    score: float | None
    baseline: Baseline | None
    is_anomalous: bool
    began: bool
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Something unlike itself. Instants are microseconds since 1970; ``until`` is None while it
    goes on. ``score`` is the largest so far."""

    relationship: str
    measure: AnomalyMeasure
    direction: Direction
    since: int
    until: int | None
    value: float
    expected: float
    score: float
    baseline: Baseline
