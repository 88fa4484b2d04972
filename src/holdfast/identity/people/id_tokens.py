"""ID tokens, verified by the numbered steps of OpenID Connect Core 1.0, section 3.1.3.7."""

from hmac import compare_digest

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import (
    TokenAudienceError,
    TokenClaimsError,
    TokenEarlyError,
    TokenError,
    TokenExpiredError,
    TokenIssuerError,
    TokenSignatureError,
)
from holdfast.identity.jose import (
    Compact,
    PublicKey,
    read_compact,
    read_object,
    verify_compact,
)
from holdfast.identity.people.errors import LoginNonceError
from holdfast.identity.people.logins import Login
from holdfast.identity.people.names import person_principal

JWKS_BYTES_MAX = 262_144
JWKS_KEYS_MAX = 100
SKEW_S = 60
"""How far the provider's clock may be ahead of ours, or behind."""
AGE_S_MAX = 600
"""An ID token that comes straight from the token endpoint is seconds old."""
GROUPS_MAX = 200
TEXT_LENGTH_MAX = 200

_SECOND = 1_000_000


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who logged in. ``name`` is for people to read and proves nothing."""

    principal: str
    issuer: str
    subject: str
    name: str = ""
    groups: tuple[str, ...] = ()
    auth_time: int | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    iat: int
    nonce: str
    azp: str | None = None
    nbf: int | None = None
    auth_time: int | None = None
    acr: str | None = None
    amr: list[str] = []
    name: str | None = None
    preferred_username: str | None = None


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


def verify_id_token(
    token: bytes, jwks: bytes, login: Login, *, now: Instant, groups_claim: str | None = None
) -> Person:
    """The person that the token is about; a ``TokenError`` or ``LoginNonceError`` where it is not to
    be believed. ``jwks`` was fetched after the token came, so that it has its key."""
    compact = read_compact(token)
    # Step 7: by an algorithm that the provider said, not one that the token says alone.
    if compact.alg not in login.provider.algorithms:
        raise TokenSignatureError("an ID token is signed by an algorithm its provider does not use")
    verify_compact(compact, _key(compact, jwks), typ=None)  # step 6
    claims = compact.claims(_Claims)
    if claims.iss != login.provider.issuer:  # step 2
        raise TokenIssuerError("an ID token is of another issuer than the login was begun at")
    _check_audience(claims, login.client_id)
    _check_times(claims, now)
    if not compare_digest(claims.nonce.encode(), login.nonce.encode()):  # step 11
        raise LoginNonceError("an ID token was made for another login", fix="log in again")
    return Person(
        principal=person_principal(claims.iss, claims.sub),
        issuer=claims.iss,
        subject=claims.sub,
        name=_shown(claims.name or claims.preferred_username or ""),
        groups=_groups(compact, groups_claim),
        auth_time=claims.auth_time,
        acr=claims.acr,
        amr=tuple(claims.amr),
    )


def _key(compact: Compact, jwks: bytes) -> PublicKey:
    """The key that ``kid`` names; a token without one is good only where there is a single key."""
    if len(jwks) > JWKS_BYTES_MAX:
        raise TokenIssuerError(f"a provider's keys have more than {JWKS_BYTES_MAX} bytes")
    try:
        keys = msgspec.convert(read_object(jwks), _Keys).keys
    except (TokenError, msgspec.ValidationError) as error:
        raise TokenIssuerError("a provider's keys cannot be read") from error
    named = [jwk for jwk in keys[:JWKS_KEYS_MAX] if _fits(jwk, compact)]
    if len(named) != 1:
        raise TokenIssuerError(
            "an ID token names no key that its provider publishes, or more than one",
            fix="log in again; if it stays so, see the provider's keys",
        )
    # A key that does not say its algorithm takes the token's, which the provider announced.
    return PublicKey.from_jwk({"alg": compact.alg, **named[0]})


def _fits(jwk: dict[str, object], compact: Compact) -> bool:
    if jwk.get("use", "sig") != "sig":
        return False
    if compact.kid is None:
        return "kid" not in compact.header and jwk.get("alg", compact.alg) == compact.alg
    return jwk.get("kid") == compact.kid


def _check_audience(claims: _Claims, client_id: str) -> None:
    """Steps 3 to 5. No other audience is trusted, so none may stand beside ours."""
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if audience != [client_id]:
        raise TokenAudienceError("an ID token was made for another client, or for others too")
    if claims.azp is not None and claims.azp != client_id:
        raise TokenAudienceError("an ID token was given to another client")


def _check_times(claims: _Claims, now: Instant) -> None:
    """Steps 9 and 10."""
    at = now // _SECOND
    if claims.exp <= at:
        raise TokenExpiredError("an ID token has expired", fix="log in again")
    if max(claims.iat, claims.nbf or 0) > at + SKEW_S:
        raise TokenEarlyError("an ID token is not good yet", fix="compare the clocks")
    if claims.iat < at - AGE_S_MAX - SKEW_S:
        raise TokenExpiredError("an ID token was made too long ago", fix="log in again")


def _shown(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:TEXT_LENGTH_MAX]


def _groups(compact: Compact, claim: str | None) -> tuple[str, ...]:
    """The groups as they stand; what cannot be kept whole is refused, for a group may forbid."""
    if claim is None:
        return ()
    try:
        found = msgspec.convert(compact.payload.get(claim, []), list[str])
    except msgspec.ValidationError as error:
        raise TokenClaimsError("the groups in an ID token are no list of text") from error
    if len(found) > GROUPS_MAX or any(len(each) > TEXT_LENGTH_MAX for each in found):
        raise TokenClaimsError(
            f"an ID token has more than {GROUPS_MAX} groups, or too long ones",
            fix="let the provider send only the groups that are meant for this client",
        )
    return tuple(sorted(set(found)))
