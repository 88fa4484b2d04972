"""Delegation: the holder of a mandate gives a part of it to another, offline."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority import Authority, meet_all
from holdfast.identity.errors import TokenExpiredError, TokenMalformedError
from holdfast.identity.jose import PublicKey, SigningKey, b64url
from holdfast.identity.mandates.errors import (
    MandateDepthError,
    MandateHolderError,
    MandateOutlivesError,
)
from holdfast.identity.mandates.granting import within_bounds
from holdfast.identity.mandates.tokens import (
    CHAIN_BYTES_MAX,
    LINK_TYP,
    ROOT_TYP,
    SEPARATOR,
    Confirmation,
    LinkClaims,
    RootClaims,
    check_agent,
    check_build,
    check_why,
    confirmed,
    new_jti,
    read_authority,
    read_key,
    read_token,
    written,
)
from holdfast.world.ports import Entropy

_SECOND = 1_000_000


def delegate(
    parent: bytes,
    holder: SigningKey,
    *,
    to: str,
    key: PublicKey,
    authority: Sequence[Authority],
    ttl_s: int,
    now: Instant,
    entropy: Entropy,
    build: str | None = None,
    why: str | None = None,
) -> bytes:
    """The chain with one more link: ``parent`` for ``to``, whose key is ``key``.

    The link holds the meet of ``authority`` and of what the parent holds, and ends with the parent
    at the latest. ``why`` stands in the log for people. Nothing is verified here but that
    ``holder`` is the key that the parent confirms: whoever believes the chain verifies all of it.
    """
    token = parent.rpartition(SEPARATOR)[2]
    held = _read_parent(token)
    _check(held, holder, ttl_s=ttl_s, now=now)
    check_agent(to)
    check_build(build)
    check_why(why)
    given = within_bounds(meet_all(read_authority(held.authorization_details), authority))
    claims = LinkClaims(
        jti=new_jti(entropy),
        sub=to,
        cnf=Confirmation(jwk=confirmed(key)),
        par=b64url(sha256(token).digest()),
        exp=min(held.exp, now // _SECOND + ttl_s),
        dep=held.dep - 1,
        authorization_details=written(given),
        hf_build=build,
        why=why,
    )
    link = holder.sign({"typ": LINK_TYP}, msgspec.to_builtins(claims)).encode()
    chain = parent + SEPARATOR + link
    if len(chain) > CHAIN_BYTES_MAX:
        raise TokenMalformedError(
            f"the chain would have more than {CHAIN_BYTES_MAX} bytes",
            fix="delegate less at a time, or exchange the chain for a flat token",
        )
    return chain


def _read_parent(token: bytes) -> RootClaims | LinkClaims:
    compact = read_token(token)
    return compact.claims(RootClaims) if compact.typ == ROOT_TYP else compact.claims(LinkClaims)


def _check(held: RootClaims | LinkClaims, holder: SigningKey, *, ttl_s: int, now: Instant) -> None:
    if read_key(held.cnf).thumbprint != holder.public.thumbprint:
        raise MandateHolderError(
            "the key is not the one that the mandate confirms", fix="sign with the holder's key"
        )
    if held.dep < 1:
        raise MandateDepthError("the mandate may not be delegated any further")
    if ttl_s < 1:
        raise MandateOutlivesError("a link lives at least 1 s")
    if held.exp * _SECOND <= now:
        raise TokenExpiredError("the mandate has expired", fix="get a new one")
