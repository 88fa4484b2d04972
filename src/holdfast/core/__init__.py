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
from holdfast.core.hosts import Host, HostError, IpAddress, is_public, read_address, read_host
from holdfast.core.ids import (
    RANDOM_BYTES,
    CallId,
    CredentialId,
    NodeId,
    RelationshipId,
    ulid,
    ulid_instant,
    ulid_number,
)
from holdfast.core.instants import Instant, rfc3339
from holdfast.core.progress import Progress, untold
from holdfast.core.strict_json import JsonError, JsonObject, JsonValue, jcs, read_json
from holdfast.core.traces import CallTrace, may_go_on, read_traceparent, sent_on, trace_of

__all__ = [
    "RANDOM_BYTES",
    "CallId",
    "CallTrace",
    "CredentialId",
    "Digest",
    "HoldfastError",
    "Host",
    "HostError",
    "Instant",
    "IpAddress",
    "Json",
    "JsonError",
    "JsonObject",
    "JsonValue",
    "NodeId",
    "Progress",
    "RelationshipId",
    "Salt",
    "SaltedDigest",
    "SaltedHasher",
    "canonical_json",
    "is_public",
    "jcs",
    "may_go_on",
    "read_address",
    "read_host",
    "read_json",
    "read_traceparent",
    "rfc3339",
    "sent_on",
    "sha256_digest",
    "trace_of",
    "ulid",
    "ulid_instant",
    "ulid_number",
    "untold",
]
