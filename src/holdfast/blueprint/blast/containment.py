"""The smallest containment: what to deny, revoke, approve or quarantine so that named harm ends
while named flows stay up."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from holdfast.blueprint.blast.attack import quarantines, revokes
from holdfast.blueprint.blast.errors import ContainmentError, TooLargeError
from holdfast.blueprint.blast.flow import Network
from holdfast.blueprint.blast.horn import Fact, Rule
from holdfast.blueprint.blast.solver import load_z3
from holdfast.blueprint.blast.takeover import Takeover, Threats, compromise

COSTS = {"deny": 2, "revoke": 3, "approve": 1, "quarantine": 5}
"""What a containment costs the business, against each other: a stated choice. An approval slows one
action; a quarantine takes a node away."""
RULES_MAX = 60_000
"""Rules that lie between an entry and the harm, beyond which z3 is not asked."""
TIMEOUT_MS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Containing:
    """One step: the action, what it costs, and the harm that ends with it."""

    action: str
    cost: int
    ends: tuple[Fact, ...]
    reached: int
    """How many nodes the attacker still reaches after this step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in the order in which they buy most. ``how`` says how the smallest was found:
    ``min-cut`` or ``z3``. ``without`` harm there are no steps."""

    steps: tuple[Containing, ...]
    cost: int
    how: str
    harm: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to end: facts of ``verbs`` about nodes other than the entries; which flows stay up."""

    threats: Threats
    entries: tuple[str, ...]
    verbs: tuple[str, ...] = ("leaks", "irreversible")
    keep: Collection[str] = ()
    content: bool = False
    given: tuple[Fact, ...] = field(init=False)

    def __post_init__(self) -> None:
        threats = self.threats
        given = tuple(threats.given(name, content=self.content) for name in self.entries)
        object.__setattr__(self, "given", given)


def contain(question: Question) -> Plan:
    """The cheapest set of actions after which none of the harm follows. Exact: by a minimum cut
    where the rules in between allow it, otherwise by z3. Raises ``ContainmentError`` when no set
    of allowed actions ends the harm, ``TooLargeError`` when it is not found in time."""
    taken = compromise(question.threats, question.entries, content=question.content)
    harm = tuple(_harm(question, taken))
    if not harm:
        return Plan(steps=(), cost=0, how="min-cut", harm=())
    rules = _between(question, taken, harm)
    allowed = {action for rule in rules for action in rule.actions} - _kept(question)
    chosen = _by_cut(question.given, harm, rules, allowed)
    how = "min-cut"
    if chosen is None:
        chosen, how = _by_solver(question.given, harm, rules, allowed), "z3"
    steps = _ordered(question, harm, chosen)
    return Plan(steps=steps, cost=sum(step.cost for step in steps), how=how, harm=harm)


def cost_of(action: str) -> int:
    return COSTS[action.partition(" ")[0]]


def _harm(question: Question, taken: Takeover) -> Iterable[Fact]:
    """What a node loses by being taken over itself is not harm that containment could end."""
    for fact in taken.proofs:
        if fact[0] in question.verbs and fact[1] not in question.entries:
            yield fact


def _kept(question: Question) -> set[str]:
    """What may not be done, so that the flows to keep stay up: their relationships are not denied,
    and neither their nodes nor the credentials of these are taken away."""
    system, found = question.threats.system, set[str]()
    for flow in system.flows:
        if flow.id not in question.keep:
            continue
        found |= {f"deny {step.over}" for step in flow.steps}
        for name in system.members(flow):
            found.add(quarantines(name))
            found |= {revokes(c) for c in system.nodes[name].facts.credentials or ()}
    return found


def _between(question: Question, taken: Takeover, harm: Iterable[Fact]) -> list[Rule]:
    """The rules that hold now and from which the harm may follow."""
    concluding = question.threats.program.concluding
    needed = set(harm)
    waiting = list(needed)
    rules: dict[Rule, None] = {}
    while waiting:
        for rule in concluding.get(waiting.pop(), ()):
            if not all(fact in taken.proofs for fact in rule.body):
                continue
            rules[rule] = None
            fresh = [fact for fact in rule.body if fact not in needed]
            needed.update(fresh)
            waiting.extend(fresh)
    return list(rules)


def _by_cut(
    given: Iterable[Fact], harm: Iterable[Fact], rules: Collection[Rule], allowed: set[str]
) -> set[str] | None:
    """By a minimum cut: exact when every rule has one fact in its body, and no action stops two
    rules that follow from different facts. None when that is not so."""
    stopped: dict[str, set[Fact]] = {}
    for rule in rules:
        if len(rule.body) != 1:
            return None
        for action in allowed.intersection(rule.actions):
            stopped.setdefault(action, set()).add(rule.head)
    if any(len(heads) > 1 for heads in stopped.values()):
        return None
    network = Network()
    for fact in given:
        network.join("source", fact)
    for fact in harm:
        network.join(fact, "sink")
    for rule in rules:
        choices = sorted(allowed.intersection(rule.actions), key=lambda a: (cost_of(a), a))
        network.join(rule.body[0], (rule.head, choices[0] if choices else None))
        limit = cost_of(choices[0]) if choices else None
        network.join((rule.head, choices[0] if choices else None), rule.head, limit=limit)
    cut = network.smallest_cut("source", "sink")
    if cut is None:
        raise _impossible()
    return {cast("tuple[Fact, str]", start)[1] for start, _ in cut}


def _by_solver(
    given: Iterable[Fact], harm: Iterable[Fact], rules: Collection[Rule], allowed: set[str]
) -> set[str]:
    """By z3: rules as clauses whose negation an action buys. The smallest model of Horn clauses is
    contained in every model, so that the harm being false in some model shows that it ends."""
    if len(rules) > RULES_MAX:
        raise TooLargeError(
            f"{len(rules)} rules lie between the entry and the harm (limit {RULES_MAX})",
            fix="name fewer entries, or ask about one kind of harm",
        )
    z3 = load_z3()
    solver = z3.Optimize()
    solver.set("timeout", TIMEOUT_MS)
    facts: dict[Fact, Any] = {}
    actions = {name: z3.Bool(name) for name in sorted(allowed)}

    def var(fact: Fact) -> Any:
        return facts.setdefault(fact, z3.Bool(f"{fact[0]}({fact[1]})"))

    for fact in given:
        solver.add(var(fact))
    for fact in harm:
        solver.add(z3.Not(var(fact)))
    for rule in rules:
        stops = [actions[name] for name in rule.actions if name in actions]
        solver.add(z3.Or(var(rule.head), *stops, *(z3.Not(var(fact)) for fact in rule.body)))
    for name, action in actions.items():
        solver.add_soft(z3.Not(action), cost_of(name))
    answer = solver.check()
    if answer == z3.unsat:
        raise _impossible()
    if answer != z3.sat:
        raise TooLargeError(
            f"z3 found no smallest containment within {TIMEOUT_MS // 1000} s",
            fix="name fewer entries, or ask about one kind of harm",
        )
    model = solver.model()
    return {name for name, action in actions.items() if z3.is_true(model[action])}


def _impossible() -> ContainmentError:
    return ContainmentError(
        "no allowed action ends the harm",
        fix="keep fewer flows up, or change the system: the way to the harm is in what is kept",
    )


def _ordered(
    question: Question, harm: tuple[Fact, ...], chosen: Collection[str]
) -> tuple[Containing, ...]:
    """The steps, each time the one that ends most harm for its cost, judged anew after each."""
    left, done, steps = sorted(chosen), frozenset[str](), list[Containing]()
    remaining = set(harm)
    while left:
        outcomes = {action: _after(question, done | {action}) for action in left}
        best = min(
            left,
            key=lambda action: (
                len(remaining & outcomes[action].proofs.keys()),
                len(outcomes[action].reached),
                cost_of(action),
                action,
            ),
        )
        taken = outcomes[best]
        ends = tuple(fact for fact in harm if fact in remaining and fact not in taken.proofs)
        remaining -= set(ends)
        done |= {best}
        left.remove(best)
        steps.append(
            Containing(action=best, cost=cost_of(best), ends=ends, reached=len(taken.reached))
        )
    return tuple(steps)


def _after(question: Question, without: frozenset[str]) -> Takeover:
    return compromise(question.threats, question.entries, content=question.content, without=without)
