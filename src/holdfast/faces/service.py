"""One port for people and programs: the console and the control API."""

from fastapi import FastAPI

from holdfast.faces.answering import answer_errors
from holdfast.faces.api import (
    acts_router,
    api_router,
    architecture_router,
    console_router,
    documents_router,
    drift_router,
    history_router,
    metrics_router,
    objectives_router,
    permissions_router,
    registers_router,
)
from holdfast.faces.entry import Gatekeeper
from holdfast.faces.evidence import Evidence
from holdfast.faces.past import Past
from holdfast.faces.replies import ErrorReply
from holdfast.faces.shield import Shield
from holdfast.faces.streams import Streams
from holdfast.faces.tiles import tiles_router
from holdfast.faces.traces import traces_router
from holdfast.faces.view import SystemView
from holdfast.faces.web import Hints, add_console
from holdfast.faces.windows import NO_WINDOWS, Windows

LOOPBACK = "127.0.0.1"
SUMMARY = "What Holdfast runs, what it refused, and the proof of both; and what people do about it."
_REFUSALS = (401, 403, 429)
"""What the gatekeeper may answer on every path."""


def make_app(
    view: SystemView,
    *,
    version: str,
    host: str = LOOPBACK,
    gateway: str | None = None,
    vkey: str | None = None,
    verify: str = "holdfast audit verify",
    windows: Windows = NO_WINDOWS,
) -> FastAPI:
    """The ASGI application. It holds no authority: it reads ``view`` and ``windows``, and does what
    somebody may do whom ``windows.entrance`` let in.

    ``host`` is what the console listens on: other host names are refused. ``gateway`` is where
    calls go (``http://127.0.0.1:8080``), ``vkey`` the key that checkpoints verify with and
    ``verify`` the command that does so; the three are shown, not used.
    """
    app = FastAPI(
        title="Holdfast control API",
        summary=SUMMARY,
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={status: {"model": ErrorReply} for status in _REFUSALS},
    )
    evidence, streams = Evidence(view), Streams(view)
    past = Past(windows.history) if windows.history is not None else None
    _add_api(app, view, windows, evidence=evidence, streams=streams, past=past, vkey=vkey)
    hints = Hints(version=version, gateway=gateway, verify=verify, vkey=vkey)
    shell = add_console(
        app, view, evidence=evidence, streams=streams, hints=hints, past=past, windows=windows
    )
    answer_errors(app, shell.problem)
    if windows.entrance is not None:
        app.add_middleware(Gatekeeper, entrance=windows.entrance, page=shell.problem)
    # Outermost: what is not meant for this host reaches nobody.
    origin = windows.entrance.origin if windows.entrance is not None else None
    app.add_middleware(Shield, host=host, origin=origin)
    return app


def _add_api(
    app: FastAPI,
    view: SystemView,
    windows: Windows,
    *,
    evidence: Evidence,
    streams: Streams,
    past: Past | None,
    vkey: str | None,
) -> None:
    """The paths for programs, as far as their windows are there."""
    app.include_router(api_router(view, evidence=evidence, streams=streams, vkey=vkey))
    app.include_router(metrics_router(view, windows.tallies, windows.objectives))
    app.include_router(tiles_router(evidence))
    if past is not None:
        app.include_router(history_router(view, past))
    if windows.registers is not None:
        app.include_router(registers_router(view, windows.registers))
    if windows.permissions is not None:
        app.include_router(permissions_router(view, windows.permissions))
    if windows.documents is not None:
        app.include_router(documents_router(windows.documents))
    if windows.drift is not None:
        app.include_router(drift_router(windows.drift))
    if windows.architecture is not None:
        app.include_router(architecture_router(windows.architecture))
    if windows.objectives is not None:
        app.include_router(objectives_router(windows.objectives))
    if windows.traces is not None:
        app.include_router(traces_router(windows.traces))
    if windows.acting is not None:
        app.include_router(acts_router(windows.acting))
    if windows.entrance is not None:
        app.include_router(console_router(windows.entrance))
