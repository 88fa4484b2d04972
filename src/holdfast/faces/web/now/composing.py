"""Puts the parts of the first page together: reads what they need, once for all of them."""

from dataclasses import dataclass, replace
from typing import Literal

from holdfast.audit import Checkpoint
from holdfast.blueprint import Flow as DeclaredFlow
from holdfast.blueprint.graph import System
from holdfast.core import HoldfastError
from holdfast.faces.evidence import Evidence
from holdfast.faces.objectives import ObjectivesView
from holdfast.faces.past import Past
from holdfast.faces.view import Live
from holdfast.faces.web.chart import (
    EVERYTHING,
    Choice,
    Plans,
    chosen,
    containers_of,
    matching,
    zones_of,
)
from holdfast.faces.web.now.asking import Asked
from holdfast.faces.web.now.drawing import Scene, map_view, troubled
from holdfast.faces.web.now.loads import budgets_view, upstreams_view
from holdfast.faces.web.now.reading import Reading
from holdfast.faces.web.now.strip import MomentRow, StripView, moments_view, strip_view
from holdfast.faces.web.now.traffic import flows_of, with_newest
from holdfast.faces.web.now.verdict import Facts, status_view
from holdfast.faces.web.now.views import (
    MapPart,
    Parts,
    alarms_view,
    calls_view,
    checkpoint_view,
    totals_view,
)
from holdfast.faces.web.objectives import anomalies_view, objectives_view
from holdfast.faces.web.reviews import Reviews
from holdfast.faces.web.shell import Shell

FragmentName = Literal[
    "status",
    "map",
    "alarms",
    "objectives",
    "anomalies",
    "upstreams",
    "budgets",
    "calls",
    "totals",
    "checkpoint",
    "workers",
]
FRAGMENTS: tuple[FragmentName, ...] = (
    "status",
    "map",
    "alarms",
    "objectives",
    "anomalies",
    "upstreams",
    "budgets",
    "calls",
    "totals",
    "checkpoint",
    "workers",
)
MATCHES_MAX = 12
LISTED_MAX = 1_000
"""Nodes that the search box suggests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastView:
    """The time strip, and what happened near the shown minute. ``has_history``: there is a past."""

    asked: Asked
    strip: StripView
    moments: tuple[MomentRow, ...]
    has_history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A node that the search found, and where it is shown."""

    id: str
    name: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the form over the map offers."""

    asked: Asked
    containers: tuple[tuple[str, str], ...]
    zones: tuple[str, ...]
    flows: tuple[tuple[str, str], ...]
    names: tuple[tuple[str, str], ...]
    matches: tuple[Match, ...]
    sought: str


class Composer:
    """Makes the parts for what is asked."""

    def __init__(
        self,
        shell: Shell,
        *,
        evidence: Evidence,
        past: Past | None,
        reviews: Reviews,
        objectives: ObjectivesView | None,
    ) -> None:
        self._shell = shell
        self._view = shell.view
        self._evidence = evidence
        self._reading = Reading(past)
        self._reviews = reviews
        self._objectives = objectives
        self._plans = Plans()

    async def parts(self, asked: Asked, live: Live | None) -> Parts:
        """``live`` is None for the minute that is asked for. What is only of now is empty then."""
        present = live or self._view.live()
        scene = await self._scene(asked, live)
        head, aims = await self._head(), self._objectives
        facts = Facts(
            blueprint=scene.plan.system.blueprint,
            asked=asked,
            flows=scene.flows,
            window=scene.window,
            live=live,
            trouble=self._view.trouble(),
            log_trouble=_log_trouble(head),
            log_size=None if isinstance(head, HoldfastError) else head[0].size,
            reviewed=self._reviews.known(),
            standings=aims.standings() if aims is not None else (),
            anomalies=aims.anomalies() if aims is not None else (),
        )
        hints = self._shell.hints
        return Parts(
            status=status_view(facts, version=hints.version),
            map=_map_part(scene),
            alarms=alarms_view(present),
            objectives=objectives_view(facts.standings) if aims is not None else None,
            anomalies=anomalies_view(facts.anomalies) if aims is not None else None,
            upstreams=upstreams_view(present),
            budgets=budgets_view(present),
            calls=calls_view(present, facts.blueprint, gateway=hints.gateway),
            totals=totals_view(present.totals),
            checkpoint=checkpoint_view(head, verify=hints.verify),
            workers=present.workers,
        )

    async def past(self, asked: Asked, live: Live) -> PastView:
        strip = await self._reading.strip(asked.span, live.at)
        moments = ()
        if asked.at is not None:
            moments = (await self._reading.minute(asked.at)).moments
        return PastView(
            asked=asked,
            strip=strip_view(asked, strip, now=live.at),
            moments=moments_view(asked, moments),
            has_history=self._reading.has_history,
        )

    def controls(self, asked: Asked) -> Controls:
        """What there is to choose from."""
        system = self._plans.system(self._view.blueprint())
        nodes = system.nodes
        found = matching(system, asked.find, most=MATCHES_MAX)
        return Controls(
            asked=asked,
            containers=tuple((name, nodes[name].name) for name in containers_of(system)),
            zones=zones_of(system),
            flows=tuple((flow.id, _called(flow)) for flow in system.flows),
            names=tuple((n, nodes[n].name) for n in [*nodes][:LISTED_MAX]),
            matches=tuple(
                Match(
                    id=name,
                    name=nodes[name].name,
                    href=f"{asked.finding(name).href()}#found",
                )
                for name in found
            )
            if len(found) != 1
            else (),
            sought="" if found or not asked.find.strip() else asked.find.strip(),
        )

    async def _scene(self, asked: Asked, live: Live | None) -> Scene:
        blueprint = self._view.blueprint()
        system = self._plans.system(blueprint)
        if live is not None:
            window = with_newest(await self._reading.recent(live), live)
        else:
            window = await self._reading.minute(asked.at or 0)
        flows = flows_of(blueprint, window, live)
        nodes = chosen(system, within=asked.within, zone=asked.zone, flow=asked.flow)
        if asked.troubled:
            ill = troubled(system, flows, live=live, window=window)
            nodes = ill if nodes is None else nodes & ill
        found = frozenset(matching(system, asked.find, most=1))
        choice = Choice(nodes=nodes, opened=frozenset(asked.opened), towards=found)
        return Scene(
            asked=asked,
            plan=await self._plans.plan(blueprint, choice),
            window=window,
            flows=flows,
            live=live,
            findings=self._reviews.findings(),
            found=found,
        )

    async def _head(self) -> tuple[Checkpoint, int | None] | HoldfastError:
        try:
            return await self._evidence.head()
        except HoldfastError as error:
            # The page says so in its place; the rest of the page is still worth seeing.
            return error


def _log_trouble(head: tuple[Checkpoint, int | None] | HoldfastError) -> str | None:
    if isinstance(head, HoldfastError) and head.code != "audit.no-log":
        return str(head)
    return None


def _called(flow: DeclaredFlow) -> str:
    return flow.name or flow.id


def _map_part(scene: Scene) -> MapPart:
    plan, asked = scene.plan, scene.asked
    shown = sum(len(place.held) for place in plan.places) + len(plan.frames)
    minutes = scene.window.seconds / 60
    return MapPart(
        chart=map_view(scene),
        nodes=len(plan.system.nodes),
        shown=shown,
        is_folded=plan.fold.is_folded,
        unfold_href=asked.opening(EVERYTHING).href() if plan.fold.is_folded else "",
        fold_href=replace(asked, opened=(), find="").href() if asked.opened else "",
        seconds="that minute" if scene.live is None else f"the last {max(round(minutes), 1)} min",
        empty=_why_empty(plan.system, asked) if not plan.places and not plan.frames else "",
    )


def _why_empty(system: System, asked: Asked) -> str:
    if not system.nodes:
        return "The blueprint declares no nodes."
    if asked.troubled:
        return "Nothing here is troubled: no upstream is out, no line fails, nothing is undeclared."
    return "No node is in what you chose."
