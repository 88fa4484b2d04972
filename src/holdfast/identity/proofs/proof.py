"""What a proof is about, and what a verified one says.

A proof shows that the holder of a key sent this request now. ``covers`` says which parts of it an
intermediary cannot have changed; a proof that leaves out a part that must be covered is refused.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import ProofMismatchError, ProofStaleError
from holdfast.identity.jose import b64url

PROOF_WINDOW_S = 60
"""How old a proof may be, and how long its end may lie ahead."""

PROOF_SKEW_S = 5
"""How far ahead of ours the clock of a caller may be."""

PROOF_BYTES_MAX = 4_096
JTI_LENGTH_MAX = 256

Kind: TypeAlias = Literal["mtls", "wpt", "dpop", "signature", "session"]
Part: TypeAlias = Literal["method", "target", "query", "body", "token", "wit", "mandate"]

WHOLE: frozenset[Part] = frozenset(("method", "target", "body"))
"""What every proof must cover, unless a caller says otherwise."""

MANDATE_FIELD = b"holdfast-mandate"
WIT_FIELD = b"workload-identity-token"

_SECOND = 1_000_000
_PORTS = {"http": 80, "https": 443}


class Request(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The request that a proof must be about.

    ``origins`` are the schemes and authorities that are ours, from configuration: never what the
    request's own Host says (draft-ietf-wimse-wpt, "Audience validation"). ``headers`` are by
    lower-case name, a repeated field joined by commas, which no credential survives.
    """

    method: str
    target: str
    origins: tuple[str, ...]
    headers: Mapping[bytes, bytes]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query with its question mark, which stands alone where there is none (RFC 9421)."""
        return "?" + self.target.partition("?")[2]

    def body_hash(self) -> str:
        """SHA-256 of the body, base64url: the claim ``hf_body``."""
        return b64url(sha256(self.body).digest())

    def is_at(self, uri: str) -> bool:
        """Whether ``uri``, without query and fragment, is where this request was sent."""
        claimed = _origin_and_path(uri)
        return claimed is not None and any(
            claimed == _origin_and_path(origin + self.path) for origin in self.origins
        )


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A verified proof: of which kind, by which key, over what, made when."""

    kind: Kind
    thumbprint: str
    covers: frozenset[Part]
    made: Instant | None = None

    def must_cover(self, parts: frozenset[Part]) -> "Proof":
        """Itself; ``ProofMismatchError`` where a part is left open."""
        missing = parts - self.covers
        if missing:
            raise ProofMismatchError(
                f"a {self.kind} proof does not cover: {', '.join(sorted(missing))}",
                fix="let the client library make the proof, or add what is missing",
            )
        return self


def _origin_and_path(uri: str) -> tuple[str, str, int | None, str] | None:
    """What must agree (RFC 9449 section 4.3): scheme and host in any case, the port, the path."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    if parts.username is not None or not parts.hostname or parts.scheme not in _PORTS:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], parts.path or "/"


def token_hash(token: bytes) -> str:
    """``ath``, ``wth``, ``tth`` and the values of ``oth``: SHA-256, base64url."""
    return b64url(sha256(token.strip(b" \t")).digest())


def sent_token(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The access token in Authorization, if there is one."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() in {b"bearer", b"dpop"} else None


def check_age(made_s: int, now: Instant) -> None:
    """That a proof was made within the window before ``now``."""
    at = now // _SECOND
    if not at - PROOF_WINDOW_S <= made_s <= at + PROOF_SKEW_S:
        raise ProofStaleError(
            "a proof was made outside the window in which proofs are accepted",
            fix=f"make a proof for each request, and set the clock to within {PROOF_SKEW_S} s",
        )


def check_end(end_s: int, now: Instant) -> None:
    """That a proof that names its end has not ended, and does not last beyond the window."""
    at = now // _SECOND
    if not at < end_s <= at + PROOF_WINDOW_S + PROOF_SKEW_S:
        raise ProofStaleError(
            "a proof has ended, or is good for longer than proofs may be",
            fix=f"make a proof for each request, good for at most {PROOF_WINDOW_S} s",
        )
