"""Where each node of the blueprint runs: in the cluster, outside it, or nowhere of its own.

A node says so in ``metadata.kubernetes``; where it does not, its pods carry the label
``app.kubernetes.io/name`` with its id.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from holdfast.blueprint import Blueprint, Node, NodeKind, Problem
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, Addresses, network
from holdfast.blueprint.kubernetes.errors import ManifestError
from holdfast.blueprint.kubernetes.shapes import Plainly, mapping, mappings, text, truth, words
from holdfast.core import NodeId, read_json

NAME_LABEL = "app.kubernetes.io/name"
PART_LABEL = "app.kubernetes.io/part-of"
NAMESPACE_LENGTH_MAX = 63
GATEWAY_PORT = 8080

_NOT_RUNNING = frozenset({"data-asset", "ai:prompt-template"})
_KEYS = frozenset({"namespace", "workload", "labels", "service", "outside"})
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PRIVATE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.168.0.0/16", "224.0.0.0/3",
)  # fmt: skip
_PRIVATE_6 = ("::/3", "fc00::/7", "fe80::/10", "ff00::/8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """How the system lies in its cluster. ``direct``: nodes call each other, not by the gateway.
    ``entrance`` is the namespace from which calls from outside arrive (that of the Gateway API's
    or the ingress's own pods)."""

    namespace: str
    gateway_namespace: str
    entrance: str = "gateway-system"
    gateway_port: int = GATEWAY_PORT
    gateway_labels: Mapping[str, str] = field(default_factory=lambda: {NAME_LABEL: "holdfast"})
    direct: bool = False


def cluster_of(
    blueprint: Blueprint, *, namespace: str | None = None, direct: bool = False
) -> Cluster:
    """The cluster as it is unless more is said: one namespace of the system's name."""
    name = namespace or dns_label(blueprint.name)
    return Cluster(namespace=name, gateway_namespace=name, direct=direct)


def dns_label(name: str) -> str:
    """``name`` as a name that Kubernetes takes."""
    folded = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:NAMESPACE_LENGTH_MAX].strip("-")
    return folded or "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Pods of the cluster. ``labels`` select them; ``workload`` is the name of what makes them,
    where that is said instead."""

    node: NodeId
    namespace: str
    labels: Mapping[str, str]
    workload: str | None = None
    service: str
    said: bool = False
    """Whether the blueprint says where, rather than this being the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Something that is not in the cluster. Without names and with every address: unknown where."""

    node: NodeId
    names: tuple[str, ...] = ()
    addresses: Addresses = EVERY_ADDRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Nowhere:
    """Something that runs nowhere of its own: people, containers, data."""

    node: NodeId
    people: bool


def placements(system: System, cluster: Cluster) -> Mapping[NodeId, Inside | Outside | Nowhere]:
    """Where every node is; ``ManifestError`` where ``metadata.kubernetes`` cannot be read."""
    problems: list[Problem] = []
    said = _said(system.blueprint, problems)
    if problems:
        raise ManifestError(tuple(problems))
    return {
        name: _placed(node, said.get(name), system=system, cluster=cluster)
        for name, node in system.nodes.items()
    }


def _said(blueprint: Blueprint, problems: list[Problem]) -> dict[NodeId, Plainly]:
    """What the nodes' metadata says of Kubernetes."""
    found: dict[NodeId, Plainly] = {}
    content = read_json(blueprint.content)
    for name in blueprint.nodes:
        written = mapping(mapping(content, "nodes"), name)
        about = mapping(written, "metadata", "kubernetes")
        for each in mappings(written, "metadata"):
            about = mapping(each, "kubernetes") or about
        if about:
            found[name] = about
            problems.extend(_faults(name, about))
    return found


def _faults(name: NodeId, about: Plainly) -> list[Problem]:
    faults = [f"`{key}` is not known here" for key in sorted(set(about) - _KEYS)]
    for key in ("namespace", "service"):
        value = about.get(key)
        if value is not None and not (isinstance(value, str) and _DNS_LABEL.fullmatch(value)):
            faults.append(f"{key} is no name that Kubernetes takes")
    where = f"nodes.{name}.metadata.kubernetes"
    fix = f"use {', '.join(sorted(_KEYS))}"
    return [
        Problem(file="blueprint", line=1, column=1, where=where, what=fault, fix=fix)
        for fault in faults
    ]


def _placed(
    node: Node, said: Plainly | None, *, system: System, cluster: Cluster
) -> Inside | Outside | Nowhere:
    if said is not None and truth(said, "outside") is not True:
        return _inside(node, said, cluster)
    if node.kind in (NodeKind.ACTOR, NodeKind.CLIENT):
        return Nowhere(node=node.id, people=True)
    if said is None and _is_nothing(node, system):
        return Nowhere(node=node.id, people=False)
    host = node.upstream.address.host if node.upstream is not None else None
    if said is not None or node.facts.trust in ("third-party", "untrusted") or _is_far(host):
        return _outside(node, host)
    return _inside(node, {}, cluster)


def _is_nothing(node: Node, system: System) -> bool:
    if node.kind in (NodeKind.NETWORK, NodeKind.SYSTEM) or node.type in _NOT_RUNNING:
        return True
    return node.program is not None or (node.upstream is None and bool(system.parts.get(node.id)))


def _inside(node: Node, said: Plainly, cluster: Cluster) -> Inside:
    return Inside(
        node=node.id,
        namespace=text(said, "namespace") or cluster.namespace,
        labels=words(said, "labels") or {NAME_LABEL: node.id.rstrip("-")},
        workload=text(said, "workload"),
        service=text(said, "service") or node.id,
        said=bool(said),
    )


def _is_far(host: str | None) -> bool:
    """Whether a host lies outside: an address that is not this machine's, or a name of the DNS
    that is none of the cluster's own."""
    if host is None:
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        parts = host.lower().split(".")
        return len(parts) > 1 and "svc" not in parts and parts[-1] not in ("local", "localhost")


def _outside(node: Node, host: str | None) -> Outside:
    hosts = {host} if host else set[str]()
    for interface in node.interfaces.values():
        found = urlsplit(interface.url or "").hostname if host is None else None
        hosts |= {found} if found else set()
    names = sorted(name for name in hosts if _address(name) is None)
    numbers = [found for name in hosts if (found := _address(name)) is not None]
    addresses = Addresses()
    for number in numbers:
        addresses = addresses | number
    if names or not numbers:
        addresses = addresses | public_addresses()
    return Outside(node=node.id, names=tuple(names), addresses=addresses)


def _address(host: str) -> Addresses | None:
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return network(f"{found}/{found.max_prefixlen}")


def public_addresses() -> Addresses:
    """What a name of the internet may stand for."""
    found = EVERY_ADDRESS
    for private in (*_PRIVATE, *_PRIVATE_6):
        found = found - network(private)
    return found


def private_blocks() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What ``public_addresses`` leaves out, as CIDRs of IPv4 and IPv6."""
    return _PRIVATE, _PRIVATE_6
