"""AG: where agents end: their delegations, their runs, their stopping, their reviewers' patience."""

from collections.abc import Iterator, Mapping

from holdfast.blueprint import Budget, Node, NodeKind
from holdfast.blueprint.graph import EdgeKind, System, cycles
from holdfast.blueprint.review.evidence import EvidenceKind
from holdfast.blueprint.review.knowledge.content import PASSING
from holdfast.blueprint.review.knowledge.dependence import fact_of
from holdfast.blueprint.review.knowledge.known import GATEWAY, Knowledge, is_guard
from holdfast.blueprint.review.knowledge.leaning import Leaning
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

Onto = Mapping[NodeId, tuple[NodeId, ...]]


def _delegations(case: Case) -> Iterator[Judgement]:
    agents = {agent.id for agent in case.known.agents}
    onto = _delegates(case)
    circles = [
        each for each in cycles(onto) if len(agents & set(each)) > 1 or each[0] in onto[each[0]]
    ]
    turning = {name for circle in circles for name in circle}
    for circle in circles:
        first = next(name for name in circle if name in agents)
        yield broken(
            first,
            f"nodes.{first}",
            what=f"agents hand work round in a circle: {' -> '.join((*circle, circle[0]))}",
            fix="break the circle, or let one of them only answer",
            way=(*circle, circle[0]),
        )
    called = {name for names in onto.values() for name in names}
    depths = _depths(onto, agents)
    for name in sorted(agents - turning):
        if name not in called and onto[name]:
            yield _deep(name, _chain(depths, name, agents), case.limits.delegation_depth)


def _delegates(case: Case) -> Onto:
    """Whom agents hand work to, straight, through a guard or gateway, or as was seen."""
    system = case.system
    found: dict[NodeId, dict[NodeId, None]] = {}
    for name, node in system.nodes.items():
        if node.kind is NodeKind.AGENT or is_guard(node) or node.type == GATEWAY:
            found[name] = {}
    for edge in system.edges:
        is_call = edge.kind is EdgeKind.CALL and edge.facts.purpose in PASSING
        if is_call and edge.source in found and edge.destination in found:
            found[edge.source][edge.destination] = None
    for seen in (case.evidence.traces, case.evidence.calls):
        for source, destination in sorted(seen.edges) if seen is not None else ():
            if source in found and destination in found and source != destination:
                found[source][destination] = None
    return {name: tuple(names) for name, names in found.items()}


def _depths(onto: Onto, agents: set[NodeId]) -> Mapping[NodeId, tuple[int, NodeId | None]]:
    """How many agents a chain from each node has at most, and its next node. Circles are left."""
    done: dict[NodeId, tuple[int, NodeId | None]] = {}
    for start in onto:
        stack = [start]
        begun: set[NodeId] = set()
        while stack:
            name = stack[-1]
            if name not in begun and name not in done:
                begun.add(name)
                stack += [each for each in onto[name] if each not in begun and each not in done]
                continue
            stack.pop()
            if name not in done:
                onward = [(done[each][0], each) for each in onto[name] if each in done]
                depth, after = max(onward, default=(0, None), key=lambda each: each[0])
                done[name] = (depth + (name in agents), after)
    return done


def _chain(
    depths: Mapping[NodeId, tuple[int, NodeId | None]], start: NodeId, agents: set[NodeId]
) -> list[NodeId]:
    chain: list[NodeId] = []
    name: NodeId | None = start
    while name is not None:
        if name in agents:
            chain.append(name)
        name = depths[name][1]
    return chain


def _deep(name: NodeId, chain: list[NodeId], limit: int) -> Judgement:
    at = f"nodes.{name}"
    if len(chain) <= limit:
        return holds(name, at)
    return broken(
        name,
        at,
        what=f"{len(chain)} agents hand on to each other from `{name}`; at most {limit} may "
        "(review.limits.delegation_depth)",
        fix="let one agent ask the others itself, or do without some",
        way=tuple(chain),
    )


def _runs(case: Case) -> Iterator[Judgement]:
    for agent in case.known.agents:
        yield _bounded(case.known, agent)


def _bounded(known: Knowledge, agent: Node) -> Judgement:
    """A run must end (in steps or time) and its cost must (in tokens or money). A budget that
    Holdfast enforces on the agent bounds what all its runs together do in its period."""
    at, bounds = fact_of(agent.id, "bounds"), agent.facts.bounds
    told = "bounds" in agent.facts.model_fields_set
    budgets = list(_budgets(known, agent))
    ends = (bounds is not None and (bounds.steps or bounds.time_s)) or any(
        budget.calls is not None for budget in budgets
    )
    costs = (bounds is not None and (bounds.tokens or bounds.spend is not None)) or any(
        budget.tokens is not None or budget.money_micro is not None for budget in budgets
    )
    if ends and costs:
        return holds(agent.id, at)
    if not told:
        missing = [f"{at}.steps"] if not ends else []
        missing += [f"{at}.tokens"] if not costs else []
        return undecided(agent.id, at, missing=tuple(missing))
    lacking = " nor ".join(
        words
        for words, there in (("steps and time", ends), ("tokens and money", costs))
        if not there
    )
    return broken(
        agent.id,
        at,
        what=f"nothing bounds a run of `{agent.id}` in {lacking}",
        fix="bound steps and tokens in the agent, and give it a `budget` that Holdfast enforces",
        patches=_budgeted(known, agent) if ends is not True and not costs else (),
    )


def _budgets(known: Knowledge, agent: Node) -> Iterator[Budget]:
    """Budgets under which every model call of the agent comes."""
    if agent.id not in known.leashed:
        return
    for budget in (agent.budget, known.system.blueprint.budget):
        if budget is not None:
            yield budget


def _budgeted(known: Knowledge, agent: Node) -> tuple[Patch, ...]:
    if agent.id not in known.leashed or agent.budget is not None:
        return ()
    path = ("nodes", str(agent.id), "controls", "budget")
    note = "An example: at most so many calls an hour. A budget of tokens needs limits.max_tokens."
    return (Patch(path=path, value={"per": "hour", "calls": 1000}, note=note),)


def _stops(case: Case) -> Iterator[Judgement]:
    known = case.known
    stoppers = {agent.id: _stoppers(case.system, agent) for agent in known.agents}
    leaning = Leaning(case.system, {name for names in stoppers.values() for name in names})
    for agent in known.agents:
        free = [
            name
            for name in stoppers[agent.id]
            if name != agent.id and not leaning.needs(name, agent.id)
        ]
        yield _stoppable(known, agent, stoppers[agent.id], bool(free))


def _stoppers(system: System, agent: Node) -> list[NodeId]:
    found = [edge.source for edge in system.entering[agent.id] if edge.facts.purpose == "stop"]
    named = (NodeId(name) for name in agent.facts.stopped_by or ())
    return list(dict.fromkeys([*(name for name in named if name in system.nodes), *found]))


def _stoppable(known: Knowledge, agent: Node, stoppers: list[NodeId], is_free: bool) -> Judgement:
    at = fact_of(agent.id, "stopped_by")
    if is_free:
        return holds(agent.id, at)
    if agent.id in known.leashed:
        what = "Holdfast carries all its calls: revoking its passport stops it"
        return holds(agent.id, at, what=what)
    if stoppers:
        names = ", ".join(f"`{name}`" for name in stoppers)
        what = f"what can stop `{agent.id}` needs it itself: {names}"
    elif agent.facts.stopped_by is None:
        return undecided(agent.id, at, missing=(at,))
    else:
        what = f"nothing can stop `{agent.id}`"
    return broken(
        agent.id,
        at,
        what=what,
        fix="let Holdfast carry its calls, so that `holdfast revoke agent` stops it; or give a person "
        "a switch that works without it",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        id="AG-04",
        title="Delegation ends: no circles, and no long chains",
        severity="medium",
        why="Agents that hand work round never finish and never stop paying. In a long chain nobody "
        "knows any more who wanted what.",
        mend="Break circles, and keep chains within review.limits.delegation_depth.",
        sources=("OWASP ASI08:2026 Cascading Failures", "CoSAI riskRunawayAgentToolLoops"),
        judge=_delegations,
        needs=(EvidenceKind.TRACES, EvidenceKind.CALLS),
    ),
    Rule(
        id="AG-05",
        title="An agent's runs are bounded in length and in cost",
        severity="high",
        why="An agent that is stuck, or made to be, goes on until somebody sees the bill. A bound "
        "turns that into one failed run.",
        mend="Bound steps or time, and tokens or money, of each run, and set a budget over all.",
        sources=(
            "OWASP LLM10:2025 Unbounded Consumption",
            "CoSAI controlAgentExecutionBounds",
            "FINOS AIGF mi-8",
            "FINOS AIGF mi-9",
        ),
        judge=_runs,
    ),
    Rule(
        id="AG-08",
        title="Somebody can stop each agent without its help",
        severity="high",
        why="The switch that only works while the agent does is missing on the day that it is "
        "needed. A rogue agent will not be asked whether it agrees.",
        mend="Give each agent a revoker that depends on nothing of it.",
        sources=("OWASP ASI10:2026 Rogue Agents", "EU AI Act Art. 14(4)(e)"),
        judge=_stops,
    ),
)
