"""AWS Nitro Enclaves attestation documents: COSE_Sign1 under the pinned root G1.

Source: aws/aws-nitro-enclaves-nsm-api, docs/attestation_process.md, whose steps are numbered here.
"""

from typing import TypeAlias

import cbor2
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384

from holdfast.core import Instant
from holdfast.identity.attestation.certificates import (
    CERTIFICATES_MAX,
    load_key,
    read_certificate,
    verify_chain,
    verify_raw_ecdsa,
)
from holdfast.identity.attestation.claims import Claims, Evidence
from holdfast.identity.attestation.errors import EvidenceMalformedError
from holdfast.identity.attestation.roots import Roots

DOCUMENT_BYTES_MAX = 16_384
FIELD_BYTES_MAX = 1_024

_SIGN1_TAG = 18
_ES384 = b"\xa1\x01\x38\x22"  # {1: -35}
_Envelope: TypeAlias = tuple[bytes, dict[int, bytes], bytes, bytes]
_BOOT_PCRS = (0, 1, 2)


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed payload (section 3.1)."""

    module_id: str
    digest: str
    timestamp: int
    pcrs: dict[int, bytes]
    certificate: bytes
    cabundle: tuple[bytes, ...]
    public_key: bytes | None = None
    user_data: bytes | None = None
    nonce: bytes | None = None


def _load(data: bytes) -> object:
    try:
        return cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise EvidenceMalformedError("a document is not CBOR") from error


def read_envelope(data: bytes) -> tuple[bytes, bytes]:
    """Payload and signature of the COSE_Sign1 (RFC 9052 section 4.2), tagged or not."""
    if len(data) > DOCUMENT_BYTES_MAX:
        raise EvidenceMalformedError(f"a document has more than {DOCUMENT_BYTES_MAX} bytes")
    value = _load(data)
    if isinstance(value, cbor2.CBORTag) and value.tag == _SIGN1_TAG:
        value = value.value
    try:
        envelope = msgspec.convert(value, _Envelope)
    except msgspec.ValidationError as error:
        raise EvidenceMalformedError("a document is not a COSE_Sign1") from error
    protected, unprotected, payload, signature = envelope
    if protected != _ES384 or unprotected or len(signature) != 96:
        raise EvidenceMalformedError("a document is not signed by ES384 alone")
    return payload, signature


def read_document(payload: bytes) -> Document:
    """The payload, whose fields must be of the sizes of section 3.2.2.1."""
    try:
        document = msgspec.convert(_load(payload), Document)
    except msgspec.ValidationError as error:
        raise EvidenceMalformedError(f"a document has fields of another form: {error}") from error
    fields = (document.public_key, document.user_data, document.nonce)
    good = (
        0 < len(document.module_id) <= FIELD_BYTES_MAX
        and document.digest == "SHA384"
        and document.timestamp > 0
        and 0 < len(document.pcrs) <= 32
        and all(0 <= index < 32 and len(pcr) == 48 for index, pcr in document.pcrs.items())
        and all(index in document.pcrs for index in _BOOT_PCRS)
        and 0 < len(document.cabundle) < CERTIFICATES_MAX
        and all(0 < len(each) <= FIELD_BYTES_MAX for each in document.cabundle)
        and 0 < len(document.certificate) <= FIELD_BYTES_MAX
        and all(field is None or len(field) <= FIELD_BYTES_MAX for field in fields)
    )
    if not good:
        raise EvidenceMalformedError("a document has fields of other sizes than are allowed")
    return document


def verify_nitro(evidence: Evidence, *, now: Instant, roots: Roots) -> Claims:
    """The facts in a document. Its certificates live three hours: judge at the time it came."""
    payload, signature = read_envelope(evidence.report)
    document = read_document(payload)
    # 1. The certificate leads to the pinned root (section 3.2.3).
    #    Root first in the bundle, then downwards; the enclave's own certificate comes last.
    chain = [read_certificate(raw) for raw in (document.certificate, *document.cabundle[::-1])]
    verify_chain(chain, roots=roots.platforms("nitro"), now=now)
    key = load_key(chain[0].spki)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise EvidenceMalformedError("an enclave's key is not of the curve P-384")
    # 2. Its key signed the document (RFC 9052 section 4.4).
    signed = cbor2.dumps(["Signature1", _ES384, b"", payload])
    verify_raw_ecdsa(key, SHA384(), signature=signature, signed=signed)
    given = (document.user_data, document.nonce, document.public_key)
    return Claims(
        kind="nitro",
        platform="nitro",
        evidence=evidence.digest(),
        verified_at=now,
        report_data=tuple(field for field in given if field),
        measurements={f"pcr{index}": pcr for index, pcr in sorted(document.pcrs.items())},
        # An enclave in debug mode attests zeros for what it booted.
        is_debug=not any(any(document.pcrs[index]) for index in _BOOT_PCRS),
        device=document.module_id,
        levels={},
        details={"made_at_ms": str(document.timestamp)},
    )
