"""Keys that name a node. The key is shown once; only its digest is kept.

``hf_<id>_<secret>``: the id (10 characters of Crockford base32, lower case) is public and is how
people speak of the key; the secret (32 bytes, base64url) is what makes it one. A digest without
salt or stretching is enough, for 256 random bits cannot be guessed.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from holdfast.core import CredentialId, Instant, NodeId
from holdfast.identity.errors import IdentityError
from holdfast.world.ports import Clock, Entropy

PREFIX = "hf"
ID_LENGTH = 10
SECRET_BYTES = 32
KEY_LENGTH = len(PREFIX) + 1 + ID_LENGTH + 1 + 43
CREDENTIALS_MAX = 10_000

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class Credential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """That whoever holds a key is a node. ``hash`` is SHA-256 of the whole key."""

    id: CredentialId
    node: NodeId
    hash: bytes
    created: Instant
    revoked: Instant | None = None


def new_key(entropy: Entropy, clock: Clock, node: NodeId) -> tuple[Credential, str]:
    """A credential for ``node`` and its key, which nobody can show again."""
    drawn = int.from_bytes(entropy.secret(ID_LENGTH), "big")
    name = "".join(_CROCKFORD[drawn >> 5 * place & 31] for place in range(ID_LENGTH))
    secret = urlsafe_b64encode(entropy.secret(SECRET_BYTES)).rstrip(b"=").decode()
    key = f"{PREFIX}_{name}_{secret}"
    credential = Credential(
        id=CredentialId(name),
        node=node,
        hash=sha256(key.encode()).digest(),
        created=clock.now(),
    )
    return credential, key


class Credentials:
    """The credentials in force, immutable, for looking up keys in a call's path."""

    __slots__ = ("_by_hash",)

    def __init__(self, credentials: Iterable[Credential] = ()) -> None:
        self._by_hash = {item.hash: item for item in credentials if item.revoked is None}

    def find(self, key: bytes) -> Credential | None:
        """The credential that ``key`` proves, or None.

        The look-up is by digest, so its timing says nothing about any key that exists.
        """
        if len(key) != KEY_LENGTH:  # before hashing: a caller may send megabytes
            return None
        return self._by_hash.get(sha256(key).digest())

    def __len__(self) -> int:
        return len(self._by_hash)

    def encode(self) -> bytes:
        """For sending from the keeper to its workers. Holds no key."""
        return _ENCODER.encode(list(self._by_hash.values()))

    @classmethod
    def decode(cls, data: bytes) -> "Credentials":
        """What ``encode`` made; ``IdentityError`` for anything else."""
        try:
            return cls(_DECODER.decode(data))
        except msgspec.DecodeError as error:
            raise IdentityError(
                f"cannot read the credentials sent by the keeper: {error}",
                fix="restart: keeper and workers must be of one version",
            ) from error


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Credential])
