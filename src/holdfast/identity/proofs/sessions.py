"""Sessions: many requests proven by one signature of a key and a MAC each.

A caller proves its key once (WPT, DPoP or mTLS) and sends a fresh P-256 key; it gets the session's
secret sealed to that key. Each request then carries an RFC 9421 signature by HMAC-SHA-256, which
costs microseconds where ES256 costs sixty.

The secret is derived from the session's name, its end, and whom and what it is bound to: principal,
key, mandate. So a session is good for exactly these, ends when its name says, works on every worker
that has the same root, and is remembered only for speed. Another mandate is another secret.
"""

import hmac
import re
from binascii import b2a_base64
from collections import OrderedDict
from hashlib import sha256
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.core import Instant
from holdfast.identity.errors import (
    ProofMismatchError,
    ProofMissingError,
    SessionUnknownError,
    TokenExpiredError,
    TokenMalformedError,
    TokenSignatureError,
)
from holdfast.identity.jose import PublicKey, SigningKey, b64url, unb64url
from holdfast.identity.proofs.fields import (
    check_ascii,
    check_content_digest,
    content_digest,
)
from holdfast.identity.proofs.proof import Part, Proof, Request, check_age
from holdfast.identity.proofs.replay import ReplayCache
from holdfast.world.ports import Entropy

SESSION_TAG = "holdfast-session"
SESSION_LIFETIME_S_MAX = 600
SESSIONS_MAX = 50_000
"""How many sessions are remembered; the one used longest ago is derived anew when it comes back."""

_SECOND = 1_000_000
_CONTENT = (b"content-type", b"content-digest")
_INPUT = re.compile(
    rb'hf=(\("@method" "@path" "@query"( "content-type")?( "content-digest")?\)'
    rb";created=([0-9]{1,12})"
    rb';keyid="([A-Za-z0-9_-]{22}\.([0-9]{1,12}))"'
    rb';nonce="[A-Za-z0-9_-]{8,64}"'
    rb';tag="holdfast-session")'
)
_SENT = re.compile(rb"hf=:([A-Za-z0-9+/]{43}=):")
_COVERS: frozenset[Part] = frozenset(
    ("method", "target", "query", "body", "token", "wit", "mandate")
)
_KEY_LABEL = b"holdfast session key v1\0"
_SEAL_LABEL = b"holdfast session seal v1\0"


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is bound to. ``mandate`` is SHA-256 of the mandate's bytes, or empty."""

    principal: str
    thumbprint: str
    mandate: bytes = b""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller gets: the session's name and end, and its secret, sealed."""

    session: str
    expires: int
    epk: dict[str, str]
    sealed: str


class _Mac(Protocol):
    def copy(self) -> "_Mac": ...

    def update(self, msg: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Sessions:
    """Opens sessions and verifies their requests. ``root`` is the secret of all workers."""

    __slots__ = ("_known", "_root", "_sessions_max")

    def __init__(self, root: bytes, *, sessions_max: int = SESSIONS_MAX) -> None:
        self._root = root
        self._sessions_max = sessions_max
        self._known: OrderedDict[bytes, tuple[Bound, _Mac]] = OrderedDict()

    def open(
        self, bound: Bound, epk: PublicKey, *, now: Instant, until: Instant, entropy: Entropy
    ) -> Grant:
        """A session that ends with ``until`` (the mandate's end, say) or after ten minutes.

        The caller has shown the key of ``bound`` by a proof that covers the body with ``epk``.
        """
        ends = min(until // _SECOND, now // _SECOND + SESSION_LIFETIME_S_MAX)
        if ends <= now // _SECOND:
            raise TokenExpiredError("a session cannot be opened on a mandate that has ended")
        name = f"{b64url(entropy.secret(16))}.{ends}"
        ours = SigningKey.generate(entropy)
        pad = _seal(ours, epk, name)
        secret = self._secret(name.encode(), bound)
        sealed = bytes(a ^ b for a, b in zip(secret, pad, strict=True))
        return Grant(session=name, expires=ends, epk=ours.public.jwk(), sealed=b64url(sealed))

    def verify(
        self, request: Request, bound: Bound, *, replays: ReplayCache, now: Instant
    ) -> Proof:
        """That whoever was given this session sent this request, now and only now."""
        headers = request.headers
        match = _INPUT.fullmatch(headers.get(b"signature-input", b""))
        sent = _SENT.fullmatch(headers.get(b"signature", b""))
        if match is None or sent is None:
            raise ProofMissingError(
                "a request carries no signature of a session, or not of the one form that is read",
                fix="let the client library sign, or send a WPT or a DPoP proof",
            )
        raw, typed, digested, created, name, ends = match.groups()
        made, at = int(created), now // _SECOND
        if at >= int(ends):
            raise SessionUnknownError("a session has ended", fix="open a new session")
        check_age(made, now)
        if (b"content-type" in headers) != (typed is not None):
            raise ProofMismatchError("a signature does not cover the content as it came")
        _check_content(request, is_covered=digested is not None)
        mac = self._mac(name, bound)
        mac.update(_base(raw, request))
        digest = mac.digest()
        if not hmac.compare_digest(b2a_base64(digest, newline=False), sent[1]):
            raise TokenSignatureError(
                "a request was not signed by the secret of its session",
                fix="a session is of one principal, key and mandate: open one for this mandate",
            )
        replays.use_digest(digest, bound.thumbprint, now=now)
        return Proof(
            kind="session",
            thumbprint=bound.thumbprint,
            covers=_COVERS,
            made=Instant(made * _SECOND),
        )

    def _secret(self, name: bytes, bound: Bound) -> bytes:
        # Every part has its length before it, so that no two bindings read the same.
        parts = (name, bound.principal.encode(), bound.thumbprint.encode(), bound.mandate)
        text = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._root, _KEY_LABEL + text, sha256)

    def _mac(self, name: bytes, bound: Bound) -> _Mac:
        known = self._known.get(name)
        if known is not None and known[0] == bound:
            self._known.move_to_end(name)
            return known[1].copy()
        mac = hmac.new(self._secret(name, bound), digestmod=sha256)
        self._known[name] = (bound, mac)
        self._known.move_to_end(name)
        if len(self._known) > self._sessions_max:
            self._known.popitem(last=False)
        return mac.copy()

    def __len__(self) -> int:
        return len(self._known)


def open_grant(grant: Grant, key: SigningKey) -> bytes:
    """The session's secret, by whoever holds the key that it was sealed to."""
    pad = _seal(key, PublicKey.from_jwk(grant.epk), grant.session)
    sealed = unb64url(grant.sealed)
    if len(sealed) != len(pad):
        raise TokenMalformedError("a session's sealed secret has not 32 bytes")
    return bytes(a ^ b for a, b in zip(sealed, pad, strict=True))


def sign_by_session(
    secret: bytes, session: str, request: Request, *, now: Instant, entropy: Entropy
) -> dict[bytes, bytes]:
    """The fields to add to a request that has its content type in place."""
    added = {b"content-digest": content_digest(request.body)} if request.body else {}
    whole = msgspec.structs.replace(request, headers={**request.headers, **added})
    listed = "".join(f' "{name.decode()}"' for name in _CONTENT if name in whole.headers)
    raw = (
        f'("@method" "@path" "@query"{listed});created={now // _SECOND};keyid="{session}"'
        f';nonce="{b64url(entropy.noise(12))}";tag="{SESSION_TAG}"'
    ).encode()
    digest = hmac.digest(secret, _base(raw, whole), sha256)
    return {
        **added,
        b"signature-input": b"hf=" + raw,
        b"signature": b"hf=:%b:" % b2a_base64(digest, newline=False),
    }


def _seal(ours: SigningKey, theirs: PublicKey, name: str) -> bytes:
    """One-pass key agreement, used once: the ephemeral keys and the name make it unique."""
    shared = ours.cryptography().exchange(ec.ECDH(), theirs.agreement())
    prints = ".".join(sorted((ours.public.thumbprint, theirs.thumbprint)))
    return hmac.digest(shared, _SEAL_LABEL + f"{name} {prints}".encode(), sha256)


def _check_content(request: Request, *, is_covered: bool) -> None:
    digest = request.headers.get(b"content-digest")
    if (digest is not None) != is_covered:
        raise ProofMismatchError("a signature does not cover the content as it came")
    if digest is not None:
        check_content_digest(digest, request.body)
    elif request.body:
        raise ProofMismatchError("a signed request has a body and no Content-Digest")


def _base(raw: bytes, request: Request) -> bytes:
    """The signature base of RFC 9421 section 2.5, written out: its lines never change order."""
    check_ascii(request)
    path, _, query = request.target.partition("?")
    text = f'"@method": {request.method}\n"@path": {path or "/"}\n"@query": ?{query}\n'
    fields = b""
    for name in _CONTENT:
        value = request.headers.get(name)
        if value is not None:
            fields += b'"%b": %b\n' % (name, value)
    return b'%b%b"@signature-params": %b' % (text.encode("ascii"), fields, raw)
