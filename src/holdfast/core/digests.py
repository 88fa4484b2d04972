"""Digests. What people said never enters the log; a salted digest of it does."""

import hashlib
from collections.abc import Callable
from typing import NewType, Protocol

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hexadecimal digits, of public bytes."""

SaltedDigest = NewType("SaltedDigest", str)
"""``hmac-sha256:`` and 64 hexadecimal digits: a commitment that means nothing without its salt."""


def sha256_digest(data: bytes) -> Digest:
    """The SHA-256 digest (FIPS 180-4) of ``data``."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


_BLOCK_BYTES = 64
_INNER, _OUTER = 0x36, 0x5C


class Salt:
    """Makes salted digests: HMAC-SHA-256 (RFC 2104) under a secret of 32 bytes.

    A plain digest of a short prompt can be guessed; destroying the salt makes these mute while
    every proof over the log stays valid. The two padded keys are hashed once and copied, which
    makes a digest 0.6 us instead of 1.5.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        if not 0 < len(secret) <= _BLOCK_BYTES:
            raise ValueError(f"a salt has 1 to {_BLOCK_BYTES} bytes, this has {len(secret)}")
        padded = secret.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ _INNER for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ _OUTER for byte in padded))

    def digest(self, data: bytes) -> SaltedDigest:
        """The salted digest of ``data``."""
        inner = self._inner.copy()
        inner.update(data)
        return self._finish(inner.digest())

    def hasher(self) -> "SaltedHasher":
        """For bytes that arrive in pieces."""
        return SaltedHasher(self._inner.copy(), self._finish)

    def _finish(self, inner: bytes) -> SaltedDigest:
        outer = self._outer.copy()
        outer.update(inner)
        return SaltedDigest("hmac-sha256:" + outer.hexdigest())


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class SaltedHasher:
    """The salted digest of bytes that arrive in pieces; ``Salt.hasher`` makes it."""

    __slots__ = ("_finish", "_inner")

    def __init__(self, inner: _Hash, finish: Callable[[bytes], SaltedDigest]) -> None:
        self._inner = inner
        self._finish = finish

    def update(self, data: bytes) -> None:
        self._inner.update(data)

    def digest(self) -> SaltedDigest:
        return self._finish(self._inner.digest())
