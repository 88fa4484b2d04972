"""Remedies: a patch of the blueprint, a rule that forbids, a dated waiver. Nothing is done by itself."""

from holdfast.loops.drift.act.patches import patches_for
from holdfast.loops.drift.act.remedies import WAIVER_DAYS, Denial, Remedy, remedy_for

__all__ = ["WAIVER_DAYS", "Denial", "Remedy", "patches_for", "remedy_for"]
