"""What servers give clients to bring back is sealed: it comes back from whom it was given to, for
what it was given, within its time, and as it was given.

A server that gets the gateway's requests cannot tell the gateway's callers apart; so that none of
them can bring another's state, the gateway tells them apart here.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from holdfast.world.ports import Clock, Entropy

STATE_S_MAX: Final = 3600
"""How long a server's state may be out."""
_TAG: Final = 16
_STAMP: Final = 5
_NONCE: Final = 9
_SECOND: Final = 1_000_000


class Seal:
    """Keyed by a secret that the installation's workers share and that is good for nothing else;
    each purpose has its own label, so that what is made for one is no good for another."""

    __slots__ = ("_clock", "_entropy", "_key")

    def __init__(self, key: bytes, *, clock: Clock, entropy: Entropy) -> None:
        self._key = key
        self._clock = clock
        self._entropy = entropy

    def close(self, state: str, *, principal: str, about: str) -> str:
        """The state as its client gets it."""
        stamp = (self._clock.now() // _SECOND).to_bytes(_STAMP, "big")
        data = state.encode("utf-8")
        tag = self._tag("state", stamp, principal, about, data)
        return _text_of(stamp + tag + data)

    def open(self, sealed: str, *, principal: str, about: str) -> str | None:
        """The state again; None for one that is not this principal's, for this, or in time."""
        whole = _bytes_of(sealed)
        if whole is None:
            return None
        try:
            data = whole[_STAMP + _TAG :]
            stamp, tag = whole[:_STAMP], whole[_STAMP : _STAMP + _TAG]
            text = data.decode("utf-8")
        except ValueError:
            return None
        if not hmac.compare_digest(tag, self._tag("state", stamp, principal, about, data)):
            return None
        age_s = self._clock.now() // _SECOND - int.from_bytes(stamp, "big")
        return text if age_s <= STATE_S_MAX else None

    def session(self, principal: str) -> str:
        """An id for a client of 2025-11-25: nothing is kept under it, and no other's will do."""
        nonce = self._entropy.noise(_NONCE)
        tag = self._tag("session", nonce, principal, "", b"")
        return _text_of(nonce + tag)

    def is_session(self, text: str, principal: str) -> bool:
        """Whether it is one of this principal's."""
        whole = _bytes_of(text)
        if whole is None:
            return False
        nonce, tag = whole[:_NONCE], whole[_NONCE:]
        return hmac.compare_digest(tag, self._tag("session", nonce, principal, "", b""))

    def _tag(self, purpose: str, fresh: bytes, principal: str, about: str, data: bytes) -> bytes:
        parts = (purpose.encode(), fresh, principal.encode(), about.encode(), data)
        message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
        return hmac.new(self._key, message, hashlib.sha256).digest()[:_TAG]


def _text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes_of(text: str) -> bytes | None:
    """The inverse, for texts that ``_text_of`` made and for no others: nothing is skipped."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _text_of(data) == text else None
