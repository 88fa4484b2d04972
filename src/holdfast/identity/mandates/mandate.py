"""A mandate that was verified: who holds which authority, and through whom it came."""

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority import Allowance, Authority
from holdfast.identity.jose import PublicKey
from holdfast.identity.names import read_spiffe_id
from holdfast.identity.revocation.subjects import subject

_NO_AMOUNTS = Allowance()


class Hop(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One holder in a chain. ``purse`` is the name to count under what it spends, which nobody
    else's mandate can take. Of a flat token ``authorities`` are the token's at every hop."""

    jti: str
    purse: str
    subject: str
    thumbprint: str
    authorities: tuple[Authority, ...]
    build: str | None = None
    why: str | None = None


class Payer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Somebody whose amounts a call uses up: a holder of the chain, or a flat token. A call is paid
    for by all of them, out of the authority that covers it (``covering``)."""

    purse: str
    holder: str
    authorities: tuple[Authority, ...]
    expires: Instant


class Mandate(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a chain or flat token says, after verification, for the instant it was verified at.

    ``principal`` is on whose behalf; ``hops`` are the holders, the root's first; ``authorities``
    is what the last may do; ``key`` is None for a flat token, under which nothing is signed;
    ``depth_left`` is how often it may still be delegated; ``subjects`` are all by which it may be
    revoked; ``digest`` is SHA-256 over all its bytes as sent, ``token_digest`` over its last token; ``via`` are
    those who passed a flat token on, ``flats`` the ``jti`` of it and of those it was made from.
    ``payers`` are all who pay for its calls, the root first; none where no amount is limited.
    """

    principal: str
    audience: str
    hops: tuple[Hop, ...]
    authorities: tuple[Authority, ...]
    since: Instant
    expires: Instant
    key: PublicKey | None
    thumbprint: str
    txn: str
    depth_left: int
    subjects: tuple[bytes, ...]
    digest: bytes
    token_digest: bytes
    build: str | None = None
    via: tuple[str, ...] = ()
    flats: tuple[str, ...] = ()
    payers: tuple[Payer, ...] = ()

    @property
    def holder(self) -> str:
        """The SPIFFE ID of whoever may use it."""
        return self.via[-1] if self.via else self.hops[-1].subject

    @property
    def chain(self) -> tuple[str, ...]:
        """The SPIFFE IDs of all holders, the root's first."""
        return tuple([hop.subject for hop in self.hops])

    @property
    def depth(self) -> int:
        """How often it was delegated."""
        return len(self.hops) - 1


def paid_by(
    purse: str, holder: str, authorities: tuple[Authority, ...], *, expires: Instant
) -> tuple[Payer, ...]:
    """The payer that somebody with these authorities is; nobody, where they limit no amount."""
    if all(each.max == _NO_AMOUNTS for each in authorities):
        return ()
    return (Payer(purse=purse, holder=holder, authorities=authorities, expires=expires),)


def holder_subjects(
    agent: str, *, jti: str, thumbprint: str, build: str | None
) -> tuple[bytes, ...]:
    """All by which one holder of a chain may be revoked."""
    found = [
        subject("mandate", jti),
        subject("agent", agent),
        subject("principal", agent),
        subject("key", thumbprint),
    ]
    tenant = read_spiffe_id(agent).tenant
    if tenant is not None:
        found.append(subject("tenant", tenant))
    if build is not None:
        found.append(subject("build", build))
    return tuple(found)


def principal_subjects(principal: str) -> tuple[bytes, ...]:
    """All by which the one on whose behalf may be revoked."""
    if principal.startswith("user:"):
        return (subject("principal", principal),)
    tenant = read_spiffe_id(principal).tenant
    own = (subject("principal", principal), subject("agent", principal))
    return own if tenant is None else (*own, subject("tenant", tenant))


def once(*groups: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The subjects of all groups in order, each once."""
    return tuple(dict.fromkeys([each for group in groups for each in group]))
