"""What calls add up to since the start, by relationship: counts, spreads, and a call to look at.

Promises: at most ``RELATIONSHIPS_MAX`` relationships and ``RULES_MAX`` rules of each are told apart,
the rest is told together; whoever reads sees one moment, though another thread counts.
"""

from holdfast.telemetry.tally.counting import RELATIONSHIPS_MAX, RULES_MAX, Count
from holdfast.telemetry.tally.forms import (
    DURATION_BOUNDS,
    FIRST_TOKEN_BOUNDS,
    NO_RELATIONSHIP,
    OTHER,
    TOKENS_BOUNDS,
    Ended,
    Exemplar,
    Spread,
    Tallied,
    Tallies,
    without_exemplars,
)

__all__ = [
    "DURATION_BOUNDS",
    "FIRST_TOKEN_BOUNDS",
    "NO_RELATIONSHIP",
    "OTHER",
    "RELATIONSHIPS_MAX",
    "RULES_MAX",
    "TOKENS_BOUNDS",
    "Count",
    "Ended",
    "Exemplar",
    "Spread",
    "Tallied",
    "Tallies",
    "without_exemplars",
]
