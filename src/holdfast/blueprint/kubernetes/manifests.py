"""All that files of manifests say: what runs, who may reach whom, what is let in from outside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from holdfast.blueprint import Problem, in_file_order
from holdfast.blueprint.kubernetes.cilium_reading import cilium_policy
from holdfast.blueprint.kubernetes.documents import FILES_MAX, Item, hold_no_objects, items_of
from holdfast.blueprint.kubernetes.errors import ManifestError
from holdfast.blueprint.kubernetes.policies import Policy, admin_policy, network_policy
from holdfast.blueprint.kubernetes.rules import Layer
from holdfast.blueprint.kubernetes.shapes import words
from holdfast.blueprint.kubernetes.workloads import (
    DEFAULT_NAMESPACE,
    NAMESPACE_LABEL,
    Workload,
    is_workload,
    merged,
    workload,
)

WORKLOADS_MAX = 10_000
_ROUTES = frozenset(
    {"Ingress", "Route", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"}
)
_OBJECTS = frozenset({"Service", "Node", "PersistentVolumeClaim", "StorageClass", *_ROUTES})
_ENFORCING_ELSEWHERE = frozenset(
    {
        "AuthorizationPolicy",
        "CiliumClusterwideNetworkPolicy",
        "ClusterUserDefinedNetwork",
        "GlobalNetworkPolicy",
        "MultiNetworkPolicy",
        "UserDefinedNetwork",
    }
)
"""Kinds that permit or forbid connections and are not evaluated here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """What was read. ``objects`` are the further kinds that analyses look at; ``ignored`` counts
    the rest by kind; ``unjudged`` are objects that restrict or open the network in ways that are
    not evaluated here: what is permitted may be other than computed."""

    workloads: tuple[Workload, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    policies: tuple[Policy, ...]
    objects: tuple[Item, ...]
    ignored: Mapping[str, int] = field(default_factory=dict[str, int])
    unjudged: tuple[Item, ...] = ()

    def of_kind(self, *kinds: str) -> Iterator[Item]:
        return (item for item in self.objects if item.kind in kinds)


def read_manifests(texts: Mapping[str, str]) -> Manifests:
    """The manifests in ``texts``, by name of file; ``ManifestError`` with everything wrong.

    A file that cannot be read to its end would leave policies unseen, so one fault fails all.
    """
    problems: list[Problem] = []
    if len(texts) > FILES_MAX:
        what = f"there are more than {FILES_MAX} files"
        problems.append(_about_all(what, "name fewer files"))
    found = list(items_of(texts, problems)) if not problems else []
    if not problems and hold_no_objects(texts):
        file = next(iter(texts))
        what, fix = "there is no Kubernetes object in it", "name manifests: each says its `kind`"
        problems.append(Problem(file=file, line=1, column=1, where="", what=what, fix=fix))
    read = _sorted_out(found, problems)
    if len(read.workloads) > WORKLOADS_MAX:
        what = f"there are more than {WORKLOADS_MAX} workloads"
        problems.append(_about_all(what, "name one namespace at a time"))
    problems.extend(_clashes(read.policies))
    if problems:
        raise ManifestError(in_file_order(problems))
    return read


def _about_all(what: str, fix: str) -> Problem:
    return Problem(file="manifests", line=1, column=1, where="", what=what, fix=fix)


def _sorted_out(found: Iterable[Item], problems: list[Problem]) -> Manifests:
    workloads: list[Workload] = []
    namespaces: dict[str, Mapping[str, str]] = {}
    policies: list[Policy | None] = []
    objects: list[Item] = []
    ignored: dict[str, int] = {}
    unjudged: list[Item] = []
    for item in found:
        if is_workload(item):
            workloads.append(workload(item))
        elif item.kind == "Namespace":
            namespaces[item.name] = words(item.data, "metadata", "labels")
        elif item.kind == "NetworkPolicy" and item.group == "networking.k8s.io":
            policies.append(network_policy(item, problems))
        elif item.kind in ("AdminNetworkPolicy", "BaselineAdminNetworkPolicy"):
            policies.append(admin_policy(item, problems))
        elif item.kind == "CiliumNetworkPolicy" and item.group == "cilium.io":
            found_policy = cilium_policy(item)
            policies.append(found_policy)
            unjudged += [] if found_policy else [item]
        elif item.kind in _OBJECTS:
            objects.append(item)
        elif item.kind in _ENFORCING_ELSEWHERE or item.kind == "NetworkPolicy":
            unjudged.append(item)
        else:
            ignored[item.kind] = ignored.get(item.kind, 0) + 1
    whole = merged(workloads)
    for each in whole:
        namespaces.setdefault(each.namespace, {})
    for policy in policies:
        if policy is not None and policy.layer is Layer.NAMESPACE:
            namespaces.setdefault(policy.item.namespace or DEFAULT_NAMESPACE, {})
    return Manifests(
        workloads=whole,
        namespaces={name: {**labels, NAMESPACE_LABEL: name} for name, labels in namespaces.items()},
        policies=tuple(policy for policy in policies if policy is not None),
        objects=tuple(objects),
        ignored=dict(sorted(ignored.items())),
        unjudged=tuple(unjudged),
    )


def _clashes(policies: Iterable[Policy]) -> Iterator[Problem]:
    seen: set[tuple[str, str, str]] = set()
    priorities: dict[int, Policy] = {}
    for policy in policies:
        key = (policy.item.kind, policy.item.namespace or DEFAULT_NAMESPACE, policy.item.name)
        if key in seen:
            yield policy.item.problem("", "is there twice", fix="keep one of them")
        seen.add(key)
        if policy.layer is not Layer.ADMIN:
            continue
        other = priorities.setdefault(policy.priority, policy)
        if other is not policy:
            what = f"has the priority of {other.item.title}: which goes first is not defined"
            yield policy.item.problem("spec.priority", what, fix="give each its own")
