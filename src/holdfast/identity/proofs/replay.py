"""Proofs that were used, remembered for as long as they could be used again.

One cache belongs to one worker. With several workers a stolen proof could be sent once to each
within its window; a proof that carries a nonce cannot, because nonces are of one worker (see
``Nonces``). So side effects ask for a nonce, and reading does not.
"""

from hashlib import sha256

from holdfast.core import Instant
from holdfast.identity.errors import ProofOverloadError, ProofReplayedError
from holdfast.identity.proofs.proof import PROOF_SKEW_S, PROOF_WINDOW_S

REPLAY_ENTRIES_MAX = 200_000
"""A generation of proofs: about 40 MB in two, and 3,000 proofs a second on one worker."""

REPLAY_KEY_SHARE = 8
"""One key may fill an eighth of a generation, so that none can shut out the others."""

_GENERATION_US = (PROOF_WINDOW_S + 2 * PROOF_SKEW_S) * 1_000_000


class ReplayCache:
    """Two generations of digests. Each is kept for a whole window after it was filled."""

    __slots__ = ("_began", "_entries_max", "_key_max", "_now", "_past", "_per_key")

    def __init__(self, *, entries_max: int = REPLAY_ENTRIES_MAX) -> None:
        self._entries_max = entries_max
        self._key_max = max(1, entries_max // REPLAY_KEY_SHARE)
        self._now: set[bytes] = set()
        self._past: set[bytes] = set()
        self._per_key: dict[str, int] = {}
        self._began = Instant(0)

    def use(self, thumbprint: str, name: str, *, now: Instant) -> None:
        """Use up a proof whose signature has been verified.

        ``ProofReplayedError`` when it was used before; ``ProofOverloadError`` when there is no
        room to remember it: what cannot be remembered is not accepted.
        """
        self.use_digest(sha256(f"{thumbprint}.{name}".encode()).digest(), thumbprint, now=now)

    def use_digest(self, digest: bytes, thumbprint: str, *, now: Instant) -> None:
        """The same for what is a digest already, such as the MAC of a session's request."""
        if now - self._began >= _GENERATION_US:
            self._turn(now)
        if digest in self._now or digest in self._past:
            raise ProofReplayedError(
                "a proof was used before", fix="make a new proof for each request, also for retries"
            )
        count = self._per_key.get(thumbprint, 0)
        if len(self._now) >= self._entries_max or count >= self._key_max:
            raise ProofOverloadError(
                "too many proofs came within a minute", fix="open a session, or slow down"
            )
        self._now.add(digest)
        self._per_key[thumbprint] = count + 1

    def _turn(self, now: Instant) -> None:
        is_recent = now - self._began < 2 * _GENERATION_US
        self._past = self._now if is_recent else set()
        self._now = set()
        self._per_key = {}
        self._began = now

    def __len__(self) -> int:
        return len(self._now) + len(self._past)
