"""The control API's paths."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import TypeAdapter
from starlette.responses import PlainTextResponse

from holdfast.faces.api import models, shaping
from holdfast.faces.evidence import Evidence
from holdfast.faces.replies import ErrorReply
from holdfast.faces.streams import Streams, event
from holdfast.faces.view import Live, SystemView

RECENT_MAX = 200
RECENT_DEFAULT = 50
CALL_ID_LENGTH_MAX = 64
INDEX_MAX = 2**63 - 1

CallIdText = Annotated[
    str, Path(max_length=CALL_ID_LENGTH_MAX, description="The id that `x-request-id` carries.")
]
Index = Annotated[int, Path(ge=0, le=INDEX_MAX, description="A place in the log, from 0.")]
Size = Annotated[int, Query(ge=0, le=INDEX_MAX, description="Entries of the log at some time.")]
Limit = Annotated[
    int, Query(ge=1, le=RECENT_MAX, description="How many ended calls, newest first.")
]

# Not as the route's response class: errors would be described as plain text too, and are JSON.
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}}
}
_LIVE = TypeAdapter(models.LiveReply)


def _fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorReply} for status in (*statuses, 421)}


def api_router(
    view: SystemView, *, evidence: Evidence, streams: Streams, vkey: str | None
) -> APIRouter:
    """Every path of the API."""
    router = APIRouter()
    _add_health(router, view)
    _add_system(router, view, streams)
    _add_load(router, view)
    _add_calls(router, view, evidence, vkey)
    _add_log(router, evidence, vkey)
    return router


def _add_health(router: APIRouter, view: SystemView) -> None:
    async def healthz() -> models.Health:
        """The process answers; whether it can take calls, `/readyz` says."""
        return models.Health(status="ok")

    async def readyz(response: Response) -> models.Readiness:
        """Whether calls can be taken now, and why not."""
        reason = view.trouble()
        if reason is None:
            return models.Readiness(status="ready", reason=None)
        response.status_code = 503
        return models.Readiness(status="not-ready", reason=reason)

    router.add_api_route(
        "/healthz", healthz, tags=["health"], summary="Is it alive?", responses=_fails()
    )
    router.add_api_route(
        "/readyz",
        readyz,
        tags=["health"],
        summary="Can it take calls?",
        responses={503: {"model": models.Readiness, "description": "Not ready"}, **_fails()},
    )


def _add_system(router: APIRouter, view: SystemView, streams: Streams) -> None:
    async def blueprint() -> models.BlueprintReply:
        """Nodes and relationships as declared, with settled timeouts and limits."""
        return shaping.blueprint_reply(view.blueprint())

    async def live(limit: Limit = RECENT_DEFAULT) -> Response:
        """Server-sent events. Each `data` is one LiveReply: at once, at every change, and at
        least every second."""

        async def render(moment: Live) -> bytes:
            reply = shaping.live_reply(moment, limit=limit)
            return event(_LIVE.dump_json(reply).decode())

        return streams.to(render)

    router.add_api_route(
        "/api/blueprint",
        blueprint,
        tags=["system"],
        summary="The blueprint in force",
        responses=_fails(),
    )
    router.add_api_route(
        "/api/live",
        live,
        tags=["system"],
        summary="The system, live",
        response_class=Response,
        responses={
            200: {
                "description": "A stream of LiveReply events",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **_fails(422, 503),
        },
    )


def _add_load(router: APIRouter, view: SystemView) -> None:
    async def upstreams() -> models.UpstreamsReply:
        """Called nodes and their upstreams: state, load, and what resilience did."""
        return shaping.upstreams_reply(view.live())

    async def budgets() -> models.BudgetsReply:
        """What may be spent, what was, and until when."""
        return shaping.budgets_reply(view.live())

    async def alarms() -> models.AlarmsReply:
        """Calls that were begun and have no outcome, once their time for it is over."""
        return shaping.alarms_reply(view.live())

    async def approvals() -> models.ApprovalsReply:
        """Calls that wait for a person's word. Nothing of what they would send."""
        return shaping.approvals_reply(view.live())

    router.add_api_route(
        "/api/upstreams", upstreams, tags=["load"], summary="Upstreams now", responses=_fails()
    )
    router.add_api_route(
        "/api/budgets", budgets, tags=["load"], summary="Budgets now", responses=_fails()
    )
    router.add_api_route(
        "/api/alarms", alarms, tags=["load"], summary="Alarms now", responses=_fails()
    )
    router.add_api_route(
        "/api/approvals",
        approvals,
        tags=["load"],
        summary="Calls that wait for a person",
        responses=_fails(),
    )


def _add_calls(router: APIRouter, view: SystemView, evidence: Evidence, vkey: str | None) -> None:
    async def calls(limit: Limit = RECENT_DEFAULT) -> models.CallsReply:
        """Calls under way and just ended; whatever ended earlier is in the log."""
        return shaping.calls_reply(view.live(), limit=limit)

    async def call(call_id: CallIdText) -> models.CallRecordsReply:
        """The records of a call, from the log or, if no checkpoint covers them yet, a journal."""
        return shaping.records_reply(call_id, await evidence.find(call_id))

    async def proofs(call_id: CallIdText) -> models.ProofsReply:
        """What shows anybody, without this server, that the call's records are in the log."""
        proven, pending = await evidence.prove(call_id)
        return models.ProofsReply(
            call=call_id,
            vkey=vkey,
            pending=pending,
            proofs=tuple(shaping.proof_reply(entry, proof) for entry, proof in proven),
        )

    router.add_api_route(
        "/api/calls", calls, tags=["calls"], summary="Calls now", responses=_fails(422)
    )
    router.add_api_route(
        "/api/calls/{call_id}",
        call,
        tags=["calls"],
        summary="A call's records",
        responses=_fails(404, 422, 500, 503, 504),
    )
    router.add_api_route(
        "/api/calls/{call_id}/proof",
        proofs,
        tags=["calls"],
        summary="A call's proofs",
        responses=_fails(404, 409, 422, 500, 503, 504),
    )


def _add_log(router: APIRouter, evidence: Evidence, vkey: str | None) -> None:
    async def log() -> models.LogReply:
        """The newest signed head of the log."""
        head, newest = await evidence.head()
        return shaping.log_reply(head, newest=newest, vkey=vkey)

    async def entry(index: Index) -> Response:
        """The exact bytes of an entry."""
        found = await evidence.entry(index)
        return Response(found.data, media_type="application/json")

    async def proof(index: Index) -> Response:
        """The entry's inclusion proof as a `.tlog-proof` file (C2SP tlog-proof@v1)."""
        return PlainTextResponse((await evidence.proof(index)).text())

    async def consistency(old: Size, new: Size) -> models.ConsistencyReply:
        """The proof that nothing of the log of `old` entries was changed on its way to `new`."""
        hashes = await evidence.consistency(old, new)
        return models.ConsistencyReply(old=old, new=new, hashes=tuple(h.hex() for h in hashes))

    fails = _fails(404, 422, 500, 503, 504)
    router.add_api_route(
        "/api/log/consistency",
        consistency,
        tags=["log"],
        summary="That the log only grew",
        responses=fails,
    )
    router.add_api_route(
        "/api/log", log, tags=["log"], summary="The log's head", responses=_fails(500, 503, 504)
    )
    router.add_api_route(
        "/api/log/{index}",
        entry,
        tags=["log"],
        summary="An entry, byte for byte",
        response_class=Response,
        responses={
            200: {"content": {"application/json": {"schema": {"anyOf": _RECORDS}}}},
            **fails,
        },
    )
    router.add_api_route(
        "/api/log/{index}/proof",
        proof,
        tags=["log"],
        summary="An entry's proof, as a file",
        response_class=Response,
        responses={**_TEXT, **fails},
    )


_RECORDS = [{"$ref": f"#/components/schemas/{name}"} for name in ("Record", "Change")]
