"""A system as a picture: SVG with frames for containers and marks on what is found.

The picture needs no script and loads nothing. It follows the reader's light or dark. Colour is never
alone: marks have words, and every box and line says its name and its marks to who cannot see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape

from holdfast.blueprint import ComposedOf, DeployedIn
from holdfast.blueprint.drawing.curves import arrow_of, curve_of, middle_of, shortened
from holdfast.blueprint.drawing.folding import SHOWN_MAX, Folded, folded
from holdfast.blueprint.drawing.layout import Box, Drawing, Edge, Line, laid_out
from holdfast.blueprint.drawing.style import MAP_STYLE
from holdfast.blueprint.graph import EdgeKind, System
from holdfast.core import NodeId

NAME_MAX = 21
TYPE_MAX = 25
NOTES_MAX = 12
"""Notes of one box that its description has; more are counted."""


class Tone(StrEnum):
    """How a mark looks, from the gravest on. ``LOST`` and ``WEAK`` are for what falls or suffers,
    ``WAY`` for a path that is shown, ``QUIET`` for what the picture is not about."""

    ALARM = "alarm"
    WARNING = "warning"
    NOTICE = "notice"
    LOST = "lost"
    WEAK = "weak"
    WAY = "way"
    GOOD = "good"
    QUIET = "quiet"


_GRAVITY = {tone: number for number, tone in enumerate(Tone)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is said of a node or a relationship. ``badge`` is a word or number drawn beside it,
    ``notes`` what its description says; ``link`` is where a click leads."""

    tone: Tone
    badge: str = ""
    notes: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """An edge of the picture: all relationships from one box to another."""

    edge: Edge
    relationships: tuple[str, ...]
    is_use: bool


def draw(
    system: System, marks: Mapping[str, Mark], *, most: int = SHOWN_MAX, whole: bool = True
) -> str:
    """The map as SVG. ``marks`` are by the ids of nodes and relationships. Above ``most`` boxes
    nodes fold into what they belong to. ``whole`` brings ``MAP_STYLE`` with it; without, the page
    that the picture stands on must have it."""
    fold = folded(system, most=most)
    lines = _lines(system, fold)
    drawing = laid_out(
        {box: _lettering(box, system, fold) for box in fold.names},
        [line.edge for line in lines],
        containers=_containers(system, fold),
    )
    of_box = _by_box(fold, marks)
    body = [
        *(_group(box, system, of_box.get(box.id)) for box in drawing.groups),
        *(
            _stroke(
                drawn, line, fold, _merged([marks[n] for n in line.relationships if n in marks])
            )
            for drawn, line in zip(drawing.lines, lines, strict=True)
        ),
        *(
            _box(box, system, fold, of_box.get(box.id), held=drawing.held.get(box.id, ()))
            for box in drawing.boxes
        ),
    ]
    style = f"<style>{MAP_STYLE}</style>" if whole else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="holdfast-map" role="img" '
        f'width="{drawing.width:.0f}" height="{drawing.height:.0f}" '
        f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}">'
        f"<title>{escape(system.blueprint.name)}: {_counted(system, drawing)}</title>"
        f"{style}{''.join(body)}</svg>"
    )


def _counted(system: System, drawing: Drawing) -> str:
    said = f"{len(system.nodes)} nodes, {len(system.edges)} relationships"
    drawn = len(drawing.boxes) + len(drawing.groups)
    return said if drawn == len(system.nodes) else f"{said}, folded into {drawn} boxes"


def _lines(system: System, fold: Folded) -> list[_Line]:
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for edge in system.edges:
        pair = fold.box_of[edge.source], fold.box_of[edge.destination]
        if pair[0] != pair[1]:
            found.setdefault(pair, []).append((edge.id, edge.kind is EdgeKind.USE))
    return [
        _Line(
            edge=Edge(id=f"{source}>{destination}", source=source, destination=destination),
            relationships=tuple(dict.fromkeys(name for name, _ in through)),
            is_use=all(use for _, use in through),
        )
        for (source, destination), through in found.items()
    ]


def _containers(system: System, fold: Folded) -> dict[str, tuple[str, ...]]:
    """Frames of containers that did not fold, around the boxes that their members are in."""
    found: dict[str, dict[str, None]] = {}
    for relationship in system.blueprint.relationships:
        match relationship.link:
            case DeployedIn(container=name, nodes=nodes) | ComposedOf(container=name, nodes=nodes):
                if fold.box_of[name] == name:
                    inside = found.setdefault(name, {})
                    inside.update(dict.fromkeys(fold.box_of[node] for node in nodes))
            case _:
                pass
    return {name: tuple(box for box in inside if box != name) for name, inside in found.items()}


def _by_box(fold: Folded, marks: Mapping[str, Mark]) -> dict[str, Mark]:
    gathered: dict[str, list[Mark]] = {}
    for name, box in fold.box_of.items():
        if name in marks:
            gathered.setdefault(box, []).append(marks[name])
    return {box: mark for box, found in gathered.items() if (mark := _merged(found)) is not None}


def _merged(marks: Sequence[Mark]) -> Mark | None:
    """The gravest tone, all notes; numbers on badges add up."""
    if len(marks) < 2:
        return marks[0] if marks else None
    gravest = min(marks, key=lambda mark: _GRAVITY[mark.tone])
    badges = [mark.badge for mark in marks if mark.badge]
    summed = str(sum(map(int, badges))) if all(b.isdigit() for b in badges) else gravest.badge
    return replace(
        gravest,
        badge=summed if badges else "",
        notes=tuple(dict.fromkeys(note for mark in marks for note in mark.notes)),
    )


def _lettering(box: str, system: System, fold: Folded) -> str:
    """What a box must be wide enough for."""
    node = system.nodes.get(NodeId(box))
    name = " ".join(shortened(_label(box, fold), NAME_MAX).split())
    return name if node is None else f"{name}\n{shortened(node.type, TYPE_MAX)}"


def _label(box: str, fold: Folded) -> str:
    held = fold.held[box]
    return fold.names[box] if held == 1 else f"{fold.names[box]} ({held})"


def _box(box: Box, system: System, fold: Folded, mark: Mark | None, *, held: Sequence[str]) -> str:
    node = system.nodes.get(NodeId(box.id))
    said = node.type if node is not None else f"{fold.held[box.id]} nodes"
    if held:
        said = f"{said}, holds {len(held)}"  # no frame could be drawn around what it holds
    about = f"{node.name} ({node.id}, {node.type})" if node is not None else _label(box.id, fold)
    about += f" holds {', '.join(held)}" if held else ""
    kind = f"k-{node.kind}" if node is not None else "folded"
    inner = (
        f"<title>{escape(_about(about, mark))}</title>"
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="9"/>'
        f'<text class="name" x="{box.x + 14:.1f}" y="{box.y + 22:.1f}">'
        f"{escape(shortened(_label(box.id, fold), NAME_MAX))}</text>"
        f'<text class="type" x="{box.x + 14:.1f}" y="{box.y + 39:.1f}">'
        f"{escape(shortened(said, TYPE_MAX))}</text>"
        f"{_badge(box.right - 4, box.y + 2, mark)}"
    )
    return _linked(f'<g class="node {kind}{_tone(mark)}">{inner}</g>', mark)


def _group(box: Box, system: System, mark: Mark | None) -> str:
    node = system.nodes[NodeId(box.id)]
    name = shortened(node.name, max(int(box.width / 8) - 4, 6))
    return _linked(
        f'<g class="group{_tone(mark)}">'
        f"<title>{escape(_about(f'{node.name} ({node.id}, {node.type})', mark))}</title>"
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="12"/>'
        f'<text class="type" x="{box.x + 12:.1f}" y="{box.y + 18:.1f}">{escape(name)}</text>'
        f"{_badge(box.right - 4, box.y + 2, mark)}</g>",
        mark,
    )


def _stroke(drawn: Line, line: _Line, fold: Folded, mark: Mark | None) -> str:
    ends = f"{fold.names[line.edge.source]} to {fold.names[line.edge.destination]}"
    several = len(line.relationships) > 1
    over = f"{len(line.relationships)} relationships" if several else line.relationships[0]
    x, y = middle_of(drawn.points)
    use = " use" if line.is_use else ""
    thick = " many" if several else ""
    return _linked(
        f'<g class="line{use}{thick}{_tone(mark)}">'
        f"<title>{escape(_about(f'{ends} ({over})', mark))}</title>"
        f'<path class="reach" d="{curve_of(drawn.points)}"/>'
        f'<path class="stroke" d="{curve_of(drawn.points)}"/>'
        f'<polygon points="{arrow_of(drawn.points)}"/>{_badge(x, y, mark)}</g>',
        mark,
    )


def _tone(mark: Mark | None) -> str:
    return f" t-{mark.tone}" if mark is not None else ""


def _about(what: str, mark: Mark | None) -> str:
    notes = mark.notes if mark is not None else ()
    more = (f"and {len(notes) - NOTES_MAX} more",) if len(notes) > NOTES_MAX else ()
    return "\n".join((what, *notes[:NOTES_MAX], *more))


def _badge(x: float, y: float, mark: Mark | None) -> str:
    if mark is None or not mark.badge:
        return ""
    word = shortened(mark.badge, 9)
    width = max(8.0 * len(word) + 10, 20.0)
    return (
        f'<g class="badge"><rect x="{x - width / 2:.1f}" y="{y - 10:.1f}" width="{width:.1f}" '
        f'height="20" rx="10"/><text x="{x:.1f}" y="{y + 4.5:.1f}">{escape(word)}</text></g>'
    )


def _linked(shape: str, mark: Mark | None) -> str:
    if mark is None or not mark.link:
        return shape
    return f'<a href="{escape(mark.link)}">{shape}</a>'
