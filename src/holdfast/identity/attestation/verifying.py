"""One door to the four verifiers."""

import binascii
import re
from base64 import b64decode

from holdfast.core import Instant
from holdfast.identity.attestation.chains import split_certificates
from holdfast.identity.attestation.claims import EVIDENCE_BYTES_MAX, Claims, Evidence, EvidenceKind
from holdfast.identity.attestation.collateral import Collateral
from holdfast.identity.attestation.errors import EvidenceMalformedError
from holdfast.identity.attestation.nitro import verify_nitro
from holdfast.identity.attestation.nvidia import verify_nvidia
from holdfast.identity.attestation.roots import Roots, pinned_roots
from holdfast.identity.attestation.snp import verify_snp
from holdfast.identity.attestation.tdx import verify_tdx
from holdfast.identity.attestation.tdx_verdict import TdxStrictness

_HEX = re.compile(rb"[0-9A-Fa-f\s]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]+")
_TEXT_BYTES_MAX = 2 * EVIDENCE_BYTES_MAX + 1_024


def read_evidence(kind: EvidenceKind, data: bytes, *, certificates: bytes = b"") -> Evidence:
    """Evidence from a file: the bytes themselves, or those bytes in hexadecimal or base64."""
    if len(data) > _TEXT_BYTES_MAX:
        raise EvidenceMalformedError(f"evidence has more than {EVIDENCE_BYTES_MAX} bytes")
    try:
        if _HEX.fullmatch(data):
            data = bytes.fromhex(data.decode())
        elif _BASE64.fullmatch(data):
            data = b64decode(b"".join(data.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise EvidenceMalformedError("evidence is neither whole hexadecimal nor base64") from error
    if not 0 < len(data) <= EVIDENCE_BYTES_MAX:
        raise EvidenceMalformedError(f"evidence has 0 or more than {EVIDENCE_BYTES_MAX} bytes")
    given = split_certificates(certificates) if certificates else ()
    return Evidence(kind=kind, report=data, certificates=given)


def verify_evidence(
    evidence: Evidence,
    *,
    now: Instant,
    collateral: Collateral | None = None,
    roots: Roots | None = None,
    strictness: TdxStrictness | None = None,
    accept_stale: bool = False,
) -> Claims:
    """The facts in ``evidence`` at ``now``; an ``AttestationError`` when it is not to be believed.

    Signature, chain, binding to the device, and the vendor's level where collateral tells it.
    Nonce, measurements, debug mode and floors are the appraisal's.
    """
    known = roots or pinned_roots()
    given = collateral or Collateral()
    match evidence.kind:
        case "tdx":
            return verify_tdx(
                evidence,
                now=now,
                roots=known,
                collateral=given,
                strictness=strictness or TdxStrictness(),
                accept_stale=accept_stale,
            )
        case "snp":
            return verify_snp(evidence, now=now, roots=known, collateral=given)
        case "nitro":
            return verify_nitro(evidence, now=now, roots=known)
        case "nvidia":
            return verify_nvidia(evidence, now=now, roots=known, collateral=given)
