"""Which of some nodes fail with which others, for many pairs at once."""

from collections.abc import Collection, Mapping

from holdfast.blueprint import NodeKind
from holdfast.blueprint.graph import EdgeKind, System, cycles
from holdfast.blueprint.review.knowledge.content import PASSING
from holdfast.core import NodeId


class Leaning:
    """Answers whether one of ``watched`` calls on another node, straight or by others, and fails with
    it. All are followed at once, a bit of a number for each, over the graph without its circles; so
    many cost little more than one. People need nothing that they call."""

    def __init__(self, system: System, watched: Collection[NodeId]) -> None:
        people = NodeKind.ACTOR
        order = sorted(name for name in watched if system.nodes[name].kind is not people)
        self._bits = {name: place for place, name in enumerate(order)}
        onto = {name: _needed(system, name) for name in system.nodes} if order else {}
        self._circle = {name: each[0] for each in cycles(onto) for name in each}
        self._masks = self._spread(onto)

    def needs(self, name: NodeId, other: NodeId) -> bool:
        """Whether ``name`` fails with ``other``."""
        if name not in self._bits:
            return False
        return bool(self._masks.get(self._of(other), 0) >> self._bits[name] & 1)

    def _of(self, name: NodeId) -> NodeId:
        return self._circle.get(name, name)

    def _spread(self, onto: Mapping[NodeId, list[NodeId]]) -> Mapping[NodeId, int]:
        masks: dict[NodeId, int] = {}
        after: dict[NodeId, set[NodeId]] = {self._of(name): set() for name in onto}
        for name, names in onto.items():
            here = self._of(name)
            after[here].update(there for each in names if (there := self._of(each)) != here)
            if name in self._bits:
                masks[here] = masks.get(here, 0) | 1 << self._bits[name]
        waits = dict.fromkeys(after, 0)
        for names in after.values():
            for name in names:
                waits[name] += 1
        ready = [name for name, count in waits.items() if not count]
        while ready:
            here = ready.pop()
            for name in after[here]:
                masks[name] = masks.get(name, 0) | masks.get(here, 0)
                waits[name] -= 1
                if not waits[name]:
                    ready.append(name)
        return masks


def _needed(system: System, name: NodeId) -> list[NodeId]:
    return [
        edge.destination
        for edge in system.leaving[name]
        if edge.kind is EdgeKind.CALL
        and edge.facts.purpose in PASSING
        and edge.facts.strength in (None, "hard")
    ]
