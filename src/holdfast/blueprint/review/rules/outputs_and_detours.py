"""PI: what models answer on its way to what runs it; ways around a guard; prompts that tell."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import ATTESTED_ORDER, DATA_CLASSES, Node, NodeKind
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.knowledge.content import Known, Spread, Spreading, spread
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.effects import EXEC
from holdfast.blueprint.review.knowledge.known import (
    GATEWAY,
    HUMAN,
    PEOPLE,
    TEMPLATE,
    Knowledge,
    checks,
    held,
    is_guard,
)
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId, RelationshipId

_VALIDATING = ("output", "tool-call")
_WRITTEN = {"sql": "SQL", "shell": "commands", "browser": "pages"}
_CARING = frozenset({"administer", "deploy", "audit", "restore"})
"""Purposes of those who look after a thing, and do not use it."""
_SECRET = DATA_CLASSES.index("secret")


def _interpreters(case: Case) -> Iterator[Judgement]:
    known = case.known
    answers = _answers(known)
    for node in case.system.nodes.values():
        runs = _runs(known, node)
        if runs is not False and node.kind not in (NodeKind.AGENT, NodeKind.MODEL):
            yield from _run(node, runs, answers)


def _runs(known: Knowledge, node: Node) -> Known:
    """Whether it runs what it is given."""
    if node.facts.executes is not None:
        return True
    spans = [known.span(edge) for edge in known.system.entering[node.id]]
    if any(low == EXEC for low, _ in spans):
        return True
    asked = node.kind is NodeKind.TOOL and "executes" not in node.facts.model_fields_set
    return None if asked and any(high == EXEC for _, high in spans) else False


def _answers(known: Knowledge) -> Spread:
    """Where models' answers get unvalidated. An agent hands them on, that is what it is for; of a
    service that asks a model nobody knows unless it says what it checks."""
    asking = {
        edge.source
        for edge in known.system.edges
        if known.system.nodes[edge.destination].kind is NodeKind.MODEL
    }

    def source(node: Node) -> Known:
        if node.kind is NodeKind.AGENT:
            return True
        return node.id in asking and node.kind not in PEOPLE and (_hands_on(node) or None)

    def stops(node: Node) -> Known:
        validates = checks(node, *_VALIDATING)
        if validates is not False or _hands_on(node):
            return validates
        return None if node.kind is not NodeKind.STORE else False

    return spread(
        known.currents,
        Spreading(
            source=source,
            stops=stops,
            ends=lambda node: _runs(known, node) is True,
            asks=lambda _: "checks",
        ),
    )


def _hands_on(node: Node) -> bool:
    """Whether what comes in is known to go out: of what says what it checks, and of mere ways."""
    plain = node.kind in (NodeKind.AGENT, NodeKind.CLIENT, NodeKind.MODEL) or node.type == GATEWAY
    return plain or node.facts.checks is not None or node.facts.executes is not None


def _run(node: Node, runs: Known, answers: Spread) -> Iterator[Judgement]:
    at = fact_of(node.id, "executes")
    reached = answers.gets_to(node.id)
    if reached is False or checks(node, *_VALIDATING):
        if runs:
            yield holds(node.id, at)
    elif runs is None:
        yield undecided(node.id, at, missing=(at,))
    elif reached is None:
        yield undecided(node.id, at, missing=answers.missing_on(node.id))
    else:
        way = answers.nodes_to(node.id)
        what = _WRITTEN.get(node.facts.executes or "", "code")
        yield broken(
            node.id,
            at,
            what=f"`{node.id}` runs {what} that a model may have written, and nothing between `{way[0]}` and it "
            "looks at it",
            fix="validate what the model answers before it runs (`checks: [output]` or `[tool-call]` on "
            "the way): by a grammar, by parameters, by a list of what is allowed",
            way=way,
        )


def _detours(case: Case) -> Iterator[Judgement]:
    known = case.known
    for edge in case.system.edges:
        if edge.facts.alternative_to is not None:
            primary = case.system.edges_of.get(RelationshipId(edge.facts.alternative_to), ())
            if primary and primary[0].id != edge.id:
                yield _beside(known, primary[0], edge)
        fallback = edge.relationship.fallback
        if fallback is not None and edge.kind is EdgeKind.CALL:
            at = f"relationships.{edge.id}"
            for name in map(NodeId, fallback.to):
                yield _compared(known, edge, (edge, _front(known, edge.source, name)), at)


def _beside(known: Knowledge, primary: Edge, detour: Edge) -> Judgement:
    at = edge_fact(detour, "alternative_to")
    weaker = _weaker(known, primary, detour)
    if weaker:
        return broken(
            detour.id,
            at,
            what=f"`{detour.id}` stands in for `{primary.id}` and asks less of who calls: {weaker}",
            fix=f"demand of `{detour.id}` what `{primary.id}` demands (`controls.identity`)",
            way=(detour.source, detour.destination),
        )
    front = _front(known, detour.source, detour.destination)
    found = _compared(known, primary, (detour, front), at)
    if weaker is None and found.verdict == "holds":
        return undecided(detour.id, at, missing=(edge_fact(detour, "auth"),))
    return found


def _front(known: Knowledge, source: NodeId, destination: NodeId) -> Mapping[NodeId, Node]:
    """The guards that a call passes: its source, and whatever stands first in its way."""
    nodes = known.system.nodes
    found = {source: nodes[source]} if is_guard(nodes[source]) else {}
    waiting, seen = [destination], {destination}
    while waiting:
        name = waiting.pop()
        if is_guard(nodes[name]):
            found[name] = nodes[name]
        further = [each for each in known.fronts.get(name, ()) if each not in seen]
        seen.update(further)
        waiting += further
    return found


def _compared(
    known: Knowledge, primary: Edge, detour: tuple[Edge, Mapping[NodeId, Node]], at: str
) -> Judgement:
    edge, there = detour
    here = _front(known, primary.source, primary.destination)
    if not here.keys() - there.keys():
        return holds(edge.id, at)
    lacking = {check for node in here.values() for check in node.facts.checks or ()}
    lacking -= {check for node in there.values() for check in node.facts.checks or ()}
    untold = [node.id for node in (*here.values(), *there.values()) if node.facts.checks is None]
    if there and untold:
        missing = tuple(dict.fromkeys(fact_of(name, "checks") for name in untold))
        return undecided(edge.id, at, missing=missing)
    if there and not lacking:
        return holds(edge.id, at)
    skipped = ", ".join(f"`{name}`" for name in here if name not in there)
    what = "the fallback" if edge is primary else f"`{edge.id}`"
    return broken(
        edge.id,
        at,
        what=f"{what} stands in for `{primary.id}` and passes by {skipped}: whoever makes the primary "
        "way fail has switched the guard off",
        fix="lead the second way through the same guard, or one that checks as much",
        way=(edge.source, edge.destination),
    )


def _weaker(known: Knowledge, primary: Edge, detour: Edge) -> str | None:
    """What a way asks less of its caller than the primary one, in words; empty when nothing, None
    when nobody knows."""
    wanted, asked = primary.relationship.demands, detour.relationship.demands
    if not known.is_carried(primary):
        return ""
    if not known.is_carried(detour):
        if not wanted.mandate or detour.facts.auth == "mandate":
            return ""
        return None if detour.facts.auth is None else "no mandate"
    lacking: list[str] = []
    if wanted.mandate and not asked.mandate:
        lacking.append("no mandate")
    if set(asked.proofs) - set(wanted.proofs):
        lacking.append(f"also {', '.join(sorted(set(asked.proofs) - set(wanted.proofs)))} as proof")
    if ATTESTED_ORDER.index(asked.attested) < ATTESTED_ORDER.index(wanted.attested):
        lacking.append("a lesser attestation")
    return ", ".join(lacking)


def _templates(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.type == TEMPLATE:
            yield _template(case.known, node)


def _template(known: Knowledge, node: Node) -> Judgement:
    at, system = fact_of(node.id, "data"), known.system
    sources = [edge.destination for edge in system.leaving[node.id]] + [
        *system.parts.get(node.id, ())
    ]
    drawn = [node, *(system.nodes[name] for name in sources)]
    secret = [each.id for each in drawn if held(each) == _SECRET]
    readers = [edge for edge in system.entering[node.id] if _is_user(known, edge)]
    if secret or readers:
        told = (
            f"`{secret[0]}` is secret and stands in it"
            if secret
            else (f"`{readers[0].source}` can read it")
        )
        return broken(
            node.id,
            f"nodes.{node.id}",
            what=f"`{node.id}` is part of a prompt, and prompts come out: {told}",
            fix="keep secrets and rules that must hold out of prompts: enforce them in policies and "
            "guards; let only its authors and the agent read it",
        )
    untold = [each.id for each in drawn if held(each) is None and each.kind is NodeKind.STORE]
    if untold:
        return undecided(node.id, at, missing=tuple(fact_of(name, "data") for name in untold))
    return holds(node.id, at)


def _is_user(known: Knowledge, edge: Edge) -> bool:
    """Whether who reads the template also uses the system: its author or keeper does not."""
    source = known.system.nodes[edge.source]
    if source.kind not in PEOPLE or source.type == HUMAN or edge.facts.purpose in _CARING:
        return False
    return any(
        other.destination != edge.destination
        and other.facts.purpose not in _CARING
        and known.system.nodes[other.destination].type != TEMPLATE
        for other in known.system.leaving[edge.source]
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="PI-03",
        title="What a model answers is validated before it is run",
        severity="critical",
        why="A model's answer is text that an outsider may have shaped. Run as code, SQL, shell or "
        "page it is his command with your rights.",
        mend="Validate answers and tool calls before interpreters, databases, browsers and shells.",
        sources=(
            "OWASP LLM05:2025 Improper Output Handling",
            "OWASP ASI05:2026 Unexpected Code Execution",
            "MITRE ATLAS AML.M0033",
        ),
        judge=_interpreters,
    ),
    Rule(
        id="PI-05",
        title="Fallbacks and detours are as guarded as the primary way",
        severity="high",
        why="Whoever can make the primary way fail chooses the other one. If that has no guard, an "
        "outage, forced or not, opens what was closed.",
        mend="Lead every fallback, retry and bypass through a guard that checks as much, and demand "
        "the same identity on it.",
        sources=("CoSAI riskOrchestratorRouteHijacking",),
        judge=_detours,
    ),
    Rule(
        id="PI-07",
        title="Prompt templates hold no secrets, and users cannot read them",
        severity="medium",
        why="System prompts come out: models repeat them to whoever asks well. A key or a rule that "
        "stands only there is then known to all.",
        mend="Keep secrets out of prompts, and enforce rules outside the model.",
        sources=(
            "OWASP LLM07:2025 System Prompt Leakage",
            "MITRE ATLAS AML.T0056",
        ),
        judge=_templates,
    ),
)
