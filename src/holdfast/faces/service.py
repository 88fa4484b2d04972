"""One port for people and programs: the console and the control API, both read only."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from holdfast.core import HoldfastError
from holdfast.faces.api import api_router, documents_router, drift_router, registers_router
from holdfast.faces.documents import IssuerDocuments
from holdfast.faces.drift import DriftView, TraceIntake
from holdfast.faces.errors import (
    FacesError,
    MethodRefusedError,
    PathUnknownError,
    RequestInvalidError,
    status_of,
)
from holdfast.faces.evidence import Evidence
from holdfast.faces.registers import Registers
from holdfast.faces.replies import error_body
from holdfast.faces.shield import Shield
from holdfast.faces.streams import Streams
from holdfast.faces.tiles import tiles_router
from holdfast.faces.traces import traces_router
from holdfast.faces.view import SystemView
from holdfast.faces.web import Hints, add_console

LOOPBACK = "127.0.0.1"
SUMMARY = "What Holdfast runs, what it refused, and the proof of both. Read only."


def make_app(
    view: SystemView,
    *,
    version: str,
    host: str = LOOPBACK,
    gateway: str | None = None,
    vkey: str | None = None,
    verify: str = "holdfast audit verify",
    registers: Registers | None = None,
    documents: IssuerDocuments | None = None,
    drift: DriftView | None = None,
    traces: TraceIntake | None = None,
) -> FastAPI:
    """The ASGI application. It holds no authority: it reads ``view`` and changes nothing.

    ``host`` is what the console listens on: other host names are refused. ``gateway`` is where
    calls go (``http://127.0.0.1:8080``), ``vkey`` the key that checkpoints verify with and
    ``verify`` the command that does so; the three are shown, not used. With ``traces`` it takes those
    in, and only then.
    """
    app = FastAPI(
        title="Holdfast control API",
        summary=SUMMARY,
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    evidence, streams = Evidence(view), Streams(view)
    app.include_router(api_router(view, evidence=evidence, streams=streams, vkey=vkey))
    app.include_router(tiles_router(evidence))
    if registers is not None:
        app.include_router(registers_router(view, registers))
    if documents is not None:
        app.include_router(documents_router(documents))
    if drift is not None:
        app.include_router(drift_router(drift))
    if traces is not None:
        app.include_router(traces_router(traces))
    hints = Hints(version=version, gateway=gateway, verify=verify)
    add_console(app, view, evidence=evidence, streams=streams, hints=hints)
    app.add_exception_handler(HoldfastError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Exception, _on_fault)
    app.add_middleware(Shield, host=host)
    return app


def _reply(error: HoldfastError) -> Response:
    return JSONResponse(error_body(error), status_of(error))


async def _on_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HoldfastError):
        raise error
    return _reply(error)


async def _on_http(request: Request, error: Exception) -> Response:
    """What routing refuses: a path or a method that is not there."""
    what = f"there is no {request.method[:20]} {request.url.path[:200]}"
    if isinstance(error, HTTPException) and error.status_code == 405:
        reply = _reply(MethodRefusedError(what, fix="everything here is read with GET"))
        reply.headers.update(error.headers or {})  # Allow (RFC 9110, section 15.5.6)
        return reply
    return _reply(PathUnknownError(what, fix="GET /api/openapi.json lists every path"))


async def _on_fault(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the server logs it, and tells nothing of its inside."""
    return _reply(FacesError("the answer could not be made", fix="see the log of `holdfast up`"))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    problems: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    what = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in problems[:5])
    return _reply(RequestInvalidError(what, fix="see GET /api/openapi.json"))


def _place(location: tuple[object, ...]) -> str:
    return ".".join(str(part) for part in location)
