"""Policies by label become rules over the workloads at hand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, NO_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.policies import (
    BlockPeer,
    NamedPort,
    PodPeer,
    Policy,
    PolicyRule,
    every_port,
)
from holdfast.blueprint.kubernetes.ports import NO_PORT, Ports, ports_of, union_of
from holdfast.blueprint.kubernetes.rules import DIRECTIONS, Direction, Layer, Rule, RuleBook
from holdfast.blueprint.kubernetes.selectors import Selector
from holdfast.blueprint.kubernetes.workloads import DEFAULT_NAMESPACE, NAMESPACE_LABEL, Workload


def rule_book(
    manifests: Manifests, *, also: Sequence[Workload] = (), holds_host_network: bool = False
) -> RuleBook:
    """The rules for the workloads of the manifests, and for ``also``: workloads that are not there
    (yet), numbered after them.

    Kubernetes leaves open what policies mean for pods on their machine's own network. With most
    network plugins they mean nothing, which is also the careful reading; ``holds_host_network``
    says that the plugin at hand treats them like all others.
    """
    settler = _Settler(manifests, (*manifests.workloads, *also), every_pod=holds_host_network)
    policies = sorted(manifests.policies, key=lambda policy: (policy.layer, policy.priority))
    rules: list[Rule] = []
    isolated: dict[Direction, set[int]] = {"ingress": set(), "egress": set()}
    for policy in policies:
        subjects = settler.subjects(policy)
        for direction in DIRECTIONS:
            if direction not in policy.rules:
                continue
            if policy.layer is Layer.NAMESPACE:
                isolated[direction] |= subjects
            rules.extend(settler.rules(policy, direction, subjects))
    return RuleBook(
        workloads=tuple(each.title for each in settler.workloads),
        rules=tuple(rules),
        isolated={way: frozenset(found) for way, found in isolated.items()},
    )


@dataclass(frozen=True, slots=True)
class _Met:
    """Which workloads and addresses the peers of a rule are."""

    workloads: frozenset[int]
    outside: Addresses


class _Settler:
    def __init__(
        self, manifests: Manifests, workloads: Sequence[Workload], *, every_pod: bool
    ) -> None:
        self._manifests = manifests
        self.workloads = tuple(workloads)
        self._in: dict[str, list[int]] = {}
        for number, each in enumerate(self.workloads):
            # A plugin that cannot tell a pod from its machine finds it by no selector.
            if every_pod or not each.host_network:
                self._in.setdefault(each.namespace, []).append(number)
        self._known: dict[tuple[Selector | None, Selector, str], frozenset[int]] = {}

    def subjects(self, policy: Policy) -> frozenset[int]:
        return self._pods(policy.subject, policy.item.namespace or DEFAULT_NAMESPACE)

    def _pods(self, peer: PodPeer, home: str) -> frozenset[int]:
        key = (peer.namespaces, peer.pods, home if peer.namespaces is None else "")
        found = self._known.get(key)
        if found is None:
            found = frozenset(
                number
                for space in self._spaces(peer.namespaces, home)
                for number in self._in.get(space, ())
                if peer.pods.matches(self.workloads[number].labels)
            )
            self._known[key] = found
        return found

    def _spaces(self, wanted: Selector | None, home: str) -> Iterable[str]:
        if wanted is None:
            return (home,)
        spaces = self._manifests.namespaces
        return [
            name for name in self._in if wanted.matches(spaces.get(name) or {NAMESPACE_LABEL: name})
        ]

    def rules(
        self, policy: Policy, direction: Direction, subjects: frozenset[int]
    ) -> Iterator[Rule]:
        if not subjects:
            return
        home = policy.item.namespace or DEFAULT_NAMESPACE
        for written in policy.rules[direction]:
            met = self._met(written, home)
            origin = f"{policy.item.title} {written.title}"
            for group, peers, outside, ports in self._cases(written, direction, subjects, met):
                yield Rule(
                    origin=origin,
                    direction=direction,
                    action=written.action,
                    layer=policy.layer,
                    subjects=group,
                    peers=peers,
                    outside=outside,
                    ports=ports,
                )

    def _met(self, written: PolicyRule, home: str) -> _Met:
        if written.peers is None:
            return _Met(frozenset(range(len(self.workloads))), EVERY_ADDRESS)
        found = frozenset[int]()
        outside = NO_ADDRESS
        for peer in written.peers:
            if isinstance(peer, BlockPeer):
                outside = outside | peer.addresses
            else:
                found |= self._pods(peer, home)
        return _Met(found, outside)

    def _cases(
        self, written: PolicyRule, direction: Direction, subjects: frozenset[int], met: _Met
    ) -> Iterator[tuple[frozenset[int], frozenset[int], Addresses, Ports]]:
        """A rule with named ports is one rule for each destination that knows those names."""
        ports = every_port(written)
        plain = union_of(port for port in ports if isinstance(port, Ports))
        names = [port for port in ports if isinstance(port, NamedPort)]
        if plain and not names:
            yield subjects, met.workloads, met.outside, plain
            return
        by_ports: dict[Ports, set[int]] = {}
        for number in subjects if direction == "ingress" else met.workloads:
            found = plain | union_of(_named(self.workloads[number], name) for name in names)
            if found:
                by_ports.setdefault(found, set()).add(number)
        for found, group in by_ports.items():
            if direction == "ingress":
                yield frozenset(group), met.workloads, met.outside, found
            else:
                yield subjects, frozenset(group), NO_ADDRESS, found
        if direction == "egress" and plain and met.outside:
            yield subjects, frozenset(), met.outside, plain


def _named(destination: Workload, wanted: NamedPort) -> Ports:
    found = NO_PORT
    for port in destination.ports:
        if port.name == wanted.name and wanted.protocol in (None, port.protocol):
            found = found | ports_of(port.protocol, port.port)
    return found
