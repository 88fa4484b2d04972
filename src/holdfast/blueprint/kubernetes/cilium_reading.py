"""CiliumNetworkPolicies as far as `holdfast export kubernetes` writes them, down to ports.

What passes by path or by name is wider here than in Cilium: a rule with `rules:` counts as its ports,
a name as any public address. A policy that says more than is read here is not read at all.
"""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import Plain
from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, Addresses, network
from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.placement import public_addresses
from holdfast.blueprint.kubernetes.policies import (
    BlockPeer,
    NamedPort,
    Peer,
    PodPeer,
    Policy,
    PolicyRule,
    PortRule,
)
from holdfast.blueprint.kubernetes.ports import (
    EVERY_PORT,
    PORT_MAX,
    PORT_MIN,
    Protocol,
    ports_of,
    union_of,
)
from holdfast.blueprint.kubernetes.rules import DIRECTIONS, Direction, Layer
from holdfast.blueprint.kubernetes.selectors import (
    EVERYTHING,
    Expression,
    Selector,
    SelectorFaultError,
    selector,
)
from holdfast.blueprint.kubernetes.shapes import Plainly, at, items, mapping, mappings, text, whole
from holdfast.blueprint.kubernetes.workloads import NAMESPACE_LABEL

POD_NAMESPACE = "io.kubernetes.pod.namespace"
_SPEC = frozenset({"endpointSelector", "ingress", "egress", "description"})
_PEERS: dict[Direction, dict[str, str]] = {
    "ingress": {"endpoints": "fromEndpoints", "entities": "fromEntities", "cidr": "fromCIDR",
                "sets": "fromCIDRSet", "names": ""},
    "egress": {"endpoints": "toEndpoints", "entities": "toEntities", "cidr": "toCIDR",
               "sets": "toCIDRSet", "names": "toFQDNs"},
}  # fmt: skip
_MACHINES = frozenset(
    {"host", "remote-node", "health", "ingress", "kube-apiserver", "none", "init"}
)
"""Parties that are no pods: of them nothing is said here, as of a machine that asks after a pod."""
_PROTOCOLS: dict[str, Protocol] = {"TCP": "TCP", "UDP": "UDP", "SCTP": "SCTP"}


class _UnreadError(Exception):
    """Says more than is read here."""


def cilium_policy(item: Item) -> Policy | None:
    """The policy; None when it says more than is read here."""
    spec = mapping(item.data, "spec")
    try:
        if not spec or set(spec) - _SPEC or "specs" in item.data:
            return None
        return Policy(
            item=item,
            layer=Layer.NAMESPACE,
            priority=0,
            subject=PodPeer(namespaces=None, pods=_labels(at(spec, "endpointSelector"))[1]),
            rules={way: tuple(_rules(spec, way)) for way in DIRECTIONS if way in spec},
        )
    except (_UnreadError, SelectorFaultError, ValueError):
        return None


def _rules(spec: Plainly, way: Direction) -> Iterator[PolicyRule]:
    names = _PEERS[way]
    for number, rule in enumerate(mappings(spec, way)):
        if set(rule) - {*names.values(), "toPorts"}:
            raise _UnreadError
        given = [key for key in names.values() if key in rule]
        # A rule that names nobody and no port matches nothing; one that names ports only, everybody.
        nobody: tuple[Peer, ...] | None = None if rule else ()
        yield PolicyRule(
            title=f"{way}[{number}]",
            action="allow",
            peers=tuple(_peers(rule, names)) if given else nobody,
            ports=tuple(_ports(rule)) if "toPorts" in rule else (EVERY_PORT,),
        )


def _peers(rule: Plainly, names: Mapping[str, str]) -> Iterator[Peer]:
    for each in items(rule, names["endpoints"]):
        spaces, pods = _labels(each)
        yield PodPeer(namespaces=spaces, pods=pods)
    for entity in items(rule, names["entities"]):
        if entity in ("cluster", "all"):
            yield PodPeer(namespaces=EVERYTHING, pods=EVERYTHING)
        if entity in ("world", "all"):
            yield BlockPeer(addresses=EVERY_ADDRESS)
        elif entity not in _MACHINES and entity != "cluster":
            raise _UnreadError
    for each in items(rule, names["cidr"]):
        yield BlockPeer(addresses=network(str(each)))
    for block in mappings(rule, names["sets"]):
        found = network(text(block, "cidr") or "")
        for each in items(block, "except"):
            found = found - network(str(each))
        yield BlockPeer(addresses=found)
    if names["names"] and items(rule, names["names"]):
        yield BlockPeer(addresses=_named())


def _named() -> Addresses:
    return public_addresses()


def _labels(data: Plain | Plainly) -> tuple[Selector | None, Selector]:
    """The namespaces and the pods that an endpoint selector means; no namespaces: its own."""
    read = selector({} if data is None else data)
    spaces: list[Expression] = []
    pods: list[Expression] = []
    for each in read.requirements:
        source, colon, bare = each.key.partition(":")
        if colon and source not in ("k8s", "any"):
            raise _UnreadError
        key = bare if colon else each.key
        if key == POD_NAMESPACE:
            spaces.append(Expression(NAMESPACE_LABEL, each.operator, each.values))
        elif key.startswith(("io.kubernetes.pod.", "io.cilium.")):
            raise _UnreadError
        else:
            pods.append(Expression(key, each.operator, each.values))
    return (Selector(tuple(spaces)) if spaces else None), Selector(tuple(pods))


def _ports(rule: Plainly) -> Iterator[PortRule]:
    for door in mappings(rule, "toPorts"):
        if set(door) - {"ports", "rules"}:
            raise _UnreadError
        if not items(door, "ports"):
            yield EVERY_PORT
        for each in mappings(door, "ports"):
            yield _port(each)


def _port(each: Plainly) -> PortRule:
    written = text(each, "protocol") or "ANY"
    port = text(each, "port") or str(whole(each, "port") or "0")
    known: list[Protocol] = [
        protocol for name, protocol in _PROTOCOLS.items() if written in (name, "ANY")
    ]
    if not known:
        raise _UnreadError
    if not port.isdigit():
        return NamedPort(name=port, protocol=known[0] if len(known) == 1 else None)
    low, end = int(port), whole(each, "endPort")
    if low == 0:
        return union_of(ports_of(protocol, PORT_MIN, high=PORT_MAX) for protocol in known)
    return union_of(ports_of(protocol, low, high=end or low) for protocol in known)
