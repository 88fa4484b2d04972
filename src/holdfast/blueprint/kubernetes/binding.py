"""Which workloads realise which nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from holdfast.blueprint import Blueprint
from holdfast.blueprint.kubernetes.declared import GATEWAY, Declaration, Party
from holdfast.blueprint.kubernetes.manifests import Manifests
from holdfast.blueprint.kubernetes.placement import NAME_LABEL, Cluster, Inside, cluster_of
from holdfast.blueprint.kubernetes.workloads import Workload
from holdfast.core import NodeId


@dataclass(frozen=True, kw_only=True)
class Binding:
    """Workloads by their numbers, as in ``Manifests.workloads``.

    ``unknown`` are workloads that no node declares, within the namespaces that the system uses;
    ``elsewhere`` those in other namespaces; ``ambiguous`` those that several nodes claim, and which.
    ``unrealised`` are nodes of the cluster without a workload.
    """

    party_of: Mapping[int, Party]
    unknown: tuple[int, ...]
    elsewhere: tuple[int, ...]
    ambiguous: Mapping[int, tuple[NodeId, ...]]
    unrealised: tuple[NodeId, ...]

    @cached_property
    def _numbers(self) -> Mapping[Party, tuple[int, ...]]:
        return numbers_by_party(self.party_of)

    def workloads_of(self, party: Party) -> tuple[int, ...]:
        return self._numbers.get(party, ())


def numbers_by_party(party_of: Mapping[int, Party]) -> Mapping[Party, tuple[int, ...]]:
    """The workloads of each party, in order."""
    found: dict[Party, list[int]] = {}
    for number, party in party_of.items():
        found.setdefault(party, []).append(number)
    return {party: tuple(numbers) for party, numbers in found.items()}


def bind(manifests: Manifests, declared: Declaration) -> Binding:
    """Bind every workload: by what a node's metadata says, else by its name label."""
    places = declared.inside()
    party_of: dict[int, Party] = {}
    unknown: list[int] = []
    elsewhere: list[int] = []
    ambiguous: dict[int, tuple[NodeId, ...]] = {}
    spaces = {place.namespace for place in places} | {declared.cluster.gateway_namespace}
    for number, each in enumerate(manifests.workloads):
        claims = [place for place in places if _claims(place, each)]
        # What is said goes before what is only the rule.
        strong = [place for place in claims if place.said] or claims
        if len(strong) == 1:
            party_of[number] = strong[0].node
        elif strong:
            ambiguous[number] = tuple(place.node for place in strong)
        elif _is_gateway(each, declared):
            party_of[number] = GATEWAY
        elif each.namespace in spaces:
            unknown.append(number)
        else:
            elsewhere.append(number)
    realised = set(party_of.values())
    return Binding(
        party_of=party_of,
        unknown=tuple(unknown),
        elsewhere=tuple(elsewhere),
        ambiguous=ambiguous,
        unrealised=tuple(place.node for place in places if place.node not in realised),
    )


def cluster_in(
    manifests: Manifests,
    blueprint: Blueprint,
    *,
    namespace: str | None = None,
    direct: bool = False,
) -> Cluster:
    """The cluster that the manifests are of. Where no namespace is given it is the one with most
    workloads that carry a node's name label (the first by name among equals), else the system's
    name; the gateway's is the one that holds pods labelled as Holdfast's."""
    usual = cluster_of(blueprint, namespace=namespace, direct=direct)
    counts: dict[str, int] = {}
    gateways: set[str] = set()
    for each in manifests.workloads:
        if each.labels.get(NAME_LABEL) in blueprint.nodes:
            counts[each.namespace] = counts.get(each.namespace, 0) + 1
        if usual.gateway_labels.items() <= each.labels.items():
            gateways.add(each.namespace)
    chosen = namespace or min(counts, key=lambda name: (-counts[name], name), default=None)
    found = cluster_of(blueprint, namespace=chosen, direct=direct)
    if found.namespace in gateways or not gateways:
        return found
    return replace(found, gateway_namespace=min(gateways))


def _claims(place: Inside, workload: Workload) -> bool:
    if place.namespace != workload.namespace:
        return False
    if place.workload is not None:
        return place.workload == workload.name
    return place.labels.items() <= workload.labels.items()


def _is_gateway(workload: Workload, declared: Declaration) -> bool:
    cluster = declared.cluster
    return (
        workload.namespace == cluster.gateway_namespace
        and cluster.gateway_labels.items() <= workload.labels.items()
    )


def stand_in(place: Inside) -> Workload:
    """A workload for a node that has none in the manifests: what its labels say."""
    return Workload(
        namespace=place.namespace,
        name=place.workload or place.node,
        kind="declared",
        labels=place.labels,
    )
