"""The log for other people's tools: C2SP tlog-tiles under ``/log/``.

The same log twice: under ``/log/`` with the newest checkpoint, and under ``/log/witnessed/`` with the
newest that enough witnesses have cosigned, for clients that take no other.
"""

import gzip
from collections.abc import Callable
from hashlib import sha256

from fastapi import APIRouter, Request
from starlette.responses import Response

from holdfast.audit import LogReader, parse_path
from holdfast.faces.errors import PathUnknownError
from holdfast.faces.evidence import Evidence
from holdfast.faces.replies import ErrorReply

PREFIX = "/log"
WITNESSED_PREFIX = "/log/witnessed"
GZIP_LEVEL = 6

IMMUTABLE = "max-age=31536000, immutable"
FLEETING = "no-cache"
"""A checkpoint is asked for anew each time; its ETag spares the bytes."""

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"


def tiles_router(evidence: Evidence) -> APIRouter:
    """Every path of the log's static resources. All of them answer GET and HEAD."""
    router = APIRouter(tags=["log"])

    async def checkpoint(request: Request) -> Response:
        """The newest checkpoint, with the cosignatures that it has so far."""
        found = await evidence.ask(LogReader.vouched)
        return _reply(request, found.note, media_type=_TEXT, caching=FLEETING)

    async def witnessed(request: Request) -> Response:
        """The newest checkpoint that a quorum of witnesses has cosigned."""
        found = await evidence.ask(LogReader.witnessed)
        if found is None:
            raise _unknown("checkpoint that witnesses have cosigned")
        return _reply(request, found.note, media_type=_TEXT, caching=FLEETING)

    async def tile(request: Request, path: str) -> Response:
        """A tile of hashes, `<L>/<N>[.p/<W>]`, or a bundle of entries, `entries/<N>[.p/<W>]`."""
        return await _resource(request, evidence, path)

    _add(router, PREFIX + "/checkpoint", checkpoint, "The newest checkpoint, signed", _TEXT)
    _add(router, WITNESSED_PREFIX + "/checkpoint", witnessed, "The newest witnessed one", _TEXT)
    _add(router, WITNESSED_PREFIX, witnessed, "The same, as a copy of the folder has it", _TEXT)
    _add(router, PREFIX + "/tile/{path:path}", tile, "A tile or a bundle of entries", _BYTES)
    _add(router, WITNESSED_PREFIX + "/tile/{path:path}", tile, "The same", _BYTES)
    return router


def _add(
    router: APIRouter, path: str, endpoint: Callable[..., object], summary: str, kind: str
) -> None:
    router.add_api_route(
        path,
        endpoint,
        summary=summary,
        response_class=Response,
        name=summary,
        operation_id="read" + path.replace("/", "-").partition("{")[0].rstrip("-"),
        responses={
            200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}},
            304: {"description": "Not Modified"},
            **{status: {"model": ErrorReply} for status in (404, 421, 422, 500, 503, 504)},
        },
    )
    router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)


async def _resource(request: Request, evidence: Evidence, path: str) -> Response:
    """Strict: what is not exactly a path of the specification names nothing."""
    resource = parse_path(f"tile/{path}")
    # An escaped spelling would be a second name of the same thing.
    plain = request.scope.get("raw_path", b"").partition(b"?")[0]
    if resource is None or plain != request.url.path.encode():
        raise _unknown(f"tile '{path[:60]}'")
    accepts = request.headers.get("accept-encoding", "")
    zipped = resource.level is None and "gzip" in accepts

    def read(reader: LogReader) -> bytes | None:
        data = reader.resource(resource)
        # Hashes do not shrink, entries do. The time is left out: like bytes for like entries.
        return gzip.compress(data, GZIP_LEVEL, mtime=0) if data is not None and zipped else data

    data = await evidence.ask(read)
    if data is None:
        raise _unknown(f"tile '{path[:60]}' under its newest checkpoint")
    reply = _reply(request, data, media_type=_BYTES, caching=IMMUTABLE)
    if resource.level is None:
        reply.headers["vary"] = "accept-encoding"
        if zipped and reply.status_code == 200:
            reply.headers["content-encoding"] = "gzip"
    return reply


def _reply(request: Request, data: bytes, *, media_type: str, caching: str) -> Response:
    """The bytes, or 304 when whoever asks has them (RFC 9110, section 13.1.2)."""
    tag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": caching}
    known = {each.strip().removeprefix("W/") for each in _known(request)}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def _known(request: Request) -> list[str]:
    return request.headers.get("if-none-match", "").split(",")


def _unknown(what: str) -> PathUnknownError:
    return PathUnknownError(
        f"the log has no {what}", fix="read the checkpoint: its size says which tiles there are"
    )
