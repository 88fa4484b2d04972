"""Objectives and anomalies as parts of a page; a page of their own they have not.

``objectives/objectives.html`` takes an ``ObjectivesPart`` as ``part``, ``objectives/anomalies.html``
an ``AnomaliesPart``; ``static/objectives.css`` is their style.
"""

from holdfast.faces.web.objectives.views import (
    AnomaliesPart,
    AnomalyRow,
    ObjectiveRow,
    ObjectivesPart,
    anomalies_view,
    objectives_view,
)

__all__ = [
    "AnomaliesPart",
    "AnomalyRow",
    "ObjectiveRow",
    "ObjectivesPart",
    "anomalies_view",
    "objectives_view",
]
