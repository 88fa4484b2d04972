"""How each design pattern is recognised, and where its absence is worth a word.

What Holdfast carries has breakers, retry budgets and a queue that sheds without a line being written,
so these are present wherever a call is carried.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.blueprint import Budget, Node, NodeKind
from holdfast.blueprint.graph import Edge
from holdfast.blueprint.review.knowledge.dependence import Dependence, rank
from holdfast.blueprint.review.rule import Case, Patch
from holdfast.core import NodeId

READING = frozenset({None, "none", "read"})
GRAVE = frozenset({"irreversible", "exec"})
CACHE_TTL_S = 300
CALLS = 20
TOKENS_A_DAY = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A pattern at work: ``how`` names the control that makes it so."""

    subject: str
    at: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A place where a pattern would help: ``why`` there, and how."""

    subject: str
    at: str
    why: str
    patches: tuple[Patch, ...] = ()


def _carried(case: Case) -> Iterator[Edge]:
    needs = case.system.derived(Dependence)
    return (edge for edge in case.system.edges if needs.is_carried(edge))


def _called(case: Case) -> Iterator[Node]:
    """Nodes that Holdfast sends calls to."""
    names = dict.fromkeys(edge.destination for edge in _carried(case))
    return (case.system.nodes[name] for name in names)


def _models(case: Case) -> Iterator[Edge]:
    nodes = case.system.nodes
    return (edge for edge in _carried(case) if nodes[edge.destination].kind is NodeKind.MODEL)


def _members(case: Case, node: Node) -> tuple[Node, ...]:
    return case.system.blueprint.upstreams(node)


def _outside(case: Case) -> Iterator[Edge]:
    """Calls to other parties that Holdfast does not carry, and that are waited for."""
    needs = case.system.derived(Dependence)
    for edge in needs.calls:
        foreign = case.system.nodes[edge.destination].facts.trust in ("third-party", "partner")
        if foreign and not needs.is_carried(edge) and needs.is_waited_for(edge):
            yield edge


def _on(edge: Edge, *, control: str, value: object, note: str = "") -> Patch:
    return Patch(path=("relationships", str(edge.id), "controls", control), value=value, note=note)


def breakers(case: Case) -> Iterator[Presence]:
    for node in _called(case):
        for member in _members(case, node):
            breaker = member.breaker
            how = f"controls.breaker: opens after {breaker.failures} failures in a row"
            yield Presence(subject=member.id, at=f"nodes.{member.id}", how=how)


def breakers_missing(case: Case) -> Iterator[Suggestion]:
    for edge in _outside(case):
        if not edge.facts.retry_budget:
            yield Suggestion(
                subject=edge.id,
                at=f"relationships.{edge.id}",
                why=f"`{edge.destination}` is another party's: when it hangs, `{edge.source}` "
                "hangs with it. Let Holdfast carry the call, or put a breaker in the caller",
            )


def retries(case: Case) -> Iterator[Presence]:
    for edge in _carried(case):
        tries = edge.relationship.retries
        if tries.attempts > 1:
            how = f"controls.retries: {tries.attempts} attempts, {tries.share:.0%} of live traffic"
            yield Presence(subject=edge.id, at=f"relationships.{edge.id}", how=how)


def retries_missing(case: Case) -> Iterator[Suggestion]:
    """Where somebody has turned retries off for calls that change nothing."""
    for edge in _carried(case):
        reads = edge.facts.effect in READING and not _writes(case, edge.destination)
        calm = edge.relationship.criticality != "sheddable"
        if edge.relationship.retries.attempts == 1 and reads and calm:
            yield Suggestion(
                subject=edge.id,
                at=f"relationships.{edge.id}",
                why="its calls change nothing, so a second try is safe, and the budget bounds it",
                patches=(_on(edge, control="retries", value={"attempts": 3}),),
            )


def _writes(case: Case, name: NodeId) -> bool:
    node = case.system.nodes[name]
    effects = [node.facts.effect, *(tool.effect for tool in node.facts.tools or ())]
    return any(effect not in READING for effect in effects) or node.kind is NodeKind.TOOL


def bulkheads(case: Case) -> Iterator[Presence]:
    if case.system.blueprint.bulkhead is not None:
        how = f"bulkhead: {case.system.blueprint.bulkhead} calls of all"
        yield Presence(subject="", at="bulkhead", how=how)
    for node in case.system.nodes.values():
        if node.bulkhead is not None:
            how = f"controls.bulkhead: {node.bulkhead} calls"
            yield Presence(subject=node.id, at=f"nodes.{node.id}.controls.bulkhead", how=how)
    for edge in _carried(case):
        if edge.relationship.bulkhead is not None:
            how = f"controls.bulkhead: {edge.relationship.bulkhead} calls"
            at = f"relationships.{edge.id}.controls.bulkhead"
            yield Presence(subject=edge.id, at=at, how=how)


def bulkheads_missing(case: Case) -> Iterator[Suggestion]:
    """Where callers that matter differently share an upstream, on the lesser one."""
    for node in _called(case):
        edges = [edge for edge in case.system.entering[node.id] if _is_open(case, edge)]
        ranks = {edge.id: rank(case.system.nodes[edge.source].facts.criticality) for edge in edges}
        highest = max((found for found in ranks.values() if found is not None), default=None)
        for edge in edges:
            own = ranks[edge.id]
            if highest is not None and own is not None and own < highest:
                yield Suggestion(
                    subject=edge.id,
                    at=f"relationships.{edge.id}",
                    why=f"`{edge.source}` matters less than others that call `{node.id}`, and may "
                    "take all its places",
                    patches=(_on(edge, control="bulkhead", value={"calls": CALLS}),),
                )


def _is_open(case: Case, edge: Edge) -> bool:
    needs = case.system.derived(Dependence)
    apart = edge.relationship.bulkhead or case.system.nodes[edge.source].bulkhead
    return needs.is_carried(edge) and apart is None


def fallbacks(case: Case) -> Iterator[Presence]:
    for edge in _carried(case):
        fallback = edge.relationship.fallback
        if fallback is not None:
            how = f"controls.fallback: {', '.join(fallback.to)}"
            yield Presence(subject=edge.id, at=f"relationships.{edge.id}", how=how)


def fallbacks_missing(case: Case) -> Iterator[Suggestion]:
    """Where the caller may call another model already, so that falling back opens no door."""
    needs = case.system.derived(Dependence)
    nodes = case.system.nodes
    for edge in _models(case):
        if nodes[edge.destination].type != "ai:llm":
            continue  # vectors of another embedding model mean nothing beside these
        standby = (edge.source, edge.destination) in needs.standbys
        if edge.relationship.fallback is not None or standby or needs.strength(edge) != "hard":
            continue
        others = [
            other.destination
            for other in case.system.leaving[edge.source]
            if other.destination != edge.destination
            and needs.is_carried(other)
            and nodes[other.destination].type == nodes[edge.destination].type
            and other.relationship.fallback is None
        ]
        why = f"`{edge.source}` fails when `{edge.destination}` cannot answer"
        patches = tuple(_on(edge, control="fallback", value={"to": [str(n)]}) for n in others[:1])
        if patches:
            why += f", and may call `{others[0]}` already"
        yield Suggestion(subject=edge.id, at=f"relationships.{edge.id}", why=why, patches=patches)


def health(case: Case) -> Iterator[Presence]:
    for node in _called(case):
        members = _members(case, node)
        if len(members) > 1:
            how = f"composed-of {len(members)} upstreams; controls.ejection leaves the sick out"
            yield Presence(subject=node.id, at=f"nodes.{node.id}", how=how)
        for member in members:
            if member.health is not None:
                how = f"controls.health: {member.health.path} every {member.health.every_s:g} s"
                yield Presence(subject=member.id, at=f"nodes.{member.id}", how=how)


def health_missing(case: Case) -> Iterator[Suggestion]:
    """Where there are several upstreams, or the node is ours and one more could be asked."""
    for node in _called(case):
        members = _members(case, node)
        if len(members) > 1 and all(member.health is None for member in members):
            yield Suggestion(
                subject=node.id,
                at=f"nodes.{node.id}",
                why=f"calls choose among {len(members)} upstreams, and learn that one is gone only "
                "by failing",
                patches=(
                    Patch(
                        path=("nodes", str(node.id), "controls", "health"),
                        value={"path": "/health"},
                        note="Write the path under which your upstreams answer for their health.",
                    ),
                ),
            )


def shedding(case: Case) -> Iterator[Presence]:
    for edge in _carried(case):
        if edge.relationship.criticality != "standard":
            how = f"controls.criticality: {edge.relationship.criticality}"
            yield Presence(subject=edge.id, at=f"relationships.{edge.id}", how=how)


def shedding_missing(case: Case) -> Iterator[Suggestion]:
    """Where callers of one upstream matter differently and are shed alike."""
    for node in _called(case):
        edges = [edge for edge in case.system.entering[node.id] if _is_standard(case, edge)]
        levels = {case.system.nodes[edge.source].facts.criticality for edge in edges}
        for edge in edges if len(levels - {None}) > 1 else ():
            level = case.system.nodes[edge.source].facts.criticality
            word = {"low": "sheddable", "critical": "critical"}.get(level or "")
            if word is not None:
                yield Suggestion(
                    subject=edge.id,
                    at=f"relationships.{edge.id}",
                    why=f"`{edge.source}` is {level}, and under overload is treated like all who "
                    f"call `{node.id}`",
                    patches=(_on(edge, control="criticality", value=word),),
                )


def _is_standard(case: Case, edge: Edge) -> bool:
    needs = case.system.derived(Dependence)
    return needs.is_carried(edge) and edge.relationship.criticality == "standard"


def caches(case: Case) -> Iterator[Presence]:
    for edge in _carried(case):
        cache = edge.relationship.cache
        if cache is not None:
            how = f"controls.cache: {cache.ttl_s:g} s, of one {cache.scope}"
            yield Presence(subject=edge.id, at=f"relationships.{edge.id}", how=how)


def caches_missing(case: Case) -> Iterator[Suggestion]:
    """Embeddings: the same text always has the same one."""
    for edge in _models(case):
        node = case.system.nodes[edge.destination]
        if node.type == "ai:embedding-model" and edge.relationship.cache is None:
            value = {"ttl_s": CACHE_TTL_S, "scope": "caller"}
            yield Suggestion(
                subject=edge.id,
                at=f"relationships.{edge.id}",
                why="the same text has the same embedding: asking again buys nothing",
                patches=(_on(edge, control="cache", value=value),),
            )


def budgets(case: Case) -> Iterator[Presence]:
    blueprint = case.system.blueprint
    if _spends(blueprint.budget):
        yield Presence(subject="", at="budget", how=_told(blueprint.budget))
    for node in blueprint.nodes.values():
        if _spends(node.budget):
            at = f"nodes.{node.id}.controls.budget"
            yield Presence(subject=node.id, at=at, how=_told(node.budget))
    for edge in _carried(case):
        if _spends(edge.relationship.budget):
            at = f"relationships.{edge.id}.controls.budget"
            yield Presence(subject=edge.id, at=at, how=_told(edge.relationship.budget))


def _spends(budget: Budget | None) -> bool:
    return budget is not None and (budget.tokens is not None or budget.money_micro is not None)


def _told(budget: Budget | None) -> str:
    return "" if budget is None else f"budget of a {budget.per}, told at {budget.soft:.0%}"


def budgets_missing(case: Case) -> Iterator[Suggestion]:
    """Agents call models in loops of their own making."""
    if _spends(case.system.blueprint.budget):
        return
    for edge in _models(case):
        ends = (case.system.nodes[edge.source], case.system.nodes[edge.destination])
        covered = (edge.relationship.budget, *(node.budget for node in ends))
        if ends[0].kind is NodeKind.AGENT and not any(_spends(budget) for budget in covered):
            limited = edge.relationship.limits.max_tokens is not None
            yield Suggestion(
                subject=edge.id,
                at=f"relationships.{edge.id}",
                why=f"the agent `{edge.source}` decides itself how often it asks",
                patches=(
                    _on(
                        edge,
                        control="budget",
                        value={"per": "day", "tokens": TOKENS_A_DAY},
                        note="" if limited else "It also needs limits.max_tokens.",
                    ),
                ),
            )


def cheapest(case: Case) -> Iterator[Presence]:
    for node in _called(case):
        if node.routing.by == "cheapest":
            how = "controls.routing: by cheapest"
            yield Presence(subject=node.id, at=f"nodes.{node.id}.controls.routing", how=how)


def cheapest_missing(case: Case) -> Iterator[Suggestion]:
    """Where several upstreams of one model have prices that differ."""
    for node in _called(case):
        members = _members(case, node)
        prices = {member.price for member in members if member.price is not None}
        if len(prices) > 1 and node.routing.by == "least-loaded":
            path = ("nodes", str(node.id), "controls", "routing")
            yield Suggestion(
                subject=node.id,
                at=f"nodes.{node.id}",
                why="its upstreams cost differently, and calls go to whichever is free",
                patches=(Patch(path=path, value={"by": "cheapest"}),),
            )


def people(case: Case) -> Iterator[Presence]:
    for node in case.system.nodes.values():
        if node.type == "ai:human-in-the-loop":
            yield Presence(subject=node.id, at=f"nodes.{node.id}", how="type ai:human-in-the-loop")
    for edge in case.system.edges:
        if edge.facts.purpose == "approve":
            at = f"relationships.{edge.id}.facts.purpose"
            yield Presence(subject=edge.id, at=at, how="facts.purpose: approve")
    for approval in case.known.approvals:
        how = f"policy `{approval.policy}`: @require_approval"
        yield Presence(subject="", at="policies", how=how)


def people_missing(case: Case) -> Iterator[Suggestion]:
    """Where an agent may do what cannot be taken back, and no policy holds such a call."""
    for edge in case.system.edges:
        if case.system.nodes[edge.source].kind is not NodeKind.AGENT:
            continue
        node = case.system.nodes[edge.destination]
        effects = {edge.facts.effect} if edge.facts.effect else {node.facts.effect}
        if edge.facts.effect is None:
            effects |= {tool.effect for tool in node.facts.tools or ()}
        held = any(approval.fits(edge) is not False for approval in case.known.approvals)
        if effects & GRAVE and not held and not _has_person(case, edge):
            yield Suggestion(
                subject=edge.id,
                at=f"relationships.{edge.id}",
                why=f"`{edge.source}` may do at `{edge.destination}` what cannot be taken back; a "
                "policy with @require_approval makes such calls wait for a person",
            )


def _has_person(case: Case, edge: Edge) -> bool:
    ends = (edge.source, edge.destination)
    return any(
        other.facts.purpose == "approve"
        for name in ends
        for other in (*case.system.entering[name], *case.system.leaving[name])
    )
