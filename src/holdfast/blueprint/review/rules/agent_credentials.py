"""AG: what agents are granted, and with which credentials."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.evidence import EvidenceKind, Workload
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.known import NOT_ACTED_ON
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


def _scopes(case: Case) -> Iterator[Judgement]:
    for edge in case.system.edges:
        agent = case.system.nodes[edge.source].kind is NodeKind.AGENT
        acted_on = case.system.nodes[edge.destination].kind not in NOT_ACTED_ON
        if edge.facts.scopes is not None or (agent and acted_on):
            yield _granted(edge)


def _granted(edge: Edge) -> Judgement:
    at, granted, needed = edge_fact(edge, "scopes"), edge.facts.scopes, edge.facts.scopes_needed
    if granted == []:
        return holds(edge.id, at)
    if granted is None or needed is None:
        missing = [at] if granted is None else []
        missing += [edge_fact(edge, "scopes_needed")] if needed is None else []
        return undecided(edge.id, at, missing=tuple(missing))
    spare = [scope for scope in granted if scope not in needed]
    if not spare:
        return holds(edge.id, at)
    return broken(
        edge.id,
        at,
        what=f"`{edge.source}` is granted on `{edge.destination}` what no flow needs: "
        f"{', '.join(spare)}",
        fix="take away what is not needed",
        patches=(
            Patch(
                path=("relationships", str(edge.id), "facts", "scopes"),
                value=[scope for scope in granted if scope in needed],
                note="Withdraw the rest where it is granted first.",
            ),
        ),
        way=(edge.source, edge.destination),
    )


def _credentials(case: Case) -> Iterator[Judgement]:
    agents = case.known.agents
    if len(agents) < 2:
        return
    workloads = case.evidence.workloads
    holders: Mapping[str, list[NodeId]] = defaultdict(list)
    for agent in agents:
        workload = workloads.by_node.get(agent.id) if workloads is not None else None
        for name in _keys_of(agent, workload):
            holders[name].append(agent.id)
    shared = {name: who for name, who in holders.items() if len(who) > 1}
    told = {who for names in shared.values() for who in names}
    for name, who in shared.items():
        yield _shared(name, who)
    for agent in agents:
        if agent.id in told:
            continue
        at = fact_of(agent.id, "credentials")
        # What Holdfast carries is called with the agent's own passport or key, which names it.
        if agent.facts.credentials is not None or agent.id in case.known.leashed:
            yield holds(agent.id, at)
        else:
            yield undecided(agent.id, at, missing=(at,))


def _keys_of(agent: Node, workload: Workload | None) -> list[str]:
    names = list(dict.fromkeys(agent.facts.credentials or ()))
    if workload is not None:
        names += [name for name in sorted(workload.secrets) if name not in names]
        account = workload.service_account
        if account is not None and account != "default":
            names.append(f"service account {account}")
    return names


def _shared(name: str, who: list[NodeId]) -> Judgement:
    return broken(
        who[0],
        fact_of(who[0], "credentials"),
        what=f"{' and '.join(f'`{each}`' for each in who)} hold one credential, {name}: nobody can say "
        "which of them acted, nor stop one alone",
        fix="give each agent a credential of its own, and revoke this one",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-02",
        title="An agent is granted what its flows need, and no more",
        severity="high",
        why="Every right that no flow needs serves only whoever takes the agent over. Nobody misses "
        "it when it goes.",
        mend="Compare what is granted with what is needed, and take the difference away.",
        sources=(
            "OWASP LLM06:2025 Excessive Agency",
            "OWASP ASI03:2026 Identity and Privilege Abuse",
            "MITRE ATLAS AML.M0026",
            "MITRE ATLAS AML.M0028",
            "FINOS AIGF mi-18",
        ),
        judge=_scopes,
    ),
    Rule(
        id="AG-14",
        title="Each agent has a credential of its own",
        severity="high",
        why="With one credential for two agents no record says who acted. To stop one of them is to "
        "stop both.",
        mend="Issue one credential for each agent.",
        sources=("CoSAI controlAgentCredentialIsolation", "FINOS AIGF mi-23"),
        judge=_credentials,
        needs=(EvidenceKind.WORKLOADS,),
    ),
)
