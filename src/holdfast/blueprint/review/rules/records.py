"""DT: what is learned from, what is recorded, how long it stays."""

import re
from collections.abc import Iterator

from holdfast.blueprint import DATA_CLASSES, Node, NodeKind
from holdfast.blueprint.review.evidence import Component, EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import fact_of
from holdfast.blueprint.review.knowledge.known import (
    MEMORY,
    rank,
)
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId

SECRET = DATA_CLASSES.index("secret")
RECORDS = frozenset({"ai:observability", "ai:eval-monitor"})
TRAINING = re.compile(r"(^|[^a-z])(train(ing)?|fine-?tun(e|ing)|dataset)([^a-z]|$)", re.IGNORECASE)
"""Words by which a set that models learn from is known."""


def _training(case: Case) -> Iterator[Judgement]:
    by_node: dict[NodeId, Component] = {}
    for component in case.evidence.components or ():
        if component.node is not None:
            by_node.setdefault(component.node, component)
    for node in case.system.nodes.values():
        stored = node.kind in (NodeKind.STORE, NodeKind.OTHER)
        if stored and TRAINING.search(f"{node.id} {node.type} {node.facts.purpose or ''}"):
            yield _learned_from(
                node, by_node.get(node.id), given=case.evidence.components is not None
            )


def _learned_from(node: Node, component: Component | None, *, given: bool) -> Judgement:
    at = f"nodes.{node.id}"
    whole = component is not None and (component.digest is not None or component.signed is True)
    if component is not None and component.provenance and whole:
        return holds(node.id, at)
    if not given or (component is not None and component.provenance is None and whole):
        return undecided(node.id, at, missing=(EvidenceKind.COMPONENTS.value,))
    lacks = (
        "where it is from"
        if component is None or not component.provenance
        else ("that it is unchanged")
    )
    return broken(
        node.id,
        at,
        what=f"models learn from `{node.id}`, and no evidence says {lacks}",
        fix="list it in the AI bill of materials with its digest and its provenance, signed",
    )


def _records(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        for name in node.facts.logs_to or ():
            sink = case.system.nodes.get(NodeId(name))
            if sink is not None:
                yield _recorded(node, sink)
    for edge in case.system.edges:
        sink = case.system.nodes[edge.destination]
        node = case.system.nodes[edge.source]
        is_record = edge.facts.purpose == "audit" or sink.type in RECORDS
        if (
            is_record
            and sink.id not in (node.facts.logs_to or ())
            and node.kind is not NodeKind.ACTOR
        ):
            yield _recorded(node, sink)


def _recorded(node: Node, sink: Node) -> Judgement:
    at = fact_of(node.id, "log_class")
    logged, cleared = rank(node.facts.log_class), rank(sink.facts.clearance)
    if logged == 0 or cleared == SECRET:
        return holds(node.id, at)
    if logged is None or cleared is None:
        missing = [at] if logged is None else []
        missing += [fact_of(sink.id, "clearance")] if cleared is None else []
        return undecided(node.id, at, missing=tuple(missing))
    if logged <= cleared:
        return holds(node.id, at)
    return broken(
        node.id,
        at,
        what=f"`{node.id}` writes {node.facts.log_class} data into the records of `{sink.id}`, which is "
        f"cleared for {sink.facts.clearance} data only",
        fix="leave prompts and personal data out of records (digests will do), or redact them before",
        way=(node.id, sink.id),
    )


def _retention(case: Case) -> Iterator[Judgement]:
    sinks = {name for node in case.system.nodes.values() for name in node.facts.logs_to or ()}
    for node in case.system.nodes.values():
        kept = node.type in (MEMORY, "ai:vector-store", "ai:observability") or node.id in sinks
        if not kept:
            continue
        at = fact_of(node.id, "retention_days")
        if node.facts.retention_days is not None:
            yield holds(node.id, at)
        elif "retention_days" in node.facts.model_fields_set:
            yield broken(
                node.id,
                at,
                what=f"`{node.id}` keeps what it is given for ever",
                fix="decide after how many days it is removed, and let it be",
            )
        else:
            yield undecided(node.id, at, missing=(at,))


RULES: tuple[Rule, ...] = (
    Rule(
        id="DT-05",
        title="What models learn from has provenance and a digest",
        severity="high",
        why="A few hundred poisoned examples are enough to plant a behaviour. Without provenance and "
        "digest nobody can say later what a model was taught.",
        mend="List training sets in the AI bill of materials, with digest and signed provenance.",
        sources=(
            "OWASP LLM04:2025 Data and Model Poisoning",
            "MITRE ATLAS AML.M0025",
            "MITRE ATLAS AML.M0007",
        ),
        judge=_training,
        needs=(EvidenceKind.COMPONENTS,),
    ),
    Rule(
        id="DT-06",
        title="Records hold nothing above what their keeper is cleared for",
        severity="high",
        why="Prompts hold what people would write nowhere else, and logs are read by many. Data that "
        "is guarded in its store lies open in the trace of the call.",
        mend="Record digests in place of prompts, redact, or clear the sink.",
        sources=("OWASP LLM02:2025 Sensitive Information Disclosure", "EU AI Act Art. 12"),
        judge=_records,
    ),
    Rule(
        id="DT-07",
        title="Memories, vectors and records have an end",
        severity="medium",
        why="What is kept for ever leaks some day, and can be neither corrected nor forgotten when "
        "somebody asks for it.",
        mend="Set a retention period and let it be carried out.",
        sources=("Azure AI landing zone AI.69",),
        judge=_retention,
    ),
)
