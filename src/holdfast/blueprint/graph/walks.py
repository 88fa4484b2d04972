"""Walks over a system's edges: reach, paths, dominators, circles. All are linear, or nearly so."""

from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from holdfast.blueprint.graph.system import Edge, System
from holdfast.core import NodeId

Name = TypeVar("Name", bound=Hashable)
Passes: TypeAlias = Callable[[Edge], bool]
"""Which edges a walk may take."""


def _any(_: Edge) -> bool:
    return True


def reached(system: System, starts: Iterable[NodeId], *, along: Passes = _any) -> set[NodeId]:
    """Every node that some start reaches, the starts among them."""
    found = set(starts)
    waiting = deque(found)
    while waiting:
        for edge in system.leaving[waiting.popleft()]:
            if edge.destination not in found and along(edge):
                found.add(edge.destination)
                waiting.append(edge.destination)
    return found


def path_between(
    system: System,
    starts: Collection[NodeId],
    ends: Collection[NodeId],
    *,
    along: Passes = _any,
) -> tuple[Edge, ...] | None:
    """A shortest way from a start to an end that is no start; None when there is none."""
    came: dict[NodeId, Edge | None] = dict.fromkeys(starts)
    waiting = deque(came)
    while waiting:
        here = waiting.popleft()
        for edge in system.leaving[here]:
            if edge.destination in came or not along(edge):
                continue
            came[edge.destination] = edge
            if edge.destination in ends:
                return _back(came, edge)
            waiting.append(edge.destination)
    return None


def _back(came: Mapping[NodeId, Edge | None], last: Edge) -> tuple[Edge, ...]:
    way = [last]
    while (edge := came[way[-1].source]) is not None:
        way.append(edge)
    return tuple(reversed(way))


def avoiding(
    system: System,
    starts: Collection[NodeId],
    ends: Collection[NodeId],
    *,
    without: Collection[NodeId],
) -> tuple[Edge, ...] | None:
    """A way from a start to an end that passes through no node of ``without``; None when every way
    does (then ``without`` guards the ends)."""
    inner = [name for name in starts if name not in without]
    return path_between(system, inner, ends, along=lambda edge: edge.destination not in without)


def dominators(
    system: System, start: NodeId, *, along: Passes = _any
) -> dict[NodeId, NodeId | None]:
    """The immediate dominator of every node that ``start`` reaches: the last node that each way to
    it must pass. ``start`` itself has none. Cooper, Harvey and Kennedy, "A Simple, Fast Dominance
    Algorithm" (2001)."""
    order = _reverse_postorder(system, start, along)
    number = {name: index for index, name in enumerate(order)}
    idom: dict[NodeId, NodeId] = {start: start}
    changed = True
    while changed:
        changed = False
        for name in order[1:]:
            sources = [
                edge.source
                for edge in system.entering[name]
                if edge.source in idom and edge.source in number and along(edge)
            ]
            best = sources[0]
            for other in sources[1:]:
                best = _meet(idom, number, best, other)
            if idom.get(name) != best:
                idom[name] = best
                changed = True
    return {name: None if name == start else above for name, above in idom.items()}


def _meet(
    idom: Mapping[NodeId, NodeId], number: Mapping[NodeId, int], one: NodeId, other: NodeId
) -> NodeId:
    while one != other:
        while number[one] > number[other]:
            one = idom[one]
        while number[other] > number[one]:
            other = idom[other]
    return one


def _reverse_postorder(system: System, start: NodeId, along: Passes) -> list[NodeId]:
    seen = {start}
    order: list[NodeId] = []
    stack = [(start, iter(system.leaving[start]))]
    while stack:
        name, edges = stack[-1]
        edge = next((e for e in edges if e.destination not in seen and along(e)), None)
        if edge is None:
            order.append(name)
            stack.pop()
        else:
            seen.add(edge.destination)
            stack.append((edge.destination, iter(system.leaving[edge.destination])))
    return order[::-1]


def cycles(
    successors: Mapping[NodeId, Collection[NodeId]],
) -> tuple[tuple[NodeId, ...], ...]:
    """The circles of a graph, as strongly connected components of more than one node, or of one
    that leads to itself."""
    return tuple(
        component
        for component in components(successors)
        if len(component) > 1 or any(name in successors.get(name, ()) for name in component)
    )


def components(successors: Mapping[Name, Collection[Name]]) -> Iterator[tuple[Name, ...]]:
    """The strongly connected components, each after all that it leads to. Tarjan (1972), without
    recursion."""
    seen = _Seen[Name]()
    for root in successors:
        if root not in seen.index:
            yield from _components_below(root, successors, seen)


@dataclass(slots=True)
class _Seen(Generic[Name]):
    """Nodes in the order they were found, the first one that each leads back to, and those whose
    component is still open."""

    index: dict[Name, int] = field(default_factory=dict[Name, int])
    low: dict[Name, int] = field(default_factory=dict[Name, int])
    stack: list[Name] = field(default_factory=list[Name])
    open: set[Name] = field(default_factory=set[Name])

    def add(self, name: Name) -> None:
        self.index[name] = self.low[name] = len(self.index)
        self.stack.append(name)
        self.open.add(name)

    def close(self, first: Name) -> tuple[Name, ...]:
        """The component that was found from ``first`` on."""
        start = len(self.stack) - 1
        while self.stack[start] != first:
            start -= 1
        component = self.stack[start:]
        del self.stack[start:]
        self.open.difference_update(component)
        return tuple(component)


def _components_below(
    root: Name, successors: Mapping[Name, Collection[Name]], seen: _Seen[Name]
) -> Iterator[tuple[Name, ...]]:
    seen.add(root)
    work = [(root, iter(successors[root]))]
    while work:
        name, following = work[-1]
        step = next(following, None)
        if step is None:
            work.pop()
            if work:
                before = work[-1][0]
                seen.low[before] = min(seen.low[before], seen.low[name])
            if seen.low[name] == seen.index[name]:
                yield seen.close(name)
        elif step not in seen.index:
            seen.add(step)
            work.append((step, iter(successors.get(step, ()))))
        elif step in seen.open:
            seen.low[name] = min(seen.low[name], seen.index[step])
