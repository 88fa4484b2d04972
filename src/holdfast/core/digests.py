"""Digests. What people said never enters the log; a salted digest of it does."""

import hashlib
import hmac
from typing import NewType

Digest = NewType("Digest", str)
"""``sha256:`` and 64 hexadecimal digits, of public bytes."""

SaltedDigest = NewType("SaltedDigest", str)
"""``hmac-sha256:`` and 64 hexadecimal digits: a commitment that means nothing without its salt."""


def sha256_digest(data: bytes) -> Digest:
    """The SHA-256 digest (FIPS 180-4) of ``data``."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def salted_digest(salt: bytes, data: bytes) -> SaltedDigest:
    """HMAC-SHA-256 (RFC 2104) of ``data`` under a secret salt of 32 bytes.

    A plain digest of a short prompt can be guessed; destroying the salt makes this one mute while
    every proof over the log stays valid.
    """
    return SaltedDigest("hmac-sha256:" + hmac.digest(salt, data, "sha256").hex())


class SaltedHasher:
    """The salted digest of bytes that arrive in pieces."""

    __slots__ = ("_mac",)

    def __init__(self, salt: bytes) -> None:
        self._mac = hmac.new(salt, digestmod="sha256")

    def update(self, data: bytes) -> None:
        self._mac.update(data)

    def digest(self) -> SaltedDigest:
        return SaltedDigest("hmac-sha256:" + self._mac.hexdigest())
