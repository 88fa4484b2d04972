"""One-time links: a secret that opens one session, once, for a short time."""

from hashlib import sha256
from hmac import compare_digest

import msgspec

from holdfast.identity import b64url
from holdfast.world.ports import Clock, Entropy

TICKET_S = 600.0
TICKETS_MAX = 16
"""Links that may be open at once; a further one ends the oldest."""
SECRET_BYTES = 32
TICKET_LENGTH = 43


class _Ticket(msgspec.Struct, frozen=True):
    digest: bytes
    by: str
    ends: float


class Tickets:
    """Those that were given out and not used. In memory only: a restart ends them."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._open: list[_Ticket] = []

    def issue(self, by: str) -> str:
        """A secret for ``by``; only its digest stays."""
        text = b64url(self._entropy.secret(SECRET_BYTES))
        ends = self._clock.monotonic() + TICKET_S
        self._open = [*self._good(), _Ticket(_digest(text), by, ends)][-TICKETS_MAX:]
        return text

    def redeem(self, text: str) -> str | None:
        """Who the ticket is for, once; None for any other text. All are compared, each in constant
        time, so that the time tells nothing."""
        if len(text) != TICKET_LENGTH:
            return None
        given, found = _digest(text), None
        for each in self._good():
            if compare_digest(each.digest, given):
                found = each
        self._open = [each for each in self._good() if each is not found]
        return found.by if found is not None else None

    def _good(self) -> list[_Ticket]:
        now = self._clock.monotonic()
        return [each for each in self._open if now < each.ends]


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
