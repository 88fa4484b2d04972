"""Root mandates: what an issuer gives, after a person's consent or as a service's standing grant.

The issuer does not check what is asked for: it gives the meet of it and of what may be given.
"""

from collections.abc import Sequence

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority import AUTHORITIES_MAX, Authority, meet_all
from holdfast.identity.jose import PublicKey, SigningKey
from holdfast.identity.mandates.errors import (
    MandateDepthError,
    MandateEmptyError,
    MandateOutlivesError,
)
from holdfast.identity.mandates.tokens import (
    DEPTH_MAX,
    LIFETIME_S_MAX,
    ROOT_TYP,
    Confirmation,
    RootClaims,
    Status,
    StatusList,
    check_agent,
    check_build,
    check_principal,
    confirmed,
    new_jti,
    written,
)
from holdfast.world.ports import Entropy

_SECOND = 1_000_000


class MandateIssuer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Who signs roots and flat tokens: the ``iss`` it is known by, and its key."""

    iss: str
    key: SigningKey


class Holder(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """To whom a root is given: a workload, the key that it has proven to hold, and its build,
    which the mandate is bound to where it is told."""

    agent: str
    key: PublicKey
    build: str | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """For whom, for how long and how far a root is good. ``status`` is its place in a status list
    for outsiders: index and URI."""

    audience: str
    ttl_s: int = LIFETIME_S_MAX
    depth: int = DEPTH_MAX
    status: tuple[int, str] | None = None


def grant_to_service(
    issuer: MandateIssuer,
    holder: Holder,
    *,
    terms: Terms,
    asked: Sequence[Authority],
    widest: Sequence[Authority],
    now: Instant,
    entropy: Entropy,
) -> bytes:
    """A root for a workload that acts for itself: the meet of what it asks for and of the widest
    its passport allows. ``MandateEmptyError`` when that is nothing."""
    authorities = within_bounds(meet_all(asked, widest))
    return _root(
        issuer,
        holder,
        principal=holder.agent,
        terms=terms,
        authorities=authorities,
        now=now,
        entropy=entropy,
    )


def grant_by_consent(
    issuer: MandateIssuer,
    holder: Holder,
    *,
    principal: str,
    terms: Terms,
    asked: Sequence[Authority],
    consented: Sequence[Authority],
    widest: Sequence[Authority],
    now: Instant,
    entropy: Entropy,
) -> bytes:
    """A root for a workload that acts for a person: the meet of what it asks for, of what the
    person consented to, and of the widest its passport allows."""
    authorities = within_bounds(meet_all(meet_all(asked, consented), widest))
    return _root(
        issuer,
        holder,
        principal=principal,
        terms=terms,
        authorities=authorities,
        now=now,
        entropy=entropy,
    )


def within_bounds(authorities: tuple[Authority, ...]) -> tuple[Authority, ...]:
    """The authorities, when there are some and not too many to be read again."""
    if not authorities:
        raise MandateEmptyError(
            "nothing of what is asked for may be given", fix="ask for what the passport allows"
        )
    if len(authorities) > AUTHORITIES_MAX:
        raise MandateEmptyError(
            f"what may be given falls into more than {AUTHORITIES_MAX} parts", fix="ask for less"
        )
    return authorities


def _root(
    issuer: MandateIssuer,
    holder: Holder,
    *,
    principal: str,
    terms: Terms,
    authorities: tuple[Authority, ...],
    now: Instant,
    entropy: Entropy,
) -> bytes:
    _check(holder, principal, terms)
    jti, issued = new_jti(entropy), now // _SECOND
    claims = RootClaims(
        iss=issuer.iss,
        aud=terms.audience,
        client_id=holder.agent,
        sub=principal,
        jti=jti,
        iat=issued,
        exp=issued + terms.ttl_s,
        authorization_details=written(authorities),
        cnf=Confirmation(jwk=confirmed(holder.key)),
        txn=jti,
        dep=terms.depth,
        hf_build=holder.build,
        status=_status(terms),
    )
    header = {"typ": ROOT_TYP, "kid": issuer.key.public.kid}
    return issuer.key.sign(header, msgspec.to_builtins(claims)).encode()


def _check(holder: Holder, principal: str, terms: Terms) -> None:
    check_agent(holder.agent)
    check_principal(principal)
    check_build(holder.build)
    if not 0 < terms.ttl_s <= LIFETIME_S_MAX:
        raise MandateOutlivesError(f"a root lives 1 to {LIFETIME_S_MAX} s")
    if not 0 <= terms.depth <= DEPTH_MAX:
        raise MandateDepthError(f"a root may be delegated 0 to {DEPTH_MAX} times deep")


def _status(terms: Terms) -> Status | None:
    if terms.status is None:
        return None
    index, uri = terms.status
    return Status(status_list=StatusList(idx=index, uri=uri))
