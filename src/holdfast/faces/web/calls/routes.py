"""The list of calls, one call, one trace."""

from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.audit import CallRecord, Entry, decode_entry
from holdfast.core import HoldfastError
from holdfast.faces.errors import CallUnknownError, TraceUnknownError, status_of
from holdfast.faces.evidence import Evidence
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.web.calls.asking import Asked, asked_of, is_trace, place_of
from holdfast.faces.web.calls.listing import Found, ListView, choices_of, list_view
from holdfast.faces.web.calls.one import OneView, one_view, running_view
from holdfast.faces.web.calls.tracing import CALLS_MAX, trace_view
from holdfast.faces.web.shell import CALLS, Fragments, Shell
from holdfast.history import CallQuery, History

LOOK_US = 1_000_000
"""How often a page that is followed asks the history: calls arrive there a second after their end."""
ID_CHARACTERS_MAX = 64
SEE_OTHER = 303


class CallsPage:
    """Renders the list, one call and one trace."""

    def __init__(self, shell: Shell, *, evidence: Evidence, past: Past | None) -> None:
        self._shell = shell
        self._view = shell.view
        self._evidence = evidence
        self._past = past

    async def page(self, request: Request) -> Response:
        """The list; an id that was pasted leads to what it is of."""
        given = request.query_params
        pasted = given.get("find", "").strip()
        place = place_of(pasted)
        if place is not None:
            return RedirectResponse(place, SEE_OTHER)
        asked = asked_of(given)
        if pasted:
            problem = "this is neither the id of a call nor of a trace: both stand in the list"
            asked = replace(asked, problems=(problem, *asked.problems))
        blueprint = self._view.blueprint()
        return self._shell.page(
            request,
            CALLS,
            "calls/page.html",
            part=await self._list(asked),
            form=choices_of(
                asked,
                nodes=blueprint.nodes,
                relationships=[each.id for each in blueprint.connections().values()],
            ),
            pasted=pasted[:ID_CHARACTERS_MAX],
            stream=asked.link().replace("/calls", "/calls/changes", 1),
        )

    async def fragment(self, request: Request) -> Response:
        """The rows alone."""
        part = await self._list(asked_of(request.query_params))
        return HTMLResponse(self._rows(part))

    async def changes(self, request: Request) -> Response:
        """The rows as they change."""
        asked = asked_of(request.query_params)
        return self._shell.stream(("calls", asked.link()), _Follower(self, asked))

    async def one(self, request: Request, call_id: str) -> Response:
        """One call, by its records or, before it has any, as watchers see it."""
        name = call_id[:ID_CHARACTERS_MAX]
        try:
            entries = await self._evidence.find(name)
        except CallUnknownError as error:
            seen = self._seen(name)
            return self._one(request, seen) if seen is not None else self._missing(request, error)
        elsewhere = _place_of_change(entries)
        if elsewhere is not None:
            return RedirectResponse(elsewhere, SEE_OTHER)
        return self._one(request, one_view(entries, vkey=self._shell.hints.vkey))

    async def trace(self, request: Request, trace: str) -> Response:
        """All calls of a trace in time."""
        name = trace.lower()
        if not is_trace(name):
            return self._missing(request, _no_trace(name, "it would have 32 hexadecimal digits"))
        if self._past is None:
            return self._missing(request, _no_trace(name, "no history is kept"))
        query = CallQuery(trace=name, limit=CALLS_MAX + 1)
        part = trace_view(name, await self._past.ask(lambda history: history.calls(query)))
        if part is None:
            return self._missing(request, _no_trace(name, "none of its calls is in the history"))
        return self._shell.page(request, CALLS, "calls/trace.html", part=part)

    async def found(self, asked: Asked) -> Found | str | None:
        """What the history answers, None where there is none, why it does not where it cannot."""
        if self._past is None:
            return None
        try:
            return await self._past.ask(_answering(asked))
        except HoldfastError as error:
            # Calls under way are still worth seeing.
            return str(error)

    def rows(self, asked: Asked, found: Found | str | None, live: Live) -> str:
        """The rows, drawn."""
        return self._rows(list_view(asked, found, live))

    async def _list(self, asked: Asked) -> ListView:
        return list_view(asked, await self.found(asked), self._view.live())

    def _rows(self, part: ListView) -> str:
        return self._shell.fragment("calls/fragments/list.html", part=part)

    def _one(self, request: Request, part: OneView) -> Response:
        return self._shell.page(request, CALLS, "calls/one.html", part=part)

    def _missing(self, request: Request, error: HoldfastError) -> Response:
        return self._shell.page(
            request, CALLS, "problem.html", status=status_of(error), error=error
        )

    def _seen(self, call: str) -> OneView | None:
        live = self._view.live()
        for seen in (*live.in_flight, *live.recent):
            if seen.call == call:
                return running_view(seen, now=live.at)
        return None


class _Follower:
    """Draws a list for whoever follows it: what is under way at every change, what the history
    says once a second."""

    def __init__(self, page: CallsPage, asked: Asked) -> None:
        self._page = page
        self._asked = asked
        self._found: Found | str | None = None
        self._looked = 0

    async def __call__(self, live: Live) -> Fragments:
        if self._found is None or live.at - self._looked >= LOOK_US:
            self._found, self._looked = await self._page.found(self._asked), live.at
        return [("calls-found", self._page.rows(self._asked, self._found, live))]


def _no_trace(name: str, why: str) -> TraceUnknownError:
    return TraceUnknownError(
        f"there is no trace '{name[:ID_CHARACTERS_MAX]}' here: {why}",
        fix="a call is in the history a second after its end; its page links to its trace",
    )


def _answering(asked: Asked) -> Callable[[History], Found]:
    return lambda history: Found(calls=history.calls(asked.query), extent=history.extent())


def _place_of_change(entries: tuple[Entry, ...]) -> str | None:
    """A change's id finds its record too; that is no call."""
    if isinstance(decode_entry(entries[-1].data), CallRecord):
        return None
    index = entries[-1].index
    return "/log" if index is None else f"/log/{index}"


def add_calls(app: FastAPI, shell: Shell, *, evidence: Evidence, past: Past | None) -> None:
    """``/calls``, ``/traces`` and what belongs to them."""
    calls = CallsPage(shell, evidence=evidence, past=past)
    for path, handler in (
        ("/calls", calls.page),
        ("/calls/changes", calls.changes),
        ("/calls/fragments/list", calls.fragment),
        ("/calls/{call_id}", calls.one),
        ("/traces/{trace}", calls.trace),
    ):
        app.add_api_route(path, handler, include_in_schema=False, response_model=None)
