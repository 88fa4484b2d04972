"""What runs in the cluster: pods, and the kinds that make pods from a template."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint.kubernetes.documents import Item
from holdfast.blueprint.kubernetes.ports import PORT_MAX, PORT_MIN, Protocol
from holdfast.blueprint.kubernetes.shapes import (
    Plainly,
    mapping,
    mappings,
    text,
    truth,
    whole,
    words,
)

DEFAULT_NAMESPACE = "default"
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label that the API server puts on every namespace."""

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "DeploymentConfig": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Rollout": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "VirtualMachine": ("spec", "template"),
}
WORKLOAD_KINDS = frozenset(_TEMPLATES)
_GROUPS = frozenset({"", "apps", "batch", "apps.openshift.io", "argoproj.io", "kubevirt.io"})
_PROTOCOLS: dict[str, Protocol] = {"TCP": "TCP", "UDP": "UDP", "SCTP": "SCTP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port that a container names."""

    name: str | None
    protocol: Protocol
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Pods that are alike: one owner, one set of labels."""

    namespace: str
    name: str
    kind: str
    labels: Mapping[str, str]
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False
    replicas: int | None = None
    item: Item | None = field(default=None, compare=False)
    template: Plainly = field(default_factory=dict[str, None], compare=False)
    hosts: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """As `shop/cart[Deployment]`; what stands for others has no kind."""
        kind = f"[{self.kind}]" if self.kind else ""
        return f"{self.namespace}/{self.name}{kind}"

    @property
    def spec(self) -> Plainly:
        return mapping(self.template, "spec")


def is_workload(item: Item) -> bool:
    return item.kind in _TEMPLATES and item.group in _GROUPS


def workload(item: Item) -> Workload:
    """The workload that an object stands for."""
    template: Plainly = mapping(item.data, *_TEMPLATES[item.kind])
    spec = mapping(template, "spec")
    owner = owner_of(item)
    host = text(spec, "nodeName")
    return Workload(
        namespace=item.namespace or DEFAULT_NAMESPACE,
        name=owner[1] if owner else item.name,
        kind=owner[0] if owner else item.kind,
        labels=words(template, "metadata", "labels"),
        ports=tuple(_container_ports(spec)),
        host_network=truth(spec, "hostNetwork") is True,
        replicas=_replicas(item),
        item=item,
        template=template,
        hosts=frozenset({host}) if host else frozenset(),
    )


def owner_of(item: Item) -> tuple[str, str] | None:
    """Kind and name of what controls the object; None when nothing does, or only its machine (a
    static pod's ``Node``)."""
    owners = list(mappings(item.data, "metadata", "ownerReferences"))
    ranked = sorted(owners, key=lambda owner: truth(owner, "controller") is not True)
    for owner in ranked:
        name = text(owner, "name")
        if name and text(owner, "kind") != "Node":
            return text(owner, "kind") or item.kind, name
    return None


def _replicas(item: Item) -> int | None:
    if item.kind in ("DaemonSet", "CronJob"):
        return None
    if item.kind in ("Pod", "Job"):
        return 1
    written = whole(item.data, "spec", "replicas")
    return 1 if written is None else written


def containers(spec: Plainly) -> Iterator[Plainly]:
    for field_name in ("containers", "initContainers", "ephemeralContainers"):
        yield from mappings(spec, field_name)


def _container_ports(spec: Plainly) -> Iterator[ContainerPort]:
    for container in containers(spec):
        for each in mappings(container, "ports"):
            port = whole(each, "containerPort")
            protocol = _PROTOCOLS.get(text(each, "protocol") or "TCP")
            if port is not None and protocol and PORT_MIN <= port <= PORT_MAX:
                yield ContainerPort(name=text(each, "name"), protocol=protocol, port=port)


def merged(found: list[Workload]) -> tuple[Workload, ...]:
    """One workload for pods of one owner with the same labels and ports; what is controlled by an
    object that is itself at hand gives way to it, and leaves it the machines it runs on."""
    present = {(each.namespace, *_self(each)) for each in found}
    standing: dict[tuple[object, ...], list[Workload]] = {}
    hosts: dict[tuple[str, str, str], frozenset[str]] = {}
    top = _tops(found, present)
    for each in found:
        own = (each.namespace, *_self(each))
        controller = top[own]
        if controller != own:
            hosts[controller] = hosts.get(controller, frozenset()) | each.hosts
            continue
        key = (each.namespace, each.kind, each.name, _frozen(each.labels), each.ports)
        standing.setdefault(key, []).append(each)
    return tuple(_one(group, hosts) for group in standing.values())


def _self(each: Workload) -> tuple[str, str]:
    """The kind and name of the object itself, not of its owner."""
    item = each.item
    return (item.kind, item.name) if item is not None else (each.kind, each.name)


def _tops(
    found: list[Workload], present: set[tuple[str, str, str]]
) -> dict[tuple[str, str, str], tuple[str, str, str]]:
    """For each object the topmost object at hand that controls it; itself where none does."""
    above = {
        (each.namespace, *_self(each)): (each.namespace, each.kind, each.name) for each in found
    }
    top: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    for name in above:
        here = name
        for _ in range(_CONTROL_DEPTH_MAX):
            over = above[here]
            if over not in present or over == here:
                break
            here = over
        top[name] = here
    return top


_CONTROL_DEPTH_MAX = 4
"""A pod, its ReplicaSet or Job, that one's Deployment or CronJob; one to spare."""


def _frozen(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _one(group: list[Workload], hosts: Mapping[tuple[str, str, str], frozenset[str]]) -> Workload:
    first = group[0]
    found = frozenset[str]().union(
        *(each.hosts for each in group), hosts.get((first.namespace, *_self(first)), frozenset())
    )
    counts = [each.replicas for each in group]
    replicas = None if None in counts else sum(count or 0 for count in counts)
    return Workload(
        namespace=first.namespace,
        name=first.name,
        kind=first.kind,
        labels=first.labels,
        ports=first.ports,
        host_network=any(each.host_network for each in group),
        replicas=replicas,
        item=first.item,
        template=first.template,
        hosts=found,
    )
