"""The control API's path about drift. It blocks on the database, so it runs in a thread."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from holdfast.core import Instant, rfc3339
from holdfast.faces.drift import DriftView
from holdfast.faces.replies import ErrorReply
from holdfast.loops.drift import Finding, Report

FINDINGS_MAX = 1_000
ROWS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """One difference; ``rule`` and ``at`` are what a waiver names. ``confidence`` is from 0 to 1,
    ``level`` says what is made of it; ``waived_until`` the last day of a waiver in force."""

    rule: str
    level: str
    source: str
    target: str
    at: str
    what: str
    confidence: float
    sightings: int
    last: str | None
    relationship: str | None
    waived_until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """A pair of parties: declared or not, how often seen, and what that means."""

    source: str
    target: str
    declared: bool
    seen: int
    reading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTable:
    """Findings, the gravest first, at most 1,000; counts of them by class; and the table of pairs."""

    start: str
    end: str
    counts: dict[str, int]
    fitness: float | None
    precision: float | None
    findings: tuple[DriftFinding, ...]
    rows: tuple[DriftRow, ...]
    notes: tuple[str, ...]


def drift_router(view: DriftView) -> APIRouter:
    """``GET /api/drift``."""
    router = APIRouter(tags=["drift"])
    fails: dict[int | str, dict[str, Any]] = {
        status: {"model": ErrorReply} for status in (421, 500)
    }

    def drift() -> DriftTable:
        """What was seen in the last days, against what is declared. `holdfast drift` says more."""
        return _table(view.report())

    router.add_api_route(
        "/api/drift", drift, summary="Where reality left the declaration", responses=fails
    )
    return router


def _table(report: Report) -> DriftTable:
    return DriftTable(
        start=rfc3339(Instant(report.period.start)),
        end=rfc3339(Instant(report.period.now)),
        counts={kind.value: n for kind, n in report.counts.items()},
        fitness=report.scores.fitness,
        precision=report.scores.precision,
        findings=tuple(_finding(each) for each in report.findings[:FINDINGS_MAX]),
        rows=tuple(
            DriftRow(
                source=row.source,
                target=row.target,
                declared=row.declared,
                seen=row.seen,
                reading=row.reading.value,
            )
            for row in report.rows[:ROWS_MAX]
        ),
        notes=report.notes,
    )


def _finding(each: Finding) -> DriftFinding:
    return DriftFinding(
        rule=each.rule,
        level=each.level,
        source=each.source,
        target=each.target,
        at=each.at,
        what=each.what,
        confidence=round(each.confidence, 4),
        sightings=each.n,
        last=rfc3339(Instant(each.last)) if each.last else None,
        relationship=each.relationship,
        waived_until=each.waiver.expires if each.waiver is not None else None,
    )
