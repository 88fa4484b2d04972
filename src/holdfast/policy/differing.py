"""What a new bundle permits that the old did not, and the reverse: proven where it can be.

Every call that either declares is looked at by itself: caller, action and callee are folded away,
and whether some facts tell the two bundles apart is a question for z3. A counter-example is put to
the real engine before it is told. Where a construct has no translation, or z3 gives no answer, the
two are compared on the boundary values of the facts that policies speak of, and the report says so:
no difference found there is no proof.

Policies on trial change no decision, so they are no part of this.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from cedarpy import pst

from holdfast.core import NodeId
from holdfast.policy.deciding import Policy
from holdfast.policy.decision import Decision
from holdfast.policy.facts import DEFAULTS, Facts
from holdfast.policy.obligations import Obligation
from holdfast.policy.residual import FALSE, World, condition, nodes_of
from holdfast.policy.solving import Part, Solver, UnsupportedError, has_solver
from holdfast.policy.universe import boundary_facts

FINDINGS_MAX = 200
ENUMERATED_MAX = 2_000
"""Combinations of facts that one call is tried with where it cannot be analysed."""

Change: TypeAlias = Literal["permits", "refuses", "loosens", "tightens"]
"""What the new bundle does that the old did not; an obligation less is ``loosens``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A call with facts on which the two differ, both decisions made by the engine."""

    change: Change
    principal: NodeId
    action: str
    resource: NodeId
    facts: Facts
    old: Decision
    new: Decision


@dataclass(frozen=True, slots=True)
class Enumerated:
    """A call that was tried rather than analysed: why, with how many combinations of how many."""

    principal: NodeId
    action: str
    resource: NodeId
    reason: str
    tried: int
    of: int


@dataclass(slots=True)
class Difference:
    """The report. ``analysed`` calls were decided by proof, for all facts of the domain: each has
    its counter-example in ``findings`` or has none at all. ``untold`` findings are left out."""

    analysed: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])
    enumerated: list[Enumerated] = field(default_factory=list[Enumerated])
    untold: int = 0

    @property
    def is_proof(self) -> bool:
        return not self.enumerated


_Residual: TypeAlias = tuple[str, pst.Expr, tuple[Obligation, ...]]
_Side: TypeAlias = tuple[_Residual, ...]


def compare(old: Policy, new: Policy) -> Difference:
    """Every call that either declares, in every action that either knows."""
    return _Comparison(old, new).run()


class _Comparison:
    def __init__(self, old: Policy, new: Policy) -> None:
        self._old, self._new = old, new
        self._worlds = {id(each): World(each.blueprint) for each in (old, new)}
        self._answers: dict[object, dict[Change, Facts] | str] = {}
        self.found = Difference()

    def run(self) -> Difference:
        for principal, action, resource in self._calls():
            self._call(principal, action, resource)
        return self.found

    def _calls(self) -> Iterator[tuple[NodeId, str, NodeId]]:
        pairs = dict.fromkeys(
            [*self._old.blueprint.connections(), *self._new.blueprint.connections()]
        )
        actions = dict.fromkeys([*self._old.actions, *self._new.actions])
        for principal, resource in pairs:
            for action in actions:
                yield principal, action, resource

    def _call(self, principal: NodeId, action: str, resource: NodeId) -> None:
        call = (principal, action, resource)
        sides = (_side(self._old, self._worlds, call), _side(self._new, self._worlds, call))
        relationship = self._relationship(principal, resource)
        answer = self._answer(sides, relationship)
        if not isinstance(answer, str):
            findings = [self._checked(call, change, facts) for change, facts in answer.items()]
            if all(findings):
                self.found.analysed += 1
                for finding in findings:
                    self._tell(finding)
                return
            answer = "the engine does not confirm the solver's counter-example"
        self._enumerate(call, sides, relationship, answer)

    def _relationship(self, principal: NodeId, resource: NodeId) -> str | None:
        for policy in (self._new, self._old):
            found = policy.blueprint.relationship(principal, resource)
            if found is not None:
                return found.id
        return None

    def _answer(
        self, sides: tuple[_Side, _Side], relationship: str | None
    ) -> dict[Change, Facts] | str:
        """By change the facts that show it; or why there is no answer. Equal questions are asked
        once."""
        if self._old.rego_names or self._new.rego_names:
            return "there is Rego, which cannot be analysed"
        if not has_solver():
            return "z3 is not installed (the extra `analysis`)"
        key = (sides, relationship if _speaks_of_relationship(sides) else None)
        if key not in self._answers:
            self._answers[key] = _solved(sides, relationship)
        return self._answers[key]

    def _checked(
        self, call: tuple[NodeId, str, NodeId], change: Change, facts: Facts
    ) -> Finding | None:
        """The finding, if the engine agrees; with as many facts at their default as will do."""
        found = self._shown(call, change, facts)
        for name, usual in DEFAULTS._asdict().items() if found is not None else ():
            plainer = facts._replace(**{name: usual})
            shown = self._shown(call, change, plainer)
            if shown is not None:
                found, facts = shown, plainer
        return found

    def _shown(
        self, call: tuple[NodeId, str, NodeId], change: Change, facts: Facts
    ) -> Finding | None:
        return next((each for each in self._differing(call, facts) if each.change == change), None)

    def _differing(self, call: tuple[NodeId, str, NodeId], facts: Facts) -> Iterator[Finding]:
        principal, action, resource = call
        old = self._old.decide(principal, action, resource, facts)
        new = self._new.decide(principal, action, resource, facts)
        for change in changes(old, new):
            yield Finding(
                change=change,
                principal=principal,
                action=action,
                resource=resource,
                facts=facts,
                old=old,
                new=new,
            )

    def _enumerate(
        self,
        call: tuple[NodeId, str, NodeId],
        sides: tuple[_Side, _Side],
        relationship: str | None,
        reason: str,
    ) -> None:
        texts = [source.text for each in (self._old, self._new) for source in each.sources.rego]
        expressions = [residual[1] for side in sides for residual in side]
        universe = boundary_facts(expressions, texts, relationship)
        told: dict[Change, Finding] = {}
        tried = 0
        for facts in universe.some(ENUMERATED_MAX):
            tried += 1
            for finding in self._differing(call, facts):
                told.setdefault(finding.change, finding)
        for finding in told.values():
            self._tell(finding)
        self.found.enumerated.append(Enumerated(*call, reason, tried, universe.size))

    def _tell(self, finding: Finding | None) -> None:
        if finding is not None and len(self.found.findings) < FINDINGS_MAX:
            self.found.findings.append(finding)
        else:
            self.found.untold += finding is not None


def changes(old: Decision, new: Decision) -> Iterator[Change]:
    """What the new decision does that the old did not."""
    if old.allowed is not new.allowed:
        yield "permits" if new.allowed else "refuses"
    elif new.allowed:
        if _owes_more(old.obligations, new.obligations):
            yield "loosens"
        if _owes_more(new.obligations, old.obligations):
            yield "tightens"


def _owes_more(one: Iterable[Obligation], other: Iterable[Obligation]) -> bool:
    """Whether something is owed under ``one`` that is not owed as strictly under ``other``."""
    others = list(other)
    return any(not any(_covers(each, owed) for each in others) for owed in one)


def _covers(one: Obligation, owed: Obligation) -> bool:
    """Whether who meets ``one`` meets ``owed`` too."""
    if one.kind != owed.kind:
        return False
    match owed.kind:
        case "cap_tokens":
            return one.amount <= owed.amount
        case "sample":
            return one.amount >= owed.amount
        case _:
            return one.value == owed.value


def _side(policy: Policy, worlds: dict[int, World], call: tuple[NodeId, str, NodeId]) -> _Side:
    """What is left of each policy in force for this call; none at all where it is undeclared, as
    then nothing is permitted."""
    principal, action, resource = call
    if policy.blueprint.relationship(principal, resource) is None or action not in policy.actions:
        return ()
    world = worlds[id(policy)]
    kept: list[_Residual] = []
    for rule in policy.rules_for(principal, action, resource):
        left = world.fold(
            condition(rule.scope), principal=principal, resource=resource, action=action
        )
        if left != FALSE:
            kept.append((rule.scope.effect, left, rule.obligations))
    return tuple(kept)


def _speaks_of_relationship(sides: tuple[_Side, _Side]) -> bool:
    return any(
        isinstance(node, pst.GetAttr | pst.HasAttr)
        for side in sides
        for residual in side
        for node in nodes_of(residual[1])
        if "relationship" in (getattr(node, "attr", ""), *getattr(node, "attrs", ()))
    )


def _solved(sides: tuple[_Side, _Side], relationship: str | None) -> dict[Change, Facts] | str:
    solver = Solver(relationship)
    try:
        old, new = (_translated(solver, side) for side in sides)
    except UnsupportedError as error:
        return f"{error} has no translation"
    z3, found = solver.z3, dict[Change, Facts]()
    may_old, may_new = (solver.allows([part for part, _ in each]) for each in (old, new))
    both = z3.And(may_old, may_new)
    questions: list[tuple[Change, Any]] = [
        ("permits", z3.And(may_new, z3.Not(may_old))),
        ("refuses", z3.And(may_old, z3.Not(may_new))),
        ("loosens", z3.And(both, _owed_beyond(solver, old, new))),
        ("tightens", z3.And(both, _owed_beyond(solver, new, old))),
    ]
    for change, question in questions:
        answer = solver.some_facts(question)
        if answer is True:
            return "the solver gave no answer in time"
        if not isinstance(answer, bool):
            found[change] = answer
    return found


_Translated: TypeAlias = list[tuple[Part, tuple[Obligation, ...]]]


def _translated(solver: Solver, side: _Side) -> _Translated:
    return [(solver.part(effect, left), owed) for effect, left, owed in side]


def _owed_beyond(solver: Solver, one: _Translated, other: _Translated) -> Any:
    """Some obligation of a permit of ``one`` applies that nothing of ``other`` covers."""
    z3 = solver.z3
    return z3.Or(
        [
            z3.And(
                part.applies,
                z3.Not(
                    z3.Or(
                        [
                            theirs.applies
                            for theirs, covering in other
                            if any(_covers(each, owed) for each in covering)
                        ]
                    )
                ),
            )
            for part, owing in one
            for owed in owing
        ]
    )
