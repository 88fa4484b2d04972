"""The architecture's page and its fragments."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from holdfast.blueprint.blast import Impact
from holdfast.core import HoldfastError
from holdfast.faces.architecture import ArchitectureView, Reviewed
from holdfast.faces.drift import DriftView as DriftWindow
from holdfast.faces.web.architecture.asking import Asked
from holdfast.faces.web.architecture.drawing import Scene, map_view, towards
from holdfast.faces.web.architecture.views import (
    DriftView,
    FindingsView,
    MapPart,
    ProofsView,
    WaiversView,
    blast_view,
    drift_view,
    findings_view,
    proofs_view,
    waivers_view,
)
from holdfast.faces.web.chart import EVERYTHING, Choice, Plans
from holdfast.faces.web.reviews import Findings, Reviews, findings_of
from holdfast.faces.web.shell import ARCHITECTURE, Shell

WORDS_MAX = 200
OPENED_MAX = 200
PARTS_MAX = 2_000
"""Parts that the form offers to let fail."""
FragmentName = Literal["map", "findings", "waivers", "drift", "proofs"]
_Word = Annotated[str, Query(max_length=WORDS_MAX)]
_Opened = Annotated[list[str] | None, Query(alias="open", max_length=OPENED_MAX)]


def asked_of(
    *,
    fails: _Word = "",
    how: Literal["stops", "hangs"] = "stops",
    about: _Word = "",
    level: Literal["", "block", "warn", "advise"] = "",
    opened: _Opened = None,
    drift: Literal["", "1"] = "",
) -> Asked:
    """What an address asks for."""
    return Asked(
        fails=fails.strip(),
        how=how,
        about=about,
        level=level,
        opened=tuple(dict.fromkeys(opened or ())),
        is_comparing=bool(drift),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The page's parts."""

    map: MapPart
    findings: FindingsView
    waivers: WaiversView | None
    drift: DriftView
    proofs: ProofsView


class ArchitecturePage:
    """Renders the page and its parts."""

    def __init__(
        self,
        shell: Shell,
        *,
        architecture: ArchitectureView | None,
        drift: DriftWindow | None,
        reviews: Reviews,
    ) -> None:
        self._shell = shell
        self._architecture = architecture
        self._drift = drift
        self._reviews = reviews
        self._plans = Plans()

    async def page(self, request: Request, asked: Asked) -> Response:
        drift = await self._drifted(asked, is_waiting=asked.is_comparing)
        parts = await self._parts(asked, drift)
        template = "architecture/page.html"
        return self._shell.page(request, ARCHITECTURE, template, asked=asked, parts=parts)

    async def fragment(self, name: FragmentName, asked: Asked) -> str:
        drift = await self._drifted(asked, is_waiting=name == "drift")
        parts = await self._parts(asked, drift)
        template = f"architecture/fragments/{name}.html"
        return self._shell.fragment(template, part=getattr(parts, name))

    async def _parts(self, asked: Asked, drift: DriftView) -> Parts:
        found = await self._reviews.made()
        reviewed = found if isinstance(found, Reviewed) else None
        trouble = str(found) if isinstance(found, HoldfastError) else ""
        if found is None:
            trouble = "this instance reviews nothing; ask `holdfast review`"
        blueprint = self._shell.view.blueprint()
        waivers = None
        if reviewed is not None:
            waivers = waivers_view(blueprint.review.waivers or (), reviewed.report)
        return Parts(
            map=await self._map(asked, reviewed),
            findings=findings_view(asked, reviewed, trouble=trouble),
            waivers=waivers,
            drift=drift,
            proofs=await self._proofs(),
        )

    async def _map(self, asked: Asked, reviewed: Reviewed | None) -> MapPart:
        blueprint = self._shell.view.blueprint()
        system = self._plans.system(blueprint)
        impact, problem = await self._blast(asked)
        choice = Choice(
            opened=frozenset(asked.opened), towards=towards(impact, tuple(system.nodes))
        )
        plan = await self._plans.plan(blueprint, choice)
        findings: Findings = findings_of(reviewed) if reviewed is not None else {}
        scene = Scene(asked=asked, plan=plan, findings=findings, impact=impact)
        names = [(str(name), node.name) for name, node in system.nodes.items()]
        domains = dict.fromkeys(
            domain for node in system.nodes.values() for domain in node.facts.failure_domains or ()
        )
        blast = None
        if asked.fails:
            blast = blast_view(asked, impact, system, problem=problem)
        return MapPart(
            chart=map_view(scene),
            asked=asked,
            parts=(*names, *((each, "failure domain") for each in domains))[:PARTS_MAX],
            is_folded=plan.fold.is_folded,
            unfold_href=f"{asked.opening(EVERYTHING).href()}#map",
            blast=blast,
        )

    async def _blast(self, asked: Asked) -> tuple[Impact | None, str]:
        """What falls, or why that is not known."""
        if not asked.fails:
            return None, ""
        architecture = self._architecture
        if architecture is None:
            return None, "this instance analyses nothing; ask `holdfast blast`"
        try:
            found = await run_in_threadpool(architecture.blast, asked.fails, how=asked.how)
        except HoldfastError as error:
            return None, str(error)
        return found, ""

    async def _drifted(self, asked: Asked, *, is_waiting: bool) -> DriftView:
        """Compared when asked for: over a long log that takes a while."""
        if self._drift is None:
            return DriftView(state="none", asked=asked)
        if not is_waiting:
            return DriftView(state="waiting", asked=asked)
        try:
            report = await run_in_threadpool(self._drift.report)
        except HoldfastError as error:
            return DriftView(state="made", asked=asked, trouble=str(error))
        return drift_view(asked, report)

    async def _proofs(self) -> ProofsView:
        if self._architecture is None:
            return proofs_view(None)
        return proofs_view(await run_in_threadpool(self._architecture.proven))


def add_architecture(
    app: FastAPI,
    shell: Shell,
    *,
    architecture: ArchitectureView | None,
    drift: DriftWindow | None,
    reviews: Reviews,
) -> None:
    """``/architecture`` and what belongs to it."""
    page = ArchitecturePage(shell, architecture=architecture, drift=drift, reviews=reviews)

    async def whole(request: Request, asked: Annotated[Asked, Depends(asked_of)]) -> Response:
        return await page.page(request, asked)

    async def fragment(
        name: FragmentName, asked: Annotated[Asked, Depends(asked_of)]
    ) -> HTMLResponse:
        return HTMLResponse(await page.fragment(name, asked))

    path = ARCHITECTURE.path
    app.add_api_route(path, whole, include_in_schema=False, response_model=None)
    app.add_api_route(f"{path}/fragments/{{name}}", fragment, include_in_schema=False)
