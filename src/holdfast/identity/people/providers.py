"""What an identity provider says of itself (OpenID Connect Discovery 1.0, RFC 8414)."""

from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from holdfast.identity.errors import TokenError
from holdfast.identity.jose import ALGORITHMS, read_object
from holdfast.identity.people.errors import ProviderError

METADATA_BYTES_MAX = 262_144
WELL_KNOWN = "/.well-known/openid-configuration"

ClientProof: TypeAlias = Literal["basic", "post"]
_METHODS: dict[str, ClientProof] = {"client_secret_basic": "basic", "client_secret_post": "post"}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One provider. ``algorithms`` are those that its ID tokens may have and that we verify;
    ``says_iss``: it promises to name itself in its answers (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: frozenset[str]
    says_iss: bool
    client_proof: ClientProof


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    response_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    code_challenge_methods_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


def metadata_url(issuer: str) -> str:
    """Where a provider describes itself (Discovery, section 4.1)."""
    return issuer.rstrip("/") + WELL_KNOWN


def read_provider(issuer: str, data: bytes) -> Provider:
    """The provider that ``issuer`` is; ``ProviderError`` for one that we cannot log in at safely."""
    if len(data) > METADATA_BYTES_MAX:
        raise ProviderError(f"the metadata of {issuer} has more than {METADATA_BYTES_MAX} bytes")
    try:
        found = msgspec.convert(read_object(data), _Metadata)
    except (TokenError, msgspec.ValidationError) as error:
        raise ProviderError(f"cannot read the metadata of {issuer}: {error}") from error
    # Discovery, section 4.3: to the letter, or one provider could speak for another.
    if found.issuer != issuer:
        raise ProviderError(
            f"the provider at {issuer} calls itself '{found.issuer[:200]!a}'",
            fix="write the issuer in the blueprint exactly as the provider does",
        )
    if "code" not in found.response_types_supported:
        raise ProviderError(f"{issuer} does not offer the authorization code flow")
    # RFC 7636 by S256 only. Who does not say what it supports may still support it.
    if "S256" not in (found.code_challenge_methods_supported or ["S256"]):
        raise ProviderError(f"{issuer} does not support PKCE by S256")
    for endpoint in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        _check_endpoint(issuer, endpoint)
    return Provider(
        issuer=issuer,
        authorization_endpoint=found.authorization_endpoint,
        token_endpoint=found.token_endpoint,
        jwks_uri=found.jwks_uri,
        algorithms=_algorithms(issuer, found.id_token_signing_alg_values_supported),
        says_iss=found.authorization_response_iss_parameter_supported,
        client_proof=_client_proof(found.token_endpoint_auth_methods_supported),
    )


def _check_endpoint(issuer: str, url: str) -> None:
    """https, or where the operator named a plain issuer, on that very origin."""
    try:
        parts, own = urlsplit(url), urlsplit(issuer)
    except ValueError:
        parts, own = urlsplit(""), urlsplit("")
    is_own = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    if not parts.netloc or "#" in url or not (parts.scheme == "https" or is_own):
        raise ProviderError(f"an endpoint of {issuer} is no https URL: '{url[:200]!a}'")
    if not (url.isascii() and url.isprintable() and " " not in url):
        raise ProviderError(f"an endpoint of {issuer} has characters no URL may have")


def _algorithms(issuer: str, said: list[str]) -> frozenset[str]:
    renamed = {"Ed25519" if each == "EdDSA" else each for each in said}
    common = frozenset(renamed & set(ALGORITHMS))
    if not common:
        raise ProviderError(
            f"{issuer} signs ID tokens by none of {', '.join(ALGORITHMS)}",
            fix="let the provider sign ID tokens by one of these",
        )
    return common


def _client_proof(methods: tuple[str, ...]) -> ClientProof:
    known: list[ClientProof] = [_METHODS[each] for each in methods if each in _METHODS]
    return known[0] if known else "basic"
