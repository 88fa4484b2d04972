"""Why a decision is as it is: what determined it, and what nearly did.

A near miss is a policy whose scope fits the call and whose conditions did not hold. Its conditions
are put to the engine one by one, in the order it evaluates them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cedarpy
from cedarpy import pst

from holdfast.core import NodeId
from holdfast.policy.compiling import Rule
from holdfast.policy.deciding import Policy
from holdfast.policy.decision import Decision
from holdfast.policy.engine import Asked, request_of
from holdfast.policy.facts import Facts
from holdfast.policy.residual import FALSE, World, conjuncts, scope_condition

NEAR_MISSES_MAX = 20

Held: TypeAlias = Literal["held", "failed", "error", "not reached"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a policy's conditions, as Cedar writes it, and whether it held."""

    text: str
    held: Held


@dataclass(frozen=True, slots=True)
class Explained:
    """One policy and its place. ``conditions`` are told of near misses only."""

    policy: str
    place: str
    effect: str
    mode: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, the policies that determined it, those that apply and were overruled, those that
    nearly did (nearest first), and how many more there are: near misses untold, and policies whose
    scope does not fit the call."""

    decision: Decision
    determining: tuple[Explained, ...]
    near: tuple[Explained, ...]
    overruled: tuple[Explained, ...] = ()
    near_untold: int = 0
    elsewhere: int = 0


def explain(
    policy: Policy, *, principal: NodeId, action: str, resource: NodeId, facts: Facts
) -> Explanation:
    """Why ``policy`` decides this call as it does."""
    decision = policy.decide(principal, action, resource, facts)
    told = {*decision.policies, *decision.would_refuse, *decision.would_allow}
    rego = [name for name in policy.rego_names if name in told]
    determining = (
        *(_explained(rule) for rule in policy.rules if rule.id in told),
        *(Explained(name, name.partition("#")[0], "forbid", "enforce") for name in rego),
    )
    nodes = policy.blueprint.nodes
    caller, called = nodes.get(principal), nodes.get(resource)
    if caller is None or called is None or action not in policy.actions:
        return Explanation(
            decision=decision,
            determining=determining,
            near=(),
            elsewhere=len(policy.rules),
        )
    asked = Asked(caller, action, called, facts)
    world = World(policy.blueprint)
    others = [rule for rule in policy.rules if rule.id not in told]
    fitting = [rule for rule in others if _fits(rule, asked, world)]
    judged = [_near(rule, asked, policy.entities) for rule in fitting]
    near = [each for each in judged if any(part.held != "held" for part in each.conditions)]
    near.sort(key=lambda each: sum(part.held != "held" for part in each.conditions))
    return Explanation(
        decision=decision,
        determining=determining,
        near=tuple(near[:NEAR_MISSES_MAX]),
        overruled=tuple(each for each in judged if each not in near),
        near_untold=max(0, len(near) - NEAR_MISSES_MAX),
        elsewhere=len(others) - len(fitting),
    )


def _explained(rule: Rule, conditions: tuple[Condition, ...] = ()) -> Explained:
    return Explained(rule.id, rule.place, rule.scope.effect, rule.mode, conditions)


def _fits(rule: Rule, asked: Asked, world: World) -> bool:
    scope = scope_condition(rule.scope)
    left = world.fold(
        scope, principal=asked.caller.id, resource=asked.called.id, action=asked.action
    )
    return left != FALSE


def _near(rule: Rule, asked: Asked, entities: cedarpy.Entities) -> Explained:
    found: list[Condition] = []
    stopped = False
    for part in _parts(rule.scope):
        held: Held = "not reached" if stopped else _held(part, asked, entities)
        stopped = stopped or held != "held"
        found.append(Condition(_text(part), held))
    return _explained(rule, tuple(found))


def _parts(scope: pst.Template) -> Iterator[pst.Clause]:
    for clause in scope.clauses:
        match clause:
            case pst.When(expr=expr):
                for part in conjuncts(expr):
                    yield pst.When(expr=part)
            case pst.Unless():
                yield clause


def _policies(clause: pst.Clause) -> cedarpy.PolicySet:
    anything = pst.ScopeAny()
    template = pst.Template(
        id="policy0",
        effect="permit",
        principal=anything,
        action=anything,
        resource=anything,
        clauses=(clause,),
        annotations=pst.FrozenMap({}),
    )
    return cedarpy.PolicySet.from_pst(
        pst.PolicySet(
            templates=pst.FrozenMap({}),
            static_policies=pst.FrozenMap({"policy0": template}),
            template_links=(),
        )
    )


def _held(clause: pst.Clause, asked: Asked, entities: cedarpy.Entities) -> Held:
    result = cedarpy.is_authorized(  # pyright: ignore[reportUnknownMemberType] - a bare dict
        request_of(asked), _policies(clause), entities
    )
    if result.diagnostics.errors:
        return "error"
    return "held" if result.allowed else "failed"


def _text(clause: pst.Clause) -> str:
    """The clause as the engine writes it: ``when { context.stream }``."""
    written = str(_policies(clause)).strip()
    return written[written.index(")") + 1 :].strip().removesuffix(";").strip()
