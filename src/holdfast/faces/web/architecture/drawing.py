"""The map of the architecture: where findings are, or what falls with a part. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from holdfast.blueprint.blast import Impact, State
from holdfast.core import NodeId
from holdfast.faces.web.architecture.asking import Asked
from holdfast.faces.web.chart import (
    Badge,
    ChartView,
    FrameMark,
    LineMark,
    NodeMark,
    Place,
    Plan,
    Stroke,
    sized,
    told_of,
)
from holdfast.faces.web.reviews import Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is marked on a plan: findings, or where one is asked for, a failure's ``impact``."""

    asked: Asked
    plan: Plan
    findings: Findings
    impact: Impact | None


def map_view(scene: Scene) -> ChartView:
    plan = scene.plan
    ways = _ways(scene.impact, plan.fold.box_of)
    lines = tuple(_line(stroke, scene, ways) for stroke in plan.strokes)
    nodes = tuple(_node(place, scene) for place in plan.places)
    size = sized(plan, height=plan.height)
    return ChartView(
        size=size.word,
        width=size.width,
        height=size.height,
        shown_width=size.shown_width,
        shown_height=size.shown_height,
        frames=tuple(_frame(scene, number) for number in range(len(plan.frames))),
        lines=lines,
        nodes=nodes,
        told=told_of(plan, lines=lines, nodes=nodes),
    )


def _frame(scene: Scene, number: int) -> FrameMark:
    frame = scene.plan.frames[number]
    is_open = frame.key in scene.asked.opened
    return FrameMark(frame=frame, href=_to_map(scene.asked.closing(frame.key)) if is_open else "")


def _to_map(asked: Asked) -> str:
    return f"{asked.href()}#map"


_Way = tuple[str, frozenset[str]]
"""A relationship, and the two boxes between which damage takes it."""


def _ways(impact: Impact | None, box_of: Mapping[NodeId, str]) -> frozenset[_Way]:
    if impact is None:
        return frozenset()
    found: set[_Way] = set()
    for hop in impact.causes.values():
        ends = (box_of.get(NodeId(plain(each))) for each in (hop.part, hop.cause))
        boxes = frozenset(box for box in ends if box is not None)
        if hop.over is not None:
            found.add((hop.over, boxes))
    return frozenset(found)


def plain(part: str) -> str:
    """A node by its own name; what a guard guards is told as the guard."""
    return part.removesuffix("!behind")


def _line(stroke: Stroke, scene: Scene, ways: frozenset[_Way]) -> LineMark:
    use = "use " if stroke.is_use else ""
    if scene.impact is None:
        found = [scene.findings[name] for name in stroke.relationships if name in scene.findings]
        if not found:
            return LineMark(stroke=stroke, state=use.strip())
        gravest = max(found, key=lambda each: each.gravity)
        count = sum(each.count for each in found)
        return LineMark(
            stroke=stroke,
            state=f"{use}{'failed' if gravest.level != 'advise' else ''}",
            badge=_finding_badge(count, gravest.level, stroke.ends, stroke.relationships),
            told=_counted(count),
        )
    ends = frozenset((stroke.source, stroke.destination))
    if ways.isdisjoint((name, ends) for name in stroke.relationships):
        return LineMark(stroke=stroke, state=f"{use}quiet")
    return LineMark(stroke=stroke, state=f"{use}way", told="damage comes this way, backwards")


def _node(place: Place, scene: Scene) -> NodeMark:
    href = _to_map(scene.asked.failing(place.id))
    about = f"What falls when {place.name} fails"
    if place.key:
        href, about = _to_map(scene.asked.opening(place.key)), f"Unfold {place.about}"
    mark = NodeMark(place=place, href=href, link_about=about)
    if scene.impact is not None:
        return _hit(mark, scene.impact)
    return _found(mark, scene.findings)


def _found(mark: NodeMark, findings: Findings) -> NodeMark:
    held = [name for name in mark.place.held if name in findings]
    if not held:
        return mark
    gravest = max((findings[name] for name in held), key=lambda each: each.gravity)
    count = sum(findings[name].count for name in held)
    badge = _finding_badge(count, gravest.level, mark.place.name, mark.place.held)
    return NodeMark(
        place=mark.place,
        href=mark.href,
        link_about=mark.link_about,
        top=badge,
        notes=_counted(count),
    )


def _counted(count: int) -> str:
    return f"{count} finding{'s' if count > 1 else ''}"


def _finding_badge(count: int, level: str, name: str, parts: Sequence[str]) -> Badge:
    query = f"?{urlencode({'about': parts[0]})}" if len(parts) == 1 else ""
    return Badge(
        tone=level,
        text=f"⚑ {count}",
        about=f"{_counted(count)} about {name}",
        href=f"/architecture{query}#findings",
    )


def _hit(mark: NodeMark, impact: Impact) -> NodeMark:
    place = mark.place
    faults = [name for name in place.held if name in impact.faults]
    hit = {name: impact.states[name] for name in place.held if name in impact.states}
    if not hit:
        return NodeMark(place=place, href=mark.href, link_about=mark.link_about, tone="quiet")
    worst = min(hit.values())
    count = len(hit)
    word = "fails" if faults else str(worst)
    tone = "alarm" if faults else "lost" if worst is State.DOWN else "weak"
    text = word if len(place.held) == 1 else f"{count} of {len(place.held)}"
    return NodeMark(
        place=place,
        tone=tone,
        href=mark.href,
        link_about=mark.link_about,
        below=word if len(place.held) == 1 else f"{count} hit, worst {word}",
        top=Badge(tone=tone, text=text, about=f"{place.name}: {word}"),
        notes=word if len(place.held) == 1 else f"{count} of {len(place.held)} nodes hit",
    )


def towards(impact: Impact | None, nodes: Sequence[NodeId]) -> frozenset[NodeId]:
    """The parts whose failure is shown must be seen."""
    if impact is None:
        return frozenset()
    return frozenset(name for name in nodes if name in impact.faults)
