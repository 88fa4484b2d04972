"""DPoP: a proof that carries its key, for tokens that name the key by thumbprint (RFC 9449).

Beyond the RFC a proof of ours carries ``hf_body``, SHA-256 of the body, and is refused without it
where there is a body. Foreign clients that know plain DPoP only can be let in by ``parts``.
"""

from collections.abc import Set as AbstractSet

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import ProofMismatchError, TokenMalformedError
from holdfast.identity.jose import PublicKey, SigningKey, b64url, read_compact, verify_compact
from holdfast.identity.proofs.proof import (
    JTI_LENGTH_MAX,
    PROOF_BYTES_MAX,
    WHOLE,
    Part,
    Proof,
    Request,
    check_age,
    token_hash,
)
from holdfast.identity.proofs.replay import ReplayCache
from holdfast.world.ports import Entropy

DPOP_TYP = "dpop+jwt"

_SECOND = 1_000_000


class _Claims(msgspec.Struct, frozen=True):
    jti: str
    htm: str
    htu: str
    iat: int
    ath: str | None = None
    nonce: str | None = None
    hf_body: str | None = None


def make_dpop(
    key: SigningKey,
    request: Request,
    *,
    token: bytes | None,
    now: Instant,
    entropy: Entropy,
) -> str:
    """The value of ``DPoP`` for a request that carries ``token``."""
    claims: dict[str, object] = {
        "jti": b64url(entropy.noise(16)),
        "htm": request.method,
        "htu": request.origins[0] + request.path,
        "iat": now // _SECOND,
        "hf_body": request.body_hash(),
    }
    if token is not None:
        claims["ath"] = token_hash(token)
    jwk = {name: value for name, value in key.public.jwk().items() if name not in {"kid", "alg"}}
    return key.sign({"typ": DPOP_TYP, "jwk": jwk}, claims)


def verify_dpop(
    proof: bytes,
    request: Request,
    *,
    thumbprint: str | None,
    token: bytes | None,
    replays: ReplayCache,
    now: Instant,
    parts: frozenset[Part] = WHOLE,
) -> Proof:
    """That the key of ``thumbprint`` sent this request, carrying ``token``, now and only now.

    The steps are those of RFC 9449 section 4.3. ``thumbprint`` is None only where a token is asked
    for and the proof says which key it shall be bound to.
    """
    # 1-6: one well-formed JWT (more than one value would have a comma), all claims, typ, alg, key.
    compact = read_compact(proof, bytes_max=PROOF_BYTES_MAX)
    claims = compact.claims(_Claims)
    jwk = compact.header.get("jwk")
    if not isinstance(jwk, dict):
        raise TokenMalformedError("a DPoP proof carries no key")
    members: dict[str, object] = {**jwk, "alg": compact.alg}
    key = PublicKey.from_jwk(members)  # 7: no private part
    verify_compact(compact, key, typ=DPOP_TYP)
    if thumbprint is not None and key.thumbprint != thumbprint:  # 12, second half
        raise ProofMismatchError("a DPoP proof is by another key than the token names")
    covers = _covered(claims, request)  # 8, 9
    check_age(claims.iat, now)  # 11; 10 is about nonces, which are not given out here
    if token is not None:  # 12
        if claims.ath != token_hash(token):
            raise ProofMismatchError("a DPoP proof was made for another token")
        covers |= {"token"}
    elif claims.ath is not None:
        raise ProofMismatchError("a DPoP proof was made for a token, and none came")
    made = Instant(claims.iat * _SECOND)
    found = Proof(kind="dpop", thumbprint=key.thumbprint, covers=frozenset(covers), made=made)
    found.must_cover(parts)
    if not 0 < len(claims.jti) <= JTI_LENGTH_MAX:
        raise TokenMalformedError(f"a jti has not 1 to {JTI_LENGTH_MAX} characters")
    replays.use(key.thumbprint, claims.jti, now=now)  # section 11.1
    return found


def _covered(claims: _Claims, request: Request) -> AbstractSet[Part]:
    if claims.htm != request.method:
        raise ProofMismatchError("a DPoP proof was made for another method")
    if not request.is_at(claims.htu):
        raise ProofMismatchError("a DPoP proof was made for another address")
    covers: set[Part] = {"method", "target"}
    if claims.hf_body is not None and claims.hf_body != request.body_hash():
        raise ProofMismatchError("a DPoP proof was made for another body")
    if claims.hf_body is not None or not request.body:
        covers.add("body")
    return covers
