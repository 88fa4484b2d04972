"""A map with every part in its place: made once, marked many times. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.blueprint import Node
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
from holdfast.blueprint.graph import EdgeKind, System
from holdfast.core import NodeId
from holdfast.faces.web.chart.choosing import Choice
from holdfast.faces.web.chart.folding import Fold, fold

_NAME_MAX = 21
_TYPE_MAX = 25
_LOAD_CHARACTERS = 9
"""Room that a called node's box has for its calls in flight and their limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A box: one node, or what folded into one. ``key`` unfolds the latter."""

    id: str
    box: Box
    at: str
    name: str
    type: str
    kind: str
    about: str
    held: tuple[NodeId, ...]
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A line: all relationships from one box to another."""

    id: str
    source: str
    destination: str
    relationships: tuple[str, ...]
    is_use: bool
    path: str
    head: str
    x: float
    y: float
    ends: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A container drawn around what it holds; ``key`` folds it again, where it can fold."""

    id: str
    box: Box
    name: str
    type: str
    about: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``inside`` are the relationships whose both ends are in one box, by that box."""

    system: System
    choice: Choice
    fold: Fold
    width: float
    height: float
    places: tuple[Place, ...]
    strokes: tuple[Stroke, ...]
    frames: tuple[Frame, ...]
    inside: Mapping[str, tuple[str, ...]]
    boxes: Mapping[str, Box]


def plan_of(system: System, choice: Choice) -> Plan:
    """Lay the chosen part of a system out."""
    shown = [n for n in system.nodes if choice.nodes is None or n in choice.nodes]
    folded = fold(system, shown, opened=choice.opened, towards=choice.towards)
    joined = _joined(system, folded)
    lines = {pair: ids for pair, ids in joined.items() if pair[0] != pair[1]}
    edges = [Edge(id=f"{s}>{d}", source=s, destination=d) for s, d in lines]
    drawing = laid_out(
        {box: _lettering(system, box, folded) for box in folded.held},
        edges,
        containers=_containers(system, folded),
    )
    inside = {pair[0]: tuple(ids) for pair, ids in joined.items() if pair[0] == pair[1]}
    return Plan(
        system=system,
        choice=choice,
        fold=folded,
        width=drawing.width,
        height=drawing.height,
        places=tuple(_place(box, system, folded, drawing) for box in drawing.boxes),
        strokes=tuple(
            _stroke(line, pair, ids, system=system, folded=folded)
            for line, (pair, ids) in zip(drawing.lines, lines.items(), strict=True)
        ),
        frames=tuple(_frame(box, system, folded) for box in drawing.groups),
        inside=inside,
        boxes={box.id: box for box in drawing.boxes},
    )


def _joined(system: System, folded: Fold) -> dict[tuple[str, str], dict[str, EdgeKind]]:
    """The relationships between boxes, and within one."""
    found: dict[tuple[str, str], dict[str, EdgeKind]] = {}
    box_of = folded.box_of
    for edge in system.edges:
        if edge.source in box_of and edge.destination in box_of:
            pair = box_of[edge.source], box_of[edge.destination]
            found.setdefault(pair, {})[edge.id] = edge.kind
    return found


def _containers(system: System, folded: Fold) -> dict[str, tuple[str, ...]]:
    """Frames around the boxes that stand in containers that did not fold."""
    found: dict[str, tuple[str, ...]] = {}
    box_of = folded.box_of
    for container, members in (*system.hosted.items(), *system.parts.items()):
        if box_of.get(container) != container:
            continue
        boxes = (box_of[each] for each in members if each in box_of)
        held = (*found.get(container, ()), *(box for box in boxes if box != container))
        if held:
            found[container] = tuple(dict.fromkeys(held))
    return found


def name_of(system: System, box: str, folded: Fold) -> str:
    """What a box is called."""
    if box in folded.names:
        return folded.names[box]
    return system.nodes[NodeId(box)].name


def _lettering(system: System, box: str, folded: Fold) -> str:
    """What a box must be wide enough for."""
    name = " ".join(shortened(name_of(system, box, folded), _NAME_MAX).split())
    node = system.nodes.get(NodeId(box))
    below = shortened(node.type, _TYPE_MAX) if node is not None else _counted(box, folded)
    room = _LOAD_CHARACTERS if node is None or system.blueprint.upstreams(node) else 0
    return f"{name}\n{below}{'0' * room}"


def _counted(box: str, folded: Fold) -> str:
    return f"{len(folded.held[box])} nodes"


def _place(box: Box, system: System, folded: Fold, drawing: Drawing) -> Place:
    node = system.nodes.get(NodeId(box.id))
    name = name_of(system, box.id, folded)
    folds = box.id in folded.names
    held = drawing.held.get(box.id, ())
    type_ = _counted(box.id, folded) if node is None else node.type
    if held and node is not None:
        type_ = f"{type_}, holds {len(held)}"  # no frame could be drawn around what it holds
    return Place(
        id=box.id,
        box=box,
        at=f"{box.x:.1f} {box.y:.1f}",
        name=shortened(name, _NAME_MAX),
        type=shortened(type_, _TYPE_MAX),
        kind="fold" if node is None else str(node.kind),
        about=_about(node) if node is not None else f"{name}: {_counted(box.id, folded)}, folded",
        held=folded.held[box.id],
        key=box.id if folds else "",
    )


def _about(node: Node) -> str:
    return f"{node.name} ({node.id}, {node.type}): {node.description}"


def _stroke(
    line: Line,
    pair: tuple[str, str],
    ids: Mapping[str, EdgeKind],
    *,
    system: System,
    folded: Fold,
) -> Stroke:
    x, y = middle_of(line.points)
    is_use = all(kind is EdgeKind.USE for kind in ids.values())
    source, destination = (name_of(system, box, folded) for box in pair)
    word = "uses" if is_use else "may call"
    over = next(iter(ids)) if len(ids) == 1 else f"{len(ids)} relationships"
    return Stroke(
        id=_identity(pair, ids),
        source=pair[0],
        destination=pair[1],
        relationships=tuple(ids),
        is_use=is_use,
        path=curve_of(line.points),
        head=arrow_of(line.points),
        x=round(x, 1),
        y=round(y, 1),
        ends=f"{source} → {destination}",
        about=f"{source} {word} {destination} ({over})",
    )


def _identity(pair: tuple[str, str], ids: Mapping[str, EdgeKind]) -> str:
    """One call's relationship by its own name; people's uses and several by their ends."""
    if len(ids) == 1 and next(iter(ids.values())) is EdgeKind.CALL:
        return next(iter(ids))
    return f"{pair[0]}>{pair[1]}"


def _frame(box: Box, system: System, folded: Fold) -> Frame:
    node = system.nodes[NodeId(box.id)]
    key = f"in:{box.id}"
    return Frame(
        id=box.id,
        box=box,
        name=shortened(node.name, max(int(box.width / 8) - 8, 6)),
        type=node.type,
        about=_about(node),
        key=key if key in folded.open else "",
    )


def matching(system: System, text: str, *, most: int) -> Sequence[NodeId]:
    """Nodes whose id or name has the text; one whose id it is alone."""
    wanted = text.strip().casefold()
    if not wanted:
        return ()
    exact = [n for n in system.nodes if n.casefold() == wanted]
    if exact:
        return exact
    found = (
        name
        for name, node in system.nodes.items()
        if wanted in name.casefold() or wanted in node.name.casefold()
    )
    return [name for _, name in zip(range(most), found, strict=False)]
