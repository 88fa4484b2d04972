"""OTLP/HTTP: the one path on this port that takes something in. Counts come of it, nothing else.

It is there only where ``holdfast up --accept-traces`` was said, and then
for whoever has a token of the role ``ingest``, or for all at an open console: who can send there can
tell of calls that never were. A page in a browser cannot: the shield refuses its origin.
"""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from holdfast.faces.drift import TraceIntake
from holdfast.loops.drift import BODY_BYTES_MAX, Answer, is_readable, media_of, turned_down

REQUESTS_MAX = 4
"""Requests that are read at once; each may hold ``BODY_BYTES_MAX`` bytes."""
READ_S = 30.0


def traces_router(intake: TraceIntake) -> APIRouter:
    """``POST /v1/traces`` of OTLP/HTTP 1."""
    router = APIRouter(tags=["drift"])
    places = asyncio.Semaphore(REQUESTS_MAX)

    async def traces(request: Request) -> Response:
        """Take an ExportTraceServiceRequest, as JSON or protocol buffers, perhaps in gzip."""
        media = media_of(request.headers.get("content-type", ""))
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if not is_readable(media, encoding):
            return _reply(turned_down(415, "send application/json or x-protobuf", media=media))
        if places.locked():
            return _reply(turned_down(429, "others are being read", media=media))
        async with places:
            try:
                async with asyncio.timeout(READ_S):
                    body = await _body(request)
            except TimeoutError:
                return _reply(turned_down(503, "the request came too slowly", media=media))
            if body is None:
                words = f"more than {BODY_BYTES_MAX} bytes: send smaller batches"
                return _reply(turned_down(413, words, media=media))
            answer = await asyncio.to_thread(intake.take, body, media=media, encoding=encoding)
            return _reply(answer)

    router.add_api_route(
        "/v1/traces",
        traces,
        methods=["POST"],
        include_in_schema=False,  # OTLP describes it, and it is there only where it was asked for
        response_class=Response,
    )
    return router


async def _body(request: Request) -> bytes | None:
    """The body; None when it is larger than is taken."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > BODY_BYTES_MAX:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _reply(answer: Answer) -> Response:
    reply = Response(answer.body, answer.status, media_type=answer.media)
    if answer.retry_after_s is not None:
        reply.headers["retry-after"] = str(answer.retry_after_s)
    return reply
