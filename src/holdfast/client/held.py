"""What a caller holds, read: an identity with its key, a mandate. Nothing is verified but that both
are the key's own, for whoever believes them verifies all of them."""

from dataclasses import dataclass, field

import msgspec

from holdfast.client.errors import MandateMissingError, WitMissingError
from holdfast.core import Instant
from holdfast.identity import PublicKey, SigningKey, TokenError, read_compact

_SECOND = 1_000_000
_SEPARATOR = b"~"
_FIX = "give what 'holdfast identity issue' prints, or the WIT alone"
_ASSUMED_LIFE_S = 300
"""The life of a token that does not say when it began: the shortest WIT's."""


class _Confirmed(msgspec.Struct, frozen=True):
    jwk: dict[str, object]


class _Claims(msgspec.Struct, frozen=True):
    exp: int
    cnf: _Confirmed
    sub: str = ""
    iat: int | None = None


class _Issued(msgspec.Struct, frozen=True):
    wit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An identity as it is now."""

    key: SigningKey = field(repr=False)
    wit: bytes = field(repr=False)
    name: str
    renew_at: Instant
    expires: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """A mandate as it is now."""

    chain: bytes = field(repr=False)
    thumbprint: str
    renew_at: Instant
    expires: Instant


def read_wit(text: str | bytes) -> bytes:
    """The WIT in what ``holdfast identity issue`` prints, with or without ``--json``, or bare."""
    data = (text.encode() if isinstance(text, str) else text).strip()
    if not data:
        raise WitMissingError("an identity is empty", fix=_FIX)
    if data[:1] != b"{":
        return data.split(maxsplit=1)[0]
    try:
        return msgspec.json.decode(data, type=_Issued).wit.encode()
    except msgspec.DecodeError as error:
        raise WitMissingError(f"an identity cannot be read: {error}", fix=_FIX) from error


def held(wit: bytes, key: SigningKey) -> Held:
    """The identity that ``wit`` gives to whoever holds ``key``."""
    try:
        claims = read_compact(wit).claims(_Claims)
        confirmed = PublicKey.from_jwk(claims.cnf.jwk).thumbprint
    except TokenError as error:
        raise WitMissingError(f"an identity cannot be read: {error.what}", fix=_FIX) from error
    if confirmed != key.public.thumbprint:
        raise WitMissingError(
            f"the identity of {claims.sub} is for another key",
            fix="issue one for this key: 'holdfast identity issue NODE --key FILE'",
        )
    return Held(
        key=key,
        wit=wit,
        name=claims.sub,
        renew_at=_renewal(claims),
        expires=Instant(claims.exp * _SECOND),
    )


def authorized(chain: bytes) -> Authorized:
    """The mandate that a chain gives to the holder of its last token."""
    try:
        claims = read_compact(chain.rpartition(_SEPARATOR)[2]).claims(_Claims)
        thumbprint = PublicKey.from_jwk(claims.cnf.jwk).thumbprint
    except TokenError as error:
        raise MandateMissingError(
            f"a mandate cannot be read: {error.what}", fix="give the chain as it was handed over"
        ) from error
    return Authorized(
        chain=chain,
        thumbprint=thumbprint,
        renew_at=_renewal(claims),
        expires=Instant(claims.exp * _SECOND),
    )


def _renewal(claims: _Claims) -> Instant:
    """When two thirds of its life are over: what is left bridges an issuer that is down."""
    life = _ASSUMED_LIFE_S if claims.iat is None else claims.exp - claims.iat
    return Instant((claims.exp - max(life, 0) // 3) * _SECOND)
