"""Objectives of the blueprint, measured: budgets, how fast they burn, and when somebody must know.

Promises: pure (no clock, no store); bounded memory for each objective; nothing counted is told as
nothing known, never as 100 percent; calls that were refused because somebody declared so do not
count, those that nobody could serve do.
"""

from holdfast.telemetry.objectives.alerts import ALERTS, WINDOWS_MIN
from holdfast.telemetry.objectives.book import (
    BAD_MIN,
    COUNTED_MIN,
    OBJECTIVES_MAX,
    Book,
    allowance,
    burn_rate,
    declared,
)
from holdfast.telemetry.objectives.forms import (
    Alert,
    Burn,
    Scope,
    ScopeKind,
    Severity,
    Standing,
    State,
)
from holdfast.telemetry.objectives.ledger import Ledger, Sums
from holdfast.telemetry.objectives.telling import AlertTold, ObjectiveTold, told

__all__ = [
    "ALERTS",
    "BAD_MIN",
    "COUNTED_MIN",
    "OBJECTIVES_MAX",
    "WINDOWS_MIN",
    "Alert",
    "AlertTold",
    "Book",
    "Burn",
    "Ledger",
    "ObjectiveTold",
    "Scope",
    "ScopeKind",
    "Severity",
    "Standing",
    "State",
    "Sums",
    "allowance",
    "burn_rate",
    "declared",
    "told",
]
