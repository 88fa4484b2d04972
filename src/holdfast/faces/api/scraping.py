"""``GET /metrics``: the system as Prometheus scrapes it."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from holdfast.faces.exposition import OPEN_METRICS, TEXT, exposition, open_exposition, wants_open
from holdfast.faces.metrics import Scrape
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.replies import ErrorReply
from holdfast.faces.view import SystemView
from holdfast.telemetry.tally import Tallies

Accept = Annotated[str, Header(description="OpenMetrics, with exemplars, is given to who asks.")]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string"}}
            for kind in ("text/plain", "application/openmetrics-text")
        }
    },
    421: {"model": ErrorReply},
}


def metrics_router(
    view: SystemView, tallies: Tallies | None, objectives: ObjectivesView | None = None
) -> APIRouter:
    """The path; without ``tallies`` nothing is told by relationship, and without
    ``objectives`` nothing of those."""
    router = APIRouter()

    async def metrics(accept: Accept = "") -> Response:
        """For Prometheus: its text format 0.0.4, or OpenMetrics 1.0 with exemplars."""
        scrape = scrape_of(view, tallies, objectives)
        if wants_open(accept):
            return Response(open_exposition(scrape), headers=_headers(OPEN_METRICS))
        return Response(exposition(scrape), headers=_headers(TEXT))

    router.add_api_route(
        "/metrics",
        metrics,
        tags=["load"],
        summary="Metrics for Prometheus",
        response_class=Response,
        responses=_RESPONSES,
    )
    return router


def scrape_of(
    view: SystemView, tallies: Tallies | None, objectives: ObjectivesView | None = None
) -> Scrape:
    """All that is told at this moment."""
    return Scrape(
        live=view.live(),
        trouble=view.trouble(),
        tallied=tallies.tallied() if tallies is not None else (),
        entries=tallies.entries() if tallies is not None else 0,
        dropped=tuple(tallies.dropped().items()) if tallies is not None else (),
        standings=objectives.standings() if objectives is not None else (),
        anomalies=objectives.anomalies() if objectives is not None else (),
    )


def _headers(kind: str) -> dict[str, str]:
    """A cache must not give one kind to who asked for the other."""
    return {"content-type": kind, "vary": "Accept"}
