"""A person's session: what remains of a login, signed by our own issuer, for an hour.

It is of a type of its own, so that no other token passes for it, and it for no other.
"""

import msgspec

from holdfast.core import Instant
from holdfast.identity.errors import TokenIssuerError
from holdfast.identity.issuer import Issuer
from holdfast.identity.jose import TOKEN_BYTES_MAX, b64url, read_compact, verify_compact
from holdfast.identity.people.errors import LoginError, SessionEndedError
from holdfast.identity.people.id_tokens import Person
from holdfast.identity.people.names import person_principal
from holdfast.identity.spiffe import issuer_name
from holdfast.world.ports import Entropy

SESSION_TYP = "person+jwt"
SESSION_S = 3_600
SKEW_S = 60
_ID_BYTES = 16
_SECOND = 1_000_000


class PersonSession(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is logged in. ``id`` names the session in the log."""

    person: Person
    id: str
    since: Instant
    expires: Instant


class _Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    iss: str
    sub: str
    jti: str
    iat: int
    exp: int
    person: Person


def open_person_session(person: Person, issuer: Issuer, *, now: Instant, entropy: Entropy) -> str:
    """A session for who has just logged in."""
    at = now // _SECOND
    claims = _Claims(
        iss=issuer_name(issuer.trust_domain),
        sub=person.principal,
        jti=b64url(entropy.secret(_ID_BYTES)),
        iat=at,
        exp=at + SESSION_S,
        person=person,
    )
    token = issuer.sign({"typ": SESSION_TYP}, msgspec.to_builtins(claims), now=now)
    if len(token) > TOKEN_BYTES_MAX:
        raise LoginError(
            f"a session would have more than {TOKEN_BYTES_MAX} bytes",
            fix="let the provider send fewer groups",
        )
    return token


def read_person_session(token: bytes, issuer: Issuer, *, now: Instant) -> PersonSession:
    """Who is logged in; ``SessionEndedError`` when it is over, a ``TokenError`` when it never was."""
    compact = read_compact(token)
    key = issuer.keys().get(compact.kid or "")
    if key is None:
        raise SessionEndedError("the session is of keys that are gone", fix="log in again")
    verify_compact(compact, key, typ=SESSION_TYP)
    claims = compact.claims(_Claims)
    person = claims.person
    if claims.iss != issuer_name(issuer.trust_domain) or claims.sub != person_principal(
        person.issuer, person.subject
    ):
        raise TokenIssuerError("a session is of another instance")
    if not claims.iat - SKEW_S <= now // _SECOND < claims.exp <= claims.iat + SESSION_S:
        raise SessionEndedError("the session has ended", fix="log in again: 'holdfast login'")
    return PersonSession(
        person=person,
        id=claims.jti,
        since=Instant(claims.iat * _SECOND),
        expires=Instant(claims.exp * _SECOND),
    )
