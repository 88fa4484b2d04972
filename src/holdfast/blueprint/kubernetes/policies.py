"""Network policies as written: by labels, not yet settled for any workload."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from holdfast.blueprint import Plain, Problem
from holdfast.blueprint.kubernetes.addresses import Addresses
from holdfast.blueprint.kubernetes.addresses import network as read_network
from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.ports import (
    EVERY_PORT,
    PORT_MAX,
    PORT_MIN,
    Ports,
    Protocol,
    ports_of,
)
from holdfast.blueprint.kubernetes.rules import Action, Direction, Layer
from holdfast.blueprint.kubernetes.selectors import (
    EVERYTHING,
    Selector,
    SelectorFaultError,
    selector,
)
from holdfast.blueprint.kubernetes.shapes import Plainly, at, items, mapping, text, whole

_PROTOCOLS: dict[str, Protocol] = {"TCP": "TCP", "UDP": "UDP", "SCTP": "SCTP"}
MEND = "mend it: the cluster would refuse it, or read it otherwise than it is meant"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPeer:
    """Pods by label. ``namespaces`` None: those of the policy's own namespace."""

    namespaces: Selector | None
    pods: Selector


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPeer:
    """Addresses outside the cluster."""

    addresses: Addresses


Peer: TypeAlias = PodPeer | BlockPeer


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPort:
    """A port by the name that the destination's container gives it. ``protocol`` None: any."""

    name: str
    protocol: Protocol | None


PortRule: TypeAlias = Ports | NamedPort


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """``peers`` None: everything, in the cluster and outside. ``ports`` None: every port."""

    title: str
    action: Action
    peers: tuple[Peer, ...] | None
    ports: tuple[PortRule, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy. A direction that it says nothing of has no entry in ``rules``."""

    item: Item
    layer: Layer
    priority: int
    subject: PodPeer
    rules: Mapping[Direction, tuple[PolicyRule, ...]]


class _FaultError(Exception):
    """What is wrong, and where."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.where, self.what = where, what


def network_policy(item: Item, problems: list[Problem]) -> Policy | None:
    """A ``NetworkPolicy`` (networking.k8s.io/v1)."""
    return _read(item, problems, _network_policy)


def admin_policy(item: Item, problems: list[Problem]) -> Policy | None:
    """An ``AdminNetworkPolicy`` or ``BaselineAdminNetworkPolicy`` (v1alpha1)."""
    return _read(item, problems, _admin_policy)


def _read(item: Item, problems: list[Problem], read: Callable[[Item], Policy]) -> Policy | None:
    try:
        return read(item)
    except _FaultError as fault:
        problems.append(item.problem(fault.where, fault.what, fix=MEND))
        return None


def _network_policy(item: Item) -> Policy:
    spec = mapping(item.data, "spec")
    # Since v1 is strict, an absent podSelector is read as the empty one: every pod.
    pods = _selector(at(spec, "podSelector"), "spec.podSelector", absent=EVERYTHING)
    types = items(spec, "policyTypes")
    # "If no policyTypes are specified, Ingress will always be set and Egress if there are rules."
    default = ["Ingress", *(["Egress"] if items(spec, "egress") else [])]
    directions = [str(each).lower() for each in (types or default)]
    rules: dict[Direction, tuple[PolicyRule, ...]] = {}
    if unknown := [each for each in directions if each not in ("ingress", "egress")]:
        raise _FaultError("spec.policyTypes", f"`{unknown[0]}` is neither Ingress nor Egress")
    if "ingress" in directions:
        rules["ingress"] = tuple(_pod_rules(spec, "ingress", "from"))
    if "egress" in directions:
        rules["egress"] = tuple(_pod_rules(spec, "egress", "to"))
    return Policy(
        item=item,
        layer=Layer.NAMESPACE,
        priority=0,
        subject=PodPeer(namespaces=None, pods=pods),
        rules=rules,
    )


def _selector(data: Plain | Plainly, where: str, *, absent: Selector | None = None) -> Selector:
    if data is None and absent is not None:
        return absent
    try:
        return selector({} if data is None else data)
    except SelectorFaultError as fault:
        raise _FaultError(where, str(fault)) from None


def _pod_rules(spec: Plainly, direction: str, side: str) -> Iterator[PolicyRule]:
    for number, written in enumerate(items(spec, direction)):
        where = f"spec.{direction}[{number}]"
        if written is not None and not isinstance(written, Mapping):
            raise _FaultError(where, "is no rule")
        peers = items(written, side)
        ports = items(written, "ports")
        yield PolicyRule(
            title=f"{direction}[{number}]",
            action="allow",
            peers=tuple(_pod_peer(each, f"{where}.{side}[{i}]") for i, each in enumerate(peers))
            or None,
            ports=tuple(_pod_port(each, f"{where}.ports[{i}]") for i, each in enumerate(ports))
            or None,
        )


def _pod_peer(data: Plain, where: str) -> Peer:
    if not isinstance(data, Mapping) or not data:
        raise _FaultError(where, "names no peer")
    block = at(data, "ipBlock")
    if isinstance(block, Mapping):
        if len(data) > 1:
            raise _FaultError(where, "has ipBlock beside a selector")
        return BlockPeer(addresses=_block(block, f"{where}.ipBlock"))
    if not {"podSelector", "namespaceSelector"} & set(data):
        raise _FaultError(where, "names no peer")
    spaces = at(data, "namespaceSelector")
    return PodPeer(
        namespaces=None if spaces is None else _selector(spaces, f"{where}.namespaceSelector"),
        pods=_selector(at(data, "podSelector"), f"{where}.podSelector", absent=EVERYTHING),
    )


def _block(data: Plainly, where: str) -> Addresses:
    found = _network(at(data, "cidr"), f"{where}.cidr")
    for number, written in enumerate(items(data, "except")):
        place = f"{where}.except[{number}]"
        without = _network(written, place)
        if without - found:
            raise _FaultError(place, "lies outside its cidr")
        found = found - without
    return found


def _network(data: Plain | Plainly, where: str) -> Addresses:
    try:
        # An address without a prefix length is no CIDR for Kubernetes.
        return read_network(data if isinstance(data, str) and "/" in data else "")
    except ValueError:
        raise _FaultError(where, f"`{data}` is no CIDR") from None


def _pod_port(data: Plain, where: str) -> PortRule:
    if not isinstance(data, Mapping):
        raise _FaultError(where, "is no port")
    protocol = _protocol(at(data, "protocol"), where)
    port, end = at(data, "port"), whole(data, "endPort")
    if isinstance(port, str) and not port.isdigit():
        if end is not None:
            raise _FaultError(where, "has an endPort beside a named port")
        return NamedPort(name=port, protocol=protocol)
    if port is None:
        if end is not None:
            raise _FaultError(where, "has an endPort without a port")
        return ports_of(protocol, PORT_MIN, high=PORT_MAX)
    return _range(protocol, int(port) if isinstance(port, int | str) else None, end, where)


def _protocol(data: Plain | Plainly, where: str) -> Protocol:
    found = _PROTOCOLS.get("TCP" if data is None else str(data))
    if found is None:
        raise _FaultError(where, f"has the unknown protocol `{data}`")
    return found


def _range(protocol: Protocol, low: int | None, end: int | None, where: str) -> Ports:
    high = low if end is None else end
    if low is None or high is None or not PORT_MIN <= low <= high <= PORT_MAX:
        raise _FaultError(
            where, f"has no ports between {PORT_MIN} and {PORT_MAX}, or they run backwards"
        )
    return ports_of(protocol, low, high=high)


def _admin_policy(item: Item) -> Policy:
    spec = mapping(item.data, "spec")
    baseline = item.kind == "BaselineAdminNetworkPolicy"
    if baseline and item.name != "default":
        raise _FaultError("metadata.name", "must be `default`: there is one baseline")
    priority = 0 if baseline else whole(spec, "priority")
    if priority is None or not 0 <= priority <= ADMIN_PRIORITY_MAX:
        raise _FaultError("spec.priority", f"must be a number from 0 to {ADMIN_PRIORITY_MAX}")
    rules: dict[Direction, tuple[PolicyRule, ...]] = {
        "ingress": tuple(_admin_rules(spec, "ingress", "from", baseline=baseline)),
        "egress": tuple(_admin_rules(spec, "egress", "to", baseline=baseline)),
    }
    return Policy(
        item=item,
        layer=Layer.BASELINE if baseline else Layer.ADMIN,
        priority=priority,
        subject=_scope(at(spec, "subject"), "spec.subject"),
        rules=rules,
    )


ADMIN_PRIORITY_MAX = 1000
_ACTIONS: dict[str, Action] = {"Allow": "allow", "Deny": "deny", "Pass": "pass"}


def _scope(data: Plain | Plainly, where: str) -> PodPeer:
    """``namespaces`` or ``pods``: exactly one of them."""
    if not isinstance(data, Mapping) or len(data) != 1:
        raise _FaultError(where, "needs exactly one of its kinds of peer")
    if "namespaces" in data:
        found = _selector(at(data, "namespaces"), f"{where}.namespaces")
        return PodPeer(namespaces=found, pods=EVERYTHING)
    pods = at(data, "pods")
    if not isinstance(pods, Mapping):
        raise _FaultError(where, "names neither namespaces nor pods")
    return PodPeer(
        namespaces=_selector(at(pods, "namespaceSelector"), f"{where}.pods.namespaceSelector"),
        pods=_selector(at(pods, "podSelector"), f"{where}.pods.podSelector"),
    )


def _admin_rules(
    spec: Plainly, direction: str, side: str, *, baseline: bool
) -> Iterator[PolicyRule]:
    for number, written in enumerate(items(spec, direction)):
        where = f"spec.{direction}[{number}]"
        action = _ACTIONS.get(text(written, "action") or "")
        if action is None or (baseline and action == "pass"):
            raise _FaultError(f"{where}.action", "is no action that this policy knows")
        peers = items(written, side)
        if not peers:
            raise _FaultError(f"{where}.{side}", "names no peer")
        found = [
            _admin_peer(each, f"{where}.{side}[{i}]", direction) for i, each in enumerate(peers)
        ]
        ports = items(written, "ports")
        yield PolicyRule(
            title=f"{direction}[{number}]",
            action=action,
            peers=tuple(peer for peer in found if peer is not None),
            ports=tuple(_admin_port(each, f"{where}.ports[{i}]") for i, each in enumerate(ports))
            or None,
        )


def _admin_peer(data: Plain, where: str, direction: str) -> Peer | None:
    """None: the machines of the cluster, or names of domains, of which manifests say nothing."""
    if not isinstance(data, Mapping) or len(data) != 1:
        raise _FaultError(where, "needs exactly one kind of peer")
    if direction == "egress" and "networks" in data:
        found = Addresses()
        for number, each in enumerate(items(data, "networks")):
            found = found | _network(each, f"{where}.networks[{number}]")
        return BlockPeer(addresses=found)
    if direction == "egress" and ("nodes" in data or "domainNames" in data):
        return None
    return _scope(data, where)


def _admin_port(data: Plain, where: str) -> PortRule:
    if not isinstance(data, Mapping) or len(data) != 1:
        raise _FaultError(where, "needs exactly one of portNumber, portRange and namedPort")
    if name := text(data, "namedPort"):
        return NamedPort(name=name, protocol=None)
    if "portNumber" in data:
        number = mapping(data, "portNumber")
        return _range(_protocol(at(number, "protocol"), where), whole(number, "port"), None, where)
    found = mapping(data, "portRange")
    if "portRange" not in data or whole(found, "end") is None:
        raise _FaultError(where, "has a range without an end")
    protocol = _protocol(at(found, "protocol"), where)
    return _range(protocol, whole(found, "start"), whole(found, "end"), where)


def every_port(rule: PolicyRule) -> tuple[PortRule, ...]:
    """The ports of a rule, every one when it names none."""
    return (EVERY_PORT,) if rule.ports is None else rule.ports
