"""RS: how calls wait, try again and go round."""

from collections import deque
from collections.abc import Iterator, Mapping

from holdfast.blueprint.graph import Edge, EdgeKind, cycles
from holdfast.blueprint.review.chains import Chain, chains_of
from holdfast.blueprint.review.knowledge.dependence import Dependence, edge_fact
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

TIMEOUT_S_OFFERED = 30


def _waits(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for edge in case.system.edges:
        if edge.kind is not EdgeKind.CALL or needs.is_person(edge.destination):
            continue
        if needs.is_person(edge.source) or needs.strength(edge) == "async":
            continue
        yield _wait(needs, edge)


def _wait(needs: Dependence, edge: Edge) -> Judgement:
    """Holdfast gives every call it carries a deadline, a retry budget and a breaker."""
    at, facts = edge_fact(edge, "timeout_s"), edge.facts
    if needs.is_carried(edge):
        return holds(edge.id, f"relationships.{edge.id}", what="carried by Holdfast")
    if "timeout_s" in facts.model_fields_set and facts.timeout_s is None:
        return _endless(edge)
    if facts.retries and facts.retry_budget is False:
        return _eager(edge)
    missing: list[str] = []
    if facts.timeout_s is None:
        missing.append(at)
    if facts.retries is None and not facts.retry_budget:
        missing.append(edge_fact(edge, "retries"))
    if facts.retries and facts.retry_budget is None:
        missing.append(edge_fact(edge, "retry_budget"))
    if missing and needs.strength(edge) is None:
        missing.append(edge_fact(edge, "strength"))
    return undecided(edge.id, at, missing=tuple(missing)) if missing else holds(edge.id, at)


def _endless(edge: Edge) -> Judgement:
    path = ("relationships", str(edge.id), "facts", "timeout_s")
    return broken(
        edge.id,
        edge_fact(edge, "timeout_s"),
        what=f"`{edge.source}` waits for `{edge.destination}` for ever",
        fix="give the call a deadline, shorter than its caller's own",
        patches=(
            Patch(path=path, value=TIMEOUT_S_OFFERED, note="Set the same in the caller's client."),
        ),
    )


def _eager(edge: Edge) -> Judgement:
    path = ("relationships", str(edge.id), "facts", "retry_budget")
    return broken(
        edge.id,
        edge_fact(edge, "retries"),
        what=f"`{edge.source}` tries `{edge.destination}` {edge.facts.retries} times again, "
        "with nothing that ends it when all of them fail",
        fix="put a retry budget or a circuit breaker in front, or do not retry",
        patches=(Patch(path=path, value=True, note="Once the caller has one."),),
    )


def _multiplied(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    for chain in chains_of(needs):
        yield _chain(case, chain)


def _chain(case: Case, chain: Chain) -> Judgement:
    at, most = f"nodes.{chain.start}", case.limits.retry_product
    if chain.tries > most:
        worst = max(chain.edges, key=lambda edge: edge.facts.retries or 0)
        path = ("relationships", str(worst.id), "facts", "retries")
        return broken(
            chain.start,
            at,
            what=f"one call of `{chain.start}` may become {chain.tries:.0f} along "
            f"{' -> '.join(chain.way)}; {most} are allowed",
            fix="retry in one layer only, nearest to what fails, and with a budget",
            patches=(Patch(path=path, value=0, note="Turn these retries off in the caller."),),
            way=chain.way,
        )
    if chain.unknown:
        return undecided(
            chain.start, at, missing=tuple(edge_fact(edge, "retries") for edge in chain.unknown)
        )
    return holds(chain.start, at)


def _circles(case: Case) -> Iterator[Judgement]:
    needs = case.system.derived(Dependence)
    sure: Mapping[NodeId, list[NodeId]] = {
        name: [edge.destination for edge in edges] for name, edges in needs.hard.items()
    }
    found = cycles(sure)
    for circle in found:
        yield _circle(needs, circle)
    known = {name for circle in found for name in circle}
    perhaps = {
        name: [*sure[name], *(edge.destination for edge in needs.unsure.get(name, ()))]
        for name in sure
    }
    doubtful = (
        [circle for circle in cycles(perhaps) if not known & set(circle)] if needs.unsure else []
    )
    for circle in doubtful:
        yield _doubtful(needs, circle)
    if not found and not doubtful and any(sure.values()):
        yield holds("", "relationships")


def _circle(needs: Dependence, circle: tuple[NodeId, ...]) -> Judgement:
    way = _round(needs, circle)
    last = way[-1]
    return broken(
        way[0].source,
        f"relationships.{last.id}",
        what=f"these wait for each other: {' -> '.join(_names(way))}",
        fix="make one of these calls asynchronous, or take it out: who calls back holds up whom "
        "it calls",
        patches=(
            Patch(
                path=("relationships", str(last.id), "facts", "strength"),
                value="async",
                note=f"Once `{last.source}` no longer waits for `{last.destination}`.",
            ),
        ),
        way=_names(way),
    )


def _round(needs: Dependence, circle: tuple[NodeId, ...]) -> tuple[Edge, ...]:
    """A shortest way round within the circle, from its first node back to it."""
    inside, start = set(circle), min(circle)
    came: dict[NodeId, Edge] = {}
    waiting = deque([start])
    while start not in came:  # every node of a strong component leads back to every other
        for edge in needs.hard[waiting.popleft()]:
            if edge.destination in inside and edge.destination not in came:
                came[edge.destination] = edge
                waiting.append(edge.destination)
    way = [came[start]]
    while way[-1].source != start:
        way.append(came[way[-1].source])
    return tuple(reversed(way))


def _names(way: tuple[Edge, ...]) -> tuple[str, ...]:
    return (*(str(edge.source) for edge in way), str(way[-1].destination))


def _doubtful(needs: Dependence, circle: tuple[NodeId, ...]) -> Judgement:
    inside = set(circle)
    missing = tuple(
        edge_fact(edge, "strength")
        for name in sorted(circle)
        for edge in needs.unsure.get(name, ())
        if edge.destination in inside
    )
    start = min(circle)
    return undecided(start, f"nodes.{start}", missing=missing)


RULES: tuple[Rule, ...] = (
    Rule(
        id="RS-04",
        title="Every wait ends, and every retry has a budget",
        severity="medium",
        why="A call without a deadline holds its caller's place for as long as the callee hangs. "
        "Retries without a budget turn a brown-out into an outage that stays.",
        mend="Set a deadline below the caller's own; retry within a budget or behind a breaker. "
        "Calls that Holdfast carries have all of it.",
        sources=("AWS Agentic AI Lens AGENTOPS07-BP01", "Azure AI landing zone AI.9"),
        judge=_waits,
    ),
    Rule(
        id="RS-05",
        title="Retries do not multiply along a chain",
        severity="medium",
        why="Three layers that each try three times make 27 calls of one, when the last layer can "
        "bear them least. Such systems stay down after the cause is gone.",
        mend="Retry in one layer, and let a budget bound it.",
        sources=("Metastable Failures (HotOS 2021, OSDI 2022)", "Google SRE Book, chapter 22"),
        judge=_multiplied,
    ),
    Rule(
        id="RS-06",
        title="Nobody waits for somebody who waits for him",
        severity="high",
        why="In a circle of waits one slow part holds up all of them, itself too. None of them can "
        "be started, deployed or understood alone.",
        mend="Make one of the calls asynchronous, or move what both need into a third part.",
        sources=(
            "Acyclic Dependencies Principle (R. Martin)",
            "ArchUnit: slices are free of cycles",
        ),
        judge=_circles,
    ),
)
