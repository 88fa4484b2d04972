"""Load that moves when something fails: who takes it over, and who cannot bear it.

Motter and Lai, "Cascade-based attacks on complex networks" (2002): load of what failed goes to what
stands in for it; what then bears more than its capacity fails in the next round. Only nodes whose
capacity is known, and calls whose rate is known, count; nothing is guessed.
"""

from collections.abc import Mapping, Sequence

from holdfast.blueprint.blast.levels import Levels, state_of
from holdfast.blueprint.blast.model import SECONDS_PER_HOUR, Equations, replicas_left
from holdfast.blueprint.blast.states import State
from holdfast.blueprint.graph import EdgeKind, System
from holdfast.core import NodeId, RelationshipId


def overloaded(
    equations: Equations, levels: Sequence[Levels], *, known: Mapping[int, int]
) -> dict[int, int]:
    """The nodes that bear more than they can, beyond those ``known``, each with a part whose load
    they took over. Nodes that bear too much with nothing failed are not counted: they are no
    consequence."""
    limits = _limits(equations)
    if not limits:
        return {}
    load, taken = _loads(equations, levels)
    before, _ = _loads(equations, ())
    left = _left(equations, levels, limits)
    found: dict[int, int] = {}
    for part, limit in limits.items():
        bears, bore = load.get(part, 0.0), before.get(part, 0.0)
        now, cause = left.get(part, (limit, taken.get(part)))
        is_new = bears > bore or bore <= limit
        if bears > now and is_new and part not in known and _stands(levels, part):
            found |= {part: cause} if cause is not None else {}
    return found


def _limits(equations: Equations) -> dict[int, float]:
    found: dict[int, float] = {}
    for name, node in equations.system.nodes.items():
        if node.facts.capacity is not None:
            found[equations.number[name]] = node.facts.capacity * (node.facts.replicas or 1)
    return found


def _left(
    equations: Equations, levels: Sequence[Levels], limits: Mapping[int, float]
) -> dict[int, tuple[float, int]]:
    """What nodes whose replicas stand in several places, some of them lost, still bear; and one
    such place."""
    found: dict[int, tuple[float, int]] = {}
    for part in limits:
        facts = equations.system.nodes[NodeId(equations.names[part])].facts
        for need in equations.needs[part] if facts.replicas else ():
            places = [option.part for option in need.options]
            lost = [place for place in places if not _stands(levels, place)]
            if need.by in ("fate", "deployed-in") and lost and len(places) > 1:
                some = replicas_left(facts.replicas or 1, len(places), lost=len(lost))
                bears = (facts.capacity or 0.0) * some
                found[part] = min(found.get(part, (bears, lost[0])), (bears, lost[0]))
    return found


def _stands(levels: Sequence[Levels], part: int) -> bool:
    return not levels or state_of(levels[part], 0) is not State.DOWN


def _loads(
    equations: Equations, levels: Sequence[Levels]
) -> tuple[dict[int, float], dict[int, int]]:
    """Calls a second at each part, and for each that takes over from another: from whom."""
    load: dict[int, float] = {}
    taken: dict[int, int] = {}
    for name in equations.system.nodes:
        for need in equations.needs[equations.number[name]]:
            if need.by != "call" or need.over is None:
                continue
            rate = _rate(equations.system, name, need.over)
            parts = [option.part for option in need.options]
            up = next((part for part in parts if _stands(levels, part)), None)
            if rate is None or up is None:
                continue
            load[up] = load.get(up, 0.0) + rate
            if up != parts[0]:
                taken[up] = parts[0]
    _among_members(equations, levels, load, taken)
    return load, taken


def _rate(system: System, source: NodeId, over: str) -> float | None:
    """The rate of calls with the tries that their retries may add; None where it is unknown."""
    for edge in system.leaving[source]:
        if edge.id == over and edge.kind is EdgeKind.CALL:
            hourly = edge.facts.calls_per_hour
            return None if hourly is None else hourly / SECONDS_PER_HOUR
    return None


def _among_members(
    equations: Equations,
    levels: Sequence[Levels],
    load: dict[int, float],
    taken: dict[int, int],
) -> None:
    """The load of a node that answers through its parts is shared by those that stand."""
    for name in equations.system.nodes:
        whole = equations.number[name]
        groups = [n for n in equations.needs[whole] if n.by == "composed-of" and not n.any_hurts]
        for need in groups if whole in load else ():
            parts = [option.part for option in need.options]
            standing = [part for part in parts if _stands(levels, part)]
            lost = [part for part in parts if part not in standing]
            taken.update((part, lost[0]) for part in standing if lost)
            for part in standing:
                load[part] = load.get(part, 0.0) + load[whole] / len(standing)


def tries_along(system: System, way: Sequence[str]) -> float:
    """How many tries of the last call one call of the first may become, when all of it fails: the
    product over the relationships of ``way``. A budget of retries bounds what each adds."""
    product = 1.0
    for name in way:
        for edge in system.edges_of.get(RelationshipId(name), ())[:1]:
            carried = bool(
                system.blueprint.upstreams(system.nodes[edge.destination])
                and edge.kind is EdgeKind.CALL
            )
            if carried:
                product *= 1 + edge.relationship.retries.share
            elif not edge.facts.retry_budget:
                product *= 1 + (edge.facts.retries or 0)
    return product
