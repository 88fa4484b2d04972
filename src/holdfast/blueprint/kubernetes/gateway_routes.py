"""The declared ways in from outside as routes of the Gateway API."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from holdfast.blueprint import Node
from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.declared import ENTRANCE, GATEWAY, Declaration, Wanted
from holdfast.blueprint.kubernetes.network_policies import (
    Document,
    about,
    policy_name,
    said_of,
)
from holdfast.blueprint.kubernetes.placement import Inside
from holdfast.blueprint.kubernetes.ports import Ports
from holdfast.blueprint.kubernetes.writing import Written

ENTRANCE_GATEWAY = "entrance"
_GRPC = frozenset({"grpc", "grpcs"})


def gateway_routes(declared: Declaration, system: System) -> Iterator[Document]:
    """One route for each node (and the gateway) that outsiders may reach on one known port."""
    for wanted in declared.wanted:
        port = _only(wanted.ports)
        if wanted.source == ENTRANCE and port is not None:
            yield _route(declared, wanted, port, system)


def unrouted(declared: Declaration) -> Iterator[str]:
    """What no route can be written for, and why."""
    for wanted in declared.wanted:
        if wanted.source == ENTRANCE and _only(wanted.ports) is None:
            yield f"{wanted.destination}: no route, for it declares no single port"


def _only(ports: Ports) -> int | None:
    found = ports.tcp
    is_one = len(found) == 1 and found[0][0] == found[0][1]
    return found[0][0] if is_one else None


def _route(declared: Declaration, wanted: Wanted, port: int, system: System) -> Document:
    end = wanted.destination
    if end == GATEWAY:
        namespace, service = declared.cluster.gateway_namespace, "holdfast"
        node = None
    else:
        assert isinstance(end, str)
        place = declared.places[end]
        assert isinstance(place, Inside)
        namespace, service = place.namespace, place.service
        node = system.nodes[end]
    is_grpc = node is not None and _schemes(node) <= _GRPC and bool(_schemes(node))
    spec: dict[str, Written] = {
        "parentRefs": [{"name": ENTRANCE_GATEWAY, "namespace": declared.cluster.entrance}]
    }
    if node is not None and (names := _hostnames(node)):
        spec["hostnames"] = names
    spec["rules"] = [{"backendRefs": [_backend(service, port)]}]
    kind = "GRPCRoute" if is_grpc else "HTTPRoute"
    said = (
        *said_of(wanted),
        f"Needs the Gateway {declared.cluster.entrance}/{ENTRANCE_GATEWAY} and the Service {service}.",
    )
    return said, {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": about(policy_name(end), namespace, system=system.blueprint.name),
        "spec": spec,
    }


def _backend(service: str, port: int) -> Mapping[str, Written]:
    return {"name": service, "port": port}


def _schemes(node: Node) -> set[str]:
    return {urlsplit(each.url).scheme for each in node.interfaces.values() if each.url}


def _hostnames(node: Node) -> list[str]:
    """Names that an interface is known by outside: those with a dot, that are no addresses."""
    found: set[str] = set()
    for interface in node.interfaces.values():
        host = urlsplit(interface.url or "").hostname or ""
        if "." in host and not host.replace(".", "").isdigit() and not host.endswith(".local"):
            found.add(host)
    return sorted(found)
