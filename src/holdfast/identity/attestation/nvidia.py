"""NVIDIA GPU attestation reports (Hopper): an SPDM 1.1 measurements exchange and a device's chain.

Promises: the leaf's key signed request and answer, its chain of five leads to NVIDIA's device root,
and the firmware that the report names is the one that the certificate was made for (DICE).
Source: DMTF DSP0274 1.1 section 10.11, TCG DICE Attestation Architecture section 6.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384

from holdfast.core import Instant
from holdfast.identity.attestation import der
from holdfast.identity.attestation.certificates import (
    Certificate,
    load_key,
    read_certificate,
    verify_chain,
    verify_raw_ecdsa,
)
from holdfast.identity.attestation.chains import chain_of
from holdfast.identity.attestation.claims import Claims, Evidence
from holdfast.identity.attestation.collateral import Collateral
from holdfast.identity.attestation.errors import EvidenceBindingError, EvidenceMalformedError
from holdfast.identity.attestation.roots import Roots

REPORT_BYTES_MAX = 8_192

_REQUEST = b"\x11\xe0"
_ANSWER = b"\x11\x60"
_REQUEST_SIZE = 37
_NONCE = slice(4, 36)
_SIGNATURE_SIZE = 96
_SLACK_MAX = 16  # drivers hand out a buffer that may be a few bytes longer than the report
_DICE_FWID = "2.23.133.5.4.1"
_SHA384_OID = "2.16.840.1.101.3.4.2.2"
_DMTF = 1
_DRIVER_VERSION, _VBIOS_VERSION, _FWID = 3, 6, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report, taken apart and not yet verified."""

    nonce: bytes
    measurements: Mapping[int, bytes]
    opaque: Mapping[int, bytes]
    signed: bytes
    signature: bytes


def read_report(data: bytes) -> Report:
    """GET_MEASUREMENTS and MEASUREMENTS, one behind the other."""
    if not _REQUEST_SIZE + 8 < len(data) <= REPORT_BYTES_MAX:
        raise EvidenceMalformedError("a report has not the size of one")
    answer = data[_REQUEST_SIZE:]
    if data[:2] != _REQUEST or answer[:2] != _ANSWER:
        raise EvidenceMalformedError("not an SPDM 1.1 measurements exchange")
    record_end = 8 + int.from_bytes(answer[5:8], "little")
    opaque_at = record_end + 34
    opaque_end = opaque_at + int.from_bytes(answer[record_end + 32 : opaque_at], "little")
    end = _REQUEST_SIZE + opaque_end
    if not end + _SIGNATURE_SIZE <= len(data) <= end + _SIGNATURE_SIZE + _SLACK_MAX:
        raise EvidenceMalformedError("a report's inner lengths do not add up to its size")
    return Report(
        nonce=data[_NONCE],
        measurements=_measurements(answer[8:record_end], count=answer[4]),
        opaque=_opaque(answer[opaque_at:opaque_end]),
        signed=data[:end],
        signature=data[end : end + _SIGNATURE_SIZE],
    )


def _measurements(record: bytes, count: int) -> dict[int, bytes]:
    """Blocks of table 44: index, specification, size, then DMTF's type, size and value."""
    found: dict[int, bytes] = {}
    at = 0
    for _ in range(count):
        index, specification = record[at : at + 1], record[at + 1 : at + 2]
        size = int.from_bytes(record[at + 2 : at + 4], "little")
        block = record[at + 4 : at + 4 + size]
        if len(block) != size or size < 3 or specification != bytes([_DMTF]):
            raise EvidenceMalformedError("a measurement is not in DMTF's form")
        if int.from_bytes(block[1:3], "little") != size - 3 or index[0] in found:
            raise EvidenceMalformedError("a measurement has another size, or stands twice")
        found[index[0]] = block[3:]
        at += 4 + size
    if at != len(record):
        raise EvidenceMalformedError("a report has bytes after its measurements")
    return found


def _opaque(data: bytes) -> dict[int, bytes]:
    """The vendor's fields: type, size, value."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        kind = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 2 : at + 4], "little")
        if at + 4 + size > len(data) or kind in found:
            raise EvidenceMalformedError("a report's opaque data do not add up")
        found[kind] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return found


def verify_nvidia(
    evidence: Evidence, *, now: Instant, roots: Roots, collateral: Collateral
) -> Claims:
    """The facts in a GPU's report whose device chain came with it."""
    report = read_report(evidence.report)
    # 1. The device's chain leads to NVIDIA's root.
    chain = chain_of([read_certificate(raw) for raw in evidence.certificates])
    platforms = roots.platforms("nvidia")
    understood = frozenset((_DICE_FWID,))
    verify_chain(chain, roots=platforms, now=now, lists=collateral.lists(), understood=understood)
    # 2. The certificate was made for the firmware that the report names.
    fwid = _firmware_identity(chain[0], chain[1])
    if report.opaque.get(_FWID) != fwid:
        raise EvidenceBindingError("the certificate is of other firmware than the report")
    # 3. Its key signed request and answer.
    key = load_key(chain[0].spki)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise EvidenceMalformedError("a GPU's key is not of the curve P-384")
    verify_raw_ecdsa(key, SHA384(), signature=report.signature, signed=report.signed)
    return Claims(
        kind="nvidia",
        platform=platforms[chain[-1].key_digest],
        evidence=evidence.digest(),
        verified_at=now,
        report_data=(report.nonce,),
        measurements={str(index): value for index, value in sorted(report.measurements.items())},
        is_debug=False,
        device=chain[1].key_digest,
        levels={},
        details={
            "driver_version": _text(report.opaque.get(_DRIVER_VERSION, b"")),
            "vbios_version": _vbios(report.opaque.get(_VBIOS_VERSION, b"")),
            "firmware": fwid.hex(),
        },
    )


def _firmware_identity(leaf: Certificate, above: Certificate) -> bytes:
    """The FWID in the leaf's CompositeDeviceID: version, the device's key, digest of the firmware."""
    coded = leaf.extensions.get(_DICE_FWID)
    if coded is None:
        raise EvidenceBindingError("a GPU's certificate names no firmware")
    try:
        _, device, firmware = der.children(der.whole(coded, der.SEQUENCE))
        algorithm, digest = der.children(firmware)
    except ValueError as error:
        raise EvidenceMalformedError("a GPU's certificate names its firmware otherwise") from error
    if der.oid(algorithm) != _SHA384_OID:
        raise EvidenceMalformedError("a firmware's digest is not SHA-384")
    if device.raw != above.spki:
        raise EvidenceBindingError("a GPU's certificate is of another device than its issuer")
    return der.expect(digest, der.OCTET_STRING).body


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode("ascii", "replace")


def _vbios(data: bytes) -> str:
    """As NVIDIA writes it: the upper four bytes and then the lower one, most significant first."""
    if len(data) != 8:
        return ""
    upper, lower = data[3::-1], data[4]
    return ".".join(f"{byte:02x}" for byte in (*upper, lower))
