"""Identity: who calls. Keys that prove to be a node, and the SPIFFE names of nodes.

Promises: a key is never stored, only its SHA-256; a revoked or unknown key finds nothing; looking a
key up touches no database. What is proven and granted beyond keys has a folder each, with a front
door of its own, so that nobody loads what he does not use.
"""

from holdfast.identity.bundles import Trust, TrustBundle, bundle_of, read_bundle, read_jwks
from holdfast.identity.credentials import KEY_LENGTH, Credential, Credentials, new_key
from holdfast.identity.errors import (
    CertificateRefusedError,
    IdentityError,
    KeyRefusedError,
    ProofMismatchError,
    ProofMissingError,
    ProofOverloadError,
    ProofReplayedError,
    ProofStaleError,
    SessionUnknownError,
    TokenAudienceError,
    TokenClaimsError,
    TokenEarlyError,
    TokenError,
    TokenExpiredError,
    TokenIssuerError,
    TokenMalformedError,
    TokenSignatureError,
    TokenTypeError,
    UnknownCredentialError,
)
from holdfast.identity.jose import (
    TOKEN_BYTES_MAX,
    Compact,
    PublicKey,
    SigningKey,
    b64url,
    read_compact,
    read_object,
    unb64url,
    verify_compact,
)
from holdfast.identity.names import SpiffeId, read_spiffe_id
from holdfast.identity.spiffe import Principal, gateway_name, issuer_name, principal, principals
from holdfast.identity.store import CredentialStore

__all__ = [
    "KEY_LENGTH",
    "TOKEN_BYTES_MAX",
    "CertificateRefusedError",
    "Compact",
    "Credential",
    "CredentialStore",
    "Credentials",
    "IdentityError",
    "KeyRefusedError",
    "Principal",
    "ProofMismatchError",
    "ProofMissingError",
    "ProofOverloadError",
    "ProofReplayedError",
    "ProofStaleError",
    "PublicKey",
    "SessionUnknownError",
    "SigningKey",
    "SpiffeId",
    "TokenAudienceError",
    "TokenClaimsError",
    "TokenEarlyError",
    "TokenError",
    "TokenExpiredError",
    "TokenIssuerError",
    "TokenMalformedError",
    "TokenSignatureError",
    "TokenTypeError",
    "Trust",
    "TrustBundle",
    "UnknownCredentialError",
    "b64url",
    "bundle_of",
    "gateway_name",
    "issuer_name",
    "new_key",
    "principal",
    "principals",
    "read_bundle",
    "read_compact",
    "read_jwks",
    "read_object",
    "read_spiffe_id",
    "unb64url",
    "verify_compact",
]
