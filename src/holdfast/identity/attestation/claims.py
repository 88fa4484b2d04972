"""What verified evidence says: one form for four vendors. Facts only; ``appraisal`` judges them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeAlias

import msgspec

from holdfast.core import Digest, Instant, sha256_digest
from holdfast.identity.attestation.errors import EvidenceMalformedError

EvidenceKind: TypeAlias = Literal["tdx", "snp", "nitro", "nvidia"]
EVIDENCE_KINDS: tuple[EvidenceKind, ...] = ("tdx", "snp", "nitro", "nvidia")
Freshness: TypeAlias = Literal["none", "fresh", "stale", "missing"]

EVIDENCE_BYTES_MAX = 32_768
KEY_BYTES = 32
NONCE_BYTES_MIN = 16
NONCE_BYTES_MAX = 64


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What an attester sent: the signed report and, where it does not carry them, certificates.

    ``certificates`` are DER; the order does not matter, they are put into a chain by name.
    """

    kind: EvidenceKind
    report: bytes
    certificates: tuple[bytes, ...] = ()

    def digest(self) -> Digest:
        """SHA-256 of the report: what the log keeps of it."""
        return sha256_digest(self.report)


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """The key and the challenge that evidence must be about.

    ``key`` is the RFC 7638 thumbprint (32 bytes) of the credential's key: of fixed length, so that
    no other pair of key and nonce runs together into the same bytes.
    """

    key: bytes
    nonce: bytes

    def expected(self) -> bytes:
        """SHA-256(key, nonce): the 32 bytes that stand in the report data."""
        if len(self.key) != KEY_BYTES:
            raise EvidenceMalformedError(f"a key's thumbprint has {KEY_BYTES} bytes")
        if not NONCE_BYTES_MIN <= len(self.nonce) <= NONCE_BYTES_MAX:
            raise EvidenceMalformedError(
                f"a nonce has {NONCE_BYTES_MIN} to {NONCE_BYTES_MAX} bytes"
            )
        return sha256(self.key + self.nonce).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The facts in evidence whose signatures, chain and binding to its device hold.

    ``platform`` is what dated rules name (``snp/Milan``); ``report_data`` is everything the
    attester could choose, one or more fields; ``measurements`` are by the vendor's names.
    """

    kind: EvidenceKind
    platform: str
    evidence: Digest
    verified_at: Instant
    report_data: tuple[bytes, ...]
    measurements: Mapping[str, bytes]
    is_debug: bool
    device: str = ""
    vmpl: int | None = None
    levels: Mapping[str, int]
    level_status: str = ""
    advisories: tuple[str, ...] = ()
    collateral: Freshness = "none"
    details: Mapping[str, str]

    def is_bound_to(self, binding: Binding) -> bool:
        """Whether the report data are SHA-256(key, nonce), with nothing but zeros after it."""
        expected = binding.expected()
        size = len(expected)
        return any(
            data[:size] == expected and not data[size:].strip(b"\0") for data in self.report_data
        )
