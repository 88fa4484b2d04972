"""TB: what the network lets through, against what is declared."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from holdfast.blueprint import NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind, System
from holdfast.blueprint.review.evidence import EvidenceKind, Workload, Workloads
from holdfast.blueprint.review.rule import (
    TOLD_MAX,
    Case,
    Judgement,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId

_RUN = frozenset(
    {NodeKind.AGENT, NodeKind.MODEL, NodeKind.TOOL, NodeKind.SERVICE, NodeKind.GUARD,
     NodeKind.STORE, NodeKind.OTHER}
)  # fmt: skip


def _runs(system: System) -> bool:
    return any(node.kind in _RUN for node in system.nodes.values())


def _isolation(case: Case) -> Iterator[Judgement]:
    workloads = case.evidence.workloads
    if workloads is None:
        if _runs(case.system):
            yield undecided("", "nodes", missing=(EvidenceKind.WORKLOADS.value,))
        return
    for name, workload in sorted(workloads.by_node.items()):
        if name in case.system.nodes:
            yield _isolated(name, workload)


def _isolated(name: NodeId, workload: Workload) -> Judgement:
    at = f"nodes.{name}"
    open_ways = [
        way
        for way, closed in (
            ("ingress", workload.ingress_isolated),
            ("egress", workload.egress_isolated),
        )
        if not closed
    ]
    if not open_ways:
        return holds(name, at)
    return broken(
        name,
        at,
        what=f"no network policy isolates the {' and '.join(open_ways)} of `{name}`: whatever is "
        "not forbidden is allowed",
        fix="deny all ingress and egress of its namespace by default, then allow what is declared",
    )


def _covered(system: System) -> Mapping[tuple[NodeId, NodeId], Edge]:
    return {(edge.source, edge.destination): edge for edge in system.edges}


def _within(system: System, name: NodeId) -> tuple[NodeId, ...]:
    """A node and all that contains it: an edge of a container is declared for what is in it."""
    return (name, *system.around(name)) if name in system.nodes else (name,)


def _permitted(case: Case) -> Iterator[Judgement]:
    workloads, system = case.evidence.workloads, case.system
    if workloads is None:
        if _runs(system):
            yield undecided("", "nodes", missing=(EvidenceKind.WORKLOADS.value,))
        return
    declared = _covered(system)
    around = {name: _within(system, name) for pair in workloads.permitted for name in pair}
    beyond: Mapping[NodeId, list[NodeId]] = defaultdict(list)
    for source, destination in sorted(workloads.permitted):
        known = any(
            (one, other) in declared for one in around[source] for other in around[destination]
        )
        if source != destination and not known:
            beyond[source].append(destination)
    for name in sorted({*workloads.by_node, *beyond} & set(system.nodes)):
        yield _beyond(name, beyond[name]) if name in beyond else holds(name, f"nodes.{name}")


def _beyond(name: NodeId, reached: list[NodeId]) -> Judgement:
    some = ", ".join(f"`{each}`" for each in reached[:TOLD_MAX])
    more = f" and {len(reached) - TOLD_MAX} more" if len(reached) > TOLD_MAX else ""
    return broken(
        name,
        f"nodes.{name}",
        what=f"the network lets `{name}` reach what it is not declared to call: {some}{more}",
        fix="narrow the network policies to the declared relationships "
        "(`holdfast export kubernetes` writes them), or declare the relationship",
        way=(name, reached[0]),
    )


def _declared(case: Case) -> Iterator[Judgement]:
    workloads, system = case.evidence.workloads, case.system
    calls = [edge for edge in system.edges if edge.kind is EdgeKind.CALL]
    if workloads is None:
        if calls:
            yield undecided("", "relationships", missing=(EvidenceKind.WORKLOADS.value,))
        return
    for edge in calls:
        if edge.source in workloads.by_node and edge.destination in workloads.by_node:
            yield _let_through(edge, workloads)


def _let_through(edge: Edge, workloads: Workloads) -> Judgement:
    at = f"relationships.{edge.id}"
    if (edge.source, edge.destination) in workloads.permitted:
        return holds(edge.id, at)
    return broken(
        edge.id,
        at,
        what=f"the network does not let `{edge.source}` reach `{edge.destination}`: the declared "
        "call fails, or goes another way than everybody believes",
        fix="allow it in the network policies, or take the relationship away",
        way=(edge.source, edge.destination),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="TB-06",
        title="Every part is isolated unless something is allowed",
        severity="high",
        why="Where no policy isolates a workload, everything in the cluster reaches it and it "
        "reaches everything. One taken over part is then beside all others.",
        mend="Give each namespace a policy that denies all ingress and egress, and allow what is "
        "declared.",
        sources=(
            "Checkov RequireAllPodsToHaveNetworkPolicy",
            "KubeLinter non-isolated-pod",
            "NIST SP 800-207",
        ),
        judge=_isolation,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="TB-07",
        title="The network allows nothing that is not declared",
        severity="critical",
        why="Every connection that the network allows and nobody declared is a way that no review "
        "looked at. Attackers take those.",
        mend="Generate the network policies from the blueprint, or declare what is needed.",
        sources=("NIST SP 800-207", "np-guard netpol-analyzer"),
        judge=_permitted,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="TB-08",
        title="The network allows what is declared",
        severity="medium",
        why="A declared call that the network refuses is an outage that waits for its first use. "
        "Or it goes another way, and the blueprint is not what runs.",
        mend="Allow the declared relationship in the network policies, or remove it.",
        sources=("np-guard netpol-analyzer",),
        judge=_declared,
        needs=(EvidenceKind.WORKLOADS,),
    ),
)
