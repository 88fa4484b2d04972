"""Verification of mandates at every hop, offline. The steps are numbered as in the design.

1. size, count and depth; strict JSON. 2. what was verified before is looked up by SHA-256 over the
full bytes of the chain, or of a prefix of its tokens, never by a part of a token
(CVE-2026-35030). 3. each new link: signature by the parent's key, type, parent, end, depth, order.
4. nobody and nothing in the chain is revoked. 6. whoever sent it is its holder (``check_holder``).
Time and revocation are asked at every use, also of what is kept. Proofs are step 5, elsewhere.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Protocol

import msgspec

from holdfast.core import Instant
from holdfast.identity.authority import are_within
from holdfast.identity.errors import (
    TokenAudienceError,
    TokenEarlyError,
    TokenExpiredError,
    TokenIssuerError,
    TokenMalformedError,
)
from holdfast.identity.jose import Compact, PublicKey, b64url, verify_compact
from holdfast.identity.mandates.errors import (
    MandateAttestationError,
    MandateBuildError,
    MandateDepthError,
    MandateHolderError,
    MandateOutlivesError,
    MandateParentError,
    MandateRevokedError,
    MandateWiderError,
)
from holdfast.identity.mandates.flat import read_flat
from holdfast.identity.mandates.mandate import (
    Hop,
    Mandate,
    holder_subjects,
    once,
    paid_by,
    principal_subjects,
)
from holdfast.identity.mandates.tokens import (
    CHAIN_BYTES_MAX,
    DEPTH_MAX,
    LIFETIME_S_MAX,
    LINK_TYP,
    ROOT_TYP,
    SEPARATOR,
    LinkClaims,
    RootClaims,
    check_agent,
    check_build,
    check_jti,
    check_principal,
    check_why,
    read_authority,
    read_key,
    read_token,
)
from holdfast.identity.revocation.held import Held
from holdfast.identity.revocation.subjects import subject
from holdfast.identity.wimse import Wit

MANDATES_KEPT_MAX = 4_096
"""Verified chains, prefixes of chains and flat tokens kept, per worker."""
SKEW_S = 60
"""How far the clock of an issuer may be ahead of ours. Ends are exact."""

_SECOND = 1_000_000


class Revoked(Protocol):
    """What is revoked now: ``RevocationSet``."""

    def find(self, subjects: Collection[bytes], /) -> Held | None:
        """The revocation that hits one of the subjects; None: all are free."""
        ...


class MandateVerifier:
    """Says what mandates say, or raises a ``TokenError`` with a stable code.

    ``audience`` is our own resource URI; ``issuers`` are the keys by ``kid`` of each issuer that
    is trusted. When keys change, build a new one: what the old one kept is worth nothing then.
    """

    __slots__ = ("_audience", "_issuers", "_kept", "_kept_max")

    def __init__(
        self,
        audience: str,
        issuers: Mapping[str, Mapping[str, PublicKey]],
        *,
        kept_max: int = MANDATES_KEPT_MAX,
    ) -> None:
        self._audience = audience
        self._issuers = issuers
        self._kept: OrderedDict[bytes, Mandate] = OrderedDict()
        self._kept_max = kept_max

    def verify(self, chain: bytes, *, now: Instant, revoked: Revoked) -> Mandate:
        """The mandate that ``root~link~link`` is."""
        if not 0 < len(chain) <= CHAIN_BYTES_MAX:  # step 1, before a byte is hashed
            raise TokenMalformedError(f"a mandate has 1 to {CHAIN_BYTES_MAX} bytes")
        mandate = self._find(sha256(chain).digest()) or self._verify_chain(chain)
        _check_in_force(mandate, now, revoked)
        return mandate

    def verify_flat(self, token: bytes, *, now: Instant, revoked: Revoked) -> Mandate:
        """The mandate that the result of an exchange is."""
        if not 0 < len(token) <= CHAIN_BYTES_MAX:
            raise TokenMalformedError(f"a mandate has 1 to {CHAIN_BYTES_MAX} bytes")
        # Flat tokens and chains have keys of different lengths, so neither passes as the other.
        digest = sha256(token).digest()
        mandate = self._find(b"flat" + digest) or self._keep(
            b"flat" + digest, self._verify_flat(read_token(token), digest)
        )
        _check_in_force(mandate, now, revoked)
        return mandate

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def _find(self, digest: bytes) -> Mandate | None:
        mandate = self._kept.get(digest)
        if mandate is not None:
            self._kept.move_to_end(digest)
        return mandate

    def _keep(self, digest: bytes, mandate: Mandate) -> Mandate:
        self._kept[digest] = mandate
        while len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        return mandate

    def _verify_chain(self, chain: bytes) -> Mandate:
        """From the longest prefix that is known, link by link."""
        tokens = chain.split(SEPARATOR, DEPTH_MAX + 1)
        if len(tokens) > DEPTH_MAX + 1:
            raise MandateDepthError(f"a chain has more than {DEPTH_MAX} links")
        digests = _prefix_digests(tokens)
        known, mandate = len(tokens) - 1, None
        while known and (mandate := self._find(digests[known - 1])) is None:
            known -= 1
        for token, digest in zip(tokens[known:], digests[known:], strict=True):
            compact = read_token(token)
            if mandate is None:
                mandate = self._verify_root(compact, digest)
            else:
                mandate = _verify_link(mandate, compact, digest)
            self._keep(digest, mandate)
        assert mandate is not None  # there is a token, so there is a last one
        return mandate

    def _verify_root(self, compact: Compact, digest: bytes) -> Mandate:
        claims = compact.claims(RootClaims)
        issuer = self._believe(compact, claims.iss, claims.aud)
        _check_root(claims)
        key, authorities = read_key(claims.cnf), read_authority(claims.authorization_details)
        hop = Hop(
            jti=claims.jti,
            purse=claims.jti,
            subject=claims.client_id,
            thumbprint=key.thumbprint,
            authorities=authorities,
            build=claims.hf_build,
        )
        expires = Instant(claims.exp * _SECOND)
        return Mandate(
            principal=claims.sub,
            audience=claims.aud,
            hops=(hop,),
            authorities=authorities,
            since=Instant(max(claims.iat, claims.nbf or 0) * _SECOND),
            expires=expires,
            key=key,
            thumbprint=key.thumbprint,
            txn=claims.txn,
            depth_left=claims.dep,
            subjects=once(
                (subject("mandate", claims.txn), subject("key", issuer.thumbprint)),
                principal_subjects(claims.sub),
                _subjects(hop),
            ),
            digest=digest,
            token_digest=digest,
            build=claims.hf_build,
            payers=paid_by(hop.purse, hop.subject, authorities, expires=expires),
        )

    def _verify_flat(self, compact: Compact, digest: bytes) -> Mandate:
        mandate, iss = read_flat(compact, digest)
        issuer = self._believe(compact, iss, mandate.audience)
        subjects = once((subject("key", issuer.thumbprint),), mandate.subjects)
        return msgspec.structs.replace(mandate, subjects=subjects)

    def _believe(self, compact: Compact, iss: str, audience: str) -> PublicKey:
        """That a trusted issuer signed it, and for us."""
        keys = self._issuers.get(iss)
        key = None if keys is None else keys.get(compact.kid or "")
        if key is None:
            raise TokenIssuerError(
                "a mandate is of an issuer, or signed by a key, that is not trusted here",
                fix="get a new mandate from the issuer that this gateway names",
            )
        verify_compact(compact, key, typ=ROOT_TYP)
        if audience != self._audience:
            raise TokenAudienceError(
                "a mandate was made for somebody else", fix=f"ask for one to {self._audience}"
            )
        return key


def _prefix_digests(tokens: list[bytes]) -> list[bytes]:
    """SHA-256 of the first token, of the first two with what joins them, and so on."""
    hasher, digests = sha256(tokens[0]), [sha256(tokens[0]).digest()]
    for token in tokens[1:]:
        hasher.update(SEPARATOR + token)
        digests.append(hasher.digest())
    return digests


def _check_root(claims: RootClaims) -> None:
    check_jti(claims.jti, claims.txn)
    check_agent(claims.client_id)
    check_principal(claims.sub)
    check_build(claims.hf_build)
    if not claims.iat < claims.exp <= claims.iat + LIFETIME_S_MAX:
        raise MandateOutlivesError(f"a root lives 1 to {LIFETIME_S_MAX} s")
    if not 0 <= claims.dep <= DEPTH_MAX:
        raise MandateDepthError(f"a root may be delegated 0 to {DEPTH_MAX} times deep")


def _verify_link(parent: Mandate, compact: Compact, digest: bytes) -> Mandate:
    """Step 3. The signature comes first: what a stranger wrote is not looked into."""
    if parent.key is None:
        raise MandateParentError("nothing can be delegated under a flat token")
    verify_compact(compact, parent.key, typ=LINK_TYP)
    claims = compact.claims(LinkClaims)
    if claims.par != b64url(parent.token_digest):
        raise MandateParentError("a link was made under another parent", fix="delegate anew")
    if not 0 < claims.exp * _SECOND <= parent.expires:
        raise MandateOutlivesError("a link ends after its parent", fix="delegate for less long")
    if claims.dep < 0 or claims.dep != parent.depth_left - 1:
        raise MandateDepthError("a link's dep is not one less than its parent's, or below 0")
    authorities = read_authority(claims.authorization_details)
    if not are_within(authorities, parent.authorities):
        raise MandateWiderError(
            "a link allows what its parent does not", fix="delegate the meet, as delegate() does"
        )
    check_jti(claims.jti)
    check_agent(claims.sub)
    check_build(claims.hf_build)
    check_why(claims.why)
    key = read_key(claims.cnf)
    hop = Hop(
        jti=claims.jti,
        # Whoever signs may name its links as it likes, so its key is part of the name.
        purse=f"{parent.thumbprint}/{claims.jti}",
        subject=claims.sub,
        thumbprint=key.thumbprint,
        authorities=authorities,
        build=claims.hf_build,
        why=claims.why,
    )
    expires = Instant(claims.exp * _SECOND)
    paying = paid_by(hop.purse, hop.subject, authorities, expires=expires)
    return Mandate(
        principal=parent.principal,
        audience=parent.audience,
        hops=(*parent.hops, hop),
        authorities=authorities,
        since=parent.since,
        expires=expires,
        key=key,
        thumbprint=key.thumbprint,
        txn=parent.txn,
        depth_left=claims.dep,
        subjects=once(parent.subjects, _subjects(hop)),
        digest=digest,
        token_digest=compact.digest(),
        build=claims.hf_build,
        payers=(*parent.payers, *paying),
    )


def _subjects(hop: Hop) -> tuple[bytes, ...]:
    return holder_subjects(hop.subject, jti=hop.jti, thumbprint=hop.thumbprint, build=hop.build)


def _check_in_force(mandate: Mandate, now: Instant, revoked: Revoked) -> None:
    """Step 4 and time: at every use."""
    if now >= mandate.expires:
        raise TokenExpiredError("a mandate has expired", fix="get a new one")
    if now < mandate.since - SKEW_S * _SECOND:
        raise TokenEarlyError("a mandate is not good yet", fix="compare the clocks")
    hit = revoked.find(mandate.subjects)
    if hit is not None:
        raise MandateRevokedError(
            f"the {hit.kind} {hit.name} in a mandate's chain is revoked",
            fix="get a mandate that does not come through it",
        )


def check_holder(
    mandate: Mandate, wit: Wit, *, now: Instant, attested_from_tier: int | None = None
) -> None:
    """Step 6: the sender, whose WIT and proof were verified, is whom the mandate was given to.

    From ``attested_from_tier`` on a WIT must carry an attestation that is affirming and in force;
    one that says no tier counts as the highest.
    """
    if wit.subject != mandate.holder or wit.key.thumbprint != mandate.thumbprint:
        raise MandateHolderError(
            "a mandate was given to another workload or to another key of it",
            fix="send the mandate with the identity that it confirms",
        )
    if mandate.build is not None and wit.build != mandate.build:
        raise MandateBuildError(
            "a mandate was given to another build of this workload",
            fix="get a new mandate for what runs now",
        )
    if attested_from_tier is None or (wit.tier is not None and wit.tier < attested_from_tier):
        return
    ear = wit.ear
    if ear is None or ear.status != "affirming" or now >= ear.exp * _SECOND:
        raise MandateAttestationError(
            "the holder's risk tier wants an affirming attestation in force",
            fix="attest again, then renew the identity",
        )
