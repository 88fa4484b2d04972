"""DT: where data lies, who is given it, how long it stays."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import DATA_CLASSES, Node, NodeKind
from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.judging import gravest
from holdfast.blueprint.review.knowledge.dependence import edge_fact, fact_of
from holdfast.blueprint.review.knowledge.known import (
    RETRIEVAL,
    held,
    is_sensitive,
    is_store,
    rank,
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
from holdfast.core import NodeId

INTERNAL = DATA_CLASSES.index("internal")
SECRET = DATA_CLASSES.index("secret")
_OTHERS = ("partner", "third-party", "untrusted")


def _clearances(case: Case) -> Iterator[Judgement]:
    nodes = case.system.nodes
    limits = {name: rank(node.facts.clearance) for name, node in nodes.items()}
    for edges in case.system.edges_of.values():
        found = [each for edge in edges if (each := _cleared(case, edge, limits)) is not None]
        if found:
            yield gravest(found)
    for node in nodes.values():
        most, allowed = held(node), limits[node.id]
        if most is not None and allowed is not None and most > allowed:
            yield broken(
                node.id,
                fact_of(node.id, "data"),
                what=f"`{node.id}` holds {DATA_CLASSES[most]} data and is cleared for "
                f"{node.facts.clearance} data only",
                fix="move the data, or clear the node for it",
            )


def _cleared(case: Case, edge: Edge, limits: Mapping[NodeId, int | None]) -> Judgement | None:
    nodes = case.system.nodes
    carries, at = rank(edge.facts.carries), edge_fact(edge, "carries")
    ends = (edge.source, edge.destination)
    if carries is None:
        bound = any((limit := limits[name]) is not None and limit < SECRET for name in ends)
        others = nodes[edge.destination].facts.trust in _OTHERS
        concerns = bound or (others and limits[edge.destination] != SECRET)
        return undecided(edge.id, at, missing=(at,)) if concerns else None
    unsure: list[str] = []
    for name in ends:
        limit = limits[name]
        if limit is not None and carries > limit:
            return _uncleared(edge, nodes[name], at)
        if limit is None and carries >= INTERNAL and nodes[name].kind is not NodeKind.ACTOR:
            unsure.append(fact_of(name, "clearance"))
    return undecided(edge.id, at, missing=tuple(unsure)) if unsure else holds(edge.id, at)


def _uncleared(edge: Edge, node: Node, at: str) -> Judgement:
    return broken(
        edge.id,
        at,
        what=f"{edge.facts.carries} data passes over `{edge.id}`, and `{node.id}` is cleared for "
        f"{node.facts.clearance} data only",
        fix="send less (redact it before: an obligation `@redact`), or call another that is cleared",
        way=(edge.source, edge.destination),
    )


def _tenants(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        scoped = _is_scoped(node)
        if scoped is False or (scoped is None and not is_store(node)):
            continue
        at = fact_of(node.id, "partitioned")
        if node.facts.partitioned:
            yield holds(node.id, at)
        elif scoped and node.facts.partitioned is False:
            yield broken(
                node.id,
                at,
                what=f"`{node.id}` keeps the data of all tenants together",
                fix="partition it by tenant, and let no query leave its partition",
                patches=_once_true(node.id, "partitioned"),
            )
        else:
            missing = [at] if node.facts.partitioned is None else []
            missing += [fact_of(node.id, "data")] if scoped is None else []
            yield undecided(node.id, at, missing=tuple(missing))


def _is_scoped(node: Node) -> bool | None:
    """Whether it holds data each part of which belongs to one tenant."""
    if node.facts.data is None:
        return None
    told = [each.tenant_scoped for each in node.facts.data]
    return True if True in told else None if None in told else False


def _once_true(name: NodeId, fact: str) -> tuple[Patch, ...]:
    path = ("nodes", str(name), "facts", fact)
    return (Patch(path=path, value=True, note="Once it is so."),)


def _source_rights(case: Case) -> Iterator[Judgement]:
    for node in case.system.nodes.values():
        if node.type not in RETRIEVAL:
            continue
        at, most = fact_of(node.id, "source_acl"), held(node)
        if node.facts.source_acl or (most is not None and most < INTERNAL):
            yield holds(node.id, at)
        elif node.facts.source_acl is None:
            yield undecided(node.id, at, missing=(at,))
        else:
            yield broken(
                node.id,
                at,
                what=f"a question to `{node.id}` finds what the one who asks may not read at its "
                "source",
                fix="keep each document's readers beside it, and filter by the person who asks",
                patches=_once_true(node.id, "source_acl"),
            )


def _at_rest(case: Case) -> Iterator[Judgement]:
    workloads = case.evidence.workloads
    for node in case.system.nodes.values():
        sensitive = is_sensitive(node)
        keeps = is_store(node) or (sensitive and node.facts.stateful)
        if not keeps or sensitive is False:
            continue
        workload = workloads.by_node.get(node.id) if workloads is not None else None
        seen = workload.encrypted_volumes if workload is not None else None
        encrypted = False if seen is False else node.facts.encrypted_at_rest
        yield _stored(node, encrypted=seen if encrypted is None else encrypted, sensitive=sensitive)


def _stored(node: Node, *, encrypted: bool | None, sensitive: bool | None) -> Judgement:
    at = fact_of(node.id, "encrypted_at_rest")
    if encrypted:
        return holds(node.id, at)
    if encrypted is None or sensitive is None:
        missing = [at] if encrypted is None else []
        missing += [fact_of(node.id, "data")] if sensitive is None else []
        return undecided(node.id, at, missing=tuple(missing))
    return broken(
        node.id,
        at,
        what=f"`{node.id}` keeps sensitive data and is not encrypted at rest",
        fix="encrypt its volumes and backups with keys that are kept elsewhere",
        patches=_once_true(node.id, "encrypted_at_rest"),
    )


def _residency(case: Case) -> Iterator[Judgement]:
    workloads = case.evidence.workloads
    for node in case.system.nodes.values():
        if node.facts.data is None and is_store(node):
            yield undecided(node.id, fact_of(node.id, "data"), missing=(fact_of(node.id, "data"),))
        bound = [each for each in node.facts.data or () if each.residency is not None]
        workload = workloads.by_node.get(node.id) if workloads is not None else None
        seen = workload.region if workload is not None else None
        for each in bound:
            yield _lies(node, each.name, each.residency or [], seen or case.known.regions[node.id])


def _lies(node: Node, name: str, allowed: list[str], region: str | None) -> Judgement:
    at = fact_of(node.id, "region")
    if region is None:
        return undecided(node.id, at, missing=(at,))
    if any(region == each or region.startswith(f"{each}-") for each in allowed):
        return holds(node.id, at)
    return broken(
        node.id,
        at,
        what=f"`{name}` may lie in {', '.join(allowed) or 'no region'}, and `{node.id}` runs in {region}",
        fix="move it, or keep that data elsewhere",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="DT-01",
        title="Nobody is given data above what he is cleared for",
        severity="critical",
        why="What a third party or a lesser part is given once cannot be taken back. Prompts carry "
        "more than their authors think of.",
        mend="Redact before, or send it only to who is cleared for it.",
        sources=(
            "OWASP LLM02:2025 Sensitive Information Disclosure",
            "FINOS AIGF AIR-RC-001",
            "pytm LLM03",
        ),
        judge=_clearances,
    ),
    Rule(
        id="DT-02",
        title="Tenants' data is kept apart",
        severity="high",
        why="In one undivided store a wrong filter shows one tenant the data of another. Similarity "
        "search finds it without anybody asking for it.",
        mend="Partition by tenant: a collection, a namespace or a key each.",
        sources=(
            "OWASP LLM08:2025 Vector and Embedding Weaknesses",
            "FINOS AIGF AIR-SEC-002",
            "Azure AI landing zone AI.73",
            "Azure AI landing zone AI.74",
        ),
        judge=_tenants,
    ),
    Rule(
        id="DT-03",
        title="Retrieval shows nobody what he may not read at the source",
        severity="high",
        why="Once documents are embedded together, their own access lists are gone. Whoever asks "
        "well reads what was never shared with him.",
        mend="Store each document's readers with it and filter by the person who asks.",
        sources=("FINOS AIGF mi-16", "Azure AI landing zone AI.76"),
        judge=_source_rights,
    ),
    Rule(
        id="DT-04",
        title="Sensitive stores are encrypted at rest",
        severity="high",
        why="Disks, snapshots and backups leave the house more often than anybody notes. Vectors and "
        "memories can be turned back into the text that they stand for.",
        mend="Encrypt at rest, vectors, memories and model registries too.",
        sources=(
            "Threagile unencrypted-asset",
            "FINOS AIGF mi-14",
            "MITRE ATLAS AML.M0012",
        ),
        judge=_at_rest,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="DT-08",
        title="Data lies where it may lie",
        severity="high",
        why="Law and contracts bind data to places. A replica in the wrong region is a breach on the "
        "day it starts.",
        mend="Run the node in an allowed region, or keep that data elsewhere.",
        sources=("AWS Well-Architected governance", "Azure Well-Architected governance"),
        judge=_residency,
        needs=(EvidenceKind.WORKLOADS,),
    ),
)
