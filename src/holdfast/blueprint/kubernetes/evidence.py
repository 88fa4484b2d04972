"""What manifests say of the nodes, in the form that reviews take as evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from holdfast.blueprint.graph import System
from holdfast.blueprint.kubernetes.binding import Binding, bind, stand_in
from holdfast.blueprint.kubernetes.connectivity import Connectivity
from holdfast.blueprint.kubernetes.declared import (
    DNS_PORTS,
    GATEWAY,
    Declaration,
    Party,
    declaration,
)
from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.network_policies import selected
from holdfast.blueprint.kubernetes.placement import Cluster, Inside, public_addresses
from holdfast.blueprint.kubernetes.ports import NO_PORT, Ports, union_of
from holdfast.blueprint.kubernetes.rules import RuleBook
from holdfast.blueprint.kubernetes.settling import rule_book
from holdfast.blueprint.kubernetes.shapes import (
    Plainly,
    items,
    mapping,
    mappings,
    text,
    truth,
    words,
)
from holdfast.blueprint.kubernetes.workloads import DEFAULT_NAMESPACE, Workload, containers
from holdfast.blueprint.review import evidence as review
from holdfast.core import NodeId

ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"
_SANDBOXES = ("gvisor", "runsc", "kata", "firecracker")


def workloads_of(
    manifests: Manifests, system: System, *, cluster: Cluster, holds_host_network: bool = False
) -> review.Workloads:
    """The enforced side of a review: what the manifests say of each node that they realise.

    ``permitted`` holds a pair when some connection from the one to the other can pass: on a declared
    port where the pair is declared, on any where it is not; a declared pair between which the
    gateway stands also when both of its ways are open. Manifests without any workload (policies
    alone) are judged as if each node ran with the labels that it should have.
    """
    declared = declaration(system, cluster)
    manifests = _with_stand_ins(manifests, declared)
    binding = bind(manifests, declared)
    book = rule_book(manifests, holds_host_network=holds_host_network)
    reach = Connectivity(book)
    found: dict[NodeId, list[int]] = {}
    for number, party in binding.party_of.items():
        if isinstance(party, str):
            found.setdefault(party, []).append(number)
    return review.Workloads(
        by_node={
            node: _of_node(manifests, book, reach, numbers) for node, numbers in found.items()
        },
        permitted=frozenset(_permitted(declared, binding, reach)),
    )


def _with_stand_ins(manifests: Manifests, declared: Declaration) -> Manifests:
    if manifests.workloads or not manifests.policies:
        return manifests
    return replace(manifests, workloads=tuple(stand_in(place) for _, place in selected(declared)))


def _permitted(
    declared: Declaration, binding: Binding, reach: Connectivity
) -> Iterator[tuple[NodeId, NodeId]]:
    wanted = declared.ports
    for source, destination, ports in reach.pairs():
        one, other = binding.party_of.get(source), binding.party_of.get(destination)
        if isinstance(one, str) and isinstance(other, str) and one != other:
            asked = wanted.get((one, other))
            if asked is None or ports & asked:
                yield one, other
    for source, destination in declared.carried:
        door = _between(binding, reach, source, GATEWAY) & wanted.get((source, GATEWAY), NO_PORT)
        if door and _goes_on(declared, binding, reach, destination):
            yield source, destination


def _goes_on(
    declared: Declaration, binding: Binding, reach: Connectivity, destination: NodeId
) -> bool:
    """Whether the gateway reaches some upstream of a node: of itself, or of its members. Those
    outside the cluster, and programs that the gateway starts, are reached by other ways."""
    wanted = declared.ports
    upstreams = declared.upstreams[destination]
    inside = [name for name in upstreams if isinstance(declared.places[name], Inside)]
    return not inside or any(
        _between(binding, reach, GATEWAY, name) & wanted[GATEWAY, name] for name in inside
    )


def _between(binding: Binding, reach: Connectivity, source: Party, destination: Party) -> Ports:
    return union_of(
        reach.between(one, other)
        for one in binding.workloads_of(source)
        for other in binding.workloads_of(destination)
    )


def _of_node(
    manifests: Manifests, book: RuleBook, reach: Connectivity, numbers: list[int]
) -> review.Workload:
    """A node may be several workloads: the weakest of them counts for what protects it."""
    shapes = [manifests.workloads[number] for number in numbers]
    internet = any(_reaches_internet(reach, number) for number in numbers)
    machines = _machines(manifests, shapes)
    accounts = {_account(each) for each in shapes}
    return review.Workload(
        ingress_isolated=all(number in book.isolated["ingress"] for number in numbers),
        egress_isolated=all(number in book.isolated["egress"] for number in numbers),
        internet=internet,
        replicas=_replicas(shapes),
        zones=_labelled(shapes, machines, ZONE_LABEL),
        hosts=frozenset[str]().union(*(each.hosts for each in shapes)),
        service_account=accounts.pop() if len(accounts) == 1 else None,
        secrets=frozenset(secret for each in shapes for secret in _secrets(each)),
        encrypted_volumes=_all_known([_encrypted(manifests, each) for each in shapes]),
        sandboxed=_all_known([_sandboxed(each, internet=internet) for each in shapes]),
        region=_only(_labelled(shapes, machines, REGION_LABEL)),
    )


def _reaches_internet(reach: Connectivity, number: int) -> bool:
    """Whether all of the internet is open to it, on some port that is not for looking up names."""
    left = public_addresses()
    for access in reach.to_outside(number):
        if access.ports - DNS_PORTS:
            left = left - access.addresses
    return not left


def _replicas(shapes: list[Workload]) -> int | None:
    counts = [each.replicas for each in shapes]
    return None if None in counts else sum(count or 0 for count in counts)


def _machines(manifests: Manifests, shapes: list[Workload]) -> list[Mapping[str, str]]:
    """The labels of the machines that they run on, where those are at hand."""
    hosts = frozenset[str]().union(*(each.hosts for each in shapes))
    return [
        words(item.data, "metadata", "labels")
        for item in manifests.of_kind("Node")
        if item.name in hosts
    ]


def _labelled(
    shapes: list[Workload], machines: list[Mapping[str, str]], label: str
) -> frozenset[str]:
    """The zones (or regions) that they run in, or are bound to."""
    found = {labels[label] for labels in machines if label in labels}
    for each in shapes:
        bound = words(each.spec, "nodeSelector").get(label)
        found |= {bound} if bound else _demanded(each.spec, label)
    return frozenset(found)


def _demanded(spec: Plainly, label: str) -> set[str]:
    demand = mapping(spec, "affinity", "nodeAffinity")
    needed = mapping(demand, "requiredDuringSchedulingIgnoredDuringExecution")
    found: set[str] = set()
    for term in mappings(needed, "nodeSelectorTerms"):
        for each in mappings(term, "matchExpressions"):
            if text(each, "key") == label and text(each, "operator") == "In":
                found |= {str(value) for value in items(each, "values")}
    return found


def _only(found: frozenset[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


def _account(each: Workload) -> str:
    name = text(each.spec, "serviceAccountName") or text(each.spec, "serviceAccount")
    return f"{each.namespace}/{name or 'default'}"


def _secrets(each: Workload) -> Iterator[str]:
    """Every secret that the pods are given, by variable or by file."""
    for container in containers(each.spec):
        for variable in mappings(container, "env"):
            if name := text(variable, "valueFrom", "secretKeyRef", "name"):
                yield f"{each.namespace}/{name}"
        for source in mappings(container, "envFrom"):
            if name := text(source, "secretRef", "name"):
                yield f"{each.namespace}/{name}"
    for volume in mappings(each.spec, "volumes"):
        if name := text(volume, "secret", "secretName"):
            yield f"{each.namespace}/{name}"
        for source in mappings(volume, "projected", "sources"):
            if name := text(source, "secret", "name"):
                yield f"{each.namespace}/{name}"


def _encrypted(manifests: Manifests, each: Workload) -> bool | None:
    """Whether its volumes are encrypted, as far as their storage classes say; None: they do not."""
    classes = {item.name: item for item in manifests.of_kind("StorageClass")}
    answers: list[bool | None] = []
    for name in _classes(manifests, each):
        item = classes.get(name or "")
        said = words(item.data, "parameters") if item is not None else {}
        keyed = any(
            key in said for key in ("kmsKeyId", "disk-encryption-kms-key", "diskEncryptionSetID")
        )
        written = said.get("encrypted", "").lower()
        answers.append(
            True if keyed or written == "true" else False if written == "false" else None
        )
    return _all_known(answers) if answers else None


def _classes(manifests: Manifests, each: Workload) -> Iterator[str | None]:
    claims = {
        (item.namespace or DEFAULT_NAMESPACE, item.name): item
        for item in manifests.of_kind("PersistentVolumeClaim")
    }
    for volume in mappings(each.spec, "volumes"):
        if name := text(volume, "persistentVolumeClaim", "claimName"):
            item = claims.get((each.namespace, name))
            yield text(item.data, "spec", "storageClassName") if item is not None else None
    if each.item is not None:
        for template in mappings(each.item.data, "spec", "volumeClaimTemplates"):
            yield text(template, "spec", "storageClassName")


def _all_known(answers: list[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers or not answers else True


def _sandboxed(each: Workload, *, internet: bool) -> bool | None:
    """Whether what it runs is shut in: a sandboxing runtime, no secrets, no token, no way out.

    None: nothing opens it, and nothing says that a sandbox holds it."""
    if internet or any(_secrets(each)) or _is_privileged(each.spec):
        return False
    runtime = (text(each.spec, "runtimeClassName") or "").lower()
    has_token = truth(each.spec, "automountServiceAccountToken") is not False
    if any(name in runtime for name in _SANDBOXES):
        return not has_token
    return None


def _is_privileged(spec: Plainly) -> bool:
    if any(truth(spec, key) is True for key in ("hostNetwork", "hostPID", "hostIPC")):
        return True
    if any(mapping(volume, "hostPath") for volume in mappings(spec, "volumes")):
        return True
    return any(
        truth(container, "securityContext", "privileged") is True for container in containers(spec)
    )
