"""From every node the next step of a shortest way to the nearest of some ends. Linear."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.knowledge.content import Currents
from holdfast.core import NodeId

Onward = Mapping[NodeId, Edge | None]
"""Nodes from which an end is reached, each with the next edge; ends have none."""


def _all(_: NodeId) -> bool:
    return True


def onward_to(
    currents: Currents, ends: Iterable[NodeId], *, passes: Callable[[NodeId], bool] = _all
) -> Onward:
    """The ways over which content passes to one of ``ends``, through nodes that ``passes``."""
    onward: dict[NodeId, Edge | None] = dict.fromkeys(ends)
    waiting = deque(onward)
    while waiting:
        for caller, _, edge in currents.back[waiting.popleft()]:
            if caller not in onward and passes(caller):
                onward[caller] = edge
                waiting.append(caller)
    return onward


def way_along(onward: Onward, start: NodeId) -> tuple[NodeId, ...]:
    """The nodes from ``start`` to the end that is nearest."""
    way = [start]
    while (edge := onward[way[-1]]) is not None:
        way.append(edge.destination)
    return tuple(way)
