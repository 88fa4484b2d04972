"""AG: tools, agents and servers as they were seen, against what is declared and approved."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.review.evidence import EvidenceKind, Seen
from holdfast.blueprint.review.judging import seen_over
from holdfast.blueprint.review.knowledge.dependence import fact_of
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

STRANGERS_MAX = 50
_OBSERVED = (EvidenceKind.TRACES, EvidenceKind.CALLS)


def _undeclared(case: Case) -> Iterator[Judgement]:
    given = [seen for seen in (case.evidence.traces, case.evidence.calls) if seen is not None]
    watched = any(
        node.kind in (NodeKind.AGENT, NodeKind.TOOL) for node in case.system.nodes.values()
    )
    if not given:
        if watched:
            yield undecided("", "nodes", missing=tuple(kind.value for kind in _OBSERVED))
        return
    strangers = sorted({name for seen in given for name in seen.strangers})
    for name in strangers[:STRANGERS_MAX]:
        yield broken(
            "",
            "nodes",
            what=f"`{name}` was seen at work and is declared nowhere",
            fix="find out whose it is; then declare it, or cut it off",
        )
    if not strangers:
        yield holds("", "nodes")
    called = _tools_called(given)
    for name, tools in sorted(called.items()):
        node = case.system.nodes.get(name)
        if node is not None and tools:
            yield _tools_declared(node, sorted(tools))


def _tools_called(given: list[Seen]) -> Mapping[NodeId, set[str]]:
    found: dict[NodeId, set[str]] = {}
    for seen in given:
        for edge in seen.edges.values():
            found.setdefault(edge.destination, set()).update(edge.tools)
    return found


def _tools_declared(node: Node, called: list[str]) -> Judgement:
    at = fact_of(node.id, "tools")
    declared = None if node.facts.tools is None else {tool.name for tool in node.facts.tools}
    strange = [name for name in called if not node.tools.allows(name)]
    if declared is not None:
        strange = [name for name in called if name not in declared or name in strange]
    if strange:
        return broken(
            node.id,
            at,
            what=f"tools of `{node.id}` were called that it is not declared to offer: "
            f"{_listed(strange)}",
            fix="look at what they do; then declare them, or leave them out of `tools.allow`",
        )
    if declared is None and not node.tools.rules:
        return undecided(node.id, at, missing=(at,))
    return holds(node.id, at)


def _listed(names: list[str]) -> str:
    told = ", ".join(names[:TOLD_MAX])
    return f"{told} and {len(names) - TOLD_MAX} more" if len(names) > TOLD_MAX else told


def _definitions(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.kind is NodeKind.TOOL and (case.known.is_server(node) or node.facts.tools):
            yield _defined(case, node)


def _defined(case: Case, node: Node) -> Judgement:
    at = fact_of(node.id, "tools")
    approved = {tool.name: tool.digest for tool in node.facts.tools or ()}
    seen = _digests_seen(case, node)
    changed = sorted(
        name
        for name, digests in seen.items()
        if approved.get(name) is not None and digests - {approved[name]}
    )
    if changed:
        return broken(
            node.id,
            at,
            what=f"the definition of {', '.join(changed)} at `{node.id}` is not the approved one",
            fix="look at what changed (`holdfast tools diff`), and approve it or stop using it",
        )
    if node.id in case.known.answering and case.known.is_server(node):
        return holds(node.id, at, what="Holdfast refuses a tool whose definition is not approved")
    if not approved or None in approved.values():
        return undecided(node.id, at, missing=(at,))
    if all(seen.get(name) for name in approved):
        return holds(node.id, at)
    return undecided(node.id, at, missing=tuple(kind.value for kind in _OBSERVED))


def _digests_seen(case: Case, node: Node) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    seen = (each for edge in case.system.entering[node.id] for each in seen_over(case, edge))
    for each in seen:
        for name, digest in each.tools.items():
            if digest is not None:
                found.setdefault(name, set()).add(digest)
    return found


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-10",
        title="No agent, tool or server is at work that is not declared",
        severity="critical",
        why="What nobody declared nobody reviewed, and nobody will switch off. Shadow agents keep "
        "their rights long after their authors forgot them.",
        mend="Declare what is found, or cut it off.",
        sources=(
            "OWASP ASI04:2026 Agentic Supply Chain Vulnerabilities",
            "CoSAI riskShadowAndUnknownAgents",
            "CoSAI riskZombieShadowMCPServers",
        ),
        judge=_undeclared,
        needs=_OBSERVED,
    ),
    Rule(
        id="AG-11",
        title="Tools are defined as they were when they were approved",
        severity="critical",
        why="A model obeys a tool's description. A server that changes it after approval gives "
        "orders that nobody has read.",
        mend="Pin each tool's definition by its digest, and refuse any other.",
        sources=(
            "OWASP ASI04:2026 Agentic Supply Chain Vulnerabilities",
            "MITRE ATLAS AML.T0110",
            "MITRE ATLAS AML.T0109",
            "FINOS AIGF AIR-SEC-026",
        ),
        judge=_definitions,
        needs=_OBSERVED,
    ),
)
