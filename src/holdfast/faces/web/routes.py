"""The console's paths: the page, each fragment, the stream of fragments, static files."""

from collections.abc import Sequence
from typing import Literal

from fastapi import FastAPI
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError
from holdfast.faces.evidence import Evidence
from holdfast.faces.streams import Streams, event
from holdfast.faces.view import Live, SystemView
from holdfast.faces.web.drawing import Plan, map_view, plan_of
from holdfast.faces.web.loads import budgets_view, upstreams_view
from holdfast.faces.web.views import (
    Hints,
    Parts,
    approvals_view,
    calls_view,
    checkpoint_view,
    status_view,
    totals_view,
)

FragmentName = Literal[
    "status",
    "map",
    "totals",
    "checkpoint",
    "workers",
    "approvals",
    "upstreams",
    "budgets",
    "calls",
]
FRAGMENTS: tuple[FragmentName, ...] = (
    "status",
    "map",
    "totals",
    "checkpoint",
    "workers",
    "approvals",
    "upstreams",
    "budgets",
    "calls",
)


class Console:
    """Renders the page and its parts."""

    def __init__(self, view: SystemView, *, evidence: Evidence, hints: Hints) -> None:
        self._view = view
        self._evidence = evidence
        self._hints = hints
        self._plan: Plan | None = None
        self._templates = Environment(
            loader=PackageLoader("holdfast.faces.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def page(self) -> str:
        """The whole page at this moment."""
        parts = await self._parts(self._view.live())
        return self._templates.get_template("page.html").render(parts=parts, hints=self._hints)

    async def fragment(self, name: FragmentName) -> str:
        """One part of the page at this moment."""
        return self._rendered(name, await self._parts(self._view.live()))

    async def fragments(self, live: Live) -> Sequence[tuple[FragmentName, str]]:
        """Every part of the page at a given moment."""
        parts = await self._parts(live)
        return [(name, self._rendered(name, parts)) for name in FRAGMENTS]

    def _rendered(self, name: FragmentName, parts: Parts) -> str:
        part = getattr(parts, name)
        return self._templates.get_template(f"fragments/{name}.html").render(part=part).strip()

    async def _parts(self, live: Live) -> Parts:
        blueprint = self._view.blueprint()
        plan = await self._plan_of(blueprint)
        hints = self._hints
        try:
            head = await self._evidence.head()
        except HoldfastError as error:
            # The page says so in its place; the rest of the page is still worth seeing.
            head = error
        return Parts(
            status=status_view(blueprint, trouble=self._view.trouble(), version=hints.version),
            map=map_view(plan, live),
            totals=totals_view(live.totals),
            checkpoint=checkpoint_view(head, verify=hints.verify),
            workers=live.workers,
            upstreams=upstreams_view(live),
            budgets=budgets_view(live),
            approvals=approvals_view(live),
            calls=calls_view(live, blueprint, gateway=hints.gateway),
        )

    async def _plan_of(self, blueprint: Blueprint) -> Plan:
        """Laid out once per blueprint, in a thread: a large one takes a while."""
        plan = self._plan
        if plan is None or plan.blueprint is not blueprint:
            plan = await run_in_threadpool(plan_of, blueprint)
            self._plan = plan
        return plan


class Changed:
    """What one watcher has not seen yet."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[FragmentName, str] = {}

    async def __call__(self, live: Live) -> bytes:
        fresh: list[tuple[FragmentName, str]] = [
            (name, html)
            for name, html in await self._console.fragments(live)
            if self._seen.get(name) != html
        ]
        if not fresh:
            return b""
        self._seen.update(fresh)
        return event("\n".join(_partial(name, html) for name, html in fresh))


def _partial(name: FragmentName, html: str) -> str:
    """Tells htmx which element of the page this replaces, and to change only what differs."""
    return f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>'


class _Static(StaticFiles):
    """Files of this package; browsers ask every time whether they changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def revalidated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"cache-control", b"no-cache")]
            await send(message)

        await super().__call__(scope, receive, revalidated)


def add_console(
    app: FastAPI, view: SystemView, *, evidence: Evidence, streams: Streams, hints: Hints
) -> None:
    """Add the console to an application; its paths are for people and stay out of OpenAPI."""
    console = Console(view, evidence=evidence, hints=hints)

    async def page() -> Response:
        return HTMLResponse(await console.page())

    async def changes() -> Response:
        return streams.to(Changed(console))

    async def fragment(name: FragmentName) -> Response:
        return HTMLResponse(await console.fragment(name))

    app.add_api_route("/", page, include_in_schema=False)
    app.add_api_route("/fragments/changes", changes, include_in_schema=False)
    app.add_api_route("/fragments/{name}", fragment, include_in_schema=False)
    app.mount("/static", _Static(packages=[("holdfast.faces.web", "static")]), name="static")
