"""RS: what copies share that should fail apart, and what callers share that should be apart."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from holdfast.blueprint import IMPORTANCES, Importance, Node, NodeKind
from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.knowledge.dependence import Dependence, fact_of, rank
from holdfast.blueprint.review.rule import (
    Case,
    Judgement,
    Patch,
    Rule,
    broken,
    holds,
    undecided,
)
from holdfast.core import NodeId, RelationshipId

CALLS_OFFERED = 20
PLACES = ("zone", "host")
"""Kinds of failure domain that copies of one node must not all share."""


def _apart(case: Case) -> Iterator[Judgement]:
    """Copies of one node by where they run; substitutes for each other by all they share."""
    for node in case.system.nodes.values():
        replicas = _replicas(case, node)
        if replicas is not None and replicas > 1:
            yield _copies(case, node)
    for name, group in _groups(case):
        yield _group(case, name, group)


def _replicas(case: Case, node: Node) -> int | None:
    live = case.evidence.workloads.by_node.get(node.id) if case.evidence.workloads else None
    return live.replicas if live is not None and live.replicas else node.facts.replicas


def _copies(case: Case, node: Node) -> Judgement:
    at = fact_of(node.id, "failure_domains")
    places = {kind: _places(case, node, kind) for kind in PLACES}
    alone = [kind for kind, names in places.items() if names is not None and len(names) == 1]
    if alone:
        kind = alone[0]
        where = next(iter(places[kind] or ()))
        return broken(
            node.id,
            at,
            what=f"all copies of `{node.id}` are on one {kind} ({where})",
            fix=f"spread them over at least two {kind}s",
        )
    if any(names is not None for names in places.values()):
        return holds(node.id, at)
    return undecided(node.id, at, missing=(at, EvidenceKind.WORKLOADS.value))


def _places(case: Case, node: Node, kind: str) -> frozenset[str] | None:
    """Where the copies run, by what lives or else by what is declared; None: not known."""
    live = case.evidence.workloads.by_node.get(node.id) if case.evidence.workloads else None
    seen = frozenset[str]()
    if live is not None:
        seen = live.zones if kind == "zone" else live.hosts
    declared = frozenset(
        fate for fate in node.facts.failure_domains or () if fate.startswith(f"{kind}:")
    )
    return seen or declared or None


def _groups(case: Case) -> Iterator[tuple[NodeId, tuple[NodeId, ...]]]:
    """Nodes that stand in for each other: upstreams of one node; a node and its fallbacks."""
    seen: set[frozenset[NodeId]] = set()
    for node in case.system.nodes.values():
        group = tuple(part.id for part in case.system.blueprint.upstreams(node))
        if len(group) > 1:
            yield node.id, group
    for edge in case.system.edges:
        if edge.relationship.fallback is None:
            continue
        group = (edge.destination, *(NodeId(name) for name in edge.relationship.fallback.to))
        if frozenset(group) not in seen:
            seen.add(frozenset(group))
            yield edge.destination, group


def _group(case: Case, name: NodeId, group: tuple[NodeId, ...]) -> Judgement:
    at = f"nodes.{name}"
    fates = [_fates(case, member) for member in group]
    shared = sorted(_common(known for known, _ in fates))
    if shared:
        told = ", ".join(f"`{member}`" for member in group)
        return broken(
            name,
            at,
            what=f"{told} stand in for each other and share {', '.join(shared)}",
            fix="move one of them to what the others do not share: another zone, provider, account",
        )
    missing = tuple(
        fact_of(member, "failure_domains")
        for member, (_, is_told) in zip(group, fates, strict=True)
        if not is_told
    )
    return undecided(name, at, missing=missing) if missing else holds(name, at)


def _fates(case: Case, name: NodeId) -> tuple[frozenset[str], bool]:
    """What is known to be shared with others, and whether its failure domains are told."""
    members = case.system.blueprint.upstreams(case.system.nodes[name]) or (case.system.nodes[name],)
    known = [_own_fates(node) for node in members]
    is_told = all(node.facts.failure_domains is not None for node in members)
    return _common(known), is_told


def _common(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    first, *others = sets
    return first.intersection(*others)


def _own_fates(node: Node) -> frozenset[str]:
    """What the node surely fails with: of a kind over which it is spread, none."""
    facts = node.facts
    fates = facts.failure_domains or ()
    kinds = Counter(fate.partition(":")[0] for fate in fates)
    found = {fate for fate in fates if kinds[fate.partition(":")[0]] == 1}
    if facts.model is not None and facts.model.provider is not None:
        found.add(f"provider:{facts.model.provider}")
    if node.upstream is not None and node.upstream.api_key is not None:
        found.add(f"credential:{node.upstream.api_key}")
    found.update(f"credential:{name}" for name in facts.credentials or ())
    return frozenset(found)


def _shared(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for name in case.system.nodes:
        edges = [edge for edge in case.system.entering[name] if needs.is_carried(edge)]
        if len(edges) > 1:
            yield _pool(case, name, edges)
    yield from _quotas(case)


def _pool(case: Case, name: NodeId, edges: list[Edge]) -> Judgement:
    """Callers of one upstream are apart by bulkheads or budgets of their own, or by the order in
    which Holdfast sheds them."""
    at = f"nodes.{name}"
    open_ = [edge for edge in edges if not _is_apart(edge)]
    ranks = {edge.id: rank(case.system.nodes[edge.source].facts.criticality) for edge in edges}
    if len(open_) == 0 or _in_order(edges, ranks):
        return holds(name, at)
    known = {ranks[edge.id] for edge in open_} - {None}
    others = {ranks[edge.id] for edge in edges} - {None}
    if known and len(known | others) > 1 and _suffers(open_, ranks):
        return _mixed(case, name, open_)
    unknown = [edge for edge in edges if ranks[edge.id] is None]
    if unknown:
        missing = tuple(dict.fromkeys(fact_of(edge.source, "criticality") for edge in unknown))
        return undecided(name, at, missing=missing)
    return holds(name, at)


def _is_apart(edge: Edge) -> bool:
    return edge.relationship.bulkhead is not None or edge.relationship.budget is not None


def _in_order(edges: list[Edge], ranks: Mapping[RelationshipId, int | None]) -> bool:
    """Whether of any two callers the less important is shed before the other."""
    order = {"sheddable": 0, "standard": 1, "critical": 2}
    pairs = sorted((ranks[e.id] or 0, order[e.relationship.criticality]) for e in edges)
    if any(ranks[edge.id] is None for edge in edges):
        return False
    shed: dict[int, set[int]] = {}
    for importance, place in pairs:
        shed.setdefault(importance, set()).add(place)
    levels = [shed[importance] for importance in sorted(shed)]
    return all(max(low) < min(high) for low, high in pairwise(levels))


def _suffers(open_: list[Edge], ranks: Mapping[RelationshipId, int | None]) -> bool:
    """Whether a caller that nothing holds back is less important than another."""
    lowest = min(rank for edge in open_ if (rank := ranks[edge.id]) is not None)
    return lowest < max(rank for rank in ranks.values() if rank is not None)


def _importance(case: Case, edge: Edge) -> Importance | None:
    return case.system.nodes[edge.source].facts.criticality


def _mixed(case: Case, name: NodeId, open_: list[Edge]) -> Judgement:
    known = [(level, edge) for edge in open_ if (level := _importance(case, edge)) is not None]
    level, edge = min(known, key=lambda pair: IMPORTANCES.index(pair[0]))
    return broken(
        name,
        f"nodes.{name}",
        what=f"`{edge.source}` ({level}) may use up what more important callers of `{name}` need",
        fix=f"give `{edge.id}` a bulkhead of its own, or say that its calls are sheddable",
        patches=(
            Patch(
                path=("relationships", str(edge.id), "controls", "bulkhead"),
                value={"calls": CALLS_OFFERED},
            ),
        ),
        way=(str(edge.source), str(name)),
    )


def _quotas(case: Case) -> Iterator[Judgement]:
    members: dict[str, list[NodeId]] = {}
    for name, node in case.system.nodes.items():
        for fate in node.facts.failure_domains or ():
            if fate.startswith("quota:") and node.kind is not NodeKind.NETWORK:
                members.setdefault(fate, []).append(name)
    for quota, names in members.items():
        if len(names) > 1:
            yield _quota(case, quota, names)


def _quota(case: Case, quota: str, names: list[NodeId]) -> Judgement:
    said = {name: case.system.nodes[name].facts.criticality for name in names}
    first, at = names[0], fact_of(names[0], "failure_domains")
    if len({level for level in said.values() if level}) > 1:
        told = ", ".join(f"`{name}` ({level or 'unknown'})" for name, level in said.items())
        return broken(
            first,
            at,
            what=f"{told} live on one {quota.replace(':', ' ')}",
            fix="take a quota of its own for the more important one",
        )
    unknown = tuple(fact_of(name, "criticality") for name, level in said.items() if level is None)
    return undecided(first, at, missing=unknown) if unknown else holds(first, at)


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-02",
        title="Copies do not share what they would fail by",
        severity="high",
        why="Three copies in one zone are one copy when the zone goes. Two models behind one key "
        "meet their quota together.",
        mend="Spread copies over zones and hosts; take substitutes from another provider, account "
        "and quota.",
        sources=("AWS Fault Isolation Boundaries", "AWS Well-Architected REL10"),
        judge=_apart,
        needs=(EvidenceKind.WORKLOADS,),
    ),
    Rule(
        id="RS-12",
        title="Who matters less cannot use up what others need",
        severity="medium",
        why="Quotas and pools are emptied by whoever asks most, and a nightly batch asks more than "
        "a customer. Without a wall between them the unimportant decides for the important.",
        mend="Give each a bulkhead, a budget or a quota of its own, or say which calls are shed "
        "first.",
        sources=("Azure AI landing zone AI.157", "Azure Architecture Center: Bulkhead pattern"),
        judge=_shared,
    ),
)
