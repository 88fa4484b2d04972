"""The Workload Identity Token: who a key is (draft-ietf-wimse-workload-creds, WIT-SVID.md).

A WIT says that the holder of a key is a workload. It is no permission and never a bearer token:
``Wit.key`` must still prove that it sent the request. ``hf_build``, ``hf_tier`` and ``hf_ear`` are
ours: the digest of what runs, its risk tier, and what attestation found.
"""

from collections.abc import Mapping

import msgspec

from holdfast.core import Instant
from holdfast.identity.bundles import Trust, TrustBundle
from holdfast.identity.errors import (
    TokenClaimsError,
    TokenEarlyError,
    TokenExpiredError,
    TokenIssuerError,
    TokenMalformedError,
)
from holdfast.identity.jose import (
    Compact,
    PublicKey,
    SigningKey,
    b64url,
    read_compact,
    verify_compact,
)
from holdfast.identity.names import read_spiffe_id

WIT_TYP = "wit+jwt"
WIT_BYTES_MAX = 8_192
WIT_LIFETIME_S_MIN = 300
WIT_LIFETIME_S_MAX = 3_600
"""What we issue: 5 to 60 minutes, since only its end takes a WIT back for everybody at once."""

FOREIGN_LIFETIME_S_MAX = 86_400
"""What we accept of other issuers: SPIRE's default is an hour, and its operators raise it."""

CLOCK_SKEW_S = 60

_SECOND = 1_000_000
_SVID_ALGORITHMS = frozenset(("ES256", "RS256", "PS256"))


class Ear(msgspec.Struct, frozen=True, kw_only=True):
    """What attestation found, in short: an EAR's status, profile, digest and end."""

    status: str
    profile: str
    ear_sha256: str
    exp: int


class Wit(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A verified WIT. ``digest`` is SHA-256 over its bytes: what proofs commit to (``wth``)."""

    subject: str
    key: PublicKey
    expires: Instant
    issued: Instant | None
    jti: str | None
    build: str | None
    tier: int | None
    ear: Ear | None
    digest: bytes

    @property
    def wth(self) -> str:
        return b64url(self.digest)


class _Confirmation(msgspec.Struct, frozen=True):
    jwk: dict[str, object]


class _Claims(msgspec.Struct, frozen=True):
    sub: str
    cnf: _Confirmation
    exp: int
    nbf: int | None = None
    iat: int | None = None
    jti: str | None = None
    hf_build: str | None = None
    hf_tier: int | None = None
    hf_ear: Ear | None = None


def issue_wit(
    issuer: SigningKey,
    *,
    subject: str,
    key: PublicKey,
    now: Instant,
    lifetime_s: int,
    jti: str,
    build: str | None = None,
    tier: int | None = None,
    ear: Ear | None = None,
) -> str:
    """A WIT-SVID for whoever holds ``key``. Good from a minute ago, for clocks differ."""
    if not WIT_LIFETIME_S_MIN <= lifetime_s <= WIT_LIFETIME_S_MAX:
        raise TokenClaimsError(
            f"a WIT cannot live {lifetime_s} s",
            fix=f"ask for {WIT_LIFETIME_S_MIN} to {WIT_LIFETIME_S_MAX} s",
        )
    if not read_spiffe_id(subject).path:
        raise TokenClaimsError("a WIT names a trust domain, not a workload in it")
    issued = now // _SECOND
    claims: dict[str, object] = {
        "sub": subject,
        "cnf": {"jwk": _confirmed(key)},
        "exp": issued + lifetime_s,
        "nbf": issued - CLOCK_SKEW_S,
        "iat": issued,
        "jti": jti,
    }
    ours = {"hf_build": build, "hf_tier": tier, "hf_ear": ear}
    claims.update({name: value for name, value in ours.items() if value is not None})
    return issuer.sign({"typ": WIT_TYP, "kid": issuer.public.kid}, claims)


def _confirmed(key: PublicKey) -> Mapping[str, str]:
    if key.alg not in _SVID_ALGORITHMS:
        raise TokenClaimsError(
            f"a WIT-SVID cannot confirm a key of {key.alg}", fix="make a P-256 key"
        )
    return {name: value for name, value in key.jwk().items() if name != "kid"}


def verify_wit(token: bytes, trust: Trust, *, now: Instant) -> Wit:
    """What a WIT-SVID says; a ``TokenError`` where it is not to be believed.

    The trust domain of ``sub`` chooses the bundle and ``kid`` the key in it; ``iss`` chooses
    nothing (workload-creds, section "Establishing Trust Anchors").
    """
    compact = read_compact(token, bytes_max=WIT_BYTES_MAX)
    # WIT-SVID.md section 2.3: RSA and ECDSA only.
    if compact.alg not in _SVID_ALGORITHMS:
        raise TokenMalformedError("a WIT-SVID is signed by an algorithm that it may not use")
    claims = compact.claims(_Claims)
    name = read_spiffe_id(claims.sub)
    if not name.path:
        raise TokenClaimsError("a WIT names a trust domain, not a workload in it")
    _verify_signature(compact, trust.bundle(name.trust_domain))
    wit = _checked(compact, claims, now)
    if wit.key.alg not in _SVID_ALGORITHMS:  # section 3.2
        raise TokenClaimsError("a WIT-SVID confirms a key of an algorithm that it may not name")
    return wit


def verify_general_wit(token: bytes, issuer: PublicKey, *, now: Instant) -> Wit:
    """A WIMSE WIT that need be no SVID: any identifier, any algorithm read here, one issuer key."""
    compact = read_compact(token, bytes_max=WIT_BYTES_MAX)
    verify_compact(compact, issuer, typ=WIT_TYP)
    return _checked(compact, compact.claims(_Claims), now)


def _verify_signature(compact: Compact, bundle: TrustBundle) -> None:
    key = bundle.wit_keys.get(compact.kid or "")  # section 2.1: kid is mandatory
    if key is None:
        raise TokenIssuerError(
            "a WIT names no key of its trust domain's bundle",
            fix="renew the identity: its issuer's key was rotated out",
        )
    verify_compact(compact, key, typ=WIT_TYP)


def _checked(compact: Compact, claims: _Claims, now: Instant) -> Wit:
    if "aud" in compact.payload:  # WIT-SVID.md section 3.8
        raise TokenClaimsError("a WIT has an audience; only its proof may have one")
    at = now // _SECOND
    if claims.exp <= at:
        raise TokenExpiredError("a WIT has expired", fix="renew the identity")
    if claims.exp - at > FOREIGN_LIFETIME_S_MAX:
        raise TokenClaimsError("a WIT is good for more than a day", fix="issue shorter ones")
    if claims.nbf is not None and claims.nbf > at + CLOCK_SKEW_S:
        raise TokenEarlyError("a WIT is not good yet", fix="compare the clocks")
    if "alg" not in claims.cnf.jwk:  # workload-creds, cnf.jwk.alg: MUST be present
        raise TokenClaimsError("a WIT confirms a key without saying its algorithm")
    return Wit(
        subject=claims.sub,
        key=PublicKey.from_jwk(claims.cnf.jwk),
        expires=Instant(claims.exp * _SECOND),
        issued=None if claims.iat is None else Instant(claims.iat * _SECOND),
        jti=claims.jti,
        build=claims.hf_build,
        tier=claims.hf_tier,
        ear=claims.hf_ear,
        digest=compact.digest(),
    )
