"""The blueprint as a map: what stands where, and what is happening on it. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from holdfast.blueprint import Blueprint, ComposedOf, Connects, DeployedIn, Interacts
from holdfast.blueprint.drawing import (
    Box,
    Drawing,
    Edge,
    Line,
    arrow_of,
    curve_of,
    laid_out,
    middle_of,
    shortened,
)
from holdfast.core import NodeId
from holdfast.faces.view import Live
from holdfast.faces.web.words import short_name
from holdfast.gateway import Seen

RECENT_US = 5_000_000
"""How long an edge stays marked after a call over it has ended."""
NAME_MAX = 21
TYPE_MAX = 25
SMALL_PX = 620
MEDIUM_PX = 1_300
LARGE_SCALE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMark:
    """A node's box. ``refused`` counts its calls refused a moment ago, over no edge at all."""

    box: Box
    name: str
    type: str
    kind: str
    about: str
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMark:
    """An edge. ``state`` is idle, busy, recent, failed, refused or use (a person uses a node)."""

    id: str
    path: str
    head: str
    state: str
    badge: str
    badge_x: float
    badge_y: float
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMark:
    """A container drawn around what it holds."""

    box: Box
    name: str
    type: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A relationship in words: the map for those who do not see it."""

    id: str
    text: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapView:
    """All that the map's template needs. A large map is shown at ``LARGE_SCALE`` and scrolled."""

    size: str
    width: int
    height: int
    shown_width: int
    shown_height: int
    nodes: tuple[NodeMark, ...]
    lines: tuple[LineMark, ...]
    groups: tuple[GroupMark, ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A blueprint with every part in its place; made once, marked many times."""

    blueprint: Blueprint
    edges: tuple[Edge, ...]
    drawing: Drawing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traffic:
    """Calls by relationship, and calls refused that no relationship can be blamed for."""

    busy: Counter[str]
    ended: Counter[str]
    failed: Counter[str]
    refused: Counter[str]
    stray: Counter[str]


def plan_of(blueprint: Blueprint) -> Plan:
    """Lay a blueprint out; half a second of work for hundreds of nodes."""
    edges = tuple(_edges(blueprint))
    labels: dict[str, str] = {
        node.id: f"{_one_line(node.name)}\n{shortened(node.type, TYPE_MAX)}"
        for node in blueprint.nodes.values()
    }
    containers: dict[str, tuple[str, ...]] = {}
    for relationship in blueprint.relationships:
        match relationship.link:
            case DeployedIn(container=name, nodes=nodes) | ComposedOf(container=name, nodes=nodes):
                held = (*containers.get(name, ()), *nodes)
                containers[name] = tuple(dict.fromkeys(held))
            case _:
                pass
    drawing = laid_out(labels, edges, containers=containers)
    return Plan(blueprint=blueprint, edges=edges, drawing=drawing)


def _one_line(name: str) -> str:
    return " ".join(shortened(name, NAME_MAX).split())


def _edges(blueprint: Blueprint) -> Iterator[Edge]:
    for relationship in blueprint.relationships:
        match relationship.link:
            case Connects(source=source, destination=destination):
                yield Edge(id=relationship.id, source=source, destination=destination)
            case Interacts(actor=actor, nodes=nodes):
                for node in nodes:
                    yield Edge(id=f"{relationship.id}/{node}", source=actor, destination=node)
            case _:
                pass


def map_view(plan: Plan, live: Live) -> MapView:
    """The plan with what is happening marked on it."""
    traffic = _traffic(live)
    drawing = plan.drawing
    nodes = plan.blueprint.nodes
    names: dict[str, str] = {id_: node.name for id_, node in nodes.items()}
    lines = tuple(
        _line_mark(line, edge, traffic, names)
        for line, edge in zip(drawing.lines, plan.edges, strict=True)
    )
    size = _size(drawing.width)
    scale = LARGE_SCALE if size == "large" else 1.0
    return MapView(
        size=size,
        width=round(drawing.width),
        height=round(drawing.height),
        shown_width=round(drawing.width * scale),
        shown_height=round(drawing.height * scale),
        nodes=tuple(_node_mark(box, plan.blueprint, traffic) for box in drawing.boxes),
        lines=lines,
        groups=tuple(_group_mark(box, plan.blueprint) for box in drawing.groups),
        told=tuple(_told(plan, lines, names)),
    )


def _size(width: float) -> str:
    if width <= SMALL_PX:
        return "small"
    return "medium" if width <= MEDIUM_PX else "large"


def _traffic(live: Live) -> _Traffic:
    fresh = [seen for seen in live.recent if _ended_at(seen) > live.at - RECENT_US]
    return _Traffic(
        busy=Counter(seen.relationship or "" for seen in live.in_flight),
        ended=_count(fresh, "answered", "cancelled"),
        failed=_count(fresh, "failed"),
        refused=_count(fresh, "refused"),
        stray=Counter(
            short_name(seen.principal)
            for seen in fresh
            if seen.outcome == "refused" and seen.relationship is None and seen.principal
        ),
    )


def _count(calls: Sequence[Seen], *outcomes: str) -> Counter[str]:
    return Counter(s.relationship for s in calls if s.relationship and s.outcome in outcomes)


def _ended_at(seen: Seen) -> int:
    return seen.at + (seen.marks_us[-1] if seen.marks_us else 0)


def _node_mark(box: Box, blueprint: Blueprint, traffic: _Traffic) -> NodeMark:
    node = blueprint.nodes[NodeId(box.id)]
    return NodeMark(
        box=box,
        name=shortened(node.name, NAME_MAX),
        type=shortened(node.type, TYPE_MAX),
        kind=node.kind,
        about=f"{node.name} ({node.id}, {node.type}): {node.description}",
        refused=traffic.stray[box.id],
    )


def _group_mark(box: Box, blueprint: Blueprint) -> GroupMark:
    node = blueprint.nodes[NodeId(box.id)]
    return GroupMark(
        box=box,
        name=shortened(node.name, max(int(box.width / 8) - 8, 6)),
        type=node.type,
        about=f"{node.name} ({node.id}, {node.type}): {node.description}",
    )


def _line_mark(line: Line, edge: Edge, traffic: _Traffic, names: dict[str, str]) -> LineMark:
    use = "/" in edge.id
    state, badge = ("use", "") if use else _state(edge.id, traffic)
    x, y = middle_of(line.points)
    word = "uses" if use else "may call"
    return LineMark(
        id=edge.id,
        path=curve_of(line.points),
        head=arrow_of(line.points),
        state=state,
        badge=badge,
        badge_x=x,
        badge_y=y,
        about=f"{names[edge.source]} {word} {names[edge.destination]} ({edge.id.partition('/')[0]})",
    )


def _state(relationship: str, traffic: _Traffic) -> tuple[str, str]:
    if traffic.busy[relationship]:
        return "busy", str(traffic.busy[relationship])
    if traffic.refused[relationship]:
        return "refused", "✕"
    if traffic.failed[relationship]:
        return "failed", "!"
    return ("recent", "") if traffic.ended[relationship] else ("idle", "")


def _told(plan: Plan, lines: Sequence[LineMark], names: dict[str, str]) -> Iterator[Told]:
    protocols: dict[str, str | None] = {
        each.id: each.protocol for each in plan.blueprint.relationships
    }
    for edge, mark in zip(plan.edges, lines, strict=True):
        id_ = edge.id.partition("/")[0]
        over = f" over {protocols[id_]}" if protocols.get(id_) else ""
        yield Told(
            id=id_,
            text=f"{names[edge.source]} → {names[edge.destination]}{over}",
            state=_in_words(mark),
        )
    frames = {group.id for group in plan.drawing.groups}
    for relationship in plan.blueprint.relationships:
        match relationship.link:
            case DeployedIn(container=name, nodes=nodes) | ComposedOf(container=name, nodes=nodes):
                held = ", ".join(names[node] for node in nodes)
                state = "a frame on the map" if name in frames else ""
                yield Told(id=relationship.id, text=f"{names[name]} holds {held}", state=state)
            case _:
                pass


def _in_words(mark: LineMark) -> str:
    match mark.state:
        case "busy":
            return f"{mark.badge} in flight"
        case "recent":
            return "answered just now"
        case "failed" | "refused":
            return f"{mark.state} just now"
        case "use":
            return "a person's use"
        case _:
            return ""
