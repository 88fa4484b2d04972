"""RS: what is promised against what it stands on."""

from collections.abc import Iterator
from math import floor, prod

from holdfast.blueprint import IMPORTANCES, Flow
from holdfast.blueprint.graph import Edge, EdgeKind
from holdfast.blueprint.review.knowledge.dependence import Dependence, edge_fact, fact_of, flow_fact
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

ROUNDING = 1e-9
DIGITS = 1_000_000


def _upwards(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for edges in needs.hard.values():
        for edge in edges:
            if not needs.is_person(edge.source) and not needs.is_person(edge.destination):
                yield _leans(case, edge)
    for edges in needs.unsure.values():
        for edge in edges:
            found = _leans(case, edge)
            at = edge_fact(edge, "strength")
            yield (
                found
                if found.what == "" and not found.missing
                else undecided(edge.id, at, missing=(*found.missing, at))
            )


def _leans(case: Case, edge: Edge) -> Judgement:
    at = f"relationships.{edge.id}"
    ends = (edge.source, edge.destination)
    above, below = (case.system.nodes[name].facts.criticality for name in ends)
    if above == IMPORTANCES[0] or below == IMPORTANCES[-1]:
        return holds(edge.id, at)
    if above is None or below is None:
        said = zip(ends, (above, below), strict=True)
        missing = tuple(fact_of(name, "criticality") for name, level in said if level is None)
        return undecided(edge.id, at, missing=missing)
    if IMPORTANCES.index(above) <= IMPORTANCES.index(below):
        return holds(edge.id, at)
    return broken(
        edge.id,
        at,
        what=f"`{edge.source}` ({above}) fails with `{edge.destination}` ({below})",
        fix=f"care for `{edge.destination}` as for what needs it, or give "
        f"`{edge.source}` a substitute for it",
        patches=(
            Patch(
                path=("nodes", str(edge.destination), "facts", "criticality"),
                value=above,
                note=f"Only if `{edge.destination}` is then also run that well.",
            ),
        ),
        way=(str(edge.source), str(edge.destination)),
    )


def _promises(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for name, node in case.system.nodes.items():
        needed = (edge.destination for edge in needs.hard[name])
        needed = dict.fromkeys((*needed, *case.system.hosts.get(name, ())))
        needed = tuple(other for other in needed if not needs.is_person(other))
        if node.facts.availability is not None and needed:
            yield _promise(case, name, needed)
    for flow in case.system.flows:
        if flow.facts.availability is not None:
            yield _flow_promise(case, needs, flow)


def _promise(case: Case, name: NodeId, needed: tuple[NodeId, ...]) -> Judgement:
    """What fails with several parts that fail independently is up for the product of their times:
    each part's own objective already counts what it needs itself."""
    at = fact_of(name, "availability")
    promised = case.system.nodes[name].facts.availability or 0.0
    known, unknown = _availabilities(case, needed)
    best = 100.0 * prod(share / 100.0 for share in known.values())
    if promised > best + ROUNDING:
        return _overpromised(name, at, promised=promised, best=best, known=known)
    return _rest(name, at, unknown)


def _flow_promise(case: Case, needs: Dependence, flow: Flow) -> Judgement:
    """A flow is up no more than the least of what it cannot do without. Their objectives contain
    each other, so no product is taken."""
    at = flow_fact(flow.id, "availability")
    promised = flow.facts.availability or 0.0
    needed: dict[NodeId, None] = {}
    for edge, back in case.system.steps(flow):
        ends = (edge.source, edge.destination) if _is_needed(needs, edge) else (edge.source,)
        if not back:
            needed.update((name, None) for name in ends if not needs.is_person(name))
    known, unknown = _availabilities(case, tuple(needed))
    best = min(known.values(), default=100.0)
    if promised > best + ROUNDING:
        least = {name: share for name, share in known.items() if share == best}
        return _overpromised(flow.id, at, promised=promised, best=best, known=least)
    return _rest(flow.id, at, unknown)


def _is_needed(needs: Dependence, edge: Edge) -> bool:
    return edge.kind is EdgeKind.USE or needs.strength(edge) == "hard"


def _availabilities(
    case: Case, names: tuple[NodeId, ...]
) -> tuple[dict[NodeId, float], tuple[NodeId, ...]]:
    said = {name: case.system.nodes[name].facts.availability for name in names}
    known = {name: share for name, share in said.items() if share is not None}
    return known, tuple(name for name, share in said.items() if share is None)


def _overpromised(
    subject: str, at: str, *, promised: float, best: float, known: dict[NodeId, float]
) -> Judgement:
    told = ", ".join(f"`{name}` {share:g} %" for name, share in known.items())
    path = tuple(at.split("."))
    return broken(
        subject,
        at,
        what=f"{promised:g} % are promised; with {told} at best {best:.6g} % can be kept",
        fix="promise less, or make what it needs soft: a fallback, a cache, a queue",
        patches=(Patch(path=path, value=floor(best * DIGITS) / DIGITS),),
    )


def _rest(subject: str, at: str, unknown: tuple[NodeId, ...]) -> Judgement:
    if unknown:
        missing = tuple(fact_of(name, "availability") for name in unknown)
        return undecided(subject, at, missing=missing)
    return holds(subject, at)


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-03",
        title="Nothing fails with what is cared for less",
        severity="high",
        why="A critical service is as good as the least of what it cannot do without. What is run "
        "as unimportant is changed, and paged for, as unimportant.",
        mend="Raise the care of what is needed, or make the need soft: a fallback, a cache, a queue.",
        sources=("Meta Defcon (OSDI 2023)", "Google: The Calculus of Service Availability"),
        judge=_upwards,
    ),
    Rule(
        id="RS-08",
        title="What is promised can be kept by what it stands on",
        severity="medium",
        why="A service that cannot do without three others is up only while all three are. An "
        "objective above that is missed in a normal month.",
        mend="Lower the objective, or need less: fallbacks, caches and queues make needs soft.",
        sources=("Google: The Calculus of Service Availability", "AWS Well-Architected REL"),
        judge=_promises,
    ),
)
