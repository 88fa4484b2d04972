"""The map that several pages show: folded until it can be read, laid out once, marked many times."""

from holdfast.faces.web.chart.choosing import Choice, chosen, containers_of, zones_of
from holdfast.faces.web.chart.folding import EVERYTHING, FOLD_ABOVE, Fold, fold
from holdfast.faces.web.chart.forms import (
    Attempt,
    Badge,
    ChartView,
    FrameMark,
    GhostMark,
    LineMark,
    NodeMark,
    StrayMark,
    Told,
)
from holdfast.faces.web.chart.plan import Frame, Place, Plan, Stroke, matching, plan_of
from holdfast.faces.web.chart.plans import Plans
from holdfast.faces.web.chart.sizing import Size, fitting, sized
from holdfast.faces.web.chart.straying import stray_marks
from holdfast.faces.web.chart.telling import told_of

__all__ = [
    "EVERYTHING",
    "FOLD_ABOVE",
    "Attempt",
    "Badge",
    "ChartView",
    "Choice",
    "Fold",
    "Frame",
    "FrameMark",
    "GhostMark",
    "LineMark",
    "NodeMark",
    "Place",
    "Plan",
    "Plans",
    "Size",
    "StrayMark",
    "Stroke",
    "Told",
    "chosen",
    "containers_of",
    "fitting",
    "fold",
    "matching",
    "plan_of",
    "sized",
    "stray_marks",
    "told_of",
    "zones_of",
]
