"""Relationships that are unlike themselves: more or fewer calls, slower, dearer, oftener refused.

Promises: pure (no clock, no store), incremental, bounded memory for each relationship; compared is
with the same hour of earlier weeks, of earlier days, or the last hours, whichever forecast was
nearest lately; robust: what was anomalous does not become the measure of what comes next.
"""

from holdfast.telemetry.anomalies.detector import Detector
from holdfast.telemetry.anomalies.forms import (
    Anomaly,
    AnomalyMeasure,
    Baseline,
    Direction,
    Scale,
    Verdict,
)
from holdfast.telemetry.anomalies.watch import BUCKET_S, RELATIONSHIPS_MAX, Change, Watch

__all__ = [
    "BUCKET_S",
    "RELATIONSHIPS_MAX",
    "Anomaly",
    "AnomalyMeasure",
    "Baseline",
    "Change",
    "Detector",
    "Direction",
    "Scale",
    "Verdict",
    "Watch",
]
