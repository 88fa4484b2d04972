"""All plans and manifests of a system judged together: only together they must realise its nodes."""

from collections.abc import Iterator, Sequence

from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure.binding import must_be_built
from holdfast.blueprint.infrastructure.checking import check_plan
from holdfast.blueprint.infrastructure.clusters import check_manifests
from holdfast.blueprint.infrastructure.findings import InfraFinding, InfraReport, broken, holds
from holdfast.blueprint.infrastructure.modules import ApprovedModules
from holdfast.blueprint.infrastructure.plan import Plan
from holdfast.blueprint.kubernetes import Cluster, Manifests
from holdfast.core import NodeId


def check_infrastructure(
    system: System,
    cluster: Cluster,
    *,
    plans: Sequence[Plan] = (),
    manifests: Manifests | None = None,
    modules: ApprovedModules | None = None,
) -> InfraReport:
    """Every judgement, plans first, in the order of what was given."""
    reports = [check_plan(plan, system, modules=modules) for plan in plans]
    if manifests is not None:
        reports.append(check_manifests(manifests, system, cluster))
    bound = {address: node for report in reports for address, node in report.bound.items()}
    unknown: dict[str, int] = {}
    for report in reports:
        for kind, count in report.not_judged.items():
            unknown[kind] = unknown.get(kind, 0) + count
    findings = [finding for report in reports for finding in report.findings]
    findings += _realised(system, frozenset(bound.values()))
    return InfraReport(
        findings=tuple(findings), not_judged=dict(sorted(unknown.items())), bound=bound
    )


def _realised(system: System, found: frozenset[NodeId]) -> Iterator[InfraFinding]:
    """IAC-07, for every node that should be built."""
    for name in must_be_built(system):
        at = f"nodes.{name}"
        if name in found:
            yield holds("IAC-07", at, name)
        else:
            yield broken(
                "IAC-07", at, node=name, what="nothing that was given realises it",
                fix="tag its resources `holdfast-node`, or remove the node; where something else "
                "makes it, give that too",
            )  # fmt: skip
