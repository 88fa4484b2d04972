"""SPIFFE IDs, read: which trust domain, which path (github.com/spiffe/spiffe, SPIFFE-ID.md)."""

import re

import msgspec

from holdfast.identity.errors import TokenClaimsError

SPIFFE_ID_LENGTH_MAX = 2_048
"""Bytes, the most that section 2.3 wants supported."""

_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT = re.compile(r"[A-Za-z0-9._-]+")
_SCHEME = "spiffe://"


class SpiffeId(msgspec.Struct, frozen=True):
    """``spiffe://<trust_domain><path>``; the path is empty for the trust domain itself."""

    trust_domain: str
    path: str = ""

    def __str__(self) -> str:
        return f"{_SCHEME}{self.trust_domain}{self.path}"

    @property
    def tenant(self) -> str | None:
        """The tenant of an ID of our own form, ``/t/<tenant>/<kind>/<node>``."""
        parts = self.path.split("/")
        return parts[2] if len(parts) == 5 and parts[1] == "t" else None


def read_spiffe_id(text: str) -> SpiffeId:
    """The SPIFFE ID that ``text`` is, to the letter; ``TokenClaimsError`` for anything else."""
    if len(text) > SPIFFE_ID_LENGTH_MAX or not text.startswith(_SCHEME):
        raise _refused()
    domain, slash, rest = text[len(_SCHEME) :].partition("/")
    # Section 2.1: lower case only, no port, no user. Section 2.2: no empty or dot segments, no
    # trailing slash, no escapes, no query, no fragment.
    if _DOMAIN.fullmatch(domain) is None:
        raise _refused()
    if slash and not all(_is_segment(part) for part in rest.split("/")):
        raise _refused()
    return SpiffeId(domain, slash + rest)


def read_trust_domain(text: str) -> str:
    """The name of a trust domain, given bare or as ``spiffe://name``."""
    name = text.removeprefix(_SCHEME)
    if _DOMAIN.fullmatch(name) is None:
        raise _refused()
    return name


def _is_segment(part: str) -> bool:
    return _SEGMENT.fullmatch(part) is not None and part not in {".", ".."}


def _refused() -> TokenClaimsError:
    return TokenClaimsError(
        "an identity is not a SPIFFE ID", fix="name it spiffe://<trust-domain>/<path>, unescaped"
    )
