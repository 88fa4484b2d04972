"""WITs that were verified, kept by the digest of all their bytes; time is asked at every use."""

from collections import OrderedDict
from hashlib import sha256

from holdfast.core import Instant
from holdfast.identity.bundles import Trust
from holdfast.identity.errors import TokenExpiredError
from holdfast.identity.wimse import Wit, verify_wit

WITS_KEPT_MAX = 10_000
"""Verified WITs kept, per worker: a WIT comes with every request for up to an hour."""


class KnownWits:
    """Verifies a WIT once. When trust changes, make a new one: what this one kept is worth nothing
    then."""

    __slots__ = ("_kept", "_kept_max", "_trust")

    def __init__(self, trust: Trust, *, kept_max: int = WITS_KEPT_MAX) -> None:
        self._trust = trust
        self._kept: OrderedDict[bytes, Wit] = OrderedDict()
        self._kept_max = kept_max

    def read(self, token: bytes, *, now: Instant) -> Wit:
        """What the WIT says; a ``TokenError`` where it is not to be believed."""
        digest = sha256(token).digest()
        wit = self._kept.get(digest)
        if wit is None:
            wit = verify_wit(token, self._trust, now=now)
            self._kept[digest] = wit
            if len(self._kept) > self._kept_max:
                self._kept.popitem(last=False)
            return wit
        if now >= wit.expires:
            del self._kept[digest]
            raise TokenExpiredError("a WIT has expired", fix="renew the identity")
        self._kept.move_to_end(digest)
        return wit
