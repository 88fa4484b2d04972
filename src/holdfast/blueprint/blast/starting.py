"""Whether a system that is all down can come up again: boot order and what blocks it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast.blueprint.blast.fixpoints import least
from holdfast.blueprint.blast.levels import WELL, Bound, Levels, Need, Option
from holdfast.blueprint.blast.model import Assumptions, Equations
from holdfast.blueprint.graph import System, cycles
from holdfast.core import NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """``waves`` starts nodes in order: each needs only those of earlier waves. ``stuck`` run once
    they run, but never start from nothing; ``circles`` are the rings of waiting that hold them,
    each as nodes that wait for the next, the last for the first."""

    waves: tuple[tuple[NodeId, ...], ...]
    stuck: tuple[NodeId, ...]
    circles: tuple[tuple[NodeId, ...], ...]


def boot(system: System, *, assumptions: Assumptions | None = None) -> Boot:
    """The least fixpoint from all down. A dependency that only degrades its source does not hold up
    its start; ``cold_start_needs`` count here and nowhere else."""
    equations = Equations(system, assumptions or Assumptions())
    extra = tuple(tuple(_starting(equations, part)) for part in range(len(equations.names)))
    own: list[Levels] = [WELL] * len(equations.names)
    found = least(equations, own, extra)
    stuck = tuple(name for name in system.nodes if found[equations.number[name]][2])
    waits = _waits(equations, extra, stuck)
    return Boot(
        waves=_waves(equations, extra, stuck),
        stuck=stuck,
        circles=tuple(_ring(waits, circle) for circle in cycles(waits)),
    )


def _starting(equations: Equations, part: int) -> Iterable[Need]:
    node = equations.system.nodes.get(NodeId(equations.names[part]))
    for name in (node.facts.cold_start_needs or ()) if node is not None else ():
        if name in equations.number:
            yield Need((Option(equations.number[name]),), by="cold start")


def _needs(equations: Equations, extra: tuple[tuple[Need, ...], ...], part: int) -> Iterable[Need]:
    """The needs without which a part cannot start."""
    for need in (*equations.needs[part], *extra[part]):
        if need.bound is not Bound.AT_WORST_DEGRADED:
            yield need


def _waits(
    equations: Equations, extra: tuple[tuple[Need, ...], ...], stuck: tuple[NodeId, ...]
) -> Mapping[NodeId, tuple[NodeId, ...]]:
    """For each stuck node, the stuck nodes that it waits for."""
    among = {equations.number[name] for name in stuck}
    found: dict[NodeId, tuple[NodeId, ...]] = {}
    for name in stuck:
        waited: dict[NodeId, None] = {}
        for need in _needs(equations, extra, equations.number[name]):
            parts = [o.part for o in need.options if o.part in among]
            if len(parts) > need.tolerated:
                waited.update((NodeId(equations.names[part]), None) for part in parts)
        found[name] = tuple(waited)
    return found


def _ring(
    waits: Mapping[NodeId, tuple[NodeId, ...]], circle: tuple[NodeId, ...]
) -> tuple[NodeId, ...]:
    """A shortest ring through the first node of a circle."""
    inside, start = set(circle), circle[0]
    came: dict[NodeId, NodeId] = {}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        for name in waits[here]:
            if name == start:
                return _unwound(came, here, start)
            if name in inside and name not in came:
                came[name] = here
                waiting.append(name)
    return circle


def _unwound(came: Mapping[NodeId, NodeId], last: NodeId, start: NodeId) -> tuple[NodeId, ...]:
    way = [last]
    while way[-1] != start:
        way.append(came[way[-1]])
    return tuple(reversed(way))


def _waves(
    equations: Equations, extra: tuple[tuple[Need, ...], ...], stuck: tuple[NodeId, ...]
) -> tuple[tuple[NodeId, ...], ...]:
    left = [name for name in equations.system.nodes if name not in stuck]
    started = {i for i, name in enumerate(equations.names) if name in equations.domains}
    waves: list[tuple[NodeId, ...]] = []
    while left:
        wave = [n for n in left if _can_start(equations, extra, equations.number[n], started)]
        if not wave:
            break
        waves.append(tuple(wave))
        started |= {equations.number[name] for name in wave}
        gone = set(wave)
        left = [name for name in left if name not in gone]
    return tuple(waves)


def _can_start(
    equations: Equations, extra: tuple[tuple[Need, ...], ...], part: int, started: set[int]
) -> bool:
    return all(
        sum(not _is_there(equations, option.part, started) for option in need.options)
        <= need.tolerated
        for need in _needs(equations, extra, part)
    )


def _is_there(equations: Equations, part: int, started: set[int]) -> bool:
    """Guards that fail open are seen through: they hold nobody up."""
    return part in started or equations.names[part].endswith("!behind")
