"""The three tokens that carry authority: root, link and flat. Their claims, and nothing else.

Claims that are not known are refused, in all three: one that narrows and is skipped would widen.
"""

import re

import msgspec

from holdfast.identity.authority import (
    Authority,
    AuthorityError,
    authorities_from_json,
    authorities_json,
)
from holdfast.identity.errors import TokenClaimsError, TokenMalformedError
from holdfast.identity.jose import Compact, PublicKey, b64url, read_compact
from holdfast.identity.mandates.errors import MandateAuthorityError
from holdfast.identity.names import read_spiffe_id
from holdfast.world.ports import Entropy

ROOT_TYP = "at+jwt"
LINK_TYP = "mandate+jwt"

LIFETIME_S_MAX = 600
DEPTH_MAX = 4
"""Links below a root."""
CHAIN_BYTES_MAX = 16_384
"""Root, links and what joins them; half of the largest head of a request."""
JTI_LENGTH_MAX = 128
PURSE_LENGTH_MAX = 172
WHY_LENGTH_MAX = 1_000
ACTORS_MAX = 16
"""Who may stand in the nested ``act`` of a flat token."""
ANCESTORS_MAX = 16
"""Mandates that a flat token may come from."""

SEPARATOR = b"~"
_JTI_BYTES = 16
_HEADER = frozenset(("alg", "typ", "kid"))
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_USER = re.compile(r"user:[\x21-\x7e]{1,395}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``cnf`` of a root and a link: the holder's key itself, which signs the next link."""

    jwk: dict[str, object]


class Thumbprint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``cnf`` of a flat token: only the key's thumbprint, for nothing is signed under it."""

    jkt: str


class StatusList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where outsiders learn that a root was revoked (Token Status List)."""

    idx: int
    uri: str


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``status`` of a root."""

    status_list: StatusList


class RootClaims(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """RFC 9068 with ``authorization_details`` (RFC 9396), ``txn``, ``dep`` and ``hf_build``."""

    iss: str
    aud: str
    client_id: str
    sub: str
    jti: str
    iat: int
    exp: int
    authorization_details: list[object]
    cnf: Confirmation
    txn: str
    dep: int
    hf_build: str | None = None
    status: Status | None = None
    nbf: int | None = None
    # Said of how a person logged in; they give no authority here.
    auth_time: int | None = None
    acr: str | None = None
    amr: list[str] | None = None


class LinkClaims(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What a holder gives to another, under the parent whose bytes ``par`` commits to."""

    jti: str
    sub: str
    cnf: Confirmation
    par: str
    exp: int
    dep: int
    authorization_details: list[object]
    hf_build: str | None = None
    why: str | None = None


class Act(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """One actor (RFC 8693 section 4.1), the latest outermost. Whoever held a mandate of the chain
    has its ``hf_jti`` and ``hf_key``; one who only passes the call on has neither."""

    sub: str
    hf_jti: str | None = None
    hf_key: str | None = None
    hf_build: str | None = None
    act: "Act | None" = None


class PayerClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who pays beside the token itself: a holder of the chain it was made of, or an earlier token."""

    purse: str
    sub: str
    exp: int
    authorization_details: list[object]


class FlatClaims(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """The result of an exchange: one token, signed by the issuer, for one audience. ``hf_pay``
    stands only in what comes back to the issuer's own gateway, who counts."""

    iss: str
    aud: str
    client_id: str
    sub: str
    jti: str
    iat: int
    exp: int
    authorization_details: list[object]
    cnf: Thumbprint
    txn: str
    act: Act
    anc: list[str]
    hf_pay: list[PayerClaims] = []


def read_token(token: bytes) -> Compact:
    """One token of a chain; ``TokenError`` for what is none."""
    compact = read_compact(token, bytes_max=CHAIN_BYTES_MAX)
    if not compact.header.keys() <= _HEADER:  # no key, certificate or address of the sender's
        raise TokenMalformedError("a mandate has header members other than alg, typ and kid")
    return compact


def read_authority(details: list[object]) -> tuple[Authority, ...]:
    """``authorization_details``; ``MandateAuthorityError`` where a part is not understood."""
    try:
        return authorities_from_json(details)
    except AuthorityError as error:
        raise MandateAuthorityError(
            f"a mandate's authority: {error.what}", fix=error.fix
        ) from error


def read_key(confirmation: Confirmation) -> PublicKey:
    """The key that a root or link confirms."""
    return PublicKey.from_jwk(confirmation.jwk)


def confirmed(key: PublicKey) -> dict[str, object]:
    """The JWK for ``cnf``: public members and ``alg``; a ``kid`` would only be another name."""
    return {name: value for name, value in key.jwk().items() if name != "kid"}


def check_jti(*names: str) -> None:
    """Identifiers are visible ASCII, so that they can be revoked by name."""
    for name in names:
        if len(name) > JTI_LENGTH_MAX or _VISIBLE.fullmatch(name) is None:
            raise TokenClaimsError("a jti or txn is not 1 to 128 visible ASCII characters")


def check_purse(name: str) -> None:
    """A ``jti``, or one behind the thumbprint of the key that gave it."""
    if len(name) > PURSE_LENGTH_MAX or _VISIBLE.fullmatch(name) is None:
        raise TokenClaimsError("a purse is not 1 to 172 visible ASCII characters")


def check_build(build: str | None) -> None:
    """A build is named by ``sha256:`` and 64 hexadecimal digits."""
    if build is not None and _DIGEST.fullmatch(build) is None:
        raise TokenClaimsError("hf_build is not sha256: and 64 hexadecimal digits")


def check_thumbprint(thumbprint: str) -> None:
    """An RFC 7638 thumbprint: SHA-256, base64url."""
    if _THUMBPRINT.fullmatch(thumbprint) is None:
        raise TokenClaimsError("a thumbprint is not 43 characters of base64url")


def check_agent(name: str) -> None:
    """Who holds a mandate is a workload: a SPIFFE ID with a path."""
    if not read_spiffe_id(name).path:
        raise TokenClaimsError("a mandate names a trust domain, not a workload in it")


def check_principal(name: str) -> None:
    """On whose behalf: a person ``user:<issuer-hash>:<sub>`` or a workload's SPIFFE ID."""
    if _USER.fullmatch(name) is None:
        check_agent(name)


def check_why(why: str | None) -> None:
    """The purpose is for people to read in the log, and is never interpreted."""
    if why is not None and (len(why) > WHY_LENGTH_MAX or _CONTROL.search(why)):
        raise TokenClaimsError(f"why has more than {WHY_LENGTH_MAX} or unprintable characters")


def written(authorities: tuple[Authority, ...]) -> list[object]:
    """The authorities as claims."""
    return [*authorities_json(authorities)]


def new_jti(entropy: Entropy) -> str:
    """A name that nobody else's mandate has."""
    return b64url(entropy.secret(_JTI_BYTES))
