"""How long those who ask wait, as the blueprint says it: what matters when a part hangs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from holdfast.blueprint import NodeKind
from holdfast.blueprint.blast.levels import Need, Option
from holdfast.blueprint.blast.model import SECONDS_PER_HOUR, Equations
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.core import NodeId, RelationshipId

NOTICED = 0.1
"""The share of calls from which on it is noticed that they fail or come late."""
PAUSE_A_PROBE = 1.5
"""Times that a probe waits in vain, until the next is sent: its own, and by chance up to as long."""
STEPS_MAX = 8
"""From caller to caller so far back it is looked how often one question comes to the same part."""
CHECKS_UNTIL_OUT = 3
"""A health check takes a part out after two failures: within three of its periods."""


class Limits(NamedTuple):
    """How long one who asks waits: ``first_s`` for one of at most ``tries``, ``total_s`` for
    everything. ``per_s`` is how many such calls there are in a second, 0 where it is unknown, and
    ``probes_per_s`` how many pass an open breaker; without one that Holdfast keeps, all."""

    first_s: float = inf
    total_s: float = inf
    tries: int = 1
    per_s: float = 0.0
    probes_per_s: float = inf

    @property
    def is_carried(self) -> bool:
        """Whether its calls go through Holdfast."""
        return self.probes_per_s < inf

    @property
    def waits_s(self) -> float:
        """The longest that it waits in all."""
        return min(self.total_s, self.tries * self.first_s)


@dataclass(frozen=True)
class Patience:
    """The limits of a system's calls."""

    equations: Equations

    def edge(self, need: Need, option: Option) -> Edge:
        """The call by which one of a need's options is asked."""
        system = self.equations.system
        first = system.edges_of[RelationshipId(need.over or "")][0]
        destination = self.equations.names[option.part].partition("!")[0]
        near = (*system.edges_of[first.id], *system.leaving[first.source])
        return next((edge for edge in near if edge.destination == destination), first)

    def of(self, edge: Edge) -> Limits:
        facts, relationship = edge.facts, edge.relationship
        per_s = (facts.calls_per_hour or 0.0) / SECONDS_PER_HOUR
        if not self.is_carried(edge):
            first_s = inf if facts.timeout_s is None else facts.timeout_s
            return Limits(first_s=first_s, tries=1 + int(facts.retries or 0), per_s=per_s)
        callee = self.equations.system.nodes[edge.destination]
        repeats = callee.kind is NodeKind.MODEL or facts.effect == "read"
        return Limits(
            first_s=relationship.timeouts.first_byte_s,
            total_s=relationship.timeouts.total_s,
            tries=relationship.retries.attempts if repeats else 1,
            per_s=per_s,
            probes_per_s=1 / max(callee.breaker.open_s, relationship.timeouts.first_byte_s),
        )

    def is_carried(self, edge: Edge) -> bool:
        """Whether its calls go through Holdfast."""
        system = self.equations.system
        callee = system.nodes[edge.destination]
        return edge.kind is EdgeKind.CALL and bool(system.blueprint.upstreams(callee))

    def is_left_out(self, name: NodeId) -> bool:
        """Whether Holdfast keeps calls from a node that hangs: its health check finds it, or there
        are so many calls that the few which an open breaker lets through are not noticed."""
        node = self.equations.system.nodes[name]
        if node.upstream is None:
            return False
        outage_s = self.equations.assumptions.outage_s
        if node.health is not None and outage_s > CHECKS_UNTIL_OUT * node.health.every_s:
            return True
        # How many calls a cache answers nobody knows: they do not count.
        callees = (name, *self.equations.system.wholes.get(name, ()))
        edges = [edge for callee in callees for edge in self.equations.system.entering[callee]]
        asked = [self.of(edge) for edge in edges if edge.relationship.cache is None]
        first_s = min((each.first_s for each in asked if each.is_carried), default=0.0)
        pause_s = max(node.breaker.open_s, first_s * PAUSE_A_PROBE)
        # Of calls that come by chance, 1 / (1 + rate * pause) are the first after a pause.
        after = NOTICED * (1 + sum(each.per_s for each in asked) * pause_s)
        return after >= 1 and after >= self._most(edges)

    def _most(self, edges: Sequence[Edge]) -> int:
        """The most of these calls that whoever asks one question waits for, by all ways."""
        entering = self.equations.system.entering
        found: Counter[NodeId] = Counter()
        steps = Counter(edge.source for edge in edges if _is_waited_for(edge))
        for _ in range(STEPS_MAX):
            found += steps
            before: Counter[NodeId] = Counter()
            for name, count in steps.items():
                for edge in filter(_is_waited_for, entering[name]):
                    before[edge.source] += count
            steps = before
        return max((count for name, count in found.items() if entering[name]), default=1)

    def assumed(self) -> Iterator[str]:
        """What was taken for granted, in words."""
        system = self.equations.system
        outside = [edge for edge in system.edges if edge.kind is EdgeKind.CALL]
        outside = [edge for edge in outside if not self.is_carried(edge)]
        endless = sum(1 for edge in outside if edge.facts.timeout_s is None)
        if endless:
            yield (
                f"{endless} of {len(outside)} calls that Holdfast does not carry say no timeout_s: "
                "taken as waiting for ever"
            )
        yield "who needs several things asks for one after the other, and answers after the last"
        yield (
            "the calls that an open breaker lets through hang, and are noticed unless calls_per_hour "
            "says that they are few among many; a health check hangs with what it checks"
        )
        yield f"an answer after {self.equations.assumptions.slow_s:g} seconds or more is slow"


def _is_waited_for(edge: Edge) -> bool:
    return edge.kind is EdgeKind.CALL and edge.facts.strength != "async"
