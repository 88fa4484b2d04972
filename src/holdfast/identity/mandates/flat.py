"""Flat tokens: how the holders of a chain stand in one token, and back (RFC 8693 section 4.1)."""

from collections.abc import Sequence

from holdfast.core import Instant
from holdfast.identity.authority import Authority
from holdfast.identity.errors import TokenClaimsError
from holdfast.identity.jose import Compact
from holdfast.identity.mandates.errors import MandateOutlivesError
from holdfast.identity.mandates.mandate import (
    Hop,
    Mandate,
    Payer,
    holder_subjects,
    once,
    paid_by,
    principal_subjects,
)
from holdfast.identity.mandates.tokens import (
    ACTORS_MAX,
    ANCESTORS_MAX,
    LIFETIME_S_MAX,
    Act,
    FlatClaims,
    PayerClaims,
    check_agent,
    check_build,
    check_jti,
    check_principal,
    check_purse,
    check_thumbprint,
    read_authority,
    written,
)
from holdfast.identity.revocation.subjects import subject

_SECOND = 1_000_000


def nested(hops: Sequence[Hop], *, via: Sequence[str] = ()) -> Act:
    """The holders of a chain, the root's first, then whoever passes the call on; as one ``act``."""
    act: Act | None = None
    for hop in hops:
        act = Act(
            sub=hop.subject, hf_jti=hop.jti, hf_key=hop.thumbprint, hf_build=hop.build, act=act
        )
    for name in via:
        act = Act(sub=name, act=act)
    if act is None:
        raise TokenClaimsError("a flat token has no actor")
    return act


def read_flat(compact: Compact, digest: bytes) -> tuple[Mandate, str]:
    """The mandate in a flat token and its issuer. Believe neither before the signature."""
    claims = compact.claims(FlatClaims)
    check_jti(claims.jti, claims.txn, *claims.anc)
    if max(len(claims.anc), len(claims.hf_pay)) > ANCESTORS_MAX:
        raise TokenClaimsError(f"a flat token has more than {ANCESTORS_MAX} ancestors")
    check_agent(claims.client_id)
    check_principal(claims.sub)
    check_thumbprint(claims.cnf.jkt)
    if not claims.iat < claims.exp <= claims.iat + LIFETIME_S_MAX:
        raise MandateOutlivesError(f"a flat token lives 1 to {LIFETIME_S_MAX} s")
    authorities = read_authority(claims.authorization_details)
    hops, via = _unnested(claims.act, authorities)
    _check_holder_is_last(claims, hops, via)
    expires = Instant(claims.exp * _SECOND)
    mandate = Mandate(
        principal=claims.sub,
        audience=claims.aud,
        hops=hops,
        authorities=authorities,
        since=Instant(claims.iat * _SECOND),
        expires=expires,
        key=None,
        thumbprint=claims.cnf.jkt,
        txn=claims.txn,
        depth_left=0,
        subjects=_subjects(claims, hops, via),
        digest=digest,
        token_digest=digest,
        build=None if via else hops[-1].build,
        via=via,
        flats=(*claims.anc[len(hops) :], claims.jti),
        payers=(
            *(_payer(each) for each in claims.hf_pay),
            *paid_by(claims.jti, claims.client_id, authorities, expires=expires),
        ),
    )
    return mandate, claims.iss


def paying(payers: Sequence[Payer]) -> list[PayerClaims]:
    """Payers as claims."""
    return [
        PayerClaims(
            purse=each.purse,
            sub=each.holder,
            exp=each.expires // _SECOND,
            authorization_details=written(each.authorities),
        )
        for each in payers
    ]


def _payer(claims: PayerClaims) -> Payer:
    check_purse(claims.purse)
    check_agent(claims.sub)
    return Payer(
        purse=claims.purse,
        holder=claims.sub,
        authorities=read_authority(claims.authorization_details),
        expires=Instant(claims.exp * _SECOND),
    )


def _check_holder_is_last(claims: FlatClaims, hops: tuple[Hop, ...], via: tuple[str, ...]) -> None:
    """``anc``, ``client_id`` and ``cnf`` say again what ``act`` says, and must say the same."""
    if claims.anc[: len(hops)] != [hop.jti for hop in hops]:
        raise TokenClaimsError("the actors of a flat token are not its ancestors")
    if claims.client_id != (via[-1] if via else hops[-1].subject):
        raise TokenClaimsError("the client of a flat token is not its latest actor")
    if not via and claims.cnf.jkt != hops[-1].thumbprint:
        raise TokenClaimsError("a flat token confirms another key than its holder's")


def _unnested(
    act: Act | None, authorities: tuple[Authority, ...]
) -> tuple[tuple[Hop, ...], tuple[str, ...]]:
    """Holders, the root's first, and those who passed it on."""
    actors: list[Act] = []
    while act is not None:
        check_agent(act.sub)
        actors.append(act)
        act = act.act
        if len(actors) > ACTORS_MAX:
            raise TokenClaimsError(f"a flat token has more than {ACTORS_MAX} actors")
    hops: list[Hop] = []
    via: list[str] = []
    for actor in reversed(actors):
        if actor.hf_jti is None or actor.hf_key is None:
            via.append(actor.sub)
        elif via:
            raise TokenClaimsError("a holder stands above one who passed its mandate on")
        else:
            hops.append(_hop(actor, actor.hf_jti, actor.hf_key, hops, authorities))
    if not hops:
        raise TokenClaimsError("a flat token has no holder among its actors")
    return tuple(hops), tuple(via)


def _hop(
    actor: Act, jti: str, key: str, above: list[Hop], authorities: tuple[Authority, ...]
) -> Hop:
    check_jti(jti)
    check_thumbprint(key)
    check_build(actor.hf_build)
    return Hop(
        jti=jti,
        purse=f"{above[-1].thumbprint}/{jti}" if above else jti,
        subject=actor.sub,
        thumbprint=key,
        authorities=authorities,
        build=actor.hf_build,
    )


def _subjects(claims: FlatClaims, hops: tuple[Hop, ...], via: tuple[str, ...]) -> tuple[bytes, ...]:
    return once(
        (
            subject("mandate", claims.jti),
            subject("mandate", claims.txn),
            subject("key", claims.cnf.jkt),
            *(subject("mandate", jti) for jti in claims.anc),
        ),
        principal_subjects(claims.sub),
        *(
            holder_subjects(hop.subject, jti=hop.jti, thumbprint=hop.thumbprint, build=hop.build)
            for hop in hops
        ),
        *(principal_subjects(name) for name in via),
    )
