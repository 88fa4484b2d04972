"""How long those who ask wait, as the blueprint says it: what matters when a part hangs."""

from collections.abc import Iterator
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
            probes_per_s=1 / callee.breaker.open_s,
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
        # Of calls that come by chance, 1 / (1 + rate * open_s) are the first after a pause.
        return NOTICED * (1 + sum(self._rates(name)) * node.breaker.open_s) >= 1

    def _rates(self, name: NodeId) -> Iterator[float]:
        system = self.equations.system
        for callee in (name, *system.wholes.get(name, ())):
            for edge in system.entering[callee]:
                yield (edge.facts.calls_per_hour or 0.0) / SECONDS_PER_HOUR

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
