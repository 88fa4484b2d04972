"""What can be revoked, and how it is written: a kind and a name, as one string of bytes.

Whoever checks a caller gathers the subjects of all its ancestors and asks the set once.
"""

import re
from typing import Literal, TypeAlias, get_args

from holdfast.identity.revocation.errors import RevocationError

Kind: TypeAlias = Literal[
    "agent", "build", "controller", "key", "mandate", "principal", "tenant", "tool"
]
"""``agent`` and ``principal`` are SPIFFE IDs (people: ``user:ISSUER:SUB``); ``build`` is a passport's
build digest, ``tool`` a descriptor's digest or ``NODE/TOOL``; ``key`` is an RFC 7638 thumbprint,
``mandate`` the ``jti`` of a root or link; ``controller`` and ``tenant`` are names."""

KINDS: tuple[Kind, ...] = get_args(Kind)
FINAL_KINDS: frozenset[Kind] = frozenset(("key", "mandate"))
"""Never lifted: a key that was out may be known to others, and a mandate is soon made anew."""

NAME_LENGTH_MAX = 400

_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]{1,255}(/[A-Za-z0-9._-]+)+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLAIN = re.compile(r"[\x21-\x7e]+")
_FORMS: dict[Kind, tuple[re.Pattern[str], str]] = {
    "agent": (_SPIFFE, "name it by its node's id or its SPIFFE ID"),
    "build": (_DIGEST, "give sha256: and 64 hexadecimal digits, as 'holdfast passport show' has"),
    "controller": (re.compile(r"[^\x00-\x1f\x7f]+"), "give the controller's legal id or name"),
    "key": (re.compile(r"[A-Za-z0-9_-]{43}"), "give the key's thumbprint (RFC 7638), base64url"),
    "mandate": (_PLAIN, "give the mandate's jti"),
    "principal": (
        re.compile(rf"{_SPIFFE.pattern}|user:[\x21-\x7e]+"),
        "give a node's id, a SPIFFE ID or user:ISSUER:SUB",
    ),
    "tenant": (re.compile(r"[A-Za-z0-9._-]+"), "give the tenant's id"),
    "tool": (
        re.compile(rf"{_DIGEST.pattern}|[A-Za-z0-9._-]+/[\x21-\x7e]+"),
        "give NODE/TOOL or the digest of its descriptor",
    ),
}


def subject(kind: Kind, name: str) -> bytes:
    """What stands in a ``RevocationSet``; makes no check, for it is used while tokens are read."""
    return f"{kind}:{name}".encode()


def checked(kind: str, name: str) -> tuple[Kind, str]:
    """A subject as a person wrote it; ``RevocationError`` when nothing could ever match it."""
    for known in KINDS:
        if known == kind:
            form, fix = _FORMS[known]
            if len(name) > NAME_LENGTH_MAX or not form.fullmatch(name):
                raise RevocationError(f"'{name[:80]}' is no {kind}", fix=fix)
            return known, name
    raise _no_kind(kind)


def checked_kind(kind: str) -> Kind:
    """A kind as a person wrote it; ``RevocationError`` when it is none."""
    for known in KINDS:
        if known == kind:
            return known
    raise _no_kind(kind)


def _no_kind(kind: str) -> RevocationError:
    return RevocationError(f"there is no kind '{kind[:40]}'", fix=f"one of: {', '.join(KINDS)}")


def subjects_of_caller(
    principal: str,
    *,
    tenant: str,
    build: str | None = None,
    controller: str | None = None,
    key: str | None = None,
) -> tuple[bytes, ...]:
    """All by which one caller may be revoked: for an API key its node's principal, its tenant, and
    what its passport says, when it has one. Made once a credential, asked at every call."""
    found = [subject("agent", principal), subject("principal", principal)]
    found.append(subject("tenant", tenant))
    if build is not None:
        found.append(subject("build", build))
    if controller is not None:
        found.append(subject("controller", controller))
    if key is not None:
        found.append(subject("key", key))
    return tuple(found)
