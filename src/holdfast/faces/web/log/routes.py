"""The log's page, its fragments, and one entry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast.audit import Entry, LogReader, NoLogError, UnknownEntryError
from holdfast.core import HoldfastError
from holdfast.faces.custody import Custody
from holdfast.faces.errors import status_of
from holdfast.faces.evidence import Evidence
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.web.entries import entry_view, proving_view
from holdfast.faces.web.log.views import (
    HOUR_SECONDS,
    SECOND_US,
    WAITING_MAX,
    EntriesView,
    EventRow,
    Gathered,
    GrowthView,
    HeadView,
    WitnessesView,
    alarm_rows,
    entries_view,
    erasure_rows,
    growth_view,
    head_view,
    witnesses_view,
)
from holdfast.faces.web.shell import LOG, Fragments, Shell
from holdfast.history import History, Moment, Point

ROWS = 30
HOURS = 24
ERASURES_MAX = 20
ERASED = "salt.destroyed"
_INDEX_MAX = 2**63 - 1
LOOK_US = 1_000_000
"""How often the page reads the log for whoever watches it: a checkpoint comes once a second."""

FragmentName = Literal["head", "witnesses", "alarms", "entries"]
FRAGMENTS: tuple[FragmentName, ...] = ("head", "witnesses", "alarms", "entries")
Before = Annotated[int | None, Query(ge=0, le=_INDEX_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The page's living parts; each is one fragment."""

    head: HeadView
    witnesses: WitnessesView
    alarms: tuple[EventRow, ...]
    entries: EntriesView


@dataclass(frozen=True, slots=True, kw_only=True)
class Past24:
    """What the history adds."""

    growth: GrowthView | None
    erasures: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneEntry:
    """One entry with its neighbours."""

    index: int
    size: int
    entry: Entry


class LogPage:
    """Renders the log."""

    def __init__(
        self, shell: Shell, *, evidence: Evidence, past: Past | None, custody: Custody | None
    ) -> None:
        self._shell = shell
        self._view = shell.view
        self._evidence = evidence
        self._past = past
        self._custody = custody

    async def page(self, request: Request, before: Before = None) -> Response:
        """The whole page."""
        live = self._view.live()
        parts = await self.parts(live, before=before)
        custody = self._custody
        return self._shell.page(
            request,
            LOG,
            "log/page.html",
            parts=parts,
            past=await self._past24(live) if self._past is not None else None,
            vkey=self._shell.hints.vkey or "",
            here=str(request.base_url).rstrip("/"),
            mended=custody.mended() if custody is not None else (),
        )

    async def fragment(self, name: FragmentName, before: Before = None) -> Response:
        """One living part."""
        parts = await self.parts(self._view.live(), before=before)
        return HTMLResponse(self.drawn(name, parts))

    async def entry(self, request: Request, index: int) -> Response:
        """One entry with what checks it."""
        try:
            found = await self._evidence.ask(_entry_at(min(index, _INDEX_MAX)))
        except (NoLogError, UnknownEntryError) as error:
            return self._shell.page(
                request, LOG, "problem.html", status=status_of(error), error=error
            )
        shown = entry_view(found.entry)
        proof = proving_view(shown, self._shell.hints.vkey)
        rows = entries_view([found.entry], before=None, now=self._view.live().at).rows
        return self._shell.page(
            request,
            LOG,
            "log/entry.html",
            part={"entries": (shown,), "proofs": (proof,) if proof is not None else ()},
            row=rows[0],
            last=found.size - 1,
        )

    async def parts(self, live: Live, *, before: int | None = None) -> Parts:
        """The living parts at a given moment."""
        found = await self._gathered(before)
        custody = self._custody
        witnesses, quorum = custody.witnesses() if custody is not None else ((), 0)
        entries = found.entries if isinstance(found, Gathered) else ()
        return Parts(
            head=head_view(found, keys=self._keys(), witnesses=witnesses),
            witnesses=witnesses_view(found, witnesses=witnesses, quorum=quorum, now=live.at),
            alarms=alarm_rows(live.alarms),
            entries=entries_view(entries, before=before, now=live.at),
        )

    def drawn(self, name: FragmentName, parts: Parts) -> str:
        """One living part as HTML."""
        return self._shell.fragment(f"log/fragments/{name}.html", part=getattr(parts, name))

    async def _gathered(self, before: int | None) -> Gathered | str | None:
        try:
            return await self._evidence.ask(_gathering(before))
        except NoLogError:
            return None
        except HoldfastError as error:
            return str(error)

    async def _past24(self, live: Live) -> Past24 | None:
        if self._past is None:
            return None
        try:
            points, erased = await self._past.ask(_recalling(live.at))
        except HoldfastError:
            # The history is made from the log: without it the page says less, and nothing wrong.
            return None
        return Past24(growth=growth_view(points), erasures=erasure_rows(erased))

    def _keys(self) -> tuple[str, ...]:
        if self._custody is not None:
            return self._custody.keys()
        return (self._shell.hints.vkey,) if self._shell.hints.vkey else ()


class _Watcher:
    """Draws the living parts for whoever watches, once a second."""

    def __init__(self, page: LogPage) -> None:
        self._page = page
        self._drawn: Fragments = ()
        self._looked = 0

    async def __call__(self, live: Live) -> Fragments:
        if not self._drawn or live.at - self._looked >= LOOK_US:
            parts = await self._page.parts(live)
            self._drawn = [(f"log-{name}", self._page.drawn(name, parts)) for name in FRAGMENTS]
            self._looked = live.at
        return self._drawn


def _gathering(before: int | None) -> Callable[[LogReader], Gathered]:
    return lambda reader: Gathered(
        checkpoint=reader.vouched(),
        witnessed=reader.witnessed(),
        waiting=reader.waiting(WAITING_MAX),
        entries=reader.recent(ROWS, before=before),
    )


def _entry_at(index: int) -> Callable[[LogReader], OneEntry]:
    return lambda reader: OneEntry(
        entry=reader.entry(index), index=index, size=reader.checkpoint().size
    )


def _recalling(now: int) -> Callable[[History], tuple[tuple[Point, ...], tuple[Moment, ...]]]:
    hour_us = HOUR_SECONDS * SECOND_US
    until = (now // hour_us + 1) * hour_us
    since = until - HOURS * hour_us
    return lambda history: (
        history.series("calls", since=since, until=until, step_s=HOUR_SECONDS),
        history.moments(0, until, kind=ERASED, limit=ERASURES_MAX),
    )


def add_log(
    app: FastAPI,
    shell: Shell,
    *,
    evidence: Evidence,
    past: Past | None,
    custody: Custody | None,
) -> None:
    """``/log`` and what belongs to it; the log's tiles are beside it, by ``tiles_router``."""
    log = LogPage(shell, evidence=evidence, past=past, custody=custody)

    async def changes() -> Response:
        return shell.stream("log", _Watcher(log))

    for path, handler in (
        ("/log", log.page),
        ("/log/changes", changes),
        ("/log/fragments/{name}", log.fragment),
        ("/log/{index:int}", log.entry),
    ):
        app.add_api_route(path, handler, include_in_schema=False, response_model=None)
