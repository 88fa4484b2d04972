"""Where the parts of a map go: layered left to right, pure and deterministic.

The method is Sugiyama's: turn edges of cycles around, put each node one layer right of its
farthest caller (longest path), bend long edges through the layers they cross, order the layers
by barycenter, then place each layer by least squares without changing its order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from holdfast.blueprint.drawing.ordering import Layers, layered, ordered

BOX_HEIGHT = 52.0
BOX_WIDTH_MIN = 132.0
BOX_WIDTH_MAX = 244.0
LAYER_GAP = 96.0
ROW_GAP = 44.0
BEND_GAP = 22.0
MARGIN = 24.0
SHELF_COLUMNS_MIN = 3
GROUP_PAD = 14.0
GROUP_LABEL = 20.0
_LEAVES, _ARRIVES = "leaves", "arrives"
_SETTLING_ROUNDS = 6
# The widest of the usual system fonts, so that a name fits its box in any of them.
_CHARACTER_WIDTH = 8.7
_BOX_SIDES = 58.0
_SMALL_WIDTH = 7.0
_SMALL_SIDES = 24.0


Point: TypeAlias = tuple[float, float]
Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A node's rectangle; ``x`` and ``y`` are its upper left corner."""

    id: str
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An edge's way from source to destination: straight from every first to every second point,
    curved in between. One from a node to itself has two points, one on either side."""

    id: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything has a place. ``groups`` are containers drawn around what they hold, outer first;
    ``held`` are those that could not be, by container: they are boxes like any other."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    groups: tuple[Box, ...]
    held: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From one node to another; several may join the same two."""

    id: str
    source: str
    destination: str


def laid_out(
    labels: Mapping[str, str],
    edges: Sequence[Edge],
    *,
    containers: Mapping[str, tuple[str, ...]],
) -> Drawing:
    """Place every node of ``labels`` (id to text) and every edge.

    A container without edges of its own is drawn around its members where no stranger stands
    between them; any other is a box, and listed in ``held``.
    """
    joined = {end for edge in edges for end in (edge.source, edge.destination)}
    frames = {c: m for c, m in containers.items() if c not in joined and c in labels}
    loose = [n for n in labels if n not in joined and n not in frames]
    layers = ordered(
        layered([n for n in labels if n in joined], [(e.source, e.destination) for e in edges]),
        kin=_kin(frames),
    )
    placed, spans = _placed(layers, labels)
    boxes = {box.id: box for box in placed}
    _shelve(boxes, loose, labels)
    groups = _groups(frames, boxes)
    _shelve(boxes, [c for c in frames if c not in groups], labels)
    lines = _lines(edges, layers, boxes, spans)
    return _framed(boxes, groups, lines, containers=containers)


def box_width(label: str) -> float:
    """Wide enough in the map's fonts for a name and, behind a line's end, for what is written small
    below it; within bounds."""
    name, _, below = label.partition("\n")
    wanted = max(
        len(name) * _CHARACTER_WIDTH + _BOX_SIDES, len(below) * _SMALL_WIDTH + _SMALL_SIDES
    )
    return min(max(wanted, BOX_WIDTH_MIN), BOX_WIDTH_MAX)


def _kin(frames: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The container of each node: members are kept together when layers are ordered."""
    return {member: container for container, members in frames.items() for member in members}


def _placed(layers: Layers, labels: Mapping[str, str]) -> tuple[list[Box], dict[str, Span]]:
    """A box for every node, one of no height for every bend, and how far each one's layer goes."""
    centres = _settled(layers, {n: _height(n, labels) for row in layers.rows for n in row})
    boxes: list[Box] = []
    spans: dict[str, Span] = {}
    left = 0.0
    for row in layers.rows:
        widest = max(box_width(labels[n]) if n in labels else 0.0 for n in row)
        for name in row:
            width = box_width(labels[name]) if name in labels else widest
            height = _height(name, labels)
            x, y = left + (widest - width) / 2, centres[name] - height / 2
            boxes.append(Box(id=name, x=x, y=y, width=width, height=height))
            spans[name] = (left, left + widest)
        left += widest + LAYER_GAP
    return boxes, spans


def _height(name: str, labels: Mapping[str, str]) -> float:
    return BOX_HEIGHT if name in labels else 0.0


def _settled(layers: Layers, heights: Mapping[str, float]) -> dict[str, float]:
    """The vertical centre of everything: near its neighbours, in its layer's order."""
    centres: dict[str, float] = {}
    for row in layers.rows:
        offsets = _offsets(row, heights)
        middle = offsets[-1] / 2
        centres.update({name: offsets[i] - middle for i, name in enumerate(row)})
    for turn in range(_SETTLING_ROUNDS):
        rows = layers.rows if turn % 2 == 0 else tuple(reversed(layers.rows))
        for row in rows:
            _settle(row, layers, heights, centres)
    return centres


def _settle(
    row: Sequence[str],
    layers: Layers,
    heights: Mapping[str, float],
    centres: dict[str, float],
) -> None:
    offsets = _offsets(row, heights)
    wanted: list[float] = []
    for name, offset in zip(row, offsets, strict=True):
        near = [centres[other] for other in layers.neighbours[name]]
        target = sum(near) / len(near) if near else centres[name]
        wanted.append(target - offset)
    for name, offset, base in zip(row, offsets, rising(wanted), strict=True):
        centres[name] = base + offset


def _offsets(row: Sequence[str], heights: Mapping[str, float]) -> list[float]:
    """The least distance of each from the first, centre to centre."""
    offsets = [0.0]
    for above, below in pairwise(row):
        gap = ROW_GAP if heights[above] or heights[below] else BEND_GAP
        offsets.append(offsets[-1] + (heights[above] + heights[below]) / 2 + gap)
    return offsets


def rising(values: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to ``values`` (least squares, pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            before, size = pools.pop()
            mean = (before * size + mean * count) / (size + count)
            count += size
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def _shelve(boxes: dict[str, Box], names: Sequence[str], labels: Mapping[str, str]) -> None:
    """Rows below everything else, for what no line reaches."""
    if not names:
        return
    widest = max(box_width(labels[name]) for name in names)
    left = min((box.x for box in boxes.values()), default=0.0)
    top = max((box.bottom for box in boxes.values()), default=-ROW_GAP) + ROW_GAP
    span = max((box.right for box in boxes.values()), default=0.0) - left
    columns = max(int((span + ROW_GAP) // (widest + ROW_GAP)), SHELF_COLUMNS_MIN)
    for number, name in enumerate(names):
        row, column = divmod(number, columns)
        boxes[name] = Box(
            id=name,
            x=left + column * (widest + ROW_GAP),
            y=top + row * (BOX_HEIGHT + ROW_GAP),
            width=box_width(labels[name]),
            height=BOX_HEIGHT,
        )


def _groups(frames: Mapping[str, tuple[str, ...]], boxes: Mapping[str, Box]) -> dict[str, Box]:
    """The containers that can be drawn around their members, and around nobody else."""
    drawn: dict[str, Box] = {}
    solid = [box for box in boxes.values() if box.height]
    for container in _inner_first(frames):
        members = frames[container]
        inside = [drawn.get(m) or boxes.get(m) for m in members]
        known = [box for box in inside if box is not None]
        if not known or len(known) < len(inside):
            continue
        frame = _around(container, known)
        own = {*members, *_everything_in(members, frames)}
        strangers = [b for b in (*solid, *drawn.values()) if b.id not in own]
        if not any(overlap(frame, stranger) for stranger in strangers):
            drawn[container] = frame
    return drawn


def _inner_first(frames: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Containers before the containers that hold them."""
    return sorted(frames, key=lambda c: (len(_everything_in(frames[c], frames)), c))


def _everything_in(members: Sequence[str], frames: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The members, theirs, and so on; a container inside itself is met once."""
    found: dict[str, None] = {}
    waiting = list(members)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(frames.get(name, ()))
    return list(found)


def _around(container: str, inside: Sequence[Box]) -> Box:
    left = min(box.x for box in inside) - GROUP_PAD
    top = min(box.y for box in inside) - GROUP_PAD - GROUP_LABEL
    right = max(box.right for box in inside) + GROUP_PAD
    bottom = max(box.bottom for box in inside) + GROUP_PAD
    return Box(id=container, x=left, y=top, width=right - left, height=bottom - top)


def overlap(one: Box, other: Box) -> bool:
    """Do two rectangles share any area?"""
    apart = (
        one.right <= other.x
        or other.right <= one.x
        or one.bottom <= other.y
        or other.bottom <= one.y
    )
    return not apart


def _lines(
    edges: Sequence[Edge], layers: Layers, boxes: Mapping[str, Box], spans: Mapping[str, Span]
) -> list[Line]:
    ports = _ports(edges, layers, boxes)
    lines: list[Line] = []
    for number, edge in enumerate(edges):
        start, end = ports[number, _LEAVES], ports[number, _ARRIVES]
        if edge.source == edge.destination:
            lines.append(Line(id=edge.id, points=(start, end)))
            continue
        onward = _is_onward(edge, boxes)
        points = [start, (spans[edge.source][onward], start[1])]
        for bend in layers.chains[number]:
            box = boxes[bend]
            sides = [(box.x, box.y), (box.right, box.y)]
            points += sides if onward else reversed(sides)
        points += [(spans[edge.destination][not onward], end[1]), end]
        lines.append(Line(id=edge.id, points=tuple(points)))
    return lines


def _is_onward(edge: Edge, boxes: Mapping[str, Box]) -> bool:
    """A call that goes back in the layering leaves to the left and arrives from the right."""
    return boxes[edge.source].x <= boxes[edge.destination].x


def _ports(
    edges: Sequence[Edge], layers: Layers, boxes: Mapping[str, Box]
) -> dict[tuple[int, str], Point]:
    """Where edges touch boxes: spread over the side, in the order of what they come from."""
    sides: dict[tuple[str, bool], list[tuple[float, int, str]]] = {}
    for number, edge in enumerate(edges):
        onward = _is_onward(edge, boxes)
        way = [edge.source, *layers.chains[number], edge.destination]
        ahead, behind = _middle(boxes[way[1]]), _middle(boxes[way[-2]])
        sides.setdefault((edge.source, onward), []).append((ahead, number, _LEAVES))
        sides.setdefault((edge.destination, not onward), []).append((behind, number, _ARRIVES))
    ports: dict[tuple[int, str], Point] = {}
    for (name, on_right), touching in sides.items():
        box = boxes[name]
        step = box.height / (len(touching) + 1)
        for place, (_, number, end) in enumerate(sorted(touching), 1):
            ports[number, end] = (box.right if on_right else box.x, box.y + step * place)
    return ports


def _middle(box: Box) -> float:
    return box.y + box.height / 2


def _framed(
    boxes: Mapping[str, Box],
    groups: Mapping[str, Box],
    lines: Sequence[Line],
    *,
    containers: Mapping[str, tuple[str, ...]],
) -> Drawing:
    """Everything moved to positive coordinates, with a margin; outer groups before inner ones."""
    everything = [*boxes.values(), *groups.values()]
    dx = MARGIN - min((box.x for box in everything), default=0.0)
    dy = MARGIN - min((box.y for box in everything), default=0.0)
    solid = [_moved(box, dx, dy) for box in boxes.values() if box.height]
    frames = [_moved(box, dx, dy) for box in groups.values()]
    return Drawing(
        width=max((box.right + dx for box in everything), default=0.0) + MARGIN,
        height=max((box.bottom + dy for box in everything), default=0.0) + MARGIN,
        boxes=tuple(solid),
        lines=tuple(
            Line(id=line.id, points=tuple((x + dx, y + dy) for x, y in line.points))
            for line in lines
        ),
        groups=tuple(sorted(frames, key=lambda b: (-b.width * b.height, b.id))),
        held={c: m for c, m in containers.items() if c not in groups},
    )


def _moved(box: Box, dx: float, dy: float) -> Box:
    return Box(id=box.id, x=box.x + dx, y=box.y + dy, width=box.width, height=box.height)
