"""What a call may do beyond what its relationship allows: demands, mandates, passports."""

from typing import TypeAlias

from holdfast.blueprint import ATTESTED_ORDER, Demands
from holdfast.core import NodeId
from holdfast.gateway.call import Accepted
from holdfast.identity.authority import Ask, Authority, Constraint, Uncovered, covers
from holdfast.identity.callers import Caller
from holdfast.policy import Facts

Refusal: TypeAlias = tuple[str, str, str]
"""Code of the rule, what happened, how to mend it."""

_WORDS = {
    Constraint.none: "it allows nothing",
    Constraint.type: "it allows no calls of this kind",
    Constraint.location: "it does not name this callee",
    Constraint.action: "it does not allow this action",
    Constraint.tool: "it does not name this tool",
    Constraint.descriptor: "it names this tool as it was, not as it is now",
    Constraint.model: "it does not name this model",
    Constraint.argument: "it does not allow this argument's value",
    Constraint.taint: "the call is less trusted than it allows",
    Constraint.data: "the data are more secret than it allows",
    Constraint.calls: "it allows no call more",
    Constraint.tokens: "the call may use more tokens than it allows",
    Constraint.cost: "the call may cost more than it allows",
    Constraint.expired: "it has ended",
}


def undemanded(demands: Demands, caller: Caller, *, relationship: str) -> Refusal | None:
    """Why the caller does not meet what the relationship demands; None when it does."""
    if caller.proof not in demands.proofs:
        accepted = ", ".join(demands.proofs)
        return (
            "demand.proof",
            f"'{relationship}' does not accept a caller's proof by '{caller.proof}'",
            f"prove who you are by one of: {accepted}",
        )
    if demands.mandate and caller.mandate is None:
        return (
            "demand.mandate",
            f"'{relationship}' wants a mandate that covers the call",
            "get a mandate and send it in Holdfast-Mandate",
        )
    rank = {name: number for number, name in enumerate(ATTESTED_ORDER)}
    if rank.get(caller.attested, -1) < rank[demands.attested]:
        wanted, held = demands.attested, caller.attested
        return (
            "demand.attested",
            f"'{relationship}' wants a platform attested '{wanted}', the caller's is '{held}'",
            "attest the platform, then renew the identity",
        )
    return None


def ask_of_model(accepted: Accepted, callee: NodeId, *, location: str, tokens: int) -> Ask:
    """What a call of a model asks for; ``tokens`` is the most it may use."""
    return Ask(
        type="llm",
        location=location,
        action=accepted.endpoint.action,
        now=accepted.at,
        model=callee,
        tokens=tokens,
    )


def uncovering(whose: str, authorities: tuple[Authority, ...], ask: Ask) -> Refusal:
    """Why these authorities, which do not cover the call, do not."""
    found = covers(authorities, ask)
    assert found is not None
    return _exceeded(whose, found)


def facts_of_caller(caller: Caller, *, relationship: str) -> Facts:
    """What policies may know of a call before its content is looked at."""
    return Facts(
        relationship=relationship,
        proof=caller.proof,
        depth=caller.depth,
        tier=caller.tier,
        attested=caller.attested,
        on_behalf_of=caller.on_behalf_of,
    )


def uncovered(caller: Caller, ask: Ask) -> Refusal | None:
    """Why neither mandate nor passports cover the call; None when all do that there are."""
    mandate = caller.mandate
    if mandate is not None and (found := covers(mandate.authorities, ask)) is not None:
        return _exceeded("the mandate", found)
    for ceiling in caller.ceilings:
        found = covers(ceiling, ask)
        if found is not None:
            return _exceeded("a passport in the caller's chain", found)
    return None


def _exceeded(whose: str, found: Uncovered) -> Refusal:
    argument = f" ('{found.argument[:100]}')" if found.argument is not None else ""
    return (
        "authority.exceeded",
        f"{whose} does not cover the call: {_WORDS[found.by]}{argument} [{found.by}]",
        "ask whoever delegated it for more, or ask for less",
    )
