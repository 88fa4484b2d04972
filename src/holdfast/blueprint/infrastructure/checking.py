"""A plan against the blueprint and the approved modules."""

from collections.abc import Iterator

from holdfast.blueprint.graph import System
from holdfast.blueprint.infrastructure.attributes import answer
from holdfast.blueprint.infrastructure.binding import Bound, bind_resources
from holdfast.blueprint.infrastructure.catalogue import KINDS, region_of
from holdfast.blueprint.infrastructure.facts import (
    judge_encryption,
    judge_exposure,
    judge_region,
)
from holdfast.blueprint.infrastructure.findings import (
    InfraFinding,
    InfraReport,
    broken,
    holds,
    undecided,
)
from holdfast.blueprint.infrastructure.kinds import Kind
from holdfast.blueprint.infrastructure.modules import ApprovedModules, judge_module
from holdfast.blueprint.infrastructure.plan import Plan, Resource
from holdfast.core import NodeId


def check_plan(plan: Plan, system: System, *, modules: ApprovedModules | None) -> InfraReport:
    """Every judgement on the plan alone. Without ``modules`` nothing is asked of modules."""
    bound = bind_resources(plan, system)
    findings: list[InfraFinding] = []
    unknown: dict[str, int] = {}
    if modules is not None:
        findings += _of_modules(plan, modules)
    for resource in plan.resources:
        kind = KINDS.get(resource.type)
        if kind is None:
            unknown[resource.type] = unknown.get(resource.type, 0) + 1
            continue
        findings += _of_resource(resource, kind, plan, system=system, bound=bound)
    return InfraReport(findings=tuple(findings), not_judged=unknown, bound=bound.node_of)


def _of_modules(plan: Plan, modules: ApprovedModules) -> Iterator[InfraFinding]:
    for call in plan.modules:
        verdict = judge_module(call, modules)
        if verdict.approved:
            yield holds("IAC-01", call.address)
        elif verdict.approved is None:
            missing = ("the version that is taken",)
            yield undecided("IAC-01", call.address, missing=missing, what=verdict.what)
        else:
            yield broken("IAC-01", call.address, what=verdict.what, fix=verdict.fix)
    for resource in plan.resources:
        if resource.module or modules.may_stand_alone(resource.type):
            yield holds("IAC-02", resource.address)
        elif resource.stays:
            yield broken(
                "IAC-02", resource.address, what="it stands outside of every module",
                fix="make it by an approved module, or list its type under `outside`",
            )  # fmt: skip


def _of_resource(
    resource: Resource, kind: Kind, plan: Plan, *, system: System, bound: Bound
) -> Iterator[InfraFinding]:
    node = bound.node_of.get(resource.address)
    if kind.keeps and resource.is_destroyed:
        yield from _destroyed(resource, node, system)
    elif kind.keeps:
        yield holds("IAC-08", resource.address, node)
    if not resource.stays:
        return
    if kind.public:
        yield from judge_exposure(
            system, node, resource.address, is_open=answer(resource, kind.public)
        )
    if kind.part in ("runs", "stores"):
        yield from _belongs(resource, node, bound)
        if node is not None:
            region = region_of(resource, plan)
            yield from judge_region(system, node, resource.address, region=region)
    if kind.encrypted is not None and node is not None:
        encrypted = answer(resource, kind.encrypted)
        yield from judge_encryption(system, node, resource.address, encrypted=encrypted)


def _destroyed(resource: Resource, node: NodeId | None, system: System) -> Iterator[InfraFinding]:
    if node is not None and system.nodes[node].facts.stateful is False:
        yield holds("IAC-08", resource.address, node)
        return
    anew = "create" in resource.actions
    yield broken(
        "IAC-08", resource.address, node=node,
        what="it keeps data and is " + ("destroyed and made anew" if anew else "destroyed"),
        fix="keep it (`prevent_destroy`, or a `moved` block where it only changed its name); where it "
        "shall go, say `facts: {stateful: false}` on its node once its data is safe",
    )  # fmt: skip


def _belongs(resource: Resource, node: NodeId | None, bound: Bound) -> Iterator[InfraFinding]:
    if node is not None:
        yield holds("IAC-06", resource.address, node)
        return
    tag = bound.strange.get(resource.address)
    said = "no node declares it" if tag is None else f"its tag names `{tag}`, which no node is"
    yield broken(
        "IAC-06", resource.address, what=said,
        fix="tag it `holdfast-node` with its node's id, or declare a node for it",
    )  # fmt: skip
