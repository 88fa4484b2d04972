"""The exchange (RFC 8693): a chain becomes one token for one audience, never a wider one.

No upstream ever sees a token that was meant for us: what it gets is made here, for it alone.
"""

from collections.abc import Sequence

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority import Authority, canonical_location, meet_all, normal
from holdfast.identity.mandates.errors import (
    ExchangeTargetError,
    MandateOutlivesError,
)
from holdfast.identity.mandates.flat import nested, paying
from holdfast.identity.mandates.granting import MandateIssuer, within_bounds
from holdfast.identity.mandates.mandate import Mandate
from holdfast.identity.mandates.tokens import (
    LIFETIME_S_MAX,
    ROOT_TYP,
    FlatClaims,
    Thumbprint,
    check_agent,
    check_thumbprint,
    new_jti,
    written,
)
from holdfast.identity.mandates.verifying import check_holder
from holdfast.identity.wimse import Wit
from holdfast.world.ports import Entropy

# Names, no secrets.
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105

_SECOND = 1_000_000


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange asks for: for whom (a canonical URI), which actions (``scope``, words with
    spaces between) and which part of the authority, both all where they are not told."""

    audience: str
    scope: str | None = None
    authority: Sequence[Authority] | None = None
    ttl_s: int = LIFETIME_S_MAX


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who will send the token when it is not the mandate's holder: a gateway that passes a call
    on, by its own SPIFFE ID and the thumbprint of its own key."""

    agent: str
    thumbprint: str


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of RFC 8693 section 2.2.1, but for its spelling."""

    token: bytes
    expires_s: int
    authorities: tuple[Authority, ...]
    token_type: str = "DPoP"  # noqa: S105
    issued_token_type: str = ACCESS_TOKEN


def exchange(
    mandate: Mandate,
    actor: Wit,
    *,
    wanted: Wanted,
    issuer: MandateIssuer,
    now: Instant,
    entropy: Entropy,
    passed_by: Sender | None = None,
) -> Exchanged:
    """A flat token for ``wanted.audience``, for the holder of ``mandate`` or for ``passed_by``.

    ``mandate`` (the subject token) and ``actor`` (the actor token, a WIT whose proof was seen) are
    verified already; that they belong together is checked here. The token ends with the mandate at
    the latest, and holds only what the mandate allows at that audience.
    """
    check_holder(mandate, actor, now=now)
    if passed_by is not None:
        check_agent(passed_by.agent)
        check_thumbprint(passed_by.thumbprint)
    authorities = _narrowed(mandate, wanted)
    if not 0 < wanted.ttl_s <= LIFETIME_S_MAX:
        raise MandateOutlivesError(f"a flat token lives 1 to {LIFETIME_S_MAX} s")
    issued = now // _SECOND
    expires = min(mandate.expires // _SECOND, issued + wanted.ttl_s)
    if expires <= issued:
        raise MandateOutlivesError("less than a second is left of the mandate")
    via = mandate.via if passed_by is None else (*mandate.via, passed_by.agent)
    flat = FlatClaims(
        iss=issuer.iss,
        aud=wanted.audience,
        client_id=mandate.holder if passed_by is None else passed_by.agent,
        sub=mandate.principal,
        jti=new_jti(entropy),
        iat=issued,
        exp=expires,
        authorization_details=written(authorities),
        cnf=Thumbprint(jkt=mandate.thumbprint if passed_by is None else passed_by.thumbprint),
        txn=mandate.txn,
        act=nested(mandate.hops, via=via),
        anc=[*(hop.jti for hop in mandate.hops), *mandate.flats],
        # Others count for themselves, and need not know what else the holders may do.
        hf_pay=paying(mandate.payers) if wanted.audience == mandate.audience else [],
    )
    header = {"typ": ROOT_TYP, "kid": issuer.key.public.kid}
    token = issuer.key.sign(header, msgspec.to_builtins(flat)).encode()
    return Exchanged(token=token, expires_s=expires - issued, authorities=authorities)


def _narrowed(mandate: Mandate, wanted: Wanted) -> tuple[Authority, ...]:
    """What the mandate allows at the audience, within what is wanted of it."""
    there = _at(mandate, wanted.audience)
    scope = None if wanted.scope is None else frozenset(wanted.scope.split())
    acting = [each for each in there if scope is None or each.actions & scope]
    kept = normal(
        each if scope is None else msgspec.structs.replace(each, actions=each.actions & scope)
        for each in acting
    )
    return within_bounds(kept if wanted.authority is None else meet_all(kept, wanted.authority))


def _at(mandate: Mandate, audience: str) -> list[Authority]:
    if audience == mandate.audience:  # back to us, who look at every location ourselves
        return list(mandate.authorities)
    try:
        is_canonical = canonical_location(audience) == audience
    except ValueError:
        is_canonical = False
    here = frozenset((audience,))
    there = [each for each in mandate.authorities if here <= each.locations]
    if not is_canonical or not there:
        raise ExchangeTargetError(
            "the mandate has no authority at the audience that is asked for",
            fix="name the upstream by its canonical URI, as the mandate's locations do",
        )
    return [msgspec.structs.replace(each, locations=here) for each in there]
