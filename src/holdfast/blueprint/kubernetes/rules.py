"""What the network enforces, as a plain list of rules over numbered workloads.

Everything that Kubernetes says by labels, namespaces and names of ports is settled here for one
snapshot of workloads, so that an evaluator and a prover read the same thing.

How a connection from ``s`` to ``d`` is judged: it passes when the egress rules of ``s`` and the
ingress rules of ``d`` both let it. In one direction, for the rules whose ``subjects`` hold the one
side, whose ``peers`` (or ``outside``) hold the other, and whose ``ports`` hold the port:

1. the rules of layer ``ADMIN``, in order; the first that matches decides (``pass``: go on to 2);
2. when the subject is isolated in that direction: it passes if and only if some rule of layer
   ``NAMESPACE`` matches (those only allow, and their order means nothing);
3. else the rules of layer ``BASELINE``, in order; the first that matches decides; none: it passes.

Source: Kubernetes "Network Policies" and the Network Policy API (KEP-2091).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Literal, TypeAlias

from holdfast.blueprint.kubernetes.addresses import NO_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.ports import EVERY_PORT, NO_PORT, Ports, Protocol
from holdfast.core import IpAddress

Direction: TypeAlias = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, ...] = ("ingress", "egress")
Action: TypeAlias = Literal["allow", "deny", "pass"]


class Layer(IntEnum):
    """Which rules are asked first."""

    ADMIN = 0
    NAMESPACE = 1
    BASELINE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of one policy. ``subjects`` and ``peers`` are numbers of workloads; ``origin`` says
    where it is written, for people."""

    origin: str
    direction: Direction
    action: Action
    layer: Layer
    subjects: frozenset[int]
    peers: frozenset[int]
    outside: Addresses = NO_ADDRESS
    ports: Ports = EVERY_PORT


@dataclass(frozen=True, kw_only=True)
class RuleBook:
    """All rules of a snapshot, in the order in which they are judged within their layer.

    ``workloads`` are their names; a workload's number is its place there. ``isolated`` lists by
    direction the workloads that some NetworkPolicy selects.
    """

    workloads: tuple[str, ...]
    rules: tuple[Rule, ...]
    isolated: Mapping[Direction, frozenset[int]] = field(
        default_factory=lambda: {"ingress": frozenset[int](), "egress": frozenset[int]()}
    )

    @cached_property
    def _of(self) -> Mapping[tuple[Direction, int], tuple[Rule, ...]]:
        found: dict[tuple[Direction, int], list[Rule]] = {}
        for rule in self.rules:
            for subject in rule.subjects:
                found.setdefault((rule.direction, subject), []).append(rule)
        return {key: tuple(rules) for key, rules in found.items()}

    def rules_of(self, direction: Direction, subject: int) -> tuple[Rule, ...]:
        """The rules whose subjects hold it, in order."""
        return self._of.get((direction, subject), ())

    def permits(
        self,
        source: int | IpAddress,
        destination: int | IpAddress,
        *,
        protocol: Protocol,
        port: int,
    ) -> bool:
        """Whether one connection passes: the plain reading of the rules above, for replaying a
        counter-example. A party outside the cluster is its address, and has no rules of its own."""
        one = (source, destination, "egress")
        other = (destination, source, "ingress")
        return all(
            self._lets(subject, peer, direction, protocol=protocol, port=port)
            for subject, peer, direction in (one, other)
            if isinstance(subject, int)
        )

    def _lets(
        self, subject: int, peer: int | IpAddress, direction: str, *, protocol: Protocol, port: int
    ) -> bool:
        way: Direction = "egress" if direction == "egress" else "ingress"
        met = [
            rule
            for rule in self.rules_of(way, subject)
            if _holds(rule, peer) and rule.ports.contains(protocol, port)
        ]
        first = next((rule for rule in met if rule.layer is Layer.ADMIN), None)
        if first is not None and first.action != "pass":
            return first.action == "allow"
        if subject in self.isolated[way]:
            return any(rule.layer is Layer.NAMESPACE for rule in met)
        last = next((rule for rule in met if rule.layer is Layer.BASELINE), None)
        return last is None or last.action == "allow"


def _holds(rule: Rule, peer: int | IpAddress) -> bool:
    return peer in rule.peers if isinstance(peer, int) else rule.outside.contains(peer)


def decided(rules: Iterable[Rule], *, isolated: bool) -> Ports:
    """What passes of one subject and one peer, given the rules that hold both, in order."""
    allowed, left = NO_PORT, EVERY_PORT
    passed = NO_PORT
    granted = NO_PORT
    baseline: list[Rule] = []
    for rule in rules:
        if rule.layer is Layer.NAMESPACE:
            granted = granted | rule.ports
        elif rule.layer is Layer.BASELINE:
            baseline.append(rule)
        else:
            part = rule.ports & left
            left = left - part
            allowed = allowed | part if rule.action == "allow" else allowed
            passed = passed | part if rule.action == "pass" else passed
    left = left | passed
    if isolated:
        return allowed | (granted & left)
    for rule in baseline:
        part = rule.ports & left
        left = left - part
        allowed = allowed | part if rule.action == "allow" else allowed
    return allowed | left
