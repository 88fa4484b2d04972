"""What an error becomes: JSON for programs, a page for a person with a browser."""

from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from holdfast.core import HoldfastError
from holdfast.faces.errors import (
    FacesError,
    MethodRefusedError,
    PathUnknownError,
    RequestInvalidError,
    status_of,
)
from holdfast.faces.replies import error_body

FOR_PROGRAMS = ("/api/", "/v1/", "/metrics", "/healthz", "/readyz", "/static/")


class ProblemPage(Protocol):
    """The console's page that tells what could not be shown."""

    def __call__(self, request: Request, error: HoldfastError, *, status: int) -> Response: ...


def answer_errors(app: FastAPI, page: ProblemPage) -> None:
    """Every error of the application, ours and the framework's, in one form."""

    def reply(request: Request, error: HoldfastError) -> Response:
        if _is_for_people(request):
            return page(request, error, status=status_of(error))
        return JSONResponse(error_body(error), status_of(error))

    async def on_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, HoldfastError):
            raise error
        return reply(request, error)

    async def on_http(request: Request, error: Exception) -> Response:
        """What routing refuses: a path or a method that is not there."""
        what = f"there is no {request.method[:20]} {request.url.path[:200]}"
        if isinstance(error, HTTPException) and error.status_code == 405:
            refused = MethodRefusedError(what, fix="GET /api/openapi.json tells the methods")
            answer = reply(request, refused)
            answer.headers.update(error.headers or {})  # Allow (RFC 9110, section 15.5.6)
            return answer
        if isinstance(error, HTTPException) and error.status_code == 400:
            unread = RequestInvalidError("the body cannot be read", fix="send JSON in UTF-8")
            return reply(request, unread)
        fix = "GET /api/openapi.json lists every path"
        return reply(request, PathUnknownError(what, fix=fix))

    async def on_fault(_request: Request, _error: Exception) -> Response:
        """A fault of ours; the server logs it, and tells nothing of its inside."""
        fault = FacesError("the answer could not be made", fix="see the log of `holdfast up`")
        return JSONResponse(error_body(fault), status_of(fault))

    async def on_invalid(request: Request, error: Exception) -> Response:
        what = "; ".join(_problems(error))
        return reply(request, RequestInvalidError(what, fix="see GET /api/openapi.json"))

    app.add_exception_handler(HoldfastError, on_error)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_fault)


def _is_for_people(request: Request) -> bool:
    path = request.url.path
    is_page = "text/html" in request.headers.get("accept", "")
    return is_page and not path.startswith(FOR_PROGRAMS)


def _problems(error: Exception) -> list[str]:
    found: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:5]]
