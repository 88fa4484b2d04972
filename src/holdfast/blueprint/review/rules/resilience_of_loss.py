"""RS: what a single loss takes down.

What a loss takes down is found for all of them together (``losses``). A node counts as a single
loss when one of it runs; copies go with the failure domains they share.
"""

from collections.abc import Iterator

from holdfast.blueprint import Flow, Importance, Node, NodeKind
from holdfast.blueprint.graph import Edge, System
from holdfast.blueprint.review.knowledge.dependence import Dependence, fact_of, flow_fact
from holdfast.blueprint.review.knowledge.losses import Losses
from holdfast.blueprint.review.rule import (
    TOLD_MAX,
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId

NODES_MIN = 8
"""Of fewer nodes a share says nothing: the last of three is a third."""
MANY = 100
"""So many copies are offered in one finding."""
COPIES_OFFERED = 2


def _ends(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for flow in case.system.flows:
        importance = needs.importance(flow.id)
        if importance in ("critical", None):
            yield _end(case, flow, importance)


def _end(case: Case, flow: Flow, importance: Importance | None) -> Judgement:
    at = f"flows.{flow.id}"
    losses = case.system.derived(Losses)
    ending = losses.ending(flow.id)
    sure = losses.names(ending & losses.sure, most=TOLD_MAX + 1)
    unsaid = () if importance else (flow_fact(flow.id, "criticality"),)
    if sure and importance is not None:
        return broken(
            flow.id,
            at,
            what=f"the loss of {_listed(sure, 'or')} alone ends `{flow.id}`",
            fix="run more than one of each, apart from each other, or give what calls them a "
            "fallback",
            patches=tuple(_doubled(case.system, losses.names(ending & losses.sure, most=MANY))),
        )
    unknown = losses.names(ending & ~losses.sure, most=TOLD_MAX)
    if sure or unknown:
        replicas = tuple(fact_of(fault, "replicas") for fault in unknown)
        return undecided(flow.id, at, missing=(*unsaid, *replicas) or (at,))
    return holds(flow.id, at)


def _listed(names: list[str], word: str) -> str:
    told = [f"`{name}`" for name in names[:TOLD_MAX]]
    if len(names) > TOLD_MAX:
        told.append("others")
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} {word} {told[-1]}"


def _doubled(system: System, faults: list[str]) -> Iterator[Patch]:
    for fault in faults:
        node = system.nodes.get(NodeId(fault))
        if node is not None:
            needed = node.facts.replicas_needed or 1
            yield Patch(
                path=("nodes", fault, "facts", "replicas"),
                value=max(COPIES_OFFERED, needed + 1),
                note="Once that many run, in different failure domains.",
            )


def _falls(case: Case) -> Iterator[Judgement]:
    if len(case.system.nodes) < NODES_MIN:
        return
    losses, nodes = case.system.derived(Losses), len(case.system.nodes)
    clear = True
    for bit, (fault, count) in enumerate(losses.counts.items()):
        if count / nodes > case.limits.failure_radius:
            clear = False
            yield _radius(case, losses, fault, count=count, alone=bool((losses.sure >> bit) & 1))
    if clear:
        yield holds("", "nodes")


def _radius(case: Case, losses: Losses, fault: str, *, count: int, alone: bool) -> Judgement:
    is_node = NodeId(fault) in case.system.nodes
    subject, at = (fault, f"nodes.{fault}") if is_node else ("", "nodes")
    if not alone:
        return undecided(subject, at, missing=(fact_of(fault, "replicas"),))
    nodes, others = len(case.system.nodes), losses.directly(fault, most=TOLD_MAX + 1)
    return broken(
        subject,
        at,
        what=f"the loss of `{fault}` takes {count} of {nodes} nodes down ({count / nodes:.0%}; "
        f"{case.limits.failure_radius:.0%} are allowed), first {_listed(others, 'and')}",
        fix="divide what depends on it into cells, each with its own; or run it more than once",
    )


def _alone(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for flow in case.system.flows:
        importance = needs.importance(flow.id)
        edges = {edge.id: edge for edge, _ in case.system.steps(flow)}
        asked = [edge for edge in edges.values() if _is_model(case.system, edge.destination)]
        if asked and importance in ("critical", None):
            yield _models(case, flow, importance, asked=asked)


def _is_model(system: System, name: NodeId) -> bool:
    return system.nodes[name].kind is NodeKind.MODEL


def _models(
    case: Case, flow: Flow, importance: Importance | None, *, asked: list[Edge]
) -> Judgement:
    at = f"flows.{flow.id}"
    verdicts = [(edge, *_stand_ins(case, edge)) for edge in asked]
    alone = [(edge, why) for edge, why, _ in verdicts if why]
    missing = tuple(dict.fromkeys(name for *_, names in verdicts for name in names))
    unsaid = () if importance else (flow_fact(flow.id, "criticality"),)
    if alone and importance is not None:
        edge, why = alone[0]
        return broken(
            flow.id,
            at,
            what=f"`{edge.source}` asks `{edge.destination}`, {why}",
            fix="name a model of another provider as fallback, and let the caller call it",
            patches=tuple(_fallbacks(case, edge)),
            way=(str(edge.source), str(edge.destination)),
        )
    if alone or missing:
        return undecided(flow.id, at, missing=(*unsaid, *missing))
    return holds(flow.id, at)


def _stand_ins(case: Case, edge: Edge) -> tuple[str, tuple[str, ...]]:
    """Why the model stands alone (empty when it does not), and what is missing to tell."""
    needs = case.system.derived(Dependence)
    blueprint, nodes = case.system.blueprint, case.system.nodes
    if needs.strength(edge) in ("optional", "async"):
        return "", ()
    names = (edge.destination, *needs.substitutes.get(edge.id, ()))
    members = {
        member.id: member
        for name in names
        for member in (blueprint.upstreams(nodes[name]) or (nodes[name],))
    }
    if len(members) == 1:
        return "and nothing stands in when it cannot answer", ()
    providers = {name: _provider(node) for name, node in members.items()}
    known = {provider for provider in providers.values() if provider is not None}
    if len(known) > 1:
        return "", ()
    missing = tuple(fact_of(n, "model.provider") for n, p in providers.items() if p is None)
    if missing:
        return "", missing
    return f"and all that stands in comes from {known.pop()} too", ()


def _provider(node: Node) -> str | None:
    if node.facts.model is not None and node.facts.model.provider is not None:
        return node.facts.model.provider
    fates = node.facts.failure_domains or ()
    return next((fate.partition(":")[2] for fate in fates if fate.startswith("provider:")), None)


def _fallbacks(case: Case, edge: Edge) -> Iterator[Patch]:
    """Another model that the caller may call already, so that no door is opened."""
    needs = case.system.derived(Dependence)
    if not needs.is_carried(edge):
        return
    for other in case.system.leaving[edge.source]:
        if other.destination == edge.destination or not _is_model(case.system, other.destination):
            continue
        if needs.is_carried(other) and other.relationship.fallback is None:
            yield Patch(
                path=("relationships", str(edge.id), "controls", "fallback"),
                value={"to": [str(other.destination)]},
            )
            return


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-01",
        title="No single loss ends a critical flow",
        severity="high",
        why="Machines, zones and processes end, every one of them some day. If one of them is the "
        "only one, the flow ends with it, at a time of its own choosing.",
        mend="Run at least two of each in different failure domains, or give callers a fallback.",
        sources=("Azure APRL HighAvailability", "AWS Well-Architected Reliability"),
        judge=_ends,
    ),
    Rule(
        id="RS-07",
        title="A critical flow does not hang on one model or one provider",
        severity="medium",
        why="Providers of models have outages, quotas and retirements that nobody can plan for. A "
        "flow that knows one model has no answer to any of them.",
        mend="Declare a fallback to a model of another provider, and test it.",
        sources=("FINOS AIGF v2 AIR-OP-007", "AWS Agentic AI Lens AGENTREL01-BP02"),
        judge=_alone,
    ),
    Rule(
        id="RS-09",
        title="One failure takes down no more than its share",
        severity="high",
        why="A part that nearly everything hangs on makes every one of its faults an outage of "
        "nearly everything. Cells keep the damage where it began.",
        mend="Run it more than once, or divide what hangs on it into cells.",
        sources=("AWS: Reducing the Scope of Impact with Cell-Based Architecture",),
        judge=_falls,
    ),
)
