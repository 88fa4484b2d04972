"""What the cluster lets in from outside: load balancers, ports of machines, ingresses, routes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.blueprint import Plain
from holdfast.blueprint.kubernetes.addresses import EVERY_ADDRESS, Addresses
from holdfast.blueprint.kubernetes.addresses import network as read_network
from holdfast.blueprint.kubernetes.connectivity import Connectivity
from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.ports import (
    NO_PORT,
    PORT_MAX,
    PORT_MIN,
    Ports,
    Protocol,
    ports_of,
    union_of,
)
from holdfast.blueprint.kubernetes.settling import rule_book
from holdfast.blueprint.kubernetes.shapes import (
    Plainly,
    at,
    items,
    mapping,
    mappings,
    text,
    whole,
    words,
)
from holdfast.blueprint.kubernetes.workloads import DEFAULT_NAMESPACE, Workload

CONTROLLER = Workload(
    namespace="ingress-controller-ns", name="ingress-controller", kind="Pod", labels={}
)
"""Stands for whatever carries ingresses and routes where it is not among the manifests: a pod of
some other namespace, with labels that no policy asks for."""

_PROTOCOLS: dict[str, Protocol] = {"TCP": "TCP", "UDP": "UDP", "SCTP": "SCTP"}
_INTERNAL = {
    "cloud.google.com/load-balancer-type": "Internal",
    "networking.gke.io/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """A port of a service, and what it leads to: a number, or a container port's name."""

    name: str | None
    number: int
    target: int | str
    protocol: Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, and the numbers of the workloads that it leads to."""

    item: Item
    kind: str
    workloads: tuple[int, ...]
    ports: tuple[ServicePort, ...]
    internal: bool
    sources: Addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A way into the cluster that leads to a workload. ``ports`` are those of the workload that it
    leads to and that the workload's policies let pass; none: it is shut by them. ``internet`` is
    false where only the organisation's own network comes that way."""

    workload: int
    via: Item
    led: Ports
    ports: Ports
    internet: bool


def services(manifests: Manifests) -> tuple[Service, ...]:
    return tuple(_service(item, manifests) for item in manifests.of_kind("Service"))


def _service(item: Item, manifests: Manifests) -> Service:
    spec = mapping(item.data, "spec")
    wanted = words(spec, "selector")
    home = item.namespace or DEFAULT_NAMESPACE
    found = [
        number
        for number, each in enumerate(manifests.workloads)
        if wanted and each.namespace == home and wanted.items() <= each.labels.items()
    ]
    notes = words(item.data, "metadata", "annotations")
    return Service(
        item=item,
        kind=text(spec, "type") or "ClusterIP",
        workloads=tuple(found),
        ports=tuple(_service_ports(spec)),
        internal=any(notes.get(key) == value for key, value in _INTERNAL.items()),
        sources=_sources(spec),
    )


def _service_ports(spec: Plainly) -> Iterator[ServicePort]:
    for each in mappings(spec, "ports"):
        number = whole(each, "port")
        protocol = _PROTOCOLS.get(text(each, "protocol") or "TCP")
        if number is None or protocol is None:
            continue
        target = at(each, "targetPort")
        yield ServicePort(
            name=text(each, "name"),
            number=number,
            target=target if isinstance(target, int | str) and target else number,
            protocol=protocol,
        )


def _sources(spec: Plainly) -> Addresses:
    found = Addresses()
    for each in items(spec, "loadBalancerSourceRanges"):
        try:
            found = found | read_network(str(each))
        except ValueError:
            return EVERY_ADDRESS
    return found or EVERY_ADDRESS


def openings(manifests: Manifests, *, holds_host_network: bool = False) -> tuple[Opening, ...]:
    """Every way in, in the order of the manifests."""
    known = services(manifests)
    book = rule_book(manifests, also=(CONTROLLER,), holds_host_network=holds_host_network)
    return tuple(_Opener(manifests, known, Connectivity(book)).openings())


class _Opener:
    def __init__(
        self, manifests: Manifests, known: tuple[Service, ...], reach: Connectivity
    ) -> None:
        self._manifests = manifests
        self._services = known
        self._by_name = {
            (each.item.namespace or DEFAULT_NAMESPACE, each.item.name): each for each in known
        }
        self._reach = reach
        self._controller = len(manifests.workloads)

    def openings(self) -> Iterator[Opening]:
        for service in self._services:
            if service.kind in ("LoadBalancer", "NodePort") or items(
                service.item.data, "spec", "externalIPs"
            ):
                yield from self._direct(service)
        for item in self._manifests.objects:
            for service, port in self._backends(item):
                yield from self._carried(item, service, port)

    def _direct(self, service: Service) -> Iterator[Opening]:
        for number in service.workloads:
            led = union_of(self._led(number, port) for port in service.ports)
            let = NO_PORT
            for access in self._reach.from_outside(number):
                if access.addresses & service.sources:
                    let = let | access.ports
            yield Opening(
                workload=number,
                via=service.item,
                led=led,
                ports=led & let,
                internet=service.kind == "LoadBalancer" and not service.internal,
            )

    def _carried(self, item: Item, service: Service, port: Plain) -> Iterator[Opening]:
        for number in service.workloads:
            led = union_of(
                self._led(number, each) for each in service.ports if _is_meant(each, port)
            )
            if led:
                let = self._reach.between(self._controller, number)
                yield Opening(workload=number, via=item, led=led, ports=led & let, internet=True)

    def _led(self, number: int, port: ServicePort) -> Ports:
        if isinstance(port.target, int) or port.target.isdigit():
            target = int(port.target)
            in_bounds = PORT_MIN <= target <= PORT_MAX
            return ports_of(port.protocol, target) if in_bounds else NO_PORT
        return union_of(
            ports_of(each.protocol, each.port)
            for each in self._manifests.workloads[number].ports
            if each.name == port.target and each.protocol == port.protocol
        )

    def _backends(self, item: Item) -> Iterator[tuple[Service, Plain]]:
        for space, name, port in _named_backends(item):
            service = self._by_name.get((space, name))
            if service is not None:
                yield service, port


def _is_meant(port: ServicePort, wanted: Plain) -> bool:
    """``wanted`` is a number, a name, or None: every port of the service."""
    return wanted is None or wanted in (port.number, port.name, port.target)


def _named_backends(item: Item) -> Iterator[tuple[str, str, Plain]]:
    """The services that an ingress or a route names: namespace, name, port."""
    home = item.namespace or DEFAULT_NAMESPACE
    spec = mapping(item.data, "spec")
    for backend, port in _written_backends(item.kind, spec):
        if name := text(backend, "name"):
            yield text(backend, "namespace") or home, name, _plain(port)


def _written_backends(kind: str, spec: Plainly) -> Iterator[tuple[Plainly, Plain | Plainly]]:
    """Each backend as written, and the port of it that is meant."""
    if kind == "Ingress":
        for backend in _ingress_backends(spec):
            port = mapping(backend, "service", "port")
            yield mapping(backend, "service"), at(port, "number") or at(port, "name")
    elif kind == "Route":
        for target in (mapping(spec, "to"), *mappings(spec, "alternateBackends")):
            yield target, at(spec, "port", "targetPort")
    elif kind.endswith("Route"):
        for rule in mappings(spec, "rules"):
            for target in mappings(rule, "backendRefs"):
                yield target, at(target, "port")


def _ingress_backends(spec: Plainly) -> Iterator[Plainly]:
    yield mapping(spec, "defaultBackend")
    for rule in mappings(spec, "rules"):
        for path in mappings(rule, "http", "paths"):
            yield mapping(path, "backend")


def _plain(found: Plain | Plainly) -> Plain:
    return None if isinstance(found, Mapping | list) else found
