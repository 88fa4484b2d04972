"""A set of keys of which one signs at any time, the next is known before it does, and the last is
known until nothing that it signed is good any more.
"""

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import IdentityError
from holdfast.identity.jose import PublicKey, SigningKey
from holdfast.world.ports import Entropy

SIGNS_S = 7 * 86_400
"""How long a key signs."""

AHEAD_S = 86_400
"""How long the next key is published before it signs: many times the bundle's refresh hint."""

_SECOND = 1_000_000


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key and its times. ``pem`` is the secret. ``certificate`` makes it a CA."""

    pem: str
    signs_from: int
    signs_until: int
    kept_until: int
    certificate: bytes | None = None

    def key(self) -> SigningKey:
        return SigningKey.from_pem(self.pem.encode())

    def __repr__(self) -> str:
        return f"KeyRecord(signs_from={self.signs_from}, signs_until={self.signs_until})"


class KeyRing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of one purpose, oldest first; no two sign at once."""

    kept_s: int
    keys: tuple[KeyRecord, ...] = ()

    def is_due(self, now: Instant) -> bool:
        """Whether a key must be added or dropped."""
        return self._wants_next(now) or any(key.kept_until <= now // _SECOND for key in self.keys)

    def _wants_next(self, now: Instant) -> bool:
        return not self.keys or self.keys[-1].signs_until - AHEAD_S <= now // _SECOND

    def turned(self, now: Instant, entropy: Entropy) -> "KeyRing":
        """The same, with what is due done. After a long pause the new key signs at once."""
        at = now // _SECOND
        kept = tuple(key for key in self.keys if key.kept_until > at)
        if not self._wants_next(now):
            return msgspec.structs.replace(self, keys=kept)
        begins = max(at, self.keys[-1].signs_until) if self.keys else at
        record = KeyRecord(
            pem=SigningKey.generate(entropy).pem().decode(),
            signs_from=begins,
            signs_until=begins + SIGNS_S,
            kept_until=begins + SIGNS_S + self.kept_s,
        )
        return msgspec.structs.replace(self, keys=(*kept, record))

    def signing(self, now: Instant) -> KeyRecord:
        """The key that signs now."""
        at = now // _SECOND
        for key in reversed(self.keys):
            # A clock that was set back a little still finds the first key.
            if key.signs_from <= at < key.signs_until or (
                key is self.keys[0] and at < key.signs_until
            ):
                return key
        raise IdentityError("no key of the issuer signs now", fix="start Holdfast: it rotates them")

    def public(self) -> list[PublicKey]:
        """Every key that something good may be signed by, the next one too."""
        return [record.key().public for record in self.keys]
