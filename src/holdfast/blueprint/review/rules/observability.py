"""OB: what is recorded, who could rewrite it, and who is told."""

from collections.abc import Iterable, Iterator, Mapping

from holdfast.blueprint import Budget, Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind, System
from holdfast.blueprint.review.knowledge.dependence import Dependence, edge_fact, fact_of
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId

HIGH_RISK_DAYS = 183
"""Six months: EU AI Act, Article 19 and 26(6)."""
AUDITED = frozenset({NodeKind.AGENT, NodeKind.TOOL})
DECIDING = frozenset({"ai:human-in-the-loop"})
CHANGING = frozenset({"irreversible", "exec"})
SPENDING = frozenset({"cost", "tokens"})


def _unrecorded(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    high = _high_risk(case.system)
    for node in case.system.nodes.values():
        if node.kind in AUDITED or node.type in DECIDING:
            if case.system.parts.get(node.id) and node.upstream is None:
                continue
            yield _record(case, needs, node, is_high=node.id in high)


def _high_risk(system: System) -> frozenset[NodeId]:
    """Nodes that are, or take part in something, of high risk."""
    if system.blueprint.facts.risk_tier == "high":
        return frozenset(system.nodes)
    found = {name for name, node in system.nodes.items() if node.facts.risk_tier == "high"}
    for flow in system.flows:
        if flow.facts.risk_tier == "high":
            found.update(system.members(flow))
    return frozenset(found)


def _record(case: Case, needs: Dependence, node: Node, *, is_high: bool) -> Judgement:
    """Every call that Holdfast carries is in its own log, which only grows and keeps all."""
    at = fact_of(node.id, "logs_to")
    own = case.system.leaving if node.kind is NodeKind.AGENT else case.system.entering
    calls = [edge for edge in own[node.id] if edge.kind is EdgeKind.CALL]
    if calls and all(needs.is_carried(edge) or _is_mandated(edge) for edge in calls):
        return holds(node.id, f"nodes.{node.id}", what="in Holdfast's own log")
    if node.facts.logs_to is None:
        return undecided(node.id, at, missing=(at,))
    sinks = [case.system.nodes[NodeId(n)] for n in node.facts.logs_to if n in case.system.nodes]
    kept = [sink for sink in sinks if sink.facts.append_only]
    if not kept:
        return _no_sink(node, sinks)
    return _kept_long(node, kept) if is_high else holds(node.id, at)


def _is_mandated(edge: Edge) -> bool:
    """Whether somebody is sent with a mandate: the record of each of his calls then says by whom."""
    return edge.facts.purpose == "delegate" and edge.facts.auth == "mandate"


def _no_sink(node: Node, sinks: list[Node]) -> Judgement:
    at = fact_of(node.id, "logs_to")
    unknown = tuple(fact_of(s.id, "append_only") for s in sinks if s.facts.append_only is None)
    if unknown:
        return undecided(node.id, at, missing=unknown)
    told = "nothing records what it does" if not sinks else "its records can be changed"
    return broken(
        node.id,
        at,
        what=f"`{node.id}` acts, and {told}",
        fix="have its calls carried by Holdfast, or record them where nothing can be removed",
    )


def _kept_long(node: Node, kept: list[Node]) -> Judgement:
    at = fact_of(node.id, "logs_to")
    days = {sink.id: sink.facts.retention_days for sink in kept}
    if any(each is not None and each >= HIGH_RISK_DAYS for each in days.values()):
        return holds(node.id, at)
    unknown = tuple(fact_of(name, "retention_days") for name, each in days.items() if each is None)
    if unknown:
        return undecided(node.id, at, missing=unknown)
    sink, longest = max(days.items(), key=lambda item: item[1] or 0)
    return broken(
        node.id,
        fact_of(sink, "retention_days"),
        what=f"records of `{node.id}`, of high risk, are kept for {longest} days",
        fix=f"keep them for at least {HIGH_RISK_DAYS} days",
        patches=(
            Patch(path=("nodes", str(sink), "facts", "retention_days"), value=HIGH_RISK_DAYS),
        ),
    )


def _rewritable(case: Case) -> Iterator[Judgement]:
    edges = {(edge.source, edge.destination): edge for edge in case.system.edges}
    for name, sink in _recording(case.system):
        yield _rewriting(case, name, sink, edge=edges.get((name, sink)))


def _recording(system: System) -> Iterator[tuple[NodeId, NodeId]]:
    """Who is recorded where: by ``logs_to``, and over relationships whose purpose is ``audit``."""
    found: dict[tuple[NodeId, NodeId], None] = {}
    for name, node in system.nodes.items():
        for sink in node.facts.logs_to or ():
            if sink in system.nodes:
                found[name, NodeId(sink)] = None
    for edge in system.edges:
        if edge.facts.purpose == "audit":
            found[edge.source, edge.destination] = None
    yield from found


def _rewriting(case: Case, name: NodeId, sink: NodeId, *, edge: Edge | None) -> Judgement:
    append_only = case.system.nodes[sink].facts.append_only
    at = fact_of(sink, "append_only") if edge is None else edge_fact(edge, "effect")
    if edge is not None and edge.facts.purpose == "administer":
        return _could(name, sink, at, why="administers")
    if edge is not None and edge.facts.effect in CHANGING:
        return _could(name, sink, at, why="may delete from")
    if append_only:
        return holds(name, at)
    if edge is not None and edge.facts.effect in ("none", "read"):
        return holds(name, at)
    missing: list[str] = []
    if append_only is None:
        missing.append(fact_of(sink, "append_only"))
    if edge is not None and edge.facts.effect is None:
        missing.append(at)
    if missing or (edge is None and sink != name):
        return undecided(name, at, missing=tuple(missing) or ("relationships",))
    return _could(name, sink, at, why="may write to")


def _could(name: NodeId, sink: NodeId, at: str, *, why: str) -> Judgement:
    return broken(
        name,
        at,
        what=f"`{name}` {why} `{sink}`, where its own deeds are recorded",
        fix="record by a party that the recorded one has no rights over, in a store that only "
        "grows",
        way=(str(name), str(sink)),
    )


def _untold(case: Case) -> Iterator[Judgement]:
    """Budgets of tokens or money tell somebody when the soft part of them is used."""
    covered = _tells(case.system.blueprint.budget)
    for edge in case.system.edges:
        node = case.system.nodes[edge.destination]
        if node.kind is NodeKind.MODEL and edge.kind is EdgeKind.CALL:
            yield _told(case, edge, covered=covered)


def _tells(budget: Budget | None) -> bool:
    return budget is not None and (budget.tokens is not None or budget.money_micro is not None)


def _told(case: Case, edge: Edge, *, covered: bool) -> Judgement:
    ends = [case.system.nodes[name] for name in (edge.source, edge.destination)]
    at = fact_of(edge.destination, "alerts")
    budgets = (edge.relationship.budget, *(node.budget for node in ends))
    if covered or any(_tells(budget) for budget in budgets):
        return holds(edge.id, f"relationships.{edge.id}")
    watched = _watched(case.system, edge)
    if any(SPENDING & set(alerts or ()) for alerts in watched.values()):
        return holds(edge.id, at)
    unknown = tuple(fact_of(name, "alerts") for name, alerts in watched.items() if alerts is None)
    if unknown:
        return undecided(edge.id, at, missing=unknown)
    return broken(
        edge.id,
        at,
        what=f"nobody is told when `{edge.source}` spends more on `{edge.destination}` than ever",
        fix="give the relationship a budget of tokens or money, or an alert on either",
        patches=(
            Patch(
                path=("nodes", str(edge.destination), "facts", "alerts"),
                value=sorted({*(ends[1].facts.alerts or ()), "cost"}),
                note="Once somebody is told.",
            ),
        ),
    )


def _watched(system: System, edge: Edge) -> Mapping[NodeId, Iterable[str] | None]:
    members = (part.id for part in system.blueprint.upstreams(system.nodes[edge.destination]))
    names = dict.fromkeys((edge.source, edge.destination, *members))
    return {name: system.nodes[name].facts.alerts for name in names}


RULES: tuple[Rule, ...] = (
    Rule(
        id="OB-02",
        title="What agents, tools and deciders do is recorded for good",
        severity="high",
        why="After an incident the question is who did what, on whose behalf. A record that can be "
        "changed, or that ends before somebody asks, answers nobody.",
        mend="Have calls carried by Holdfast, or record them append-only; keep them for six months "
        "where risk is high.",
        sources=(
            "EU AI Act Art. 12",
            "EU AI Act Art. 26(6)",
            "AWS Agentic AI Lens AGENTSEC05",
            "FINOS AIGF v2 mi-21",
        ),
        judge=_unrecorded,
    ),
    Rule(
        id="OB-03",
        title="Nobody can rewrite the record of what he did",
        severity="high",
        why="An agent that is taken over deletes its traces first, if it can. Then nothing shows "
        "what was taken, or since when.",
        mend="Record through a party of its own, into a store that only grows.",
        sources=("OWASP pytm DE04", "MITRE ATT&CK T1070"),
        judge=_rewritable,
    ),
    Rule(
        id="OB-07",
        title="Somebody is told when models cost more than usual",
        severity="medium",
        why="A loop between agents, or a stolen key, spends a month's money in a night. The invoice "
        "is the latest of all alerts.",
        mend="Set a budget of tokens or money, whose soft limit tells, or an alert.",
        sources=("OWASP LLM10:2025", "FINOS AIGF v2 mi-9"),
        judge=_untold,
    ),
)
