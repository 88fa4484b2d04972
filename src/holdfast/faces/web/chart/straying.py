"""Attempts on the map: lines that nobody declared, drawn over those that somebody did. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.blueprint.drawing import Box, shortened
from holdfast.core import NodeId
from holdfast.faces.web.chart.forms import Attempt, Badge, GhostMark, StrayMark
from holdfast.faces.web.chart.plan import Plan

_NAME_MAX = 24
GHOSTS_MAX = 12
"""Strangers that are drawn; calls to further ones are told in words."""
_MARGIN = 24.0
_HEIGHT = 36.0
_CHARACTER = 8.0
_GAP = 18.0
_BEND = 60.0
NOBODY = "unknown caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Straying:
    """The strangers, the attempts, and how high the map has become; ``own`` counts attempts within
    one box."""

    ghosts: tuple[GhostMark, ...]
    strays: tuple[StrayMark, ...]
    height: float
    own: Mapping[str, int] = field(default_factory=dict[str, int])


def stray_marks(plan: Plan, attempts: Sequence[Attempt], *, hrefs: Sequence[str]) -> Straying:
    """Attempts between boxes, and to boxes for strangers in a row below the map. What concerns no
    box of this map is left out."""
    known = [
        (each, href)
        for each, href in zip(attempts, hrefs, strict=True)
        if _is_here(plan, each.caller) or _is_here(plan, each.callee)
    ]
    strangers = _strangers(plan, [each for each, _ in known])
    ghosts = {name: _ghost(plan, name, at) for name, at in strangers.items()}
    strays: list[StrayMark] = []
    own: dict[str, int] = {}
    for each, href in known:
        source, end = _box(plan, each.caller, ghosts), _box(plan, each.callee, ghosts)
        if source is None or end is None:
            continue
        if source.id == end.id:
            own[source.id] = own.get(source.id, 0) + each.calls
        else:
            strays.append(_stray(source, end, each, href))
    return Straying(
        ghosts=tuple(ghosts.values()),
        strays=tuple(strays),
        height=plan.height + (_HEIGHT + _MARGIN if ghosts else 0),
        own=own,
    )


def _is_here(plan: Plan, name: str) -> bool:
    return NodeId(name) in plan.fold.box_of


def _strangers(plan: Plan, attempts: Sequence[Attempt]) -> dict[str, float]:
    """Where each stranger's box begins, from the left."""
    names = dict.fromkeys(
        name for each in attempts for name in (each.caller, each.callee) if not _is_here(plan, name)
    )
    found: dict[str, float] = {}
    left = _MARGIN
    for name in [*names][:GHOSTS_MAX]:
        found[name] = left
        left += _width(name) + _GAP
    return found


def _width(name: str) -> float:
    return _CHARACTER * len(shortened(name or NOBODY, _NAME_MAX)) + 40


def _ghost(plan: Plan, name: str, left: float) -> GhostMark:
    declared = NodeId(name) in plan.system.nodes
    about = f"{name} is declared, and not in this part of the map"
    if not declared:
        about = f"the blueprint knows no {name}" if name else "a caller that could not be told"
    return GhostMark(
        x=left,
        y=plan.height - _MARGIN / 2,
        width=_width(name),
        name=shortened(name or NOBODY, _NAME_MAX),
        about=about,
    )


def _box(plan: Plan, name: str, ghosts: Mapping[str, GhostMark]) -> Box | None:
    if _is_here(plan, name):
        return plan.boxes.get(plan.fold.box_of[NodeId(name)]) or _framed(plan, name)
    ghost = ghosts.get(name)
    if ghost is None:
        return None
    return Box(id=f"!{name}", x=ghost.x, y=ghost.y, width=ghost.width, height=_HEIGHT)


def _framed(plan: Plan, name: str) -> Box | None:
    return next((frame.box for frame in plan.frames if frame.id == name), None)


def _stray(source: Box, end: Box, each: Attempt, href: str) -> StrayMark:
    sideways = end.x >= source.right or end.right <= source.x
    if sideways:
        onward = end.x >= source.right
        x, y = (source.right if onward else source.x), source.y + source.height * 0.75
        to_x, to_y = (end.x if onward else end.right), end.y + end.height * 0.75
        bend = _BEND if onward else -_BEND
        path = f"M{x:.1f} {y:.1f}C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        back = -9.0 if onward else 9.0
        head = f"{to_x:.1f},{to_y:.1f} {to_x + back:.1f},{to_y - 4.5:.1f} {to_x + back:.1f},{to_y + 4.5:.1f}"
    else:
        below = end.y >= source.y
        x, y = source.x + source.width * 0.3, source.bottom if below else source.y
        to_x, to_y = end.x + end.width * 0.3, end.y if below else end.bottom
        bend = (to_y - y) / 2
        path = f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
        back = -9.0 if below else 9.0
        head = f"{to_x:.1f},{to_y:.1f} {to_x - 4.5:.1f},{to_y + back:.1f} {to_x + 4.5:.1f},{to_y + back:.1f}"
    calls = f"{each.calls:,} undeclared call{'s' if each.calls > 1 else ''}"
    about = f"{calls} from {each.caller or NOBODY} to {each.callee}, refused"
    return StrayMark(
        path=path,
        head=head,
        x=round(_along(x, to_x), 1),
        y=round(_along(y, to_y), 1),
        badge=Badge(tone="refused", text=f"✕ {each.calls:,}", about=about, href=href),
    )


def _along(start: float, end: float) -> float:
    """Beyond the middle, where the words of declared lines are."""
    return start + (end - start) * 0.648  # an S-curve at 0.6 of its way
