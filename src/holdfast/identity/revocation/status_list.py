"""Token Status List (draft-ietf-oauth-status-list-21), for outsiders who hold our credentials.

A credential carries ``status: {status_list: {idx, uri}}``; whoever meets it fetches the signed list
at ``uri`` and looks at ``idx``. Two bits each: valid, invalid, suspended (section 7.1).
"""

import zlib
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import TokenError
from holdfast.identity.jose import (
    PublicKey,
    SigningKey,
    b64url,
    read_compact,
    seconds,
    unb64url,
    verify_compact,
)
from holdfast.identity.revocation.errors import StatusListError

STATUS_TYPE: Final = "statuslist+jwt"
MEDIA_TYPE: Final = "application/statuslist+jwt"

VALID: Final = 0
INVALID: Final = 1
SUSPENDED: Final = 2

Bits: TypeAlias = Literal[1, 2, 4, 8]

STATUSES_MAX = 1 << 20
TOKEN_BYTES_MAX = 2 * 1024 * 1024
"""A list of a million statuses that do not compress at all is 256 KiB at two bits each."""


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    bits: Bits
    lst: str


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    sub: str
    iat: int
    status_list: _Body
    exp: int | None = None
    ttl: int | None = None


class StatusList:
    """Statuses by index, packed from the lowest bit of each byte up (section 4.1)."""

    __slots__ = ("_data", "bits")

    def __init__(self, data: bytes, *, bits: Bits) -> None:
        self.bits: Bits = bits
        self._data = data

    @classmethod
    def of(cls, statuses: Mapping[int, int], *, size: int, bits: Bits = 2) -> "StatusList":
        """``size`` statuses, all valid but those given."""
        if not 0 <= size <= STATUSES_MAX:
            raise StatusListError(f"a status list of {size}", fix=f"use at most {STATUSES_MAX}")
        data = bytearray((size * bits + 7) // 8)
        for index, status in statuses.items():
            if not (0 <= index < size and 0 <= status < 1 << bits):
                raise StatusListError(f"status {status} at {index} does not fit the list")
            at, shift = divmod(index * bits, 8)
            data[at] |= status << shift
        return cls(bytes(data), bits=bits)

    def __len__(self) -> int:
        return len(self._data) * 8 // self.bits

    def status(self, index: int) -> int:
        """The status at ``index``; ``StatusListError`` outside the list (section 8.3)."""
        if not 0 <= index < len(self):
            raise StatusListError(f"a status list of {len(self)} has no index {index}")
        at, shift = divmod(index * self.bits, 8)
        return self._data[at] >> shift & (1 << self.bits) - 1

    def lst(self) -> str:
        """Compressed (DEFLATE in the ZLIB format, RFC 1950) and in base64url."""
        return b64url(zlib.compress(self._data, 9))

    @classmethod
    def read(cls, lst: str, *, bits: Bits) -> "StatusList":
        """What ``lst`` made; ``StatusListError`` for anything else, and for what unpacks to more
        than a list may be."""
        most = STATUSES_MAX * bits // 8
        try:
            unpacking = zlib.decompressobj()
            data = unpacking.decompress(unb64url(lst), most + 1)
        except (zlib.error, TokenError) as error:
            raise StatusListError(f"a status list cannot be unpacked: {error}") from error
        if len(data) > most or not unpacking.eof or unpacking.unused_data:
            raise StatusListError("a status list is cut short, followed by more, or too large")
        return cls(data, bits=bits)


def sign_status_list(
    found: StatusList, *, uri: str, key: SigningKey, now: Instant, ttl_s: int, lives_s: int
) -> str:
    """The Status List Token (section 5.1) for the list at ``uri``."""
    at = seconds(now)
    claims: dict[str, object] = {
        "sub": uri,
        "iat": at,
        "exp": at + lives_s,
        "ttl": ttl_s,
        "status_list": {"bits": found.bits, "lst": found.lst()},
    }
    return key.sign({"typ": STATUS_TYPE, "kid": key.public.kid}, claims)


def read_status_list(token: str, key: PublicKey, *, uri: str, now: Instant) -> StatusList:
    """The list, once the token is signed by ``key``, is about ``uri`` and has not expired
    (section 8.3); ``TokenError`` or ``StatusListError`` otherwise."""
    compact = read_compact(token.encode(), bytes_max=TOKEN_BYTES_MAX)
    verify_compact(compact, key, typ=STATUS_TYPE)
    claims = compact.claims(_Claims)
    if claims.sub != uri:
        raise StatusListError(f"the status list is of {claims.sub[:200]}, not of {uri}")
    if claims.exp is not None and seconds(now) >= claims.exp:
        raise StatusListError("the status list has expired", fix="fetch it anew")
    return StatusList.read(claims.status_list.lst, bits=claims.status_list.bits)
