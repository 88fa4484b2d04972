"""Authorize: is the relationship declared, and does policy permit this call over it?"""

from holdfast.blueprint import Blueprint, Node, Relationship
from holdfast.core import NodeId
from holdfast.gateway.authority import (
    Refusal,
    ask_of_model,
    facts_of_caller,
    uncovered,
    undemanded,
)
from holdfast.gateway.call import Allowed, Known, Listed, Refused
from holdfast.gateway.rules import RULES
from holdfast.identity import principals
from holdfast.identity.authority import AMOUNT_MAX, Ask
from holdfast.identity.callers import Caller
from holdfast.policy import Facts, Policy
from holdfast.providers import Asked


class Authorize:
    """Declared first, permitted second: no policy can open what the blueprint does not declare."""

    __slots__ = ("_blueprint", "_policy", "_principals")

    def __init__(self, blueprint: Blueprint, policy: Policy) -> None:
        self._blueprint = blueprint
        self._policy = policy
        self._principals = principals(blueprint)

    def __call__(self, known: Known) -> Allowed | Listed | Refused:
        asked = known.accepted.asked
        if asked is None:
            return self._list(known)
        return self._may(known, asked, NodeId(asked.model))

    def instead(self, known: Known, name: NodeId) -> Allowed | None:
        """The same call to another node, if it may."""
        asked = known.accepted.asked
        assert asked is not None
        allowed = self._may(known, asked, name)
        return allowed if isinstance(allowed, Allowed) else None

    def _may(self, known: Known, asked: Asked, name: NodeId) -> Allowed | Refused:
        blueprint, caller = self._blueprint, known.node
        callee = blueprint.nodes.get(name)
        if callee is None:
            return Refused(
                RULES["node.unknown"],
                f"the blueprint has no node named '{name[:100]}'",
                "ask for one of the names that GET /v1/models lists",
                known,
                "model",
            )
        relationship = blueprint.relationship(caller.id, callee.id)
        if relationship is None:
            return Refused(
                RULES["relationship.undeclared"],
                f"'{caller.id}' may not call '{callee.id}': no relationship of the blueprint says so",
                f"declare 'connects: [{caller.id}, {callee.id}]', or call what GET /v1/models lists",
                known,
            )
        demanded = undemanded(relationship.demands, known.caller, relationship=relationship.id)
        if demanded is not None:
            return _refused(demanded, known)
        ask = self._ask(asked, known, callee, relationship)
        beyond = uncovered(known.caller, ask) if ask is not None else None
        if beyond is not None:
            return _refused(beyond, known)
        facts = self._facts(asked, known.caller, relationship)
        decision = self._policy.decide(caller.id, known.accepted.endpoint.action, callee.id, facts)
        if not decision.allowed:
            return Refused(
                RULES["policy.denied"],
                f"policy refuses '{known.accepted.endpoint.action}' on '{callee.id}' for '{caller.id}': "
                + decision.reason,
                "ask whoever owns the policies named",
                Allowed(known, relationship, callee, decision),
            )
        return Allowed(known, relationship, callee, decision)

    def _facts(self, asked: Asked, caller: Caller, relationship: Relationship) -> Facts:
        known = facts_of_caller(caller, relationship=relationship.id)
        return known._replace(stream=asked.stream, tools=asked.tools, max_tokens=asked.max_tokens)

    def _ask(
        self, asked: Asked, known: Known, callee: Node, relationship: Relationship
    ) -> Ask | None:
        """What a mandate or passport must cover; None where it is asked about later."""
        if known.caller.mandate is None and not known.caller.ceilings:
            return None
        accepted = known.accepted
        most_out = asked.max_tokens or self._blueprint.limits(relationship).max_tokens
        is_bounded = most_out is not None or not accepted.endpoint.generates
        tokens = len(accepted.body) + (most_out or 0) * asked.answers
        return ask_of_model(
            accepted,
            callee.id,
            location=self._principals[callee.id],
            tokens=tokens if is_bounded else AMOUNT_MAX,
        )

    def _list(self, known: Known) -> Listed | Refused:
        only = known.accepted.only
        blueprint = self._blueprint
        callees = tuple(n for n in blueprint.callees(known.node.id) if _is_model(blueprint, n))
        if only is None:
            return Listed(known, callees)
        callees = tuple(node for node in callees if node.id == only)
        if callees:
            return Listed(known, callees)
        return Refused(
            RULES["node.unknown"],
            f"'{known.node.id}' may call no node named '{only[:100]}'",
            "ask for one of the names that GET /v1/models lists",
            known,
        )


def _refused(refusal: Refusal, known: Known) -> Refused:
    code, what, fix = refusal
    return Refused(RULES[code], what, fix, known)


def _is_model(blueprint: Blueprint, node: Node) -> bool:
    """Whether it answers in the dialect that the list is of."""
    members = blueprint.upstreams(node)
    return any(m.upstream is not None and m.upstream.dialect == "openai" for m in members)
