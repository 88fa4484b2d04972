"""TB: ways out: to the internet, and for private data."""

from collections.abc import Iterator

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.review.evidence import EvidenceKind, Workload
from holdfast.blueprint.review.knowledge.dependence import fact_of
from holdfast.blueprint.review.knowledge.trifecta import Leg, legs_of
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Rule,
    broken,
    holds,
    undecided,
)

_JUDGED_EGRESS = (NodeKind.AGENT, NodeKind.TOOL, NodeKind.MODEL)


def _egress(case: Case) -> Iterator[Judgement]:
    workloads = case.evidence.workloads
    for name, node in case.system.nodes.items():
        outside = node.facts.trust in ("partner", "third-party", "untrusted")
        composed = node.upstream is None and case.system.parts.get(name)
        if node.kind in _JUDGED_EGRESS and not outside and not composed:
            yield _way_out(node, workloads.by_node.get(name) if workloads is not None else None)


def _way_out(node: Node, workload: Workload | None) -> Judgement:
    at = fact_of(node.id, "egress")
    if workload is not None and workload.internet:
        contradiction = (
            ""
            if node.facts.egress in (None, "open")
            else (f", though it is declared to have egress `{node.facts.egress}`")
        )
        found = f"the network lets `{node.id}` reach any address of the internet{contradiction}"
        return _open(node, at, found)
    if node.facts.egress == "open":
        return _open(node, at, f"`{node.id}` reaches the internet freely")
    if node.facts.egress is not None or workload is not None:
        return holds(node.id, at)
    return undecided(node.id, at, missing=(at,))


def _open(node: Node, at: str, what: str) -> Judgement:
    return broken(
        node.id,
        at,
        what=what,
        fix="deny its egress by default and lead what it needs through a proxy with a list of hosts",
    )


def _lethal(case: Case) -> Iterator[Judgement]:
    if not case.known.agents:
        return
    legs = legs_of(case.known)
    for agent in case.known.agents:
        yield _combined(agent, legs)


def _combined(agent: Node, legs: tuple[Leg, ...]) -> Judgement:
    at = f"nodes.{agent.id}"
    values = [leg.stands(agent.id) for leg in legs]
    if False in values:
        return holds(agent.id, at)
    if None in values:
        missing = [
            name
            for leg, value in zip(legs, values, strict=True)
            if value is None
            for name in leg.asks(agent.id)
        ]
        return undecided(agent.id, at, missing=tuple(dict.fromkeys(missing)))
    told = "; ".join(leg.words(agent.id) for leg in legs)
    return broken(
        agent.id,
        at,
        what=f"whoever writes to `{agent.id}` can make it send private data away: {told}",
        fix="take one of the three away: other data, checked content only, or no way out but through "
        "a person or a guard that checks egress",
        way=legs[-1].way(agent.id),
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="TB-09",
        title="Agents, tools and models reach the internet through an allow-list only",
        severity="high",
        why="Whoever steers an agent or its tool by what it reads sends data to any address that it "
        "can reach. Without a list of hosts the first injected instruction has a way out.",
        mend="Deny egress by default, and lead what is needed through a proxy with an allow-list.",
        sources=(
            "OWASP ASI02:2026 Tool Misuse and Exploitation",
            "MITRE ATLAS AML.T0086",
            "Azure AI landing zone AI.107",
        ),
        judge=_egress,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="TB-10",
        title="No agent combines private data, foreign content and a way out",
        severity="critical",
        why="An agent cannot tell instructions from content. One that reads what outsiders write, "
        "sees private data and can send something outside will, one day, be told to send it.",
        mend="Leave each agent at most two of the three, or let nothing leave without a person's yes "
        "or a guard that checks egress.",
        sources=(
            "OWASP LLM06:2025 Excessive Agency",
            "Simon Willison, the lethal trifecta (2025)",
            "Meta, Agents Rule of Two (2025)",
        ),
        judge=_lethal,
    ),
)
