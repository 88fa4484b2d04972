"""Manifests against the blueprint: the same questions as for a plan."""

from collections.abc import Iterator

from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure.facts import (
    judge_encryption,
    judge_exposure,
    judge_region,
)
from holdfast.blueprint.infrastructure.findings import InfraFinding, InfraReport, broken, holds
from holdfast.blueprint.kubernetes import (
    Binding,
    Cluster,
    Manifests,
    bind,
    declaration,
    openings,
    workloads_of,
)
from holdfast.core import NodeId


def check_manifests(manifests: Manifests, system: System, cluster: Cluster) -> InfraReport:
    """Every judgement on the manifests alone."""
    binding = bind(manifests, declaration(system, cluster))
    nodes = {
        number: NodeId(party)
        for number, party in binding.party_of.items()
        if isinstance(party, str)
    }
    findings = [
        *_belonging(manifests, binding, nodes),
        *_open(manifests, system, nodes),
        *_of_nodes(manifests, system, cluster, nodes=nodes),
    ]
    return InfraReport(
        findings=tuple(findings),
        not_judged=manifests.ignored,
        bound={manifests.workloads[number].title: node for number, node in nodes.items()},
    )


def _belonging(
    manifests: Manifests, binding: Binding, nodes: dict[int, NodeId]
) -> Iterator[InfraFinding]:
    for number, node in nodes.items():
        yield holds("IAC-06", manifests.workloads[number].title, node)
    for number in (*binding.unknown, *binding.ambiguous):
        rivals = binding.ambiguous.get(number)
        yield broken(
            "IAC-06", manifests.workloads[number].title,
            what=f"several nodes claim it: {', '.join(rivals)}" if rivals else "no node declares it",
            fix="label its pods `app.kubernetes.io/name` with its node's id, or declare a node for it",
        )  # fmt: skip


def _open(manifests: Manifests, system: System, nodes: dict[int, NodeId]) -> Iterator[InfraFinding]:
    for opening in openings(manifests):
        if opening.internet:
            at = f"{opening.via.title} -> {manifests.workloads[opening.workload].title}"
            is_open = bool(opening.ports)
            yield from judge_exposure(system, nodes.get(opening.workload), at, is_open=is_open)


def _of_nodes(
    manifests: Manifests, system: System, cluster: Cluster, *, nodes: dict[int, NodeId]
) -> Iterator[InfraFinding]:
    found = workloads_of(manifests, system, cluster=cluster).by_node
    for node in dict.fromkeys(nodes.values()):
        title = next(manifests.workloads[n].title for n, each in nodes.items() if each == node)
        evidence = found[node]
        yield from judge_region(system, node, title, region=evidence.region)
        if _stores(manifests, nodes, node):
            yield from judge_encryption(system, node, title, encrypted=evidence.encrypted_volumes)


def _stores(manifests: Manifests, nodes: dict[int, NodeId], node: NodeId) -> bool:
    """Whether some workload of it has volumes that outlive it."""
    for number, each in nodes.items():
        workload = manifests.workloads[number]
        volumes = workload.spec.get("volumes")
        claimed = isinstance(volumes, list) and any(
            isinstance(volume, dict) and "persistentVolumeClaim" in volume for volume in volumes
        )
        if each == node and (claimed or workload.kind == "StatefulSet"):
            return True
    return False
