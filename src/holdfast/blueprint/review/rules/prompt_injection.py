"""PI: what outsiders write, on its way to models, stores and what acts on their answers."""

from collections.abc import Iterator

from holdfast.blueprint import Node, NodeKind
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.known import (
    MEMORY,
    RETRIEVAL,
    Knowledge,
    checks,
    gives_foreign_words,
    is_guard,
)
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)

_SANITISING = ("sanitise", "input")


def _unguarded(case: Case) -> Iterator[Judgement]:
    known = case.known
    for node in case.system.nodes.values():
        judged = node.kind is NodeKind.AGENT or (
            node.kind is NodeKind.MODEL and _is_called_plainly(known, node)
        )
        # One whose own words are foreign is judged where they arrive.
        if judged and gives_foreign_words(node) is not True:
            yield _foreign(known, node)


def _is_called_plainly(known: Knowledge, node: Node) -> bool:
    """Whether somebody calls the model who is no agent: agents are judged themselves."""
    callers = (known.system.nodes[edge.source] for edge in known.system.entering[node.id])
    return any(caller.kind is not NodeKind.AGENT for caller in callers)


def _foreign(known: Knowledge, node: Node) -> Judgement:
    at, spread = f"nodes.{node.id}", known.foreign_first_hand
    reached = spread.gets_to(node.id)
    if reached is False or checks(node, *_SANITISING):
        return holds(node.id, at)
    if reached is None:
        return undecided(node.id, at, missing=spread.missing_on(node.id))
    way = spread.nodes_to(node.id)
    asked = [
        edge.destination
        for edge in known.system.leaving[node.id]
        if known.system.nodes[edge.destination].kind is NodeKind.GUARD
        and edge.destination not in way
    ]
    beside = f" (`{asked[0]}` is asked beside the way, and can be passed by)" if asked else ""
    return broken(
        node.id,
        at,
        what=f"what outsiders write to `{way[0]}` reaches `{node.id}`, and no guard on the way checks "
        f"it{beside}",
        fix=f"let it pass through a guard (ai:guardrail with `checks: [input]`) between `{way[-2]}` "
        f"and `{node.id}`",
        way=way,
    )


def _retrieval(case: Case) -> Iterator[Judgement]:
    known = case.known
    for node in case.system.nodes.values():
        if node.type not in RETRIEVAL:
            continue
        unchecked = known.foreign_unchecked.is_given_by(node.id)
        unproven = known.foreign_unproven.is_given_by(node.id)
        if unchecked or unproven:
            yield _poisoned(known, node, unchecked=bool(unchecked))
        elif unchecked is None or unproven is None:
            missing = (
                known.foreign_unchecked.missing_for_giving(node.id) if unchecked is None else ()
            )
            more = known.foreign_unproven.missing_for_giving(node.id) if unproven is None else ()
            yield undecided(
                node.id, f"nodes.{node.id}", missing=tuple(dict.fromkeys((*missing, *more)))
            )
        else:
            yield holds(node.id, f"nodes.{node.id}")


def _poisoned(known: Knowledge, node: Node, *, unchecked: bool) -> Judgement:
    spread = known.foreign_unchecked if unchecked else known.foreign_unproven
    way = spread.nodes_to(node.id)
    lacks = "is cleaned by nothing" if unchecked else "is stored without a note of where it is from"
    source = "what outsiders write into it" if len(way) == 1 else f"what `{way[0]}` brings in"
    return broken(
        node.id,
        f"nodes.{node.id}",
        what=f"{source} is later found by retrieval in `{node.id}` and believed, and it {lacks}",
        fix="take documents in through a step that cleans them and notes their source "
        "(`checks: [sanitise, provenance]`)",
        way=way,
    )


def _failing_guards(case: Case) -> Iterator[Judgement]:
    known = case.known
    for node in case.system.nodes.values():
        if not is_guard(node):
            continue
        # It stands before something privileged when it, or who asks it, leads there.
        around = [node.id, *(edge.source for edge in case.system.entering[node.id])]
        leads = {name: known.is_privileged(name) for name in around}
        if True in leads.values():
            yield _when_it_fails(node)
        elif None in leads.values():
            name = next(name for name, value in leads.items() if value is None)
            effect = edge_fact(known.unsure_privilege(name), "effect")
            yield _perhaps(node, effect)


def _perhaps(node: Node, effect: str) -> Judgement:
    at = fact_of(node.id, "fails")
    if node.facts.fails == "closed":
        return holds(node.id, at)
    missing = (effect,) if node.facts.fails else (at, effect)
    return undecided(node.id, at, missing=missing)


def _when_it_fails(node: Node) -> Judgement:
    at = fact_of(node.id, "fails")
    if node.facts.fails == "closed":
        return holds(node.id, at)
    if node.facts.fails is None:
        return undecided(node.id, at, missing=(at,))
    return broken(
        node.id,
        at,
        what=f"when `{node.id}` cannot judge, it lets pass what leads to privileged actions",
        fix="let it refuse when it cannot judge, and give it replicas so that it seldom cannot",
        patches=(
            Patch(
                path=("nodes", str(node.id), "facts", "fails"),
                value="closed",
                note="Once the guard is set so.",
            ),
        ),
    )


def _memories(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.type == MEMORY:
            yield _memory(case.known, node)


def _memory(known: Knowledge, node: Node) -> Judgement:
    at, spread, facts = f"nodes.{node.id}.facts", known.foreign_unchecked, node.facts
    written = spread.is_given_by(node.id)
    forgets = True if facts.retention_days is not None else None
    if forgets is None and "retention_days" in facts.model_fields_set:
        forgets = False
    if written is False or (facts.partitioned and forgets):
        return holds(node.id, at)
    lacking = [
        words
        for words, value in (
            ("is not kept apart for each user", facts.partitioned),
            ("is never forgotten", forgets),
        )
        if value is False
    ]
    if written and lacking:
        way = spread.nodes_to(node.id)
        return broken(
            node.id,
            at,
            what=f"what `{way[0]}` gives can be written into the memory `{node.id}`, where it "
            f"{' and '.join(lacking)}: one bad message speaks in later runs",
            fix="keep each user's memory apart, let it expire, and check what is written",
            way=way,
        )
    missing = [*(spread.missing_for_giving(node.id) if written is None else ())]
    missing += [fact_of(node.id, "partitioned")] if facts.partitioned is None else []
    missing += [fact_of(node.id, "retention_days")] if forgets is None else []
    return undecided(node.id, at, missing=tuple(missing))


RULES: tuple[Rule, ...] = (
    Rule(
        id="PI-01",
        title="Foreign content reaches agents and models through a guard only",
        severity="high",
        why="A model obeys text, whoever wrote it. One way around the guard is enough for a page, a "
        "mail or a user to give the orders.",
        mend="Put a guard that checks input on every way from foreign content to an agent or model.",
        sources=(
            "OWASP LLM01:2025 Prompt Injection",
            "OWASP ASI01:2026 Agent Goal Hijack",
            "MITRE ATLAS AML.M0020",
            "CoSAI controlInputValidationAndSanitization",
            "FINOS AIGF mi-3",
            "FINOS AIGF mi-17",
        ),
        judge=_unguarded,
    ),
    Rule(
        id="PI-02",
        title="What is taken into retrieval is cleaned, and its source noted",
        severity="high",
        why="A poisoned document waits in the store until somebody's question finds it, and is then "
        "taken for knowledge. Without a note of its source nobody finds the others.",
        mend="Take in through a step that sanitises and records provenance.",
        sources=(
            "OWASP LLM04:2025 Data and Model Poisoning",
            "OWASP LLM08:2025 Vector and Embedding Weaknesses",
            "FINOS AIGF AIR-SEC-009",
            "CoSAI riskRetrievalVectorStorePoisoning",
        ),
        judge=_retrieval,
    ),
    Rule(
        id="PI-04",
        title="A guard before privileged actions fails closed",
        severity="high",
        why="An attacker who overloads a guard that fails open has switched it off. It is then "
        "missing exactly when it matters.",
        mend="Let the guard refuse what it cannot judge, and run enough of it.",
        sources=("NIST SP 800-207", "CoSAI controlInputValidationAndSanitization"),
        judge=_failing_guards,
    ),
    Rule(
        id="PI-06",
        title="Memory that foreign content can reach is kept apart and expires",
        severity="high",
        why="What an injected message writes into long-term memory is read as the agent's own in "
        "every later run. Without partition, in every other user's runs too.",
        mend="Give each user a memory of his own, let entries expire, and check what is written.",
        sources=(
            "OWASP ASI06:2026 Memory and Context Poisoning",
            "FINOS AIGF AIR-SEC-027",
            "MITRE ATLAS AML.M0031",
        ),
        judge=_memories,
    ),
)
