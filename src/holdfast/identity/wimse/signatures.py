"""HTTP signatures of workloads (draft-ietf-wimse-http-signature), a profile of RFC 9421.

Requests are signed over ``@method``, ``@path`` and ``@query`` (draft -08; the ``@request-target``
of earlier drafts is still read), the content, and every credential, by the key of the WIT that the
message carries. The recipient is named by ``wimse-aud``; ``keyid`` and ``alg`` must not stand there.
"""

from base64 import b64encode
from collections.abc import Mapping

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import (
    ProofMismatchError,
    ProofMissingError,
    ProofStaleError,
    TokenMalformedError,
    TokenSignatureError,
)
from holdfast.identity.jose import SigningKey, b64url
from holdfast.identity.proofs.fields import (
    Signed,
    check_content_digest,
    content_digest,
    read_signatures,
    request_value,
    signature_base,
)
from holdfast.identity.proofs.proof import (
    JTI_LENGTH_MAX,
    MANDATE_FIELD,
    PROOF_WINDOW_S,
    WHOLE,
    WIT_FIELD,
    Part,
    Proof,
    Request,
    check_age,
    token_hash,
)
from holdfast.identity.proofs.replay import ReplayCache
from holdfast.identity.wimse.wit import Wit
from holdfast.world.ports import Entropy

SIGNATURE_TAG = "wimse-workload-to-workload"
SIGNATURE_LIFETIME_S_MAX = 600

_SECOND = 1_000_000
_CREDENTIALS = (b"authorization", b"txn-token", WIT_FIELD, MANDATE_FIELD)
_CONTENT = (b"content-type", b"content-digest")
_FORBIDDEN = ("keyid", "alg")


class Response(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """An answer that may be signed."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes = b""


def sign_request(
    key: SigningKey,
    request: Request,
    *,
    now: Instant,
    entropy: Entropy,
    must_sign_response: bool = False,
) -> dict[bytes, bytes]:
    """The fields to add to a request that has its WIT, mandate and content type in place."""
    added = {b"content-digest": content_digest(request.body)} if request.body else {}
    whole = msgspec.structs.replace(request, headers={**request.headers, **added})
    names = [name.decode() for name in (*_CONTENT, *_CREDENTIALS) if name in whole.headers]
    components = ["@method", "@path", "@query", *names]
    created = now // _SECOND
    covered = " ".join(f'"{name}"' for name in components)
    raw = (
        f"({covered});created={created}"
        f';expires={created + PROOF_WINDOW_S};nonce="{b64url(entropy.noise(16))}"'
        f';tag="{SIGNATURE_TAG}";wimse-aud="{request.origins[0]}{request.path}"'
        f"{';wimse-sign-response' if must_sign_response else ''}"
    )
    lines = [(name, request_value(name, whole)) for name in components]
    signature = b64encode(key.sign_bytes(signature_base(raw, lines))).decode()
    return {
        **added,
        b"signature-input": f"wimse={raw}".encode(),
        b"signature": f"wimse=:{signature}:".encode(),
    }


def verify_request(
    request: Request,
    wit: Wit,
    *,
    replays: ReplayCache,
    now: Instant,
    parts: frozenset[Part] = WHOLE,
) -> Proof:
    """That the key of ``wit``, which the request carries, signed all that must be signed."""
    signed = _only(request.headers)
    covered = set(signed.components)
    if not ({"@method", "@path", "@query"} <= covered or {"@method", "@request-target"} <= covered):
        raise ProofMismatchError("a signature does not cover method, path and query")
    _check_fields(request.headers, covered, wit)
    _check_body(request.headers, request.body)
    made = _check_times(signed, now)
    if not request.is_at(signed.text("wimse-aud") or ""):
        raise ProofMismatchError("a signature was made for another address")
    _check_signature(signed, wit, [(n, request_value(n, request)) for n in signed.components])
    replays.use(wit.key.thumbprint, _nonce(signed), now=now)
    covers: set[Part] = {"method", "target", "query", "body", "wit"}
    covers |= {"mandate"} if MANDATE_FIELD in request.headers else set()
    covers |= {"token"} if b"authorization" in request.headers else set()
    found = Proof(
        kind="signature",
        thumbprint=wit.key.thumbprint,
        covers=frozenset(covers),
        made=Instant(made * _SECOND),
    )
    return found.must_cover(parts)


def verify_response(response: Response, wit: Wit, *, request: Request, now: Instant) -> None:
    """That the key of ``wit`` signed this answer to this request."""
    signed, asked = _only(response.headers), _only(request.headers)
    covered = set(signed.components)
    target = {"@path;req", "@query;req"} <= covered or "@request-target;req" in covered
    if not ({"@status", "@method;req"} <= covered and target):
        raise ProofMismatchError("a signature does not cover the status and the request")
    _check_fields(response.headers, covered, wit)
    _check_body(response.headers, response.body)
    _check_times(signed, now)
    if signed.text("wimse-req-nonce") != _nonce(asked):
        raise ProofMismatchError("a signed answer is to another request")
    _check_signature(signed, wit, [(n, _answered(n, response, request)) for n in signed.components])


def _answered(component: str, response: Response, request: Request) -> str:
    name, _, of_request = component.partition(";")
    if of_request:
        return request_value(name, request)
    if name == "@status":
        return str(response.status)
    value = response.headers.get(name.encode())
    if value is None:
        raise ProofMismatchError("a signature covers what the answer does not have")
    return value.strip(b" \t").decode("latin-1")


def _only(headers: Mapping[bytes, bytes]) -> Signed:
    """The one signature with our tag: never chosen by its label."""
    found = [one for one in read_signatures(headers) if one.text("tag") == SIGNATURE_TAG]
    if not found:
        raise ProofMissingError("a message carries no signature of a workload")
    if len(found) > 1:
        raise TokenMalformedError("a message carries more than one signature of a workload")
    if any(name in found[0].parameters for name in _FORBIDDEN):
        raise TokenMalformedError("a signature names its key or algorithm; only the WIT may")
    return found[0]


def _check_fields(headers: Mapping[bytes, bytes], covered: set[str], wit: Wit) -> None:
    for name in (*_CONTENT, *_CREDENTIALS):
        if name in headers and name.decode() not in covered:
            raise ProofMismatchError(f"a signature does not cover the field {name.decode()}")
    if token_hash(headers.get(WIT_FIELD, b"")) != wit.wth:
        raise ProofMismatchError("a signed message carries another WIT, or none")


def _check_body(headers: Mapping[bytes, bytes], body: bytes) -> None:
    sent = headers.get(b"content-digest")
    if sent is not None:
        check_content_digest(sent, body)
    elif body:
        raise ProofMismatchError("a signed message has a body and no Content-Digest")


def _check_times(signed: Signed, now: Instant) -> int:
    created, expires = signed.number("created"), signed.number("expires")
    if created is None or expires is None:
        raise TokenMalformedError("a signature does not say when it was made and when it ends")
    at = now // _SECOND
    if not (at < expires <= created + SIGNATURE_LIFETIME_S_MAX):
        raise ProofStaleError(
            "a signature has ended, or is good for longer than signatures may be",
            fix=f"sign each message anew, for at most {SIGNATURE_LIFETIME_S_MAX} s",
        )
    check_age(created, now)
    return created


def _nonce(signed: Signed) -> str:
    nonce = signed.text("nonce")
    if nonce is None or not 0 < len(nonce) <= JTI_LENGTH_MAX:
        raise TokenMalformedError(f"a signature has no nonce of 1 to {JTI_LENGTH_MAX} characters")
    return nonce


def _check_signature(signed: Signed, wit: Wit, lines: list[tuple[str, str]]) -> None:
    if not wit.key.verifies(signed.signature, signature_base(signed.raw, lines)):
        raise TokenSignatureError("a message was not signed by the key of its WIT")
