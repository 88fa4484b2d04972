"""The declaration as CiliumNetworkPolicies: also by name where the callee lies outside, and by path
where the gateway speaks plain HTTP to it."""

from collections.abc import Iterator, Mapping, Sequence

from holdfast.blueprint import Node, Upstream
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.declared import ENTRANCE, GATEWAY, Declaration, Party, Wanted
from holdfast.blueprint.kubernetes.network_policies import (
    DNS_LABELS,
    DNS_NAMESPACE,
    Document,
    about,
    blocks,
    namespaces,
    policy_name,
    said_of,
    selected,
)
from holdfast.blueprint.kubernetes.placement import Inside, Outside
from holdfast.blueprint.kubernetes.ports import PORT_MAX, PORT_MIN, PROTOCOLS, Ports
from holdfast.blueprint.kubernetes.writing import Because, Written

POD_NAMESPACE = "k8s:io.kubernetes.pod.namespace"
_OPENAI = (("POST", "/(chat/completions|completions|embeddings)"), ("GET", "/models"))
_MCP = (("POST", ""), ("GET", ""), ("DELETE", ""))


def cilium_policies(declared: Declaration, system: System) -> Iterator[Document]:
    """Documents with what is said above each."""
    name = system.blueprint.name
    for namespace in namespaces(declared):
        yield _deny(namespace, name)
        yield _dns(namespace, name)
    for party, place in selected(declared):
        yield _policy(declared, party, place, system)


def _document(
    name: str, namespace: str, *, system: str, spec: Mapping[str, Written], said: tuple[str, ...]
) -> Document:
    return said, {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": about(name, namespace, system=system),
        "spec": spec,
    }


def _deny(namespace: str, system: str) -> Document:
    # A rule that names nobody: the direction is governed, and nothing is let through.
    spec: Mapping[str, Written] = {"endpointSelector": {}, "ingress": [{}], "egress": [{}]}
    said = (f"Nothing in {namespace} connects to anything, unless a policy below opens it.",)
    return _document("default-deny", namespace, system=system, spec=spec, said=said)


def _dns(namespace: str, system: str) -> Document:
    servers = _endpoints(DNS_NAMESPACE, {f"k8s:{key}": each for key, each in DNS_LABELS.items()})
    ports = [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}]
    door: Mapping[str, Written] = {"ports": ports, "rules": {"dns": [{"matchPattern": "*"}]}}
    spec: Mapping[str, Written] = {
        "endpointSelector": {},
        "egress": [{"toEndpoints": [servers], "toPorts": [door]}],
    }
    said = ("Every pod may look up names; what it looks up is how `toFQDNs` learns addresses.",)
    return _document("allow-dns", namespace, system=system, spec=spec, said=said)


def _endpoints(namespace: str, labels: Mapping[str, str]) -> Mapping[str, Written]:
    return {"matchLabels": {POD_NAMESPACE: namespace, **labels}}


def _policy(declared: Declaration, party: Party, place: Inside, system: System) -> Document:
    entering = [each for each in declared.wanted if each.destination == party]
    leaving = [each for each in declared.wanted if each.source == party]
    spec: dict[str, Written] = {"endpointSelector": {"matchLabels": place.labels}}
    if entering:
        spec["ingress"] = [rule for each in entering for rule in _arriving(declared, each, system)]
    if leaving:
        spec["egress"] = [rule for each in leaving for rule in _leaving(declared, each)]
    title = "Holdfast" if party == GATEWAY else f"The node {party}"
    name = system.blueprint.name
    said = (f"{title}.",)
    return _document(policy_name(party), place.namespace, system=name, spec=spec, said=said)


def _arriving(declared: Declaration, wanted: Wanted, system: System) -> Iterator[Written]:
    node = system.nodes.get(wanted.destination) if isinstance(wanted.destination, str) else None
    carried = wanted.source == GATEWAY and node is not None
    http = _paths(node) if carried and node is not None else ()
    door: dict[str, Written] = {"ports": _ports(wanted.ports)}
    if http:
        door["rules"] = {"http": list(http)}
    if wanted.source == ENTRANCE:
        by_namespace = {"matchLabels": {POD_NAMESPACE: declared.cluster.entrance}}
        yield Because({"fromEndpoints": [by_namespace], "toPorts": [door]}, said_of(wanted))
        yield {"fromEntities": ["ingress"], "toPorts": [door]}
        return
    yield Because(
        {"fromEndpoints": [_of(declared, wanted.source)], "toPorts": [door]}, said_of(wanted)
    )


def _of(declared: Declaration, party: Party) -> Mapping[str, Written]:
    cluster = declared.cluster
    if party == GATEWAY:
        return _endpoints(cluster.gateway_namespace, cluster.gateway_labels)
    assert isinstance(party, str)
    place = declared.places[party]
    assert isinstance(place, Inside)
    return _endpoints(place.namespace, place.labels)


def _leaving(declared: Declaration, wanted: Wanted) -> Iterator[Written]:
    door: Mapping[str, Written] = {"ports": _ports(wanted.ports)}
    end = wanted.destination
    place = declared.places.get(end) if isinstance(end, str) else None
    if not isinstance(place, Outside):
        rule = {"toEndpoints": [_of(declared, end)], "toPorts": [door]}
        yield Because(rule, said_of(wanted))
        return
    if place.names:
        names: Sequence[Written] = [{"matchName": name} for name in place.names]
        yield Because({"toFQDNs": names, "toPorts": [door]}, said_of(wanted))
        return
    sets: Sequence[Written] = list(blocks(place.addresses))
    yield Because({"toCIDRSet": sets, "toPorts": [door]}, said_of(wanted))


def _ports(ports: Ports) -> Sequence[Mapping[str, Written]]:
    found: list[Mapping[str, Written]] = []
    for protocol in PROTOCOLS:
        for low, high in ports.of(protocol):
            # Port 0 stands for every port of the protocol.
            whole = (low, high) == (PORT_MIN, PORT_MAX)
            port: dict[str, Written] = {"port": "0" if whole else str(low), "protocol": protocol}
            if not whole and high != low:
                port["endPort"] = high
            found.append(port)
    return found


def _paths(node: Node) -> tuple[Mapping[str, Written], ...]:
    """What the gateway asks of an upstream; nothing where TLS hides it from the network."""
    upstream = node.upstream
    if upstream is None or upstream.address.tls:
        return ()
    found = [_path(method, upstream, ending) for method, ending in _asked(upstream)]
    if node.health is not None:
        found.append({"method": "GET", "path": _literal(node.health.path)})
    return tuple(found)


def _asked(upstream: Upstream) -> tuple[tuple[str, str], ...]:
    return _MCP if upstream.dialect == "mcp" else _OPENAI


def _path(method: str, upstream: Upstream, ending: str) -> Mapping[str, Written]:
    return {"method": method, "path": _literal(upstream.path) + ending}


def _literal(path: str) -> str:
    """A path as the regular expression that means just it."""
    return "".join(f"\\{each}" if each in ".+*?()[]{}|^$\\" else each for each in path)
