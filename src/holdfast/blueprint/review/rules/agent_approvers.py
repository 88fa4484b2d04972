"""AG: those who approve what agents do."""

from collections import Counter
from collections.abc import Iterator, Mapping

from holdfast.blueprint import Node
from holdfast.blueprint.graph import EdgeKind, System
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.known import HUMAN
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import RelationshipId


def _reviewers(case: Case) -> Iterator[Judgement]:
    rates = _flow_rates(case.system)
    for node in case.system.nodes.values():
        facts = node.facts
        told = facts.reviewers is not None or facts.approvals_per_hour is not None
        if node.type == HUMAN or told:
            yield _reviewing(case, node, rates)


def _flow_rates(system: System) -> Mapping[RelationshipId, float | None]:
    """How often flows take each relationship in an hour; None where one does not say how often it
    runs."""
    found: dict[RelationshipId, float | None] = {}
    for flow in system.flows:
        times = Counter(step.over for step in flow.steps if not step.back)
        for name, count in times.items():
            before, runs = found.get(name, 0.0), flow.facts.runs_per_hour
            found[name] = None if before is None or runs is None else before + count * runs
    return found


def _reviewing(case: Case, node: Node, rates: Mapping[RelationshipId, float | None]) -> Judgement:
    facts, at = node.facts, f"nodes.{node.id}.facts"
    asked, unsure = _asked(case, node, rates)
    bears = facts.approvals_per_hour
    if facts.reviewers is not None and facts.reviewers < 2:
        return broken(
            node.id,
            fact_of(node.id, "reviewers"),
            what=f"{'nobody' if facts.reviewers == 0 else 'one person'} decides at `{node.id}`: ill, "
            "on leave or deceived, that is all there is",
            fix="name at least two who may decide, of whom none approves what he asked for",
        )
    if bears is not None and asked > bears:
        return broken(
            node.id,
            fact_of(node.id, "approvals_per_hour"),
            what=f"`{node.id}` is asked {asked:g} times an hour and can consider {bears:g}: the rest is "
            "waved through",
            fix="ask for what is grave only, batch what is alike, or have more people",
        )
    missing = [fact_of(node.id, "reviewers")] if facts.reviewers is None else []
    missing += [fact_of(node.id, "approvals_per_hour")] if bears is None else []
    missing += unsure
    return undecided(node.id, at, missing=tuple(missing)) if missing else holds(node.id, at)


def _asked(
    case: Case, node: Node, rates: Mapping[RelationshipId, float | None]
) -> tuple[float, list[str]]:
    """How many approvals an hour are known to be asked for, and what would tell of more."""
    seen = [
        each.approvals_per_hour[node.id]
        for each in (case.evidence.calls, case.evidence.traces)
        if each is not None and node.id in each.approvals_per_hour
    ]
    declared, unsure = 0.0, list[str]()
    for edge in case.system.entering[node.id]:
        if edge.kind is EdgeKind.USE and edge.facts.calls_per_hour is None:
            continue
        often = edge.facts.calls_per_hour
        often = rates.get(edge.id) if often is None else often
        if often is None:
            unsure.append(edge_fact(edge, "calls_per_hour"))
        else:
            declared += often
    return max([declared, *seen]), [] if seen else unsure


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-13",
        title="Those who approve are enough, and can keep up",
        severity="medium",
        why="Who is asked more often than he can think says yes without looking. Who is alone cannot "
        "be ill, and can be worked on.",
        mend="Ask for what is grave only, and name at least two who may decide.",
        sources=("OWASP ASI09:2026 Human-Agent Trust Exploitation", "EU AI Act Art. 14(4)(b)"),
        judge=_reviewers,
        needs=(EvidenceKind.CALLS, EvidenceKind.TRACES),
    ),
)
