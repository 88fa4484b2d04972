"""The keys that sign: a log's own, and those that cosign beside it."""

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from holdfast.audit.errors import NoteError
from holdfast.audit.keys import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    TIME_BYTES,
    Verifier,
    ed25519_message,
    mldsa44_message,
)
from holdfast.audit.note import Note, Signature, check_text
from holdfast.core import Instant

SEED_BYTES = 32
SIGNATURE1: Final = b"\x84jSignature1"
"""How every COSE Sig_structure begins (RFC 9052, section 4.4). It is not UTF-8, so that nothing
signed as COSE can be taken for a note, nor the other way."""

Now = Callable[[], Instant]


class Cosigner:
    """Signs checkpoints with the time it did so (C2SP tlog-cosignature)."""

    def __init__(
        self, verifier: Verifier, *, now: Now, key: Ed25519PrivateKey | MLDSA44PrivateKey
    ) -> None:
        self.verifier = verifier
        self._key = key
        self._now = now

    @classmethod
    def ed25519(cls, name: str, seed: bytes, *, now: Now) -> "Cosigner":
        """For the public network of witnesses, which wants Ed25519. No other use may share the key:
        what it signs does not name the cosigner."""
        key = Ed25519PrivateKey.from_private_bytes(_checked(seed))
        public = key.public_key().public_bytes_raw()
        return cls(Verifier.of(name, public, kind=ED25519_COSIGNATURE), now=now, key=key)

    @classmethod
    def mldsa44(cls, name: str, seed: bytes, *, now: Now) -> "Cosigner":
        """Secure against quantum computers too (FIPS 204)."""
        key = MLDSA44PrivateKey.from_seed_bytes(_checked(seed))
        public = key.public_key().public_bytes_raw()
        return cls(Verifier.of(name, public, kind=MLDSA44_COSIGNATURE), now=now, key=key)

    def cosign(self, text: str) -> Signature:
        """Over a checkpoint's text, now; ``NoteError`` when it is no checkpoint's."""
        time = self._now() // 1_000_000
        if self.verifier.kind == ED25519_COSIGNATURE:
            message = ed25519_message(text, time)
        else:
            message = mldsa44_message(text, time, self.verifier.name)
        return Signature(
            name=self.verifier.name,
            key_id=self.verifier.key_id,
            value=time.to_bytes(TIME_BYTES, "big") + self._key.sign(message),
        )


class LogSigner:
    """The log's own keys. Their name is the log's origin: a URL without scheme, such as
    ``holdfast.example/log``. With a cosigner every checkpoint bears two signatures, and holds when
    Ed25519 no longer does."""

    def __init__(
        self, name: str, key: Ed25519PrivateKey, *, cosigner: Cosigner | None = None
    ) -> None:
        self.verifier = Verifier.of(name, key.public_key().public_bytes_raw(), kind=ED25519)
        if cosigner is not None and cosigner.verifier.name != name:
            raise NoteError(
                f"the log {name!r} is not cosigned by {cosigner.verifier.name!r} itself"
            )
        self._key = key
        self._cosigner = cosigner

    @classmethod
    def from_seed(cls, name: str, seed: bytes, *, cosigner: Cosigner | None = None) -> "LogSigner":
        """The key of a secret seed of 32 bytes (RFC 8032's private key)."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(_checked(seed)), cosigner=cosigner)

    @property
    def name(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """The Ed25519 verifier key."""
        return self.verifier.vkey

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """All keys of the log: every checkpoint bears a signature of each."""
        return (self.verifier, *((self._cosigner.verifier,) if self._cosigner else ()))

    def sign(self, text: str) -> bytes:
        """The signed note of ``text``, which ends in a newline and, with a cosigner, is a
        checkpoint's."""
        check_text(text)
        own = Signature(
            name=self.name, key_id=self.verifier.key_id, value=self._key.sign(text.encode())
        )
        others = (self._cosigner.cosign(text),) if self._cosigner else ()
        return Note(text=text, signatures=(own, *others)).encode()

    def has_signed(self, note: bytes) -> bool:
        """Whether a note bears a signature of each key; one that does not hold counts as none."""
        parsed = Note.parse(note)
        try:
            return all(each.check(parsed) is not None for each in self.verifiers)
        except NoteError:
            return False

    def sign_cose(self, structure: bytes) -> bytes:
        """An Ed25519 signature over a COSE Sig_structure, and over nothing else."""
        assert structure.startswith(SIGNATURE1)
        return self._key.sign(structure)


def _checked(seed: bytes) -> bytes:
    if len(seed) != SEED_BYTES:
        raise NoteError(
            f"a signing seed has {SEED_BYTES} bytes, this has {len(seed)}",
            fix="restore the key file from its backup",
        )
    return seed
