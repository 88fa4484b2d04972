"""TB: who runs beside whom."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import fact_of
from holdfast.blueprint.review.knowledge.known import (
    PEOPLE,
)
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


def _runtimes(case: Case) -> Iterator[Judgement]:
    for name, members in case.system.hosted.items():
        container = case.system.nodes[name]
        if container.kind is NodeKind.NETWORK or container.type == "ecosystem":
            continue
        nodes = [case.system.nodes[each] for each in members]
        bare = [node for node in nodes if node.kind not in PEOPLE and not node.facts.sandboxed]
        if len(bare) > 1:
            yield _mixed(name, bare)
    yield from _hosts_seen(case)


def _mixed(subject: NodeId, nodes: list[Node]) -> Judgement:
    at = f"nodes.{subject}"
    parties: dict[str, NodeId] = {}
    for node in nodes:
        if node.facts.trust is not None:
            parties.setdefault(node.facts.trust, node.id)
    if len(parties) > 1:
        who = ", ".join(f"`{name}` ({trust})" for trust, name in parties.items())
        return broken(
            subject,
            at,
            what=f"`{subject}` runs parts of different trust side by side: {who}",
            fix="give what others run or write a machine or sandbox of its own",
        )
    missing = [fact_of(node.id, "trust") for node in nodes if node.facts.trust is None]
    if missing:
        return undecided(subject, at, missing=tuple(missing[:TOLD_MAX]))
    return holds(subject, at)


def _hosts_seen(case: Case) -> Iterator[Judgement]:
    """Parts of different trust that were found on one machine."""
    workloads = case.evidence.workloads
    on: Mapping[str, list[Node]] = defaultdict(list)
    for name, workload in sorted(workloads.by_node.items()) if workloads is not None else ():
        node = case.system.nodes.get(name)
        if node is not None and not node.facts.sandboxed and not workload.sandboxed:
            for host in sorted(workload.hosts):
                on[host].append(node)
    told: set[NodeId] = set()
    for host, nodes in sorted(on.items()):
        least = _least_trusted(nodes)
        if least is not None and least.id not in told:
            told.add(least.id)
            yield broken(
                least.id,
                fact_of(least.id, "trust"),
                what=f"`{least.id}` ({least.facts.trust}) was found on the machine {host} beside "
                "parts of other trust",
                fix="keep it on machines of its own (taints and affinities), or in a sandbox",
            )


def _least_trusted(nodes: list[Node]) -> Node | None:
    order = ("owned", "partner", "third-party", "untrusted")
    known = [node for node in nodes if node.facts.trust is not None]
    if len({node.facts.trust for node in known}) < 2:
        return None
    return max(known, key=lambda node: order.index(node.facts.trust or "owned"))


RULES: tuple[Rule, ...] = (
    Rule(
        id="TB-05",
        title="Parts of different trust share no runtime",
        severity="high",
        why="Beside each other on one machine, parts share its kernel, its memory and often its "
        "secrets. The least trusted one then decides how safe all of them are.",
        mend="Run what others wrote or run on machines of its own, or in a sandbox.",
        sources=("Threagile mixed-targets-on-shared-runtime",),
        judge=_runtimes,
        needs=(EvidenceKind.WORKLOADS,),
    ),
)
