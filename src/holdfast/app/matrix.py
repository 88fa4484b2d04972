"""Who may do what to whom: every triple of a blueprint, decided as a call would be.

Each triple of principal, action and resource is put through what authorizes a call, in its order: the
declared relationship, what it demands of its callers, the policies. What a mandate or a passport
covers is not in it: both only ever narrow this, and differ from agent to agent.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from holdfast.app.policies import policy_at
from holdfast.blueprint import Attested, Node, ProofKind, Relationship
from holdfast.core import Instant
from holdfast.gateway import undemanded
from holdfast.identity.callers import Caller
from holdfast.identity.mandates import Mandate
from holdfast.policy import Facts, Policy

UNDECLARED = "undeclared"


class CallerKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a principal comes: what it proves itself by, and whether with a mandate."""

    name: str
    proof: ProofKind
    attested: Attested = "none"
    mandated: bool = False


KINDS = (
    CallerKind(name="key", proof="key"),
    CallerKind(name="proof", proof="wpt"),
    CallerKind(name="attested", proof="wpt", attested="affirming"),
    CallerKind(name="mandate", proof="wpt", attested="affirming", mandated=True),
)
"""An API key; an identity with proof of possession; one on an attested platform; that with authority
from a person."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """One triple. ``answers`` has one a kind of caller: ``allowed``, ``undeclared``, the code of the
    demand that is not met, or ``refused``; ``policies`` are those that determined it for the kind
    that comes furthest, ``others`` those that may decide otherwise on other facts."""

    principal: str
    kind: str
    action: str
    resource: str
    relationship: str | None
    answers: tuple[str, ...]
    policies: tuple[str, ...]
    others: tuple[str, ...]


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """All triples, in the blueprint's order; ``bundle`` is the digest of the policies."""

    bundle: str
    kinds: tuple[str, ...]
    rows: tuple[Permission, ...]


def permission_matrix(path: Path, blueprint: Path | None = None) -> Matrix:
    """The matrix of the policies at ``path``, facts of a call at their defaults."""
    policy = policy_at(path, blueprint)
    names = tuple(kind.name for kind in KINDS)
    return Matrix(bundle=policy.digest, kinds=names, rows=tuple(_rows(policy)))


def _rows(policy: Policy) -> Iterator[Permission]:
    nodes = tuple(policy.blueprint.nodes.values())
    for principal in nodes:
        for resource in nodes:
            for action in policy.actions:
                yield permission(policy, principal, action, resource)


def permission(policy: Policy, principal: Node, action: str, resource: Node) -> Permission:
    """One triple, as a call would be decided."""
    relationship = policy.blueprint.relationship(principal.id, resource.id)
    answers: list[str] = []
    determined: tuple[str, ...] = ()
    for kind in KINDS:
        decision = policy.decide(principal.id, action, resource.id, facts_of(kind, relationship))
        if relationship is None:
            # No policy can open what is not declared; it would show here if one did.
            answers.append(UNDECLARED if not decision.allowed else "allowed undeclared")
            continue
        unmet = undemanded(relationship.demands, _caller(kind), relationship=relationship.id)
        answers.append(unmet[0] if unmet else "allowed" if decision.allowed else "refused")
        determined = decision.policies
    declared = relationship is not None
    rules = policy.rules_for(principal.id, action, resource.id) if declared else ()
    return Permission(
        principal=principal.id,
        kind=principal.kind.value,
        action=action,
        resource=resource.id,
        relationship=relationship.id if relationship is not None else None,
        answers=tuple(answers),
        policies=determined,
        others=tuple(rule.id for rule in rules if rule.id not in determined),
    )


def facts_of(kind: CallerKind, relationship: Relationship | None) -> Facts:
    """What policies hear of a call by such a caller."""
    return Facts(
        relationship=relationship.id if relationship is not None else None,
        proof=kind.proof,
        attested=kind.attested,
        on_behalf_of="user:issuer:person" if kind.mandated else None,
    )


def _caller(kind: CallerKind) -> Caller:
    return Caller(
        principal="",
        proof=kind.proof,
        credential="",
        subjects=(),
        attested=kind.attested,
        mandate=_MANDATE if kind.mandated else None,
    )


_MANDATE = Mandate(
    principal="user:issuer:person",
    audience="",
    hops=(),
    authorities=(),
    since=Instant(0),
    expires=Instant(0),
    key=None,
    thumbprint="",
    txn="",
    depth_left=0,
    subjects=(),
    digest=b"",
    token_digest=b"",
)
"""That there is one is all that a relationship demands."""


def matrix_text(matrix: Matrix) -> str:
    """One line a triple: what each kind of caller is answered, and by which policies."""
    head = ("principal", "kind", "action", "resource", "relationship", *matrix.kinds, "policies")
    table = [head, *(_cells(row) for row in matrix.rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )
    return "\n".join(lines)


def _cells(row: Permission) -> tuple[str, ...]:
    told = ", ".join(row.policies) or "-"
    told += f" (may also decide: {', '.join(row.others)})" if row.others else ""
    where = row.relationship or "-"
    return (row.principal, row.kind, row.action, row.resource, where, *row.answers, told)
