"""The first page, each of its fragments, their stream, and the same for a minute of the past."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from holdfast.faces.evidence import Evidence
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.web.now.asking import MINUTE_US, OPENED_MAX, WORDS_MAX, Asked, Span, minute_at
from holdfast.faces.web.now.composing import FRAGMENTS, Composer, FragmentName
from holdfast.faces.web.reviews import Reviews
from holdfast.faces.web.shell import NOW, Fragments, Shell, partial

MINUTES_MAX = 10_000_000_000
_Word = Annotated[str, Query(max_length=WORDS_MAX)]
_Opened = Annotated[list[str] | None, Query(alias="open", max_length=OPENED_MAX)]
_Minute = Annotated[int | None, Query(ge=0, le=MINUTES_MAX)]


def asked_of(
    *,
    at: _Word = "",
    within: _Word = "",
    zone: _Word = "",
    flow: _Word = "",
    troubled: Literal["", "1"] = "",
    opened: _Opened = None,
    find: _Word = "",
    span: Span = "24h",
    minute: _Minute = None,
) -> Asked:
    """What an address asks for. ``minute`` is what the slider sends: minutes since 1970."""
    return Asked(
        at=minute * MINUTE_US if minute else minute_at(at),
        within=within,
        zone=zone,
        flow=flow,
        troubled=bool(troubled),
        opened=tuple(dict.fromkeys(opened or ())),
        find=find,
        span=span,
    )


class NowPage:
    """Renders the page and its parts."""

    def __init__(self, shell: Shell, composer: Composer) -> None:
        self._shell = shell
        self._composer = composer

    async def page(self, request: Request, asked: Asked) -> Response:
        """The whole page, at this moment or at that minute."""
        live = self._shell.view.live()
        asked = _not_ahead(asked, live)
        if "minute" in request.query_params:
            # What the slider sends has one address, which says the time in words.
            return RedirectResponse(asked.href(), 303)
        parts = await self._composer.parts(asked, live if asked.at is None else None)
        past = await self._composer.past(asked, live)
        controls = self._composer.controls(asked)
        return self._shell.page(
            request, NOW, "now/page.html", asked=asked, parts=parts, past=past, controls=controls
        )

    async def fragment(self, name: FragmentName, asked: Asked) -> Response:
        """One part of the page."""
        live = self._shell.view.live() if asked.at is None else None
        part = getattr(await self._composer.parts(asked, live), name)
        if part is None:
            return HTMLResponse("", 404)
        return HTMLResponse(self._rendered(name, part))

    async def fragments(self, asked: Asked, live: Live) -> Fragments:
        """Every part of the page at a given moment."""
        parts = await self._composer.parts(asked, live)
        found: list[tuple[FragmentName, object]] = [
            (name, getattr(parts, name)) for name in FRAGMENTS
        ]
        return [(name, self._rendered(name, part)) for name, part in found if part is not None]

    async def minute(self, asked: Asked) -> str:
        """What the slider changes, for htmx; what is only of now goes away."""
        live = self._shell.view.live()
        asked = _not_ahead(asked, live)
        parts = await self._composer.parts(asked, None)
        past = await self._composer.past(asked, live)
        changed = [
            ("status", self._rendered("status", parts.status)),
            ("map", self._rendered("map", parts.map)),
            *(
                (name, self._shell.fragment(f"now/fragments/{name}.html", past=past))
                for name in ("strip", "shown", "moments")
            ),
            ("present", '<div id="present"></div>'),
        ]
        feed = self._shell.fragment("now/fragments/feed.html")
        # Another element, not the same one changed: the stream ends with the one that it belongs to.
        ended = partial("feed", feed, swap="outerHTML")
        return "\n".join((ended, *(partial(name, html) for name, html in changed)))

    def _rendered(self, name: FragmentName, part: object) -> str:
        folder = "objectives" if name in ("objectives", "anomalies") else "now/fragments"
        return self._shell.fragment(f"{folder}/{name}.html", part=part)


def _not_ahead(asked: Asked, live: Live) -> Asked:
    """Of the present minute and of what is to come there is no past yet."""
    if asked.at is None or asked.at + MINUTE_US <= live.at:
        return asked
    return replace(asked, at=None)


_Asked = Annotated[Asked, Depends(asked_of)]


def add_now(
    app: FastAPI,
    shell: Shell,
    *,
    evidence: Evidence,
    past: Past | None,
    reviews: Reviews,
    objectives: ObjectivesView | None,
) -> None:
    """``/`` and what belongs to it."""
    composer = Composer(shell, evidence=evidence, past=past, reviews=reviews, objectives=objectives)
    now = NowPage(shell, composer)

    async def page(request: Request, asked: _Asked) -> Response:
        return await now.page(request, asked)

    async def changes(asked: _Asked) -> Response:
        shown = replace(asked, at=None, span="24h")  # neither changes what is streamed

        async def draw(live: Live) -> Fragments:
            return await now.fragments(shown, live)

        return shell.stream(("now", shown), draw)

    async def minute(asked: _Asked) -> Response:
        return HTMLResponse(await now.minute(asked))

    async def fragment(name: FragmentName, asked: _Asked) -> Response:
        return await now.fragment(name, asked)

    app.add_api_route("/", page, include_in_schema=False, response_model=None)
    app.add_api_route("/fragments/changes", changes, include_in_schema=False)
    app.add_api_route("/fragments/minute", minute, include_in_schema=False)
    app.add_api_route("/fragments/{name}", fragment, include_in_schema=False)
