"""The control API's paths about the past: calls, traces, sessions, traffic, series, moments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from holdfast.audit import RecordedOutcome
from holdfast.core import Instant, rfc3339
from holdfast.faces.api import history_models as models
from holdfast.faces.errors import NotThereError
from holdfast.faces.past import Past
from holdfast.faces.replies import ErrorReply
from holdfast.faces.view import SystemView
from holdfast.history import PAGE_MAX, Call, CallQuery, Measure, Session

TEXT_LENGTH_MAX = 512
STEP_S_MAX = 31 * 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000

Text = Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX)]
Id = Annotated[str | None, Query(max_length=64, description="A call's id.")]
When = Annotated[AwareDatetime | None, Query(description="RFC 3339, with its zone.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
Trace = Annotated[str, Path(pattern="^[0-9a-fA-F]{32}$", description="32 hexadecimal digits.")]
Name = Annotated[str, Path(min_length=1, max_length=TEXT_LENGTH_MAX)]
Step = Annotated[int, Query(ge=60, le=STEP_S_MAX, multiple_of=60, description="Seconds.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From one instant on and before another; the last hour where nothing is said."""

    since: int
    until: int


def _fails(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorReply} for status in (*statuses, 421, 422, 500, 503, 504)}


def _instant(when: datetime | None) -> int | None:
    return None if when is None else (when - _EPOCH) // _MICROSECOND


def history_router(view: SystemView, past: Past) -> APIRouter:
    """Every path about the past."""
    router = APIRouter(tags=["history"])
    _add_calls(router, past)
    _add_sessions(router, past)
    asked = Depends(_stretches(view))
    _add_sums(router, asked, past)
    _add_moments(router, asked, past)
    return router


def _add_calls(router: APIRouter, past: Past) -> None:
    async def extent() -> models.ExtentReply:
        """How much of the log the history has, and since when."""
        found = await past.ask(lambda history: history.extent())
        oldest = None if found.oldest is None else rfc3339(Instant(found.oldest))
        return models.ExtentReply(upto=found.upto, oldest=oldest, calls=found.calls)

    async def calls(query: Annotated[CallQuery, Depends(_query)]) -> models.PastCallsReply:
        """Ended calls by all that is given, newest first. `caller` and `callee` are nodes; `since`
        and `until` are of the call's beginning; `before` and `after` are calls of another page."""
        found = await past.ask(lambda history: history.calls(query))
        more = found[-1].call if len(found) == query.limit else None
        return models.PastCallsReply(calls=tuple(_call(each) for each in found), more=more)

    async def trace(trace: Trace) -> models.TraceReply:
        """Every call of a trace: what its caller brought, or the id of a call that brought none."""
        query = CallQuery(trace=trace.lower(), limit=PAGE_MAX)
        found = await past.ask(lambda history: history.calls(query))
        if not found:
            raise NotThereError(
                f"no call has the trace {trace.lower()}", fix="take it from GET /api/history/calls"
            )
        return models.TraceReply(trace=trace.lower(), calls=tuple(_call(each) for each in found))

    add = router.add_api_route
    add("/api/history", extent, summary="How far back one can ask", responses=_fails())
    add("/api/history/calls", calls, summary="Calls of the past", responses=_fails())
    add("/api/traces/{trace}", trace, summary="A trace's calls", responses=_fails(404))


def _query(
    *,
    caller: Text = None,
    callee: Text = None,
    relationship: Text = None,
    principal: Text = None,
    outcome: RecordedOutcome | None = None,
    rule: Text = None,
    tool: Text = None,
    trace: Annotated[str | None, Query(pattern="^[0-9a-fA-F]{32}$")] = None,
    session: Text = None,
    since: When = None,
    until: When = None,
    before: Id = None,
    after: Id = None,
    limit: Limit = 50,
) -> CallQuery:
    return CallQuery(
        caller=caller,
        callee=callee,
        relationship=relationship,
        principal=principal,
        outcome=outcome,
        rule=rule,
        tool=tool,
        trace=None if trace is None else trace.lower(),
        session=session,
        since=_instant(since),
        until=_instant(until),
        before=before,
        after=after,
        limit=limit,
    )


def _add_sessions(router: APIRouter, past: Past) -> None:
    async def sessions(
        agent: Text = None, before: When = None, limit: Limit = 50
    ) -> models.SessionsReply:
        """Conversations and tasks, by their last call; `agent` is a caller in them."""
        at = _instant(before)
        found = await past.ask(
            lambda history: history.sessions(agent=agent, before=at, limit=limit)
        )
        shown = tuple(_session(each) for each in found)
        return models.SessionsReply(
            sessions=shown, more=shown[-1].last if len(found) == limit else None
        )

    async def session(session: Name) -> models.SessionReply:
        """One; its calls are those of `GET /api/history/calls?session=`."""
        found = await past.ask(lambda history: history.session(session))
        if found is None:
            raise NotThereError(
                f"there is no session '{session[:64]}'", fix="take its name from GET /api/sessions"
            )
        return _session(found)

    add = router.add_api_route
    add("/api/sessions", sessions, summary="Sessions of agents", responses=_fails())
    # A caller may have written anything into its session's name, slashes too.
    add("/api/sessions/{session:path}", session, summary="One session", responses=_fails(404))


def _stretches(view: SystemView) -> Callable[..., Stretch]:
    def stretch(since: When = None, until: When = None) -> Stretch:
        end, begin = _instant(until), _instant(since)
        end = view.live().at if end is None else end
        return Stretch(since=end - _HOUR_US if begin is None else begin, until=end)

    return stretch


def _add_sums(router: APIRouter, asked: Any, past: Past) -> None:
    async def traffic(time: Annotated[Stretch, asked]) -> models.TrafficTable:
        """What every pair's calls add up to, in whole minutes; the last hour where no time is
        given."""
        found = await past.ask(lambda history: history.traffic(time.since, time.until))
        return models.TrafficTable(
            pairs=tuple(
                msgspec.convert(e, models.TrafficReply, from_attributes=True) for e in found
            )
        )

    async def series(
        time: Annotated[Stretch, asked],
        measure: Measure,
        step_s: Step = 60,
        relationship: Text = None,
        callee: Text = None,
    ) -> models.SeriesReply:
        """One value a step, at most 2,000 steps: a count, or the 95th percentile of latency."""
        found = await past.ask(
            lambda history: history.series(
                measure,
                since=time.since,
                until=time.until,
                step_s=step_s,
                relationship=relationship,
                callee=callee,
            )
        )
        return models.SeriesReply(
            points=tuple(models.PointReply(at=rfc3339(Instant(e.at)), value=e.value) for e in found)
        )

    add = router.add_api_route
    add("/api/traffic", traffic, summary="Calls by pair", responses=_fails())
    add("/api/series", series, summary="Calls over time", responses=_fails())


def _add_moments(router: APIRouter, asked: Any, past: Past) -> None:
    async def moments(
        time: Annotated[Stretch, asked], kind: Text = None, limit: Limit = 200
    ) -> models.MomentsReply:
        """What happened beside the calls; `kind` also stands for all that begin with it and a
        dot."""
        found = await past.ask(
            lambda history: history.moments(time.since, time.until, kind=kind, limit=limit)
        )
        shown = (
            models.MomentReply(
                at=rfc3339(Instant(each.at)),
                kind=each.kind,
                subject=each.subject,
                text=each.text,
                by=each.by,
                index=each.index,
            )
            for each in found
        )
        return models.MomentsReply(moments=tuple(shown))

    summary = "What else happened"
    router.add_api_route("/api/moments", moments, summary=summary, responses=_fails())


def _call(call: Call) -> models.PastCall:
    fields = msgspec.structs.asdict(call)
    fields["at"] = rfc3339(Instant(call.at))
    return models.PastCall(id=fields.pop("call"), **fields)


def _session(session: Session) -> models.SessionReply:
    fields = msgspec.structs.asdict(session)
    fields["began"] = rfc3339(Instant(session.began))
    fields["last"] = rfc3339(Instant(session.last))
    return models.SessionReply(**fields)
