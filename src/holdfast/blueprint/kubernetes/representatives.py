"""Pods that are not there (yet): one for each selector by which some policy names its peers.

Whatever a policy opens for a label, it opens for the next pod that carries it. What is found of such a
pod holds for every pod that the same selectors match and no other policy's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.policies import PodPeer, Policy
from holdfast.blueprint.kubernetes.selectors import Selector
from holdfast.blueprint.kubernetes.workloads import (
    DEFAULT_NAMESPACE,
    NAMESPACE_LABEL,
    Workload,
)

REPRESENTATIVES_MAX = 2_000
ANY_POD = "any other pod"
ANY_NAMESPACE = "any other namespace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Representatives:
    """The pods, and the labels of the namespaces that are made up for them. ``is_cut``: there are
    more selectors than are looked at."""

    pods: tuple[Workload, ...]
    namespaces: Mapping[str, Mapping[str, str]]
    is_cut: bool = False


def representatives(manifests: Manifests, *, beside: Sequence[Workload]) -> Representatives:
    """One pod for each selector of a peer; none where one at hand, or ``beside`` them, carries just
    those labels."""
    known = {_key(each) for each in (*manifests.workloads, *beside)}
    pods: dict[tuple[object, ...], Workload] = {}
    namespaces: dict[str, Mapping[str, str]] = {}
    for policy, peer in _peers(manifests):
        found = _representative(manifests, policy, peer, namespaces=namespaces)
        if found is not None and _key(found) not in known:
            pods.setdefault(_key(found), found)
        if len(pods) > REPRESENTATIVES_MAX:
            return Representatives(pods=tuple(pods.values()), namespaces=namespaces, is_cut=True)
    return Representatives(pods=tuple(pods.values()), namespaces=namespaces)


def _key(each: Workload) -> tuple[object, ...]:
    return (each.namespace, tuple(sorted(each.labels.items())))


def _peers(manifests: Manifests) -> Iterator[tuple[Policy, PodPeer]]:
    for policy in manifests.policies:
        for rules in policy.rules.values():
            for rule in rules:
                pods = (peer for peer in rule.peers or () if isinstance(peer, PodPeer))
                yield from ((policy, peer) for peer in pods)


def _representative(
    manifests: Manifests,
    policy: Policy,
    peer: PodPeer,
    *,
    namespaces: dict[str, Mapping[str, str]],
) -> Workload | None:
    labels = _example(peer.pods)
    if labels is None:
        return None
    if peer.namespaces is None:
        space = policy.item.namespace or DEFAULT_NAMESPACE
    else:
        found = _space(manifests, peer.namespaces, namespaces)
        if found is None:
            return None
        space = found
    return Workload(namespace=space, name=_named(labels), kind="", labels=labels)


def _space(
    manifests: Manifests, wanted: Selector, made: dict[str, Mapping[str, str]]
) -> str | None:
    """A namespace that the selector matches; where none is at hand one is made up."""
    for name, labels in sorted(manifests.namespaces.items()):
        if wanted.matches(labels) and wanted.requirements:
            return name
    labels = _example(wanted)
    if labels is None:
        return None
    name = labels.get(NAMESPACE_LABEL) or (_spelled(labels) if labels else ANY_NAMESPACE)
    made[name] = {NAMESPACE_LABEL: name, **labels}
    return name


def _example(wanted: Selector) -> Mapping[str, str] | None:
    """Labels that the selector matches; None where it contradicts itself."""
    labels: dict[str, str] = {}
    for each in wanted.requirements:
        if each.operator == "In":
            labels.setdefault(each.key, min(each.values))
        elif each.operator == "Exists":
            labels.setdefault(each.key, "any")
    return labels if wanted.matches(labels) else None


def _named(labels: Mapping[str, str]) -> str:
    return f"any pod with {_spelled(labels)}" if labels else ANY_POD


def _spelled(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
