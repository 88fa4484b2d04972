"""Signals of operational drift: weekly values, their trends, and tests of both.

Promises: no single number; p-values are exact or bounded and corrected for how many there are; a
signal without data says what it would need.
"""

from holdfast.loops.drift.signals.reading import SIGNIFICANT, Signal, Signals, read_signals
from holdfast.loops.drift.signals.trends import WEEKS_MIN, Trend, holm, kendall, trend
from holdfast.loops.drift.signals.weekly import NAMES, Series, Sources

__all__ = [
    "NAMES",
    "SIGNIFICANT",
    "WEEKS_MIN",
    "Series",
    "Signal",
    "Signals",
    "Sources",
    "Trend",
    "holm",
    "kendall",
    "read_signals",
    "trend",
]
