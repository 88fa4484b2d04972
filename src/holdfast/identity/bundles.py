"""Trust bundles: which keys speak for which trust domain (SPIFFE_Trust_Domain_and_Bundle.md).

A trust domain is believed about its own names only. ``Trust`` holds our own bundle and those of
the trust domains that are federated with, so that what SPIRE issues is verified like our own.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec
from cryptography.x509 import load_der_x509_certificate

from holdfast.identity.errors import IdentityError, TokenError, TokenIssuerError
from holdfast.identity.jose import PublicKey, read_object
from holdfast.identity.names import read_trust_domain

BUNDLE_BYTES_MAX = 1_048_576
BUNDLE_KEYS_MAX = 1_000
REFRESH_HINT_S = 300

WIT, JWT, X509 = "wit-svid", "jwt-svid", "x509-svid"

_ENCODER = msgspec.json.Encoder(order="deterministic")


class TrustBundle(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The keys of one trust domain. ``authorities`` are CA certificates, DER."""

    trust_domain: str
    wit_keys: Mapping[str, PublicKey] = {}
    jwt_keys: Mapping[str, PublicKey] = {}
    authorities: tuple[bytes, ...] = ()
    sequence: int = 0
    refresh_hint_s: int = REFRESH_HINT_S

    def document(self) -> bytes:
        """The SPIFFE bundle: a JWK set whose every key says what it signs."""
        keys: list[dict[str, object]] = [
            *({**key.jwk(), "use": WIT} for key in self.wit_keys.values()),
            *({**key.jwk(), "use": JWT} for key in self.jwt_keys.values()),
            *(_authority_jwk(certificate) for certificate in self.authorities),
        ]
        return _ENCODER.encode(
            {
                "keys": keys,
                "spiffe_refresh_hint": self.refresh_hint_s,
                "spiffe_sequence": self.sequence,
            }
        )


def bundle_of(
    trust_domain: str,
    *,
    wit: Iterable[PublicKey] = (),
    jwt: Iterable[PublicKey] = (),
    authorities: Iterable[bytes] = (),
    sequence: int = 0,
) -> TrustBundle:
    """A bundle of these keys; no two of them may have one ``kid`` (WIT-SVID.md section 6.1)."""
    wit_keys, jwt_keys = _by_kid(wit), _by_kid(jwt)
    if wit_keys.keys() & jwt_keys.keys():
        raise IdentityError("two keys of a trust bundle have one kid")
    return TrustBundle(
        trust_domain=read_trust_domain(trust_domain),
        wit_keys=MappingProxyType(wit_keys),
        jwt_keys=MappingProxyType(jwt_keys),
        authorities=tuple(authorities),
        sequence=sequence,
    )


def _by_kid(keys: Iterable[PublicKey]) -> dict[str, PublicKey]:
    found: dict[str, PublicKey] = {}
    for key in keys:
        if key.kid is None or key.kid in found:
            raise IdentityError("a key of a trust bundle has no kid, or another key's")
        found[key.kid] = key
    return found


def read_bundle(trust_domain: str, data: bytes) -> TrustBundle:
    """The bundle that ``document`` (or SPIRE) wrote; keys of unknown use or kind are left out.

    Section 4.1.3: what is not understood is ignored, and an empty bundle is a bundle: it says
    that nothing of this trust domain is to be believed any more.
    """
    if len(data) > BUNDLE_BYTES_MAX:
        raise IdentityError(f"a trust bundle has more than {BUNDLE_BYTES_MAX} bytes")
    try:
        document = msgspec.convert(read_object(data), _Document)
    except (TokenError, msgspec.ValidationError) as error:
        raise IdentityError(
            f"cannot read the trust bundle of {trust_domain}: {error}",
            fix="give a SPIFFE bundle: a JSON object with the member 'keys'",
        ) from error
    if len(document.keys) > BUNDLE_KEYS_MAX:
        raise IdentityError(f"a trust bundle has more than {BUNDLE_KEYS_MAX} keys")
    return bundle_of(
        trust_domain,
        wit=_signers(document.keys, use=WIT),
        jwt=_signers(document.keys, use=JWT),
        authorities=_authorities(document.keys),
        sequence=document.spiffe_sequence,
    )


def read_jwks(data: bytes) -> tuple[PublicKey, ...]:
    """The keys with a ``kid`` of a JWK set that is for one purpose, whatever their ``use`` says."""
    if len(data) > BUNDLE_BYTES_MAX:
        raise IdentityError(f"a JWK set has more than {BUNDLE_BYTES_MAX} bytes")
    try:
        document = msgspec.convert(read_object(data), _Document)
    except (TokenError, msgspec.ValidationError) as error:
        raise IdentityError(f"cannot read a JWK set: {error}") from error
    keys = [{**jwk, "use": WIT} for jwk in document.keys[:BUNDLE_KEYS_MAX]]
    return tuple(_signers(keys, use=WIT))


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]
    spiffe_sequence: int = 0


def _signers(keys: list[dict[str, object]], *, use: str) -> Iterable[PublicKey]:
    for jwk in keys:
        if jwk.get("use") == use and isinstance(jwk.get("kid"), str):
            try:
                yield PublicKey.from_jwk(jwk)
            except TokenError:  # a kind that is not used here, such as P-384: to be ignored
                continue


def _authorities(keys: list[dict[str, object]]) -> Iterable[bytes]:
    for jwk in keys:
        chain = jwk.get("x5c")
        if jwk.get("use") == X509 and isinstance(chain, list) and chain:
            first: object = chain[0]  # pyright: ignore[reportUnknownVariableType]
            try:  # X509-SVID.md section 6.2: only the first is read
                certificate = b64decode(first if isinstance(first, str) else "!", validate=True)
                load_der_x509_certificate(certificate)
            except ValueError as error:
                raise IdentityError("an x5c of a trust bundle is no certificate") from error
            yield certificate


def _authority_jwk(certificate: bytes) -> dict[str, object]:
    key = PublicKey.from_cryptography(load_der_x509_certificate(certificate).public_key())
    return {**key.jwk(), "use": X509, "x5c": [b64encode(certificate).decode()]}


class Trust:
    """Whom we believe about identities, immutable: one bundle a trust domain."""

    __slots__ = ("_bundles",)

    def __init__(self, bundles: Iterable[TrustBundle]) -> None:
        self._bundles = {bundle.trust_domain: bundle for bundle in bundles}

    def bundle(self, trust_domain: str) -> TrustBundle:
        """The bundle of that trust domain; ``TokenIssuerError`` where none is federated with."""
        bundle = self._bundles.get(trust_domain)
        if bundle is None:
            raise TokenIssuerError(
                "a credential is of a trust domain that is not trusted here",
                fix="federate with the trust domain: give its SPIFFE bundle",
            )
        return bundle

    def with_bundle(self, bundle: TrustBundle) -> "Trust":
        """The same, with the newer bundle of one trust domain. An older one changes nothing."""
        known = self._bundles.get(bundle.trust_domain)
        if known is not None and known.sequence > bundle.sequence:
            return self
        return Trust([*self._bundles.values(), bundle])

    def __iter__(self) -> Iterator[TrustBundle]:
        return iter(self._bundles.values())
