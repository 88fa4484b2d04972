"""Nonces that a server gives, so that a proof cannot be made ahead (RFC 9449 section 8)."""

import hmac
from hashlib import sha256

from holdfast.core import Instant
from holdfast.identity.jose import b64url

NONCE_WINDOW_S = 60

_WINDOW_US = NONCE_WINDOW_S * 1_000_000


class Nonces:
    """Nonces without memory: a MAC over the current minute, good for this minute and the next.

    The secret is drawn by each worker at its start, so that a proof with a nonce is for one
    worker, whose replay cache sees it.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def current(self, now: Instant) -> str:
        """The nonce to send with an answer (``DPoP-Nonce``)."""
        return self._made(now // _WINDOW_US)

    def accepts(self, nonce: str, *, now: Instant) -> bool:
        """Whether this is the nonce of this window or of the one before."""
        window = now // _WINDOW_US
        sent = nonce.encode()
        return any(
            hmac.compare_digest(sent, self._made(at).encode()) for at in (window, window - 1)
        )

    def _made(self, window: int) -> str:
        text = b"holdfast nonce\0" + window.to_bytes(8, "big")
        return b64url(hmac.digest(self._secret, text, sha256)[:16])
