"""The declaration as NetworkPolicies: everything is shut, then each declared connection is opened at
both of its ends."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, summarize_address_range

from holdfast.blueprint.kubernetes.addresses import Addresses
from holdfast.blueprint.kubernetes.declared import (
    ENTRANCE,
    GATEWAY,
    Declaration,
    Party,
    Wanted,
)
from holdfast.blueprint.kubernetes.placement import (
    PART_LABEL,
    Inside,
    Outside,
    dns_label,
    private_blocks,
    public_addresses,
)
from holdfast.blueprint.kubernetes.ports import PORT_MAX, PORT_MIN, PROTOCOLS, Ports
from holdfast.blueprint.kubernetes.workloads import NAMESPACE_LABEL
from holdfast.blueprint.kubernetes.writing import Because, Written
from holdfast.core import NodeId

MANAGED_LABEL = "app.kubernetes.io/managed-by"
DNS_NAMESPACE = "kube-system"
DNS_LABELS = {"k8s-app": "kube-dns"}
Document = tuple[tuple[str, ...], Mapping[str, Written]]


def network_policies(declared: Declaration, *, system: str) -> Iterator[Document]:
    """Documents with what is said above each."""
    for namespace in namespaces(declared):
        yield _deny(namespace, system)
        yield _dns(namespace, system)
    for party, place in selected(declared):
        yield _policy(declared, party, place, system)


def namespaces(declared: Declaration) -> tuple[str, ...]:
    found = {place.namespace for place in declared.inside()}
    if declared.has_gateway:
        found.add(declared.cluster.gateway_namespace)
    return tuple(sorted(found))


def selected(declared: Declaration) -> Iterator[tuple[Party, Inside]]:
    """The gateway, where there is one, then the nodes of the cluster."""
    cluster = declared.cluster
    if declared.has_gateway:
        yield (
            GATEWAY,
            Inside(
                node=_NO_NODE,
                namespace=cluster.gateway_namespace,
                labels=cluster.gateway_labels,
                service="holdfast",
            ),
        )
    for place in declared.inside():
        yield place.node, place


_NO_NODE = NodeId("holdfast-gateway")


def about(name: str, namespace: str, *, system: str) -> Mapping[str, Written]:
    labels = {MANAGED_LABEL: "holdfast", PART_LABEL: dns_label(system)}
    return {"name": name, "namespace": namespace, "labels": labels}


def policy_name(party: Party) -> str:
    return _NO_NODE if party == GATEWAY else f"node-{party}".rstrip("-")


def _document(
    name: str, namespace: str, *, system: str, spec: Mapping[str, Written], said: tuple[str, ...]
) -> Document:
    return said, {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": about(name, namespace, system=system),
        "spec": spec,
    }


def _deny(namespace: str, system: str) -> Document:
    spec: Mapping[str, Written] = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    said = (f"Nothing in {namespace} connects to anything, unless a policy below opens it.",)
    return _document("default-deny", namespace, system=system, spec=spec, said=said)


def _dns(namespace: str, system: str) -> Document:
    peer = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: DNS_NAMESPACE}},
        "podSelector": {"matchLabels": DNS_LABELS},
    }
    ports: Sequence[Written] = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
    spec: Mapping[str, Written] = {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [peer], "ports": ports}],
    }
    said = ("Every pod may look up names.",)
    return _document("allow-dns", namespace, system=system, spec=spec, said=said)


def _policy(declared: Declaration, party: Party, place: Inside, system: str) -> Document:
    entering = [each for each in declared.wanted if each.destination == party]
    leaving = [each for each in declared.wanted if each.source == party]
    spec: dict[str, Written] = {
        "podSelector": {"matchLabels": place.labels},
        "policyTypes": ["Ingress", "Egress"],
    }
    if entering:
        spec["ingress"] = [_rule(declared, each, place, arriving=True) for each in entering]
    if leaving:
        spec["egress"] = [_rule(declared, each, place, arriving=False) for each in leaving]
    title = "Holdfast" if party == GATEWAY else f"The node {party}"
    said = (f"{title}: {_count(len(entering), 'way in')}, {_count(len(leaving), 'way out')}.",)
    return _document(policy_name(party), place.namespace, system=system, spec=spec, said=said)


def _count(number: int, noun: str) -> str:
    ending = "" if number == 1 else "s"
    return f"{number or 'no'} {noun.replace('way', 'way' + ending)}"


def _rule(declared: Declaration, wanted: Wanted, place: Inside, *, arriving: bool) -> Because:
    other = wanted.source if arriving else wanted.destination
    rule: dict[str, Written] = {
        "from" if arriving else "to": _peers(declared, other, place.namespace)
    }
    rule["ports"] = port_list(wanted.ports)
    return Because(rule, (*said_of(wanted), *_caveat(declared, other)))


def said_of(wanted: Wanted) -> tuple[str, ...]:
    ends = f"{_title(wanted.source)} -> {_title(wanted.destination)}"
    return (f"{ends}: {', '.join(wanted.because)}",)


def _title(party: Party) -> str:
    if party == GATEWAY:
        return "the gateway"
    return "outside" if party == ENTRANCE else str(party)


def _caveat(declared: Declaration, party: Party) -> tuple[str, ...]:
    place = declared.places.get(party) if isinstance(party, str) else None
    if not isinstance(place, Outside) or place.addresses != public_addresses():
        return ()
    name = ", ".join(place.names) or "it"
    return (
        f"Wider than declared: a NetworkPolicy cannot say {name}, only addresses.",
        "CiliumNetworkPolicy can (--flavour cilium).",
    )


def _peers(declared: Declaration, party: Party, home: str) -> Sequence[Written]:
    cluster = declared.cluster
    if party == ENTRANCE:
        return [{"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: cluster.entrance}}}]
    if party == GATEWAY:
        return [_pods(cluster.gateway_namespace, cluster.gateway_labels, home)]
    assert isinstance(party, str)
    place = declared.places[party]
    if isinstance(place, Inside):
        return [_pods(place.namespace, place.labels, home)]
    assert isinstance(place, Outside)
    return [{"ipBlock": block} for block in blocks(place.addresses)]


def _pods(namespace: str, labels: Mapping[str, str], home: str) -> Mapping[str, Written]:
    pods: Mapping[str, Written] = {"podSelector": {"matchLabels": labels}}
    if namespace == home:
        return pods
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}, **pods}


def blocks(addresses: Addresses) -> Iterator[Mapping[str, Written]]:
    """CIDRs with what is to be left out of them."""
    if addresses == public_addresses():
        four, six = private_blocks()
        yield {"cidr": "0.0.0.0/0", "except": list(four)}
        yield {"cidr": "::/0", "except": list(six)}
        return
    for low, high in addresses.v4:
        for found in summarize_address_range(IPv4Address(low), IPv4Address(high)):
            yield {"cidr": str(found)}
    for low, high in addresses.v6:
        for found in summarize_address_range(IPv6Address(low), IPv6Address(high)):
            yield {"cidr": str(found)}


def port_list(ports: Ports) -> Sequence[Mapping[str, Written]]:
    return [
        _port(protocol, low, high) for protocol in PROTOCOLS for low, high in ports.of(protocol)
    ]


def _port(protocol: str, low: int, high: int) -> Mapping[str, Written]:
    if (low, high) == (PORT_MIN, PORT_MAX):
        return {"protocol": protocol}
    if low == high:
        return {"protocol": protocol, "port": low}
    return {"protocol": protocol, "port": low, "endPort": high}
