"""The map of the first page: what is happening on the blueprint, or was. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from holdfast.blueprint.graph import System
from holdfast.core import NodeId
from holdfast.faces.view import Live
from holdfast.faces.web.chart import (
    Attempt,
    Badge,
    ChartView,
    FrameMark,
    LineMark,
    NodeMark,
    Place,
    Plan,
    Stroke,
    fitting,
    sized,
    stray_marks,
    told_of,
)
from holdfast.faces.web.now.asking import MINUTE_US, Asked
from holdfast.faces.web.now.health import Health, healths, past_healths
from holdfast.faces.web.now.traffic import Flow, Flows, Window, breadth, rate
from holdfast.faces.web.reviews import Findings

_NOBODY: Flow = Flow()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is marked on a plan. ``live`` is None for a minute of the past."""

    asked: Asked
    plan: Plan
    window: Window
    flows: Flows
    live: Live | None
    findings: Findings
    found: frozenset[NodeId] = frozenset()


def map_view(scene: Scene) -> ChartView:
    """The plan with what is happening marked on it."""
    plan = scene.plan
    health = _health(scene)
    attempts = scene.flows.attempts
    hrefs = [_attempt_href(each, scene) for each in attempts]
    straying = stray_marks(plan, attempts, hrefs=hrefs)
    lines = tuple(_line(stroke, scene) for stroke in plan.strokes)
    nodes = tuple(
        _node(place, scene, health.get(place.id), own=straying.own.get(place.id, 0))
        for place in plan.places
    )
    size = sized(plan, height=straying.height, ghosts=straying.ghosts)
    return ChartView(
        size=size.word,
        width=size.width,
        height=size.height,
        shown_width=size.shown_width,
        shown_height=size.shown_height,
        frames=tuple(
            FrameMark(
                frame=each,
                href=scene.asked.closing(each.key).href() if each.key in scene.asked.opened else "",
            )
            for each in plan.frames
        ),
        lines=lines,
        nodes=nodes,
        ghosts=straying.ghosts,
        strays=straying.strays,
        told=told_of(plan, lines=lines, nodes=nodes, strays=straying.strays),
    )


def troubled(
    system: System, flows: Flows, *, live: Live | None, window: Window
) -> frozenset[NodeId]:
    """The nodes that are not well, and both ends of every line that is not."""
    own = {str(name): str(name) for name in system.nodes}
    found = {NodeId(n) for n, each in _healths(live, window, own).items() if each.tone}
    for edge in system.edges:
        flow = flows.of.get(edge.id)
        if flow is not None and flow.tone in ("failed", "refused"):
            found |= {edge.source, edge.destination}
    for attempt in flows.attempts:
        found |= {NodeId(attempt.caller), NodeId(attempt.callee)} & system.nodes.keys()
    return frozenset(found)


def _health(scene: Scene) -> dict[str, Health]:
    box_of = {str(name): box for name, box in scene.plan.fold.box_of.items()}
    return _healths(scene.live, scene.window, box_of)


def _healths(live: Live | None, window: Window, box_of: Mapping[str, str]) -> dict[str, Health]:
    if live is not None:
        return healths(live, box_of)
    return past_healths(window.moments, window.until, box_of)


def _node(place: Place, scene: Scene, health: Health | None, *, own: int) -> NodeMark:
    inside = scene.flows.over(scene.plan.inside.get(place.id, ()))
    words = health.words() if health is not None else ()
    load = f"{health.in_flight}/{health.limit}" if health is not None and health.limit else ""
    within = rate(inside.calls, scene.flows.seconds)
    said = [*words, f"{load} in flight" if load else "", f"{within} inside" if within else ""]
    tone = health.tone if health is not None else ""
    if inside.tone in ("failed", "refused"):
        tone = tone or "failed"
        said.append(_troubles(inside))
    if own:
        said.append(f"{own} undeclared calls inside")
    said.append(_finding_words(place, scene.findings))
    return NodeMark(
        place=place,
        tone=tone,
        below=fitting(
            words or ((place.type, within) if place.key and within else (place.type,)),
            place,
            beside=load,
        ),
        load=load,
        load_href=f"#upstreams-{place.id}" if load and not place.key else "",
        load_share=health.share if health is not None else None,
        top=_own_badge(place, own, inside),
        left=_finding_badge(place, scene.findings),
        href=scene.asked.opening(place.key).href() if place.key else "",
        notes=", ".join(each for each in said if each),
        is_found=not scene.found.isdisjoint(place.held),
    )


def _own_badge(place: Place, own: int, inside: Flow) -> Badge | None:
    if own:
        return Badge(tone="refused", text=f"✕ {own}", about=f"{own} undeclared calls inside")
    if inside.tone in ("failed", "refused"):
        return _trouble_badge(inside, place.name, href="")
    return None


def _finding_badge(place: Place, findings: Findings) -> Badge | None:
    """The number of open findings, by the gravest."""
    found = [findings[name] for name in place.held if name in findings]
    if not found:
        return None
    count = sum(each.count for each in found)
    gravest = max(found, key=lambda each: each.gravity)
    about = place.held[0] if len(place.held) == 1 else ""
    query = f"?{urlencode({'about': about})}" if about else ""
    return Badge(
        tone=gravest.level,
        text=f"⚑ {count}",
        about=f"{count} finding{'s' if count > 1 else ''} of the review about {place.name}",
        href=f"/architecture{query}#findings",
    )


def _finding_words(place: Place, findings: Findings) -> str:
    count = sum(findings[name].count for name in place.held if name in findings)
    return f"{count} finding{'s' if count > 1 else ''}" if count else ""


def _line(stroke: Stroke, scene: Scene) -> LineMark:
    if stroke.is_use:
        return LineMark(stroke=stroke, state="use", told="a person's use")
    flow = scene.flows.over(stroke.relationships) if scene.flows.of else _NOBODY
    seconds = scene.flows.seconds
    often = rate(flow.calls, seconds)
    tone = flow.tone
    busy = " busy" if flow.in_flight else ""
    many = " many" if len(stroke.relationships) > 1 else ""
    href = _calls_href(stroke, scene) if flow.calls or flow.in_flight else ""
    label = f"▸{flow.in_flight} {often}".strip() if flow.in_flight else often
    return LineMark(
        stroke=stroke,
        state=f"{tone}{busy}{many} w{breadth(flow.calls, seconds)}",
        label=label,
        href=href,
        badge=_trouble_badge(flow, stroke.ends, href=_bad_href(stroke, scene, flow)),
        told=_told(flow, often),
    )


def _trouble_badge(flow: Flow, name: str, *, href: str) -> Badge | None:
    """Failed before refused: that is nobody's wish."""
    if not flow.failed and not flow.refused:
        return None
    count, sign = (flow.failed, "!") if flow.failed else (flow.refused, "✕")
    share = count / flow.calls
    many = f"{count}" if flow.calls < 20 or share < 0.01 else f"{share:.0%}"
    word = "failed" if flow.failed else "refused"
    return Badge(
        tone=word,
        text=f"{sign} {many}",
        about=f"{name}: {count:,} of {flow.calls:,} calls {word}",
        href=href,
    )


def _troubles(flow: Flow) -> str:
    said = [
        f"{count:,} {word}"
        for count, word in ((flow.failed, "failed"), (flow.refused, "refused"))
        if count
    ]
    return " and ".join(said)


def _told(flow: Flow, often: str) -> str:
    said = [f"{flow.in_flight} in flight" if flow.in_flight else "", often, _troubles(flow)]
    return ", ".join(each for each in said if each)


def _calls_href(stroke: Stroke, scene: Scene, outcome: str = "") -> str:
    """The calls that a number counts."""
    words: list[tuple[str, str]] = []
    if len(stroke.relationships) == 1:
        words.append(("relationship", stroke.relationships[0]))
    if outcome:
        words.append(("outcome", outcome))
    return f"/calls?{urlencode([*words, *_time(scene)])}"


def _bad_href(stroke: Stroke, scene: Scene, flow: Flow) -> str:
    return _calls_href(stroke, scene, "failed" if flow.failed else "refused")


def _attempt_href(each: Attempt, scene: Scene) -> str:
    words = [("caller", each.caller)] if each.caller else []
    words += [("callee", each.callee), ("outcome", "refused")]
    return f"/calls?{urlencode([*words, *_time(scene)])}"


def _time(scene: Scene) -> Sequence[tuple[str, str]]:
    """Calls of a minute of the past are looked for there."""
    at = scene.asked.at
    if at is None:
        return ()
    end = Asked(at=at + MINUTE_US).moment
    return (("since", scene.asked.moment), ("until", end))
