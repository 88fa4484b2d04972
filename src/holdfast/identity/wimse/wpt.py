"""The Workload Proof Token: that the holder of a WIT sent this request (draft-ietf-wimse-wpt).

The draft binds the address, the WIT and the other tokens. Ours binds the method (``htm``) and the
body (``hf_body``) too, as the draft's section "Including Additional Claims" allows, so that a
proof taken on the way is of no use for another call.
"""

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import ProofMismatchError, TokenMalformedError
from holdfast.identity.jose import SigningKey, b64url, read_compact, verify_compact
from holdfast.identity.proofs.proof import (
    JTI_LENGTH_MAX,
    MANDATE_FIELD,
    PROOF_BYTES_MAX,
    PROOF_WINDOW_S,
    WHOLE,
    Part,
    Proof,
    Request,
    check_end,
    sent_token,
    token_hash,
)
from holdfast.identity.proofs.replay import ReplayCache
from holdfast.identity.wimse.wit import Wit
from holdfast.world.ports import Entropy

WPT_TYP = "wpt+jwt"
WPT_OTHERS_MAX = 8

_SECOND = 1_000_000


class _Claims(msgspec.Struct, frozen=True):
    aud: str
    exp: int
    jti: str
    wth: str
    ath: str | None = None
    tth: str | None = None
    oth: dict[str, str] = {}
    htm: str | None = None
    hf_body: str | None = None
    nonce: str | None = None


def make_wpt(
    key: SigningKey,
    request: Request,
    *,
    wit: bytes,
    now: Instant,
    entropy: Entropy,
) -> str:
    """The value of ``Workload-Proof-Token`` for a request with its headers already in place."""
    claims: dict[str, object] = {
        "aud": request.origins[0] + request.path,
        "exp": now // _SECOND + PROOF_WINDOW_S,
        "jti": b64url(entropy.noise(16)),
        "wth": token_hash(wit),
        "htm": request.method,
        "hf_body": request.body_hash(),
    }
    token = sent_token(request.headers)
    transaction = request.headers.get(b"txn-token")
    mandate = request.headers.get(MANDATE_FIELD)
    if token is not None:
        claims["ath"] = token_hash(token)
    if transaction is not None:
        claims["tth"] = token_hash(transaction)
    if mandate is not None:
        claims["oth"] = {MANDATE_FIELD.decode(): token_hash(mandate)}
    return key.sign({"typ": WPT_TYP}, claims)


def verify_wpt(
    proof: bytes,
    wit: Wit,
    request: Request,
    *,
    replays: ReplayCache,
    now: Instant,
    parts: frozenset[Part] = WHOLE,
) -> Proof:
    """That the key of ``wit`` sent this request, now and only now.

    The checks are those that the draft lists under "To validate the WPT", in its order.
    """
    compact = read_compact(proof, bytes_max=PROOF_BYTES_MAX)
    verify_compact(compact, wit.key, typ=WPT_TYP)
    claims = compact.claims(_Claims)
    if not request.is_at(claims.aud):
        raise ProofMismatchError("a WPT was made for another address")
    check_end(claims.exp, now)
    if claims.wth != wit.wth:
        raise ProofMismatchError("a WPT was made for another WIT")
    covers: set[Part] = {"target", "wit"}
    _check_tokens(claims, request, covers)
    _check_others(claims, request, covers)
    _check_request(claims, request, covers)
    found = Proof(kind="wpt", thumbprint=wit.key.thumbprint, covers=frozenset(covers))
    found.must_cover(parts)
    if not 0 < len(claims.jti) <= JTI_LENGTH_MAX:
        raise TokenMalformedError(f"a jti has not 1 to {JTI_LENGTH_MAX} characters")
    replays.use(wit.key.thumbprint, claims.jti, now=now)
    return found


def _check_tokens(claims: _Claims, request: Request, covers: set[Part]) -> None:
    token = sent_token(request.headers)
    if claims.ath != (None if token is None else token_hash(token)):
        raise ProofMismatchError("a WPT was made for another access token, or for none")
    if token is not None:
        covers.add("token")
    transaction = request.headers.get(b"txn-token")
    if claims.tth != (None if transaction is None else token_hash(transaction)):
        raise ProofMismatchError("a WPT was made for another transaction token, or for none")


def _check_others(claims: _Claims, request: Request, covers: set[Part]) -> None:
    if len(claims.oth) > WPT_OTHERS_MAX:
        raise TokenMalformedError(f"a WPT names more than {WPT_OTHERS_MAX} other tokens")
    for name, digest in claims.oth.items():  # none may stand there that did not come
        sent = request.headers.get(name.encode("ascii", "replace"))
        if sent is None or digest != token_hash(sent):
            raise ProofMismatchError("a WPT was made for another token beside its WIT")
    mandate = MANDATE_FIELD.decode()
    if mandate in claims.oth:
        covers.add("mandate")
    elif MANDATE_FIELD in request.headers:
        raise ProofMismatchError(
            "a WPT does not cover the mandate that came with it",
            fix=f"put the SHA-256 of the mandate into the member '{mandate}' of oth",
        )


def _check_request(claims: _Claims, request: Request, covers: set[Part]) -> None:
    if claims.htm is not None:
        if claims.htm != request.method:
            raise ProofMismatchError("a WPT was made for another method")
        covers.add("method")
    if claims.hf_body is not None and claims.hf_body != request.body_hash():
        raise ProofMismatchError("a WPT was made for another body")
    if claims.hf_body is not None or not request.body:
        covers.add("body")
