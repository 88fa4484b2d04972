"""Who calls, by which proof, on whose behalf and with which authority."""

from typing import Literal, TypeAlias

import msgspec

from holdfast.blueprint import ProofKind
from holdfast.core import Instant
from holdfast.identity.authority import Authority
from holdfast.identity.mandates import Mandate
from holdfast.identity.passports import Passport
from holdfast.identity.revocation import subjects_of_caller
from holdfast.identity.wimse import Wit

Attested: TypeAlias = Literal["none", "contraindicated", "warning", "affirming"]

NEVER = Instant(2**63 - 1)


class Caller(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A caller that is known. ``subjects`` is all by which it, or whoever it holds its authority
    from, may be revoked; ``expires`` is when the first of its credentials ends.

    ``thumbprint`` names its key (RFC 7638), None for a bearer's. ``credential`` is what its record
    names it by: an API key's id, a WIT's or mandate's ``jti``, a certificate's serial number.
    ``ceilings`` are what the passports of all in the chain allow at the most: each must cover what
    is asked, whatever a mandate says.
    """

    principal: str
    proof: ProofKind
    credential: str
    subjects: tuple[bytes, ...]
    expires: Instant = NEVER
    thumbprint: str | None = None
    build: str | None = None
    tier: int | None = None
    attested: Attested = "none"
    mandate: Mandate | None = None
    wit: Wit | None = None
    ceilings: tuple[tuple[Authority, ...], ...] = ()

    @property
    def chain(self) -> tuple[str, ...]:
        """The principals from whom it holds its authority, root first."""
        return () if self.mandate is None else self.mandate.chain

    @property
    def depth(self) -> int:
        """How often its authority was delegated."""
        return 0 if self.mandate is None else self.mandate.depth

    @property
    def on_behalf_of(self) -> str | None:
        """The person or service that the authority began with."""
        return None if self.mandate is None else self.mandate.principal

    @property
    def txn(self) -> str | None:
        return None if self.mandate is None else self.mandate.txn


def caller_by_key(
    principal: str, *, credential: str, tenant: str, passport: Passport | None = None
) -> Caller:
    """Whoever holds an API key: a bearer's identity, with no proof of possession."""
    return Caller(
        principal=principal,
        proof="key",
        credential=credential,
        subjects=subjects_of_caller(
            principal,
            tenant=tenant,
            build=passport.build if passport is not None else None,
            controller=passport.controller.name if passport is not None else None,
        ),
        build=passport.build if passport is not None else None,
        tier=passport.risk_tier if passport is not None else None,
        ceilings=(passport.max_mandate,) if passport is not None else (),
    )
