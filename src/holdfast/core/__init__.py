"""Words everything else is written in: errors, ids, instants, digests, canonical bytes. No I/O."""

from holdfast.core.canonical import Json, canonical_json
from holdfast.core.digests import (
    Digest,
    Salt,
    SaltedDigest,
    SaltedHasher,
    sha256_digest,
)
from holdfast.core.errors import HoldfastError
from holdfast.core.ids import (
    RANDOM_BYTES,
    CallId,
    CredentialId,
    NodeId,
    RelationshipId,
    ulid,
    ulid_instant,
)
from holdfast.core.instants import Instant, rfc3339

__all__ = [
    "RANDOM_BYTES",
    "CallId",
    "CredentialId",
    "Digest",
    "HoldfastError",
    "Instant",
    "Json",
    "NodeId",
    "RelationshipId",
    "Salt",
    "SaltedDigest",
    "SaltedHasher",
    "canonical_json",
    "rfc3339",
    "sha256_digest",
    "ulid",
    "ulid_instant",
]
