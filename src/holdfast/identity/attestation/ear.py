"""EAR: what a verifier concluded, in the terms of AR4SI, and the token that carries it.

Formats: draft-ietf-rats-ear-04 (profile ``tag:ietf.org,2026:rats/ear#04``) as a JWT of the type
``eat+jwt`` (RFC 9711, RFC 9782); trust vector and its numbers from draft-ietf-rats-ar4si. One
submodule for each piece of evidence. Private members begin with ``hf_``.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import Digest, Instant, canonical_json, sha256_digest
from holdfast.identity.errors import TokenClaimsError, TokenEarlyError, TokenExpiredError
from holdfast.identity.jose import (
    PublicKey,
    SigningKey,
    b64url,
    read_compact,
    seconds,
    verify_compact,
)
from holdfast.identity.wimse import Ear

EAR_PROFILE = "tag:ietf.org,2026:rats/ear#04"
EAR_TYPE = "eat+jwt"
EAR_LIFE_S = 900
EAR_BYTES_MAX = 16_384

Status: TypeAlias = Literal["none", "affirming", "warning", "contraindicated"]
STATUSES: tuple[Status, ...] = ("none", "affirming", "warning", "contraindicated")

# AR4SI section 2.3: the numbers that are used here, with their names there.
AFFIRMED = 2
UNSAFE_HARDWARE = UNSAFE_CONFIGURATION = UNSAFE_EXECUTABLES = 32
UNRECOGNIZED_EXECUTABLES = 33
CONTRAINDICATED = 96
UNRECOGNIZED = 97
VALIDATION_FAILED = 99


class TrustVector(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """AR4SI's eight claims; 0 says nothing, 2 to 31 affirms, 32 to 95 warns, 96 and up is bad."""

    instance_identity: int = 0
    configuration: int = 0
    executables: int = 0
    file_system: int = 0
    hardware: int = 0
    runtime_opaque: int = 0
    storage_opaque: int = 0
    sourced_data: int = 0

    def status(self) -> Status:
        """The worst of the claims (AR4SI section 2.3.4)."""
        return STATUSES[max(_tier(claim) for claim in msgspec.structs.astuple(self))]


def _tier(claim: int) -> int:
    return 3 if claim >= 96 else 2 if claim >= 32 else 1 if claim >= 2 else 0


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of several; ``none`` beats ``affirming``, because nothing was learnt there."""
    found = set(statuses) or {"none"}
    order: tuple[Status, ...] = ("contraindicated", "warning", "none", "affirming")
    return next(status for status in order if status in found)


class Reason(msgspec.Struct, frozen=True):
    """Why a status is not affirming: a stable code, and a sentence."""

    code: str
    what: str


class Submodule(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "status": "ear_status",
        "vector": "ear_trustworthiness_vector",
        "policies": "ear_appraisal_policy_ids",
        "kind": "hf_kind",
        "platform": "hf_platform",
        "evidence": "hf_evidence",
        "reasons": "hf_reasons",
    },
):
    """One piece of evidence, appraised."""

    status: Status
    vector: TrustVector
    policies: tuple[str, ...]
    kind: str
    evidence: Digest
    platform: str = ""
    reasons: tuple[Reason, ...] = ()


class _Verifier(msgspec.Struct, frozen=True, kw_only=True):
    developer: str
    build: str


class _Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    jkt: str


class AttestationResult(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={
        "profile": "eat_profile",
        "nonce": "eat_nonce",
        "verifier": "ear_verifier_id",
        "status": "hf_status",
        "confirmed": "cnf",
        "tier": "hf_tier",
    },
):
    """The whole result: what stands in the token. Times are integer seconds."""

    profile: str = EAR_PROFILE
    iat: int
    exp: int
    nonce: str
    verifier: _Verifier
    confirmed: _Confirmed
    tier: int
    status: Status
    submods: dict[str, Submodule]

    def digest(self) -> Digest:
        """SHA-256 of the result's canonical bytes: the same appraisal has the same digest."""
        return sha256_digest(canonical_json(msgspec.to_builtins(self)))


def make_ear(
    submods: dict[str, Submodule],
    *,
    key: bytes,
    nonce: bytes,
    tier: int,
    now: Instant,
    build: str,
    life_s: int = EAR_LIFE_S,
) -> AttestationResult:
    """The result for one workload, whose key has the thumbprint ``key``, at risk ``tier``."""
    issued = seconds(now)
    return AttestationResult(
        iat=issued,
        exp=issued + min(life_s, EAR_LIFE_S),
        nonce=b64url(nonce),
        verifier=_Verifier(developer="holdfast", build=build),
        confirmed=_Confirmed(jkt=b64url(key)),
        tier=tier,
        status=worst(submod.status for submod in submods.values()),
        submods=submods,
    )


def issue_ear(ear: AttestationResult, key: SigningKey) -> str:
    """The result as a signed token."""
    return key.sign({"typ": EAR_TYPE, "kid": key.public.kid}, msgspec.to_builtins(ear))


def read_ear(token: bytes, key: PublicKey, *, now: Instant) -> AttestationResult:
    """A result that ``key`` signed and that is good at ``now``; a ``TokenError`` otherwise."""
    compact = read_compact(token, bytes_max=EAR_BYTES_MAX)
    verify_compact(compact, key, typ=EAR_TYPE)
    ear = compact.claims(AttestationResult)
    # A result is only as good as the parts it was made from: it cannot say better than they do.
    if ear.profile != EAR_PROFILE or not ear.submods:
        raise TokenClaimsError("an attestation result has another profile, or appraises nothing")
    if any(each.status != each.vector.status() for each in ear.submods.values()) or (
        ear.status != worst(each.status for each in ear.submods.values())
    ):
        raise TokenClaimsError("an attestation result says better than its own vector")
    if ear.exp - ear.iat > EAR_LIFE_S:
        raise TokenClaimsError(f"an attestation result lives longer than {EAR_LIFE_S} seconds")
    if seconds(now) >= ear.exp:
        raise TokenExpiredError("an attestation result has expired", fix="attest anew")
    if seconds(now) < ear.iat:
        raise TokenEarlyError("an attestation result is from the future", fix="set the clocks")
    return ear


def short_claim(ear: AttestationResult, token: str) -> Ear:
    """``hf_ear`` for a WIT: status and digest of the token that says why."""
    digest = "sha256:" + sha256(token.encode()).hexdigest()
    return Ear(status=ear.status, profile=ear.profile, ear_sha256=digest, exp=ear.exp)
