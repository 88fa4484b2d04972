"""The first page, each of its fragments, and their stream."""

from typing import Literal

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast.blueprint import Blueprint
from holdfast.core import HoldfastError
from holdfast.faces.evidence import Evidence
from holdfast.faces.view import Live
from holdfast.faces.web.now.drawing import Plan, map_view, plan_of
from holdfast.faces.web.now.loads import budgets_view, upstreams_view
from holdfast.faces.web.now.views import (
    Parts,
    approvals_view,
    calls_view,
    checkpoint_view,
    status_view,
    totals_view,
)
from holdfast.faces.web.shell import NOW, Fragments, Shell

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


class NowPage:
    """Renders the page and its parts."""

    def __init__(self, shell: Shell, *, evidence: Evidence) -> None:
        self._shell = shell
        self._view = shell.view
        self._evidence = evidence
        self._plan: Plan | None = None

    async def page(self, request: Request) -> Response:
        """The whole page at this moment."""
        parts = await self._parts(self._view.live())
        return self._shell.page(request, NOW, "now/page.html", parts=parts)

    async def fragment(self, name: FragmentName) -> str:
        """One part of the page at this moment."""
        return self._rendered(name, await self._parts(self._view.live()))

    async def fragments(self, live: Live) -> Fragments:
        """Every part of the page at a given moment."""
        parts = await self._parts(live)
        return [(name, self._rendered(name, parts)) for name in FRAGMENTS]

    def _rendered(self, name: FragmentName, parts: Parts) -> str:
        return self._shell.fragment(f"now/fragments/{name}.html", part=getattr(parts, name))

    async def _parts(self, live: Live) -> Parts:
        blueprint = self._view.blueprint()
        plan = await self._plan_of(blueprint)
        hints = self._shell.hints
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


def add_now(app: FastAPI, shell: Shell, *, evidence: Evidence) -> None:
    """``/`` and what belongs to it."""
    now = NowPage(shell, evidence=evidence)

    async def changes() -> Response:
        return shell.stream("now", now.fragments)

    async def fragment(name: FragmentName) -> Response:
        return HTMLResponse(await now.fragment(name))

    app.add_api_route("/", now.page, include_in_schema=False, response_model=None)
    app.add_api_route("/fragments/changes", changes, include_in_schema=False)
    app.add_api_route("/fragments/{name}", fragment, include_in_schema=False)
