"""Identity: who calls. Keys that prove to be a node, and the SPIFFE names of nodes.

Promises: a key is never stored, only its SHA-256; a revoked or unknown key finds nothing; looking a
key up touches no database.
"""

from holdfast.identity.credentials import KEY_LENGTH, Credential, Credentials, new_key
from holdfast.identity.errors import IdentityError, UnknownCredentialError
from holdfast.identity.spiffe import Principal, principal, principals
from holdfast.identity.store import CredentialStore

__all__ = [
    "KEY_LENGTH",
    "Credential",
    "CredentialStore",
    "Credentials",
    "IdentityError",
    "Principal",
    "UnknownCredentialError",
    "new_key",
    "principal",
    "principals",
]
