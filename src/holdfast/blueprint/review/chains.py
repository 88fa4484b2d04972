"""Chains of calls that wait for each other, and what one call may become along them.

What Holdfast carries is retried within a budget: at most a share of live traffic more, whatever a
single call is allowed. So a carried call counts ``1 + share``; one of which it is said that its
retries have a budget counts 1; all others ``1 + retries``. Within a circle of waits every call
counts once (RS-06 tells of the circle).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint.graph import Edge, cycles
from holdfast.blueprint.review.knowledge.dependence import Dependence
from holdfast.blueprint.review.rule import TOLD_MAX
from holdfast.core import NodeId


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain from ``start`` on which one call becomes most. ``unknown`` are relationships that
    ``start`` reaches whose retries nobody has told."""

    start: NodeId
    tries: float
    edges: tuple[Edge, ...]
    unknown: tuple[Edge, ...]

    @property
    def way(self) -> tuple[str, ...]:
        return (str(self.start), *(str(edge.destination) for edge in self.edges))


@dataclass(slots=True)
class _Best:
    """What is known of a node once all it calls has been looked at."""

    tries: float = 1.0
    edge: Edge | None = None
    unknown: tuple[Edge, ...] = ()


def factor(needs: Dependence, edge: Edge) -> float | None:
    """How many calls to the destination one call over the edge may become; None: not known."""
    if needs.is_carried(edge):
        retries = edge.relationship.retries
        return 1.0 + (retries.share if retries.attempts > 1 else 0.0)
    if edge.facts.retry_budget:
        return 1.0
    return None if edge.facts.retries is None else 1.0 + edge.facts.retries


def chains_of(needs: Dependence) -> Iterator[Chain]:
    """The worst chain of every node that calls and that no other node waits for."""
    waited = _waited(needs)
    called = {edge.destination for edges in waited.values() for edge in edges}
    best = _solved(needs, waited)
    for start, edges in waited.items():
        if edges and start not in called:
            found = best[start]
            yield Chain(start, found.tries, _along(best, start), found.unknown)


def _waited(needs: Dependence) -> dict[NodeId, list[Edge]]:
    """The calls for which each node waits, without those inside a circle of them."""
    found: dict[NodeId, list[Edge]] = {name: [] for name in needs.system.nodes}
    for edge in needs.calls:
        if needs.is_waited_for(edge) and not needs.is_person(edge.destination):
            found[edge.source].append(edge)
    heads = {name: [edge.destination for edge in edges] for name, edges in found.items()}
    circle = {name: index for index, names in enumerate(cycles(heads)) for name in names}
    return {
        name: [edge for edge in edges if circle.get(name, -1) != circle.get(edge.destination, -2)]
        for name, edges in found.items()
    }


def _solved(needs: Dependence, waited: Mapping[NodeId, list[Edge]]) -> dict[NodeId, _Best]:
    best: dict[NodeId, _Best] = {}
    for root in waited:
        stack = [(root, iter(waited[root]))] if root not in best else []
        while stack:
            name, rest = stack[-1]
            step = next((edge for edge in rest if edge.destination not in best), None)
            if step is not None:
                stack.append((step.destination, iter(waited[step.destination])))
            else:
                stack.pop()
                best[name] = _best_of(needs, waited[name], best)
    return best


def _best_of(needs: Dependence, edges: list[Edge], best: Mapping[NodeId, _Best]) -> _Best:
    found = _Best()
    unknown: dict[str, Edge] = {}
    for edge in edges:
        after = best[edge.destination]
        own = factor(needs, edge)
        if own is None:
            unknown[edge.id] = edge
        tries = (own or 1.0) * after.tries
        if found.edge is None or tries > found.tries:
            found.tries, found.edge = tries, edge
        if len(unknown) < TOLD_MAX:
            unknown.update((other.id, other) for other in after.unknown)
    found.unknown = tuple(unknown.values())[:TOLD_MAX]
    return found


def _along(best: Mapping[NodeId, _Best], start: NodeId) -> tuple[Edge, ...]:
    way: list[Edge] = []
    here = best[start]
    while here.edge is not None:
        way.append(here.edge)
        here = best[here.edge.destination]
    return tuple(way)
