"""Cells: parts of a system that share no fate, and the nodes that join what could be apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint.blast.levels import Bound
from holdfast.blueprint.blast.model import Assumptions, Equations
from holdfast.blueprint.graph import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """A part that holds others together: without it they would be these ``sides``, none of which
    could be hurt by a failure in another."""

    part: str
    sides: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """``cells`` are the parts that share fate, directly or through others, the largest first;
    ``joints`` the parts whose removal splits a cell into several of two nodes or more."""

    cells: tuple[tuple[str, ...], ...]
    joints: tuple[Joint, ...]


def cells(system: System, *, assumptions: Assumptions | None = None) -> Cells:
    """Connected components by shared fate. What only degrades its source does not join."""
    equations = Equations(system, assumptions or Assumptions())
    near = _near(equations)
    found = sorted(_components(near, set()), key=len, reverse=True)
    joints = [Joint(part=part, sides=sides) for part in near if (sides := _sides(near, part))]
    return Cells(cells=tuple(found), joints=tuple(joints))


def _near(equations: Equations) -> dict[str, dict[str, None]]:
    near: dict[str, dict[str, None]] = {
        name: {} for name in (*equations.system.nodes, *equations.domains)
    }
    for name in equations.system.nodes:
        for need in equations.needs[equations.number[name]]:
            if need.bound is Bound.AT_WORST_DEGRADED:
                continue
            for option in need.options:
                other = equations.names[option.part].removesuffix("!behind")
                near[name][other] = None
                near[other][name] = None
    return near


def _components(
    near: Mapping[str, Mapping[str, None]], seen: set[str]
) -> Iterator[tuple[str, ...]]:
    for root in near:
        if root not in seen:
            yield _grown(near, root, seen)


def _grown(near: Mapping[str, Mapping[str, None]], root: str, seen: set[str]) -> tuple[str, ...]:
    """What hangs together with ``root`` beside what was seen; it counts as seen then."""
    seen.add(root)
    found = [root]
    for here in found:
        fresh = [other for other in near[here] if other not in seen]
        seen.update(fresh)
        found.extend(fresh)
    return tuple(found)


def _sides(near: Mapping[str, Mapping[str, None]], part: str) -> tuple[tuple[str, ...], ...]:
    """What falls apart without a part; nothing where fewer than two sides have two nodes."""
    seen = {part}
    sides = [_grown(near, root, seen) for root in near[part] if root not in seen]
    large = tuple(side for side in sides if len(side) > 1)
    return large if len(large) > 1 else ()
