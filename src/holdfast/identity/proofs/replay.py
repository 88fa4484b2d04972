"""Proofs that were used, remembered for as long as they could be used again.

Where several workers share the calls they share the marks too: a proof is good once, at whichever
worker it comes first.
"""

from hashlib import sha256

from holdfast.core import Instant
from holdfast.identity.errors import ProofOverloadError, ProofReplayedError
from holdfast.identity.proofs.proof import PROOF_SKEW_S, PROOF_WINDOW_S
from holdfast.world.ports import Marks, WorldError

REPLAY_ENTRIES_MAX = 200_000
"""Proofs that a worker takes in a generation: about 3,000 a second."""

REPLAY_KEY_SHARE = 8
"""One key may fill an eighth of a generation, so that none can shut out the others."""

_GENERATION_US = (PROOF_WINDOW_S + 2 * PROOF_SKEW_S) * 1_000_000


class LocalMarks:
    """The marks of a worker that has no others beside it."""

    __slots__ = ("_generations",)

    def __init__(self) -> None:
        self._generations: dict[int, set[bytes]] = {}

    def mark(self, digest: bytes, generation: int) -> bool:
        known = self._generations
        if generation not in known:
            kept = (generation - 1, generation, generation + 1)
            self._generations = known = {each: known.get(each, set()) for each in kept}
        if any(digest in each for each in known.values()):
            return False
        known[generation].add(digest)
        return True


class ReplayCache:
    """Uses proofs up. Each is remembered for a whole window after the one it was used in."""

    __slots__ = ("_count", "_entries_max", "_generation", "_key_max", "_marks", "_per_key")

    def __init__(
        self, marks: Marks | None = None, *, entries_max: int = REPLAY_ENTRIES_MAX
    ) -> None:
        self._marks: Marks = LocalMarks() if marks is None else marks
        self._entries_max = entries_max
        self._key_max = max(1, entries_max // REPLAY_KEY_SHARE)
        self._per_key: dict[str, int] = {}
        self._count = 0
        self._generation = -1

    def use(self, thumbprint: str, name: str, *, now: Instant) -> None:
        """Use up a proof whose signature has been verified.

        ``ProofReplayedError`` when it was used before; ``ProofOverloadError`` when there is no
        room to remember it: what cannot be remembered is not accepted.
        """
        self.use_digest(sha256(f"{thumbprint}.{name}".encode()).digest(), thumbprint, now=now)

    def use_digest(self, digest: bytes, thumbprint: str, *, now: Instant) -> None:
        """The same for what is a digest already, such as the MAC of a session's request."""
        generation = now // _GENERATION_US
        if generation != self._generation:
            self._generation, self._count, self._per_key = generation, 0, {}
        count = self._per_key.get(thumbprint, 0)
        if self._count >= self._entries_max or count >= self._key_max:
            raise _overload()
        try:
            is_new = self._marks.mark(digest, generation)
        except WorldError as error:
            raise _overload() from error
        if not is_new:
            raise ProofReplayedError(
                "a proof was used before", fix="make a new proof for each request, also for retries"
            )
        self._count += 1
        self._per_key[thumbprint] = count + 1


def _overload() -> ProofOverloadError:
    return ProofOverloadError(
        "too many proofs came within a minute", fix="open a session, or slow down"
    )
