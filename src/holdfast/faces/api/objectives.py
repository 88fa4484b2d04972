"""The control API's paths about objectives and anomalies. What they tell is made already."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from holdfast.core import Instant, rfc3339
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.replies import ErrorReply
from holdfast.telemetry.anomalies import Anomaly, AnomalyMeasure, Baseline, Direction
from holdfast.telemetry.objectives import ObjectiveTold, told


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectivesReply:
    """In the order of the blueprint."""

    objectives: tuple[ObjectiveTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyReply:
    """A relationship unlike itself: calls in five minutes (`rate`), milliseconds (`latency`),
    tokens a call, the share refused, millionths of money a call (`cost`). `score` is in deviations;
    `until` is null while it goes on."""

    relationship: str
    measure: AnomalyMeasure
    direction: Direction
    since: str
    until: str | None
    value: float
    expected: float
    score: float
    baseline: Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomaliesReply:
    """Those that go on, the gravest first; then those that ended, the last first."""

    anomalies: tuple[AnomalyReply, ...]


def objectives_router(view: ObjectivesView) -> APIRouter:
    """``GET /api/objectives`` and ``GET /api/anomalies``."""
    router = APIRouter(tags=["objectives"])
    fails: dict[int | str, dict[str, Any]] = {421: {"model": ErrorReply}}

    async def objectives() -> ObjectivesReply:
        """What the blueprint holds calls to, and how that stands; judged every half minute."""
        return ObjectivesReply(objectives=tuple(map(told, view.standings())))

    async def anomalies() -> AnomaliesReply:
        """Relationships that are, or were lately, unlike themselves; looked for every five minutes."""
        return AnomaliesReply(anomalies=tuple(map(anomaly_reply, view.anomalies())))

    router.add_api_route(
        "/api/objectives", objectives, summary="Objectives and their budgets", responses=fails
    )
    router.add_api_route(
        "/api/anomalies", anomalies, summary="Relationships unlike themselves", responses=fails
    )
    return router


def anomaly_reply(anomaly: Anomaly) -> AnomalyReply:
    """An anomaly in the API's words."""
    return AnomalyReply(
        relationship=anomaly.relationship,
        measure=anomaly.measure,
        direction=anomaly.direction,
        since=rfc3339(Instant(anomaly.since)),
        until=None if anomaly.until is None else rfc3339(Instant(anomaly.until)),
        value=round(anomaly.value, 6),
        expected=round(anomaly.expected, 6),
        score=round(anomaly.score, 2),
        baseline=anomaly.baseline,
    )
