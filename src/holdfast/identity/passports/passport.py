"""A passport: who answers for an agent, of what it is made, and the most it may ever hold.

The document is canonical JSON (RFC 8785) of whole numbers and text, signed ES256. Its version only
grows, and every version is kept.
"""

import re
from typing import Literal, TypeAlias, get_args

import msgspec

from holdfast.core import Digest, Instant, Json, canonical_json, sha256_digest
from holdfast.identity.authority import (
    Authority,
    AuthorityError,
    authorities_from_json,
    authorities_json,
)
from holdfast.identity.errors import TokenError
from holdfast.identity.jose import PublicKey, SigningKey, read_compact, verify_compact
from holdfast.identity.names import read_spiffe_id
from holdfast.identity.passports.errors import PassportError, PassportForgedError

PASSPORT_TYPE = "passport+jwt"
TIER_MAX = 4
TOOLS_MAX = 256
TEXT_LENGTH_MAX = 300
PASSPORT_BYTES_MAX = 131_072

Status: TypeAlias = Literal["active", "revoked", "suspended"]
STATUSES: tuple[Status, ...] = get_args(Status)

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]+")
_FIX = "docs/identity/passports.md lists the members of a passport"


class Controller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who answers for the agent before others: an organisation, and how to reach it."""

    org: str
    contact: str
    legal_id: str | None = None

    @property
    def name(self) -> str:
        """What a revocation of the kind ``controller`` names."""
        return self.legal_id or self.org


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The AI model that the agent is built on. ``oms_root`` is the digest of its signed files,
    ``digest`` that of its files as they were judged when the passport was made."""

    ref: str
    oms_root: str | None = None
    digest: str | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool that the agent was built with, under the digest of its descriptor."""

    server: str
    name: str
    descriptor_sha256: str


class Build(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what an agent is made. Each part is named by its digest, so the whole is too."""

    model: Model | None = None
    system_prompt: str | None = None
    tools: tuple[Tool, ...] = ()
    policy_bundle: str | None = None
    image: str | None = None

    @property
    def digest(self) -> Digest:
        """SHA-256 of the canonical JSON; parts that are not given are left out of it."""
        return sha256_digest(canonical_json(_lean(_plain(self))))


class Passport(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an agent's passport. ``build`` is the digest of ``made_of``; ``by`` and ``at``
    are who made this version and when; ``max_mandate`` is the widest authority it may hold, and
    none at all when empty; ``place`` is its index in the status list that outsiders read."""

    at: Instant
    build: Digest
    by: str
    controller: Controller
    made_of: Build
    max_mandate: tuple[Authority, ...]
    owner: str
    place: int
    risk_tier: int
    seq: int
    status: Status
    sub: str


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    at: int
    build: str
    by: str
    controller: Controller
    made_of: Build
    max_mandate: list[dict[str, object]]
    owner: str
    place: int
    risk_tier: int
    seq: int
    status: Status
    sub: str


class Application(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for: a passport without what its issuer adds."""

    sub: str
    controller: Controller
    owner: str
    risk_tier: int
    build: Build = msgspec.field(default_factory=Build)
    max_mandate: list[dict[str, object]] = msgspec.field(default_factory=list[dict[str, object]])

    def authorities(self) -> tuple[Authority, ...]:
        """``max_mandate``, read strictly; ``PassportError`` names what is wrong."""
        return _authorities(self.max_mandate)


def read_application(value: object) -> Application:
    """The application that a file holds; ``PassportError`` says where it is wrong."""
    try:
        found = msgspec.convert(value, Application)
    except msgspec.ValidationError as error:
        raise PassportError(f"the passport's file is wrong: {error}", fix=_FIX) from error
    check_application(found)
    return found


def check_application(found: Application) -> None:
    """``PassportError`` for what has the right form and makes no sense."""
    try:
        read_spiffe_id(found.sub)
    except TokenError as error:
        raise PassportError(f"`sub` is no SPIFFE ID: '{found.sub[:100]}'", fix=error.fix) from error
    if not 0 <= found.risk_tier <= TIER_MAX:
        raise PassportError(f"`risk_tier` {found.risk_tier}", fix=f"use 0 to {TIER_MAX}")
    texts = {
        "owner": found.owner,
        "controller.org": found.controller.org,
        "controller.contact": found.controller.contact,
        "controller.legal_id": found.controller.legal_id,
        "build.model.ref": found.build.model.ref if found.build.model else None,
    }
    for name, text in texts.items():
        if text is not None and (len(text) > TEXT_LENGTH_MAX or not _TEXT.fullmatch(text)):
            raise PassportError(
                f"`{name}` is empty, too long or has control characters",
                fix=f"use 1 to {TEXT_LENGTH_MAX} characters of one line",
            )
    _check_build(found.build)
    found.authorities()


def _check_build(build: Build) -> None:
    digests = {
        "build.system_prompt": build.system_prompt,
        "build.policy_bundle": build.policy_bundle,
        "build.image": build.image,
        "build.model.oms_root": build.model.oms_root if build.model else None,
        "build.model.digest": build.model.digest if build.model else None,
        **{f"build.tools[{i}].descriptor_sha256": t.descriptor_sha256 for i, t in _numbered(build)},
    }
    for name, digest in digests.items():
        if digest is not None and not _DIGEST.fullmatch(digest):
            raise PassportError(f"`{name}` is no digest", fix="sha256: and 64 hexadecimal digits")
    if len(build.tools) > TOOLS_MAX:
        raise PassportError(f"{len(build.tools)} tools", fix=f"name at most {TOOLS_MAX}")
    if len({(tool.server, tool.name) for tool in build.tools}) < len(build.tools):
        raise PassportError("a tool is named twice", fix="name each once")


def _numbered(build: Build) -> list[tuple[int, Tool]]:
    return list(enumerate(build.tools))


def settled(build: Build) -> Build:
    """The same build with its tools in order, so that equal builds have one digest."""
    tools = tuple(sorted(build.tools, key=lambda tool: (tool.server, tool.name)))
    return msgspec.structs.replace(build, tools=tools)


def passport_json(passport: Passport) -> Json:
    """The document, parts that are not given left out."""
    plain: dict[str, Json] = {
        "at": passport.at,
        "build": passport.build,
        "by": passport.by,
        "controller": _lean(_plain(passport.controller)),
        "made_of": _lean(_plain(passport.made_of)),
        "max_mandate": authorities_json(passport.max_mandate),
        "owner": passport.owner,
        "place": passport.place,
        "risk_tier": passport.risk_tier,
        "seq": passport.seq,
        "status": passport.status,
        "sub": passport.sub,
    }
    return plain


def document(passport: Passport) -> bytes:
    """The canonical bytes: what is signed, and whose digest stands in the log."""
    return canonical_json(passport_json(passport))


def read_document(value: object) -> Passport:
    """The passport that decoded JSON is; ``PassportError`` for anything else."""
    try:
        form = msgspec.convert(value, _Form)
    except msgspec.ValidationError as error:
        raise PassportError(f"cannot read a passport: {error}", fix=_FIX) from error
    if form.made_of.digest != form.build:
        raise PassportError("a passport's build is not the digest of its parts", fix=_FIX)
    return Passport(
        at=Instant(form.at),
        build=Digest(form.build),
        by=form.by,
        controller=form.controller,
        made_of=form.made_of,
        max_mandate=_authorities(form.max_mandate),
        owner=form.owner,
        place=form.place,
        risk_tier=form.risk_tier,
        seq=form.seq,
        status=form.status,
        sub=form.sub,
    )


def sign_passport(passport: Passport, key: SigningKey) -> str:
    """The passport as a compact JWS."""
    token = key.sign({"typ": PASSPORT_TYPE, "kid": key.public.kid}, document(passport))
    if len(token) > PASSPORT_BYTES_MAX:
        raise PassportError(
            f"the passport has {len(token)} bytes", fix=f"at most {PASSPORT_BYTES_MAX} are kept"
        )
    return token


def open_passport(token: str, key: PublicKey) -> Passport:
    """The passport in a compact JWS by ``key``; ``PassportForgedError`` when it is not."""
    try:
        compact = read_compact(token.encode(), bytes_max=PASSPORT_BYTES_MAX)
        verify_compact(compact, key, typ=PASSPORT_TYPE)
    except TokenError as error:
        raise PassportForgedError(
            f"a stored passport cannot be believed: {error.what}",
            fix="the database or the key was changed; restore both from one backup",
        ) from error
    return read_document(compact.payload)


def _authorities(value: list[dict[str, object]]) -> tuple[Authority, ...]:
    try:
        return authorities_from_json(value) if value else ()
    except AuthorityError as error:
        raise PassportError(f"`max_mandate`: {error.what}", fix=error.fix or _FIX) from error


def _plain(value: Build | Controller) -> Json:
    """As JSON has it: lists, not tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _lean(value: Json) -> Json:
    """Without members that are None or empty: what is not said has one spelling."""
    if isinstance(value, dict):
        return {name: _lean(each) for name, each in value.items() if each not in (None, [])}
    if isinstance(value, list):
        return [_lean(each) for each in value]
    return value
