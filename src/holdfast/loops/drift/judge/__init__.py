"""Judging what was seen against what is declared. Pure.

Promises: no guess passes for knowledge. A party that nothing identifies stays a stranger, silence
that proves nothing is called blind, and every finding says how sure it is and what it rests on.
"""

from holdfast.loops.drift.judge.absence import Heard, Period
from holdfast.loops.drift.judge.bindings import NO_BINDINGS, Bindings, read_bindings
from holdfast.loops.drift.judge.finding import (
    ALERT_FROM,
    PREFIX,
    REPORT_FROM,
    TITLES,
    Finding,
    Kind,
    confidence,
)
from holdfast.loops.drift.judge.judging import Question, Report, compare
from holdfast.loops.drift.judge.matching import Matched, Met
from holdfast.loops.drift.judge.scores import Scores
from holdfast.loops.drift.judge.table import Reading, Row

__all__ = [
    "ALERT_FROM",
    "NO_BINDINGS",
    "PREFIX",
    "REPORT_FROM",
    "TITLES",
    "Bindings",
    "Finding",
    "Heard",
    "Kind",
    "Matched",
    "Met",
    "Period",
    "Question",
    "Reading",
    "Report",
    "Row",
    "Scores",
    "compare",
    "confidence",
    "read_bindings",
]
