"""A bundle: policies, the schema they were written against and their own tests, as one file.

The file is JSON: a manifest, the texts, and signatures. The manifest is canonical (RFC 8785) and
names every text by its SHA-256; the bundle's digest is that of the manifest, and a signature is an
ES256 JWS over that digest. So a bundle that was signed can be changed in no byte that matters.
"""

from collections.abc import Collection, Mapping
from typing import Literal

import msgspec

from holdfast.core import Digest, HoldfastError, canonical_json, sha256_digest
from holdfast.identity import (
    PublicKey,
    SigningKey,
    TokenError,
    read_compact,
    read_object,
    verify_compact,
)
from holdfast.policy.annotations import Mode
from holdfast.policy.errors import BundleError

SUFFIX = ".hfpolicy"
SCHEMA_NAME = "schema.cedarschema"
TESTS_NAME = "tests.yaml"
SIGNATURE_TYPE = "holdfast-policy+jwt"

FILES_MAX = 200
SIGNATURES_MAX = 16
NAME_MAX = 100


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle holds: name and digest of each text, and whether it is on trial."""

    files: dict[str, str]
    mode: Mode
    name: str
    v: Literal[1]

    def canonical(self) -> bytes:
        return canonical_json(
            {"files": {**self.files}, "mode": self.mode, "name": self.name, "v": self.v}
        )


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as it stands."""

    manifest: Manifest
    files: dict[str, str]
    signatures: list[str] = []


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle whose texts are those that its manifest names. ``signers`` are the thumbprints
    (RFC 7638) of the keys whose signatures hold; nothing says yet that anybody trusts them."""

    manifest: Manifest
    files: Mapping[str, str]
    signatures: tuple[str, ...]
    signers: frozenset[str]
    digest: Digest

    def text(self) -> str:
        """The file's text; equal bundles are equal texts."""
        written: dict[str, object] = {
            "manifest": msgspec.to_builtins(self.manifest),
            "files": dict(self.files),
            "signatures": list(self.signatures),
        }
        encoded = msgspec.json.encode(written, order="deterministic")
        return msgspec.json.format(encoded, indent=1).decode() + "\n"


def pack(name: str, files: Mapping[str, str], *, mode: Mode = "enforce") -> Bundle:
    """A bundle of these texts, unsigned."""
    digests = {path: sha256_digest(text.encode()) for path, text in files.items()}
    manifest = Manifest(files={**digests}, mode=mode, name=name, v=1)
    return _checked(_Written(manifest=manifest, files=dict(files)), name)


def read_bundle(text: str, *, source: str) -> Bundle:
    """The bundle in ``text``; ``BundleError`` when it is none, or not whole."""
    try:
        written = msgspec.convert(read_object(text.encode()), _Written)
    except (HoldfastError, msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BundleError(
            f"{source} is not a bundle: {error}", fix="make it anew: holdfast policy bundle"
        ) from error
    return _checked(written, source)


def _checked(written: _Written, source: str) -> Bundle:
    manifest = written.manifest
    if len(written.files) > FILES_MAX or len(written.signatures) > SIGNATURES_MAX:
        raise BundleError(f"{source} holds more than {FILES_MAX} files or {SIGNATURES_MAX} names")
    if not 0 < len(manifest.name) <= NAME_MAX or not manifest.name.isprintable():
        raise BundleError(f"{source} has no plain name of 1 to {NAME_MAX} characters")
    for path in sorted({*manifest.files, *written.files}):
        _check_file(path, written, source)
    digest = sha256_digest(manifest.canonical())
    return Bundle(
        manifest=manifest,
        files=dict(sorted(written.files.items())),
        signatures=tuple(written.signatures),
        signers=frozenset(_signer(each, digest, source) for each in written.signatures),
        digest=digest,
    )


def _check_file(path: str, written: _Written, source: str) -> None:
    if not path.isprintable() or path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise BundleError(f"{source} names the file `{path[:100]!r}`, which no bundle may hold")
    text, digest = written.files.get(path), written.manifest.files.get(path)
    if text is None or digest is None or sha256_digest(text.encode()) != digest:
        raise BundleError(
            f"{source}: `{path}` is not the text that the manifest names",
            fix="the bundle was changed after it was made; make it anew: holdfast policy bundle",
        )


def _signer(signature: str, digest: Digest, source: str) -> str:
    """The thumbprint of the key that made ``signature`` over the bundle with this digest."""
    try:
        compact = read_compact(signature.encode())
        jwk = compact.header.get("jwk")
        key = PublicKey.from_jwk(msgspec.convert(jwk, dict[str, object]))
        verify_compact(compact, key, typ=SIGNATURE_TYPE)
    except (TokenError, HoldfastError, msgspec.ValidationError, UnicodeEncodeError) as error:
        raise BundleError(f"{source} has a signature that does not hold: {error}") from error
    if compact.payload.get("bundle") != digest:
        raise BundleError(
            f"{source} has a signature over another bundle",
            fix="sign this one: holdfast policy sign",
        )
    return key.thumbprint


def sign(bundle: Bundle, key: SigningKey) -> Bundle:
    """The bundle with one more signature; as it is when this key signed it already."""
    if key.public.thumbprint in bundle.signers:
        return bundle
    header = {"typ": SIGNATURE_TYPE, "jwk": key.public.jwk()}
    signature = key.sign(header, {"bundle": bundle.digest, "name": bundle.manifest.name})
    return _checked(
        _Written(
            manifest=bundle.manifest,
            files=dict(bundle.files),
            signatures=[*bundle.signatures, signature],
        ),
        bundle.manifest.name,
    )


def untrusted(bundle: Bundle, keys: Collection[str]) -> tuple[str, str] | None:
    """Why a bundle may not be used where these keys (thumbprints) are named, and the fix."""
    if not keys or bundle.signers & set(keys):
        return None
    if not bundle.signers:
        return "is not signed", "sign it: holdfast policy sign"
    found = ", ".join(sorted(bundle.signers))
    return (
        f"is signed by {found} alone, which policy_keys does not name",
        "have it signed by a key that policy_keys names, or name this key there",
    )
