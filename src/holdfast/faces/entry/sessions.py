"""Sessions of people at the console: kept here, named by a secret that the browser holds.

In memory only: a restart signs everybody out. Of the secret only a digest is kept.
"""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256

from holdfast.core import Instant
from holdfast.faces.entry.comers import Comer
from holdfast.identity import b64url
from holdfast.world.ports import Clock, Entropy

IDLE_S = 1_800.0
ABSOLUTE_S = 43_200.0
SESSIONS_MAX = 1_000
"""At once; a further one ends the one that has been idle longest."""
SECRET_BYTES = 32
NAME_LENGTH = 12


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One. ``name`` is public and is how people speak of it; ``ended`` is set when it is over."""

    name: str
    comer: Comer
    csrf: str
    at: Instant
    address: str
    began: float
    last: float
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """Those that are open, by the digest of their secret."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._entropy = entropy
        self._open: dict[bytes, Session] = {}

    def open(self, comer: Comer, *, address: str) -> tuple[str, Session]:
        """A session and its secret."""
        self._sweep()
        while len(self._open) >= SESSIONS_MAX:
            self.end(min(self._open.values(), key=lambda each: each.last))
        secret = b64url(self._entropy.secret(SECRET_BYTES))
        digest, now = _digest(secret), self._clock.monotonic()
        session = self._open[digest] = Session(
            name=digest.hex()[:NAME_LENGTH],
            comer=comer,
            csrf=b64url(self._entropy.secret(SECRET_BYTES)),
            at=self._clock.now(),
            address=address,
            began=now,
            last=now,
        )
        return secret, session

    def find(self, secret: str) -> Session | None:
        """The session of a secret, which is no longer idle. By digest: its timing tells nothing."""
        session = self._open.get(_digest(secret))
        if session is None or not self.is_alive(session):
            return None
        session.last = self._clock.monotonic()
        return session

    def is_alive(self, session: Session) -> bool:
        """Whether it is good still; one that is not is ended by this."""
        if not session.ended.is_set() and self.left_s(session) <= 0:
            self.end(session)
        return not session.ended.is_set()

    def left_s(self, session: Session) -> float:
        """Until it ends by itself, if nothing more is asked in it."""
        now = self._clock.monotonic()
        return min(session.last + IDLE_S, session.began + ABSOLUTE_S) - now

    def end(self, session: Session) -> None:
        """End it now; its streams end with it."""
        session.ended.set()
        self._open = {key: each for key, each in self._open.items() if each is not session}

    def list(self) -> tuple[Session, ...]:
        """Those that are open, oldest first."""
        self._sweep()
        return tuple(self._open.values())

    def _sweep(self) -> None:
        for session in tuple(self._open.values()):
            self.is_alive(session)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
