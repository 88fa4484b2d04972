"""The receiver's end of the feed: what is revoked, and how sure that is."""

from typing import Literal, TypeAlias

from holdfast.core import Instant
from holdfast.identity.jose import PublicKey, b64url, unb64url
from holdfast.identity.revocation.errors import FeedForkError, FeedGapError, FeedOldError
from holdfast.identity.revocation.feed import FeedState, Head, Update, digest_of, read_update
from holdfast.identity.revocation.held import RevocationSet

STALE_S = 5
"""Older than this: nothing that changes the world goes out."""
DEAD_S = 60
"""Older than this: nothing that stands on a mandate goes out."""
AHEAD_S = 5
"""How far a head may lie in the future before its clock counts as wrong."""

Freshness: TypeAlias = Literal["dead", "fresh", "stale"]

_SECOND = 1_000_000


class Revocations:
    """Holds the newest set. Reading costs an attribute and a comparison; one process, one loop.

    Nothing is fresh before the first update. ``unfed`` makes one for where no feed exists.
    """

    __slots__ = ("_feed", "_iat", "_key", "fork")

    def __init__(self, key: PublicKey | None) -> None:
        self._key = key
        self._feed = FeedState()
        self._iat = 0
        self.fork: FeedForkError | None = None
        """Why nothing is trusted any more, None while all is well."""

    @classmethod
    def unfed(cls) -> "Revocations":
        """Nothing revoked, always fresh: for simulations, and tests of other things."""
        return cls(None)

    @property
    def current(self) -> RevocationSet:
        """What is revoked as far as is known."""
        return self._feed.held

    @property
    def seq(self) -> int:
        """How many changes of the feed are known."""
        return self._feed.seq

    def freshness(self, now: Instant) -> Freshness:
        """How old the knowledge is. A clock that was set back makes it old too."""
        if self._key is None:
            return "fresh"
        age = now - self._iat * _SECOND
        if self.fork is not None or age > DEAD_S * _SECOND:
            return "dead"
        # A head is dated in whole seconds, rounded down: up to one is granted to it.
        is_fresh = -AHEAD_S * _SECOND <= age <= STALE_S * _SECOND
        return "fresh" if is_fresh else "stale"

    def take(self, data: bytes, *, now: Instant) -> bool:
        """Adopt an update; True when it changed the set.

        ``FeedError`` when it is not signed by the key or contradicts itself, ``FeedGapError`` when
        some before it are missing, ``FeedOldError`` when it says less than is known or dates from
        the future, ``FeedForkError`` when it belongs to another history: then all is dead.
        """
        if self._key is None:
            return False
        head, update = read_update(data, self._key)
        if head.iat * _SECOND - now > AHEAD_S * _SECOND:
            raise FeedOldError(
                "an update of the revocation feed is dated in the future",
                fix="set the clocks of the machines right",
            )
        state = self._after(head, update)
        if state.seq != head.seq:
            raise FeedGapError(
                f"an update of the revocation feed lacks changes {state.seq + 1} to {head.seq}"
            )
        if b64url(state.head) != head.head:
            self.fork = FeedForkError(
                f"two histories were signed for change {head.seq} of the revocation feed",
                fix="stop; compare the log's changes with the database, and restore from a backup",
            )
            raise self.fork
        is_changed = state.seq != self._feed.seq or state.held is not self._feed.held
        self._feed = state
        # An old heartbeat that comes late makes nothing younger or older, unless ours was wrong.
        ours_is_ahead = self._iat * _SECOND > now
        self._iat = head.iat if ours_is_ahead else max(self._iat, head.iat)
        return is_changed

    def _after(self, head: Head, update: Update) -> FeedState:
        known = self._feed
        if head.seq < known.seq:
            raise FeedOldError(
                f"an update of the revocation feed ends at {head.seq}, {known.seq} are known"
            )
        if head.since is None:
            return _whole(head, update, known)
        if head.since > known.seq:
            raise FeedGapError(
                f"an update of the revocation feed begins after {head.since}, "
                f"only {known.seq} are known"
            )
        return known.after(item for item in update.items if item.seq > known.seq)


def _whole(head: Head, update: Update, known: FeedState) -> FeedState:
    """The state that a snapshot brings. Over the same number both heads must agree."""
    if digest_of(update.held) != head.all:
        raise FeedGapError("a snapshot of the revocation feed is not the one that was signed")
    if head.seq == known.seq:
        return known  # its head is compared by the caller
    return FeedState(seq=head.seq, head=unb64url(head.head), held=RevocationSet(update.held))
