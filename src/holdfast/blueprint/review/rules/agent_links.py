"""AG: what agents are linked to: each other, tools, servers, what runs their code."""

from collections.abc import Iterator

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.encryption import is_encrypted, is_plain_upstream
from holdfast.blueprint.review.evidence import EvidenceKind, Workload
from holdfast.blueprint.review.judging import seen_over
from holdfast.blueprint.review.knowledge.content import PASSING, Known
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.effects import EXEC
from holdfast.blueprint.review.knowledge.known import MEMORY, Knowledge
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

_OBSERVED = (EvidenceKind.TRACES, EvidenceKind.CALLS)


def _links(case: Case) -> Iterator[Judgement]:
    nodes = case.system.nodes
    for edge in case.system.edges:
        ends = (nodes[edge.source], nodes[edge.destination])
        agents = [node for node in ends if node.kind is NodeKind.AGENT]
        served = any(case.known.is_server(node) for node in ends)
        is_link = edge.kind is EdgeKind.CALL and edge.facts.purpose in (*PASSING, "stop")
        if is_link and (len(agents) == 2 or (agents and served)):
            yield _mutual(case, edge)


def _mutual(case: Case, edge: Edge) -> Judgement:
    at = edge_fact(edge, "auth")
    if any(each.authenticated is False for each in seen_over(case, edge)):
        return _unknown_caller(edge, at, "calls without any credential were seen")
    if case.known.is_carried(edge):
        if not is_plain_upstream(case, edge):
            return holds(edge.id, at)
        return _unknown_caller(
            edge, at, "its upstream is reached by plain http: anybody may answer"
        )
    auth, encrypted = edge.facts.auth, is_encrypted(case, edge)
    if auth == "none":
        return _unknown_caller(edge, at, "nobody proves who he is")
    if auth == "mtls" or edge.relationship.protocol == "mTLS":
        return holds(edge.id, at)
    if encrypted is False and not case.known.share_host(edge):
        return _unknown_caller(edge, at, "it is not encrypted: anybody may answer in its place")
    if auth is not None and encrypted:
        return holds(edge.id, at)
    missing = [at] if auth is None else []
    missing += [edge_fact(edge, "encrypted")] if not encrypted else []
    return undecided(edge.id, at, missing=tuple(missing))


def _unknown_caller(edge: Edge, at: str, why: str) -> Judgement:
    return broken(
        edge.id,
        at,
        what=f"`{edge.source}` and `{edge.destination}` do not both know who the other is: {why}",
        fix="use mTLS between them, or let Holdfast carry the calls, which knows every caller",
        patches=(
            Patch(
                path=("relationships", str(edge.id), "facts", "auth"),
                value="mtls",
                note="Once both ends have certificates; then also `protocol: mTLS`.",
            ),
        ),
        way=(edge.source, edge.destination),
    )


def _sandboxes(case: Case) -> Iterator[Judgement]:
    workloads = case.evidence.workloads
    for node in case.system.nodes.values():
        runs = _runs_code(case.known, node)
        workload = workloads.by_node.get(node.id) if workloads is not None else None
        if runs:
            yield _shut_in(case.known, node, workload)
        elif runs is None:
            at = fact_of(node.id, "executes")
            yield undecided(node.id, at, missing=(at,))


def _runs_code(known: Knowledge, node: Node) -> Known:
    if node.facts.executes is not None:
        return node.facts.executes in ("code", "shell")
    if node.facts.effect == "exec" or any(tool.effect == "exec" for tool in node.facts.tools or ()):
        return True
    spans = [known.span(edge) for edge in known.system.entering[node.id]]
    if any(low == EXEC for low, _ in spans):
        return True
    asked = node.kind is NodeKind.TOOL and "executes" not in node.facts.model_fields_set
    return None if asked and any(high == EXEC for _, high in spans) else False


def _shut_in(known: Knowledge, node: Node, workload: Workload | None) -> Judgement:
    at, facts = fact_of(node.id, "sandboxed"), node.facts
    nodes = known.system.nodes
    sandboxed = facts.sandboxed
    if sandboxed is None and any(
        nodes[each].facts.sandboxed for each in known.system.around(node.id)
    ):
        sandboxed = True
    if workload is not None and workload.sandboxed is not None:
        sandboxed = workload.sandboxed
    faults = [
        words
        for words, there in (
            ("it is in no sandbox", sandboxed is False),
            ("it reaches the internet", facts.egress == "open" or (workload and workload.internet)),
            ("it holds credentials", bool(facts.credentials) or (workload and workload.secrets)),
        )
        if there
    ]
    if faults:
        return broken(
            node.id,
            at,
            what=f"`{node.id}` runs code that a model may have written, and {', and '.join(faults)}",
            fix="run it in a sandbox (gVisor, a microVM) of its own for each run, with no credentials "
            "and no way out",
        )
    return holds(node.id, at) if sandboxed else undecided(node.id, at, missing=(at,))


def _shared(case: Case) -> Iterator[Judgement]:
    known = case.known
    for node in case.system.nodes.values():
        if node.type != MEMORY and not known.is_server(node):
            continue
        callers = list(
            dict.fromkeys(
                edge.source
                for edge in case.system.entering[node.id]
                if case.system.nodes[edge.source].kind is NodeKind.AGENT
            )
        )
        if len(callers) > 1:
            yield _between_zones(known, node, callers)


def _between_zones(known: Knowledge, node: Node, callers: list[NodeId]) -> Judgement:
    at, facts = fact_of(node.id, "partitioned"), node.facts
    zones = {name: known.zones[name] for name in callers}
    several = {zone for zone in zones.values() if zone is not None}
    unsure = [fact_of(name, "zone") for name, zone in zones.items() if zone is None]
    if facts.partitioned or facts.acts_as == "caller" or (len(several) == 1 and not unsure):
        return holds(node.id, at)
    if len(several) > 1 and facts.partitioned is False:
        names = ", ".join(f"`{name}` ({zone})" for name, zone in zones.items() if zone)
        return broken(
            node.id,
            at,
            what=f"agents of several zones share `{node.id}`, which keeps nothing apart: {names}",
            fix="give each zone its own, or keep apart what each of them writes and reads there",
            patches=(
                Patch(
                    path=("nodes", str(node.id), "facts", "partitioned"),
                    value=True,
                    note="Once it is so.",
                ),
            ),
        )
    missing = [at] if facts.partitioned is None else []
    missing += unsure if len(several) < 2 else []
    return undecided(node.id, at, missing=tuple(missing))


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-06",
        title="Agents, and the servers they use, know each other",
        severity="high",
        why="An agent believes what another agent or tool server tells it. Whoever can pose as one "
        "of them gives it orders, and reads what it sends.",
        mend="Use mTLS on links between agents and to MCP servers, or let Holdfast carry them.",
        sources=(
            "OWASP ASI07:2026 Insecure Inter-Agent Communication",
            "CoSAI riskMCPTransportHijacking",
            "FINOS AIGF mi-22",
        ),
        judge=_links,
        needs=_OBSERVED,
    ),
    Rule(
        id="AG-09",
        title="Code that models write runs in a sandbox, without secrets and without a way out",
        severity="critical",
        why="What a model writes, an outsider may have asked for. Outside of a sandbox it runs with "
        "the rights, keys and network of its host.",
        mend="Run it in a sandbox that holds no credentials and has no egress.",
        sources=(
            "OWASP ASI05:2026 Unexpected Code Execution",
            "Azure AI landing zone AI.111",
            "Azure AI landing zone AI.112",
            "pytm LLM06",
        ),
        judge=_sandboxes,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="AG-12",
        title="Agents of different zones share no memory and no tool server",
        severity="high",
        why="What one agent leaves in a shared memory or server, the next one reads. A takeover in "
        "the lesser zone arrives so in the better one.",
        mend="Give each zone its own, or partition what they share.",
        sources=("FINOS AIGF AIR-OP-028", "CoSAI riskCrossTenantCredentialPropagation"),
        judge=_shared,
    ),
)
