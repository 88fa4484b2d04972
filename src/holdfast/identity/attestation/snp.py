"""AMD SEV-SNP attestation reports, versions 2 to 5, signed by a chip's VCEK or a cloud's VLEK.

Promises: the certificate leads over ASK (or ASVK) to the ARK of a known product, is of exactly the
chip and firmware level in the report, and signed the report.
Source: AMD SEV-SNP Firmware ABI (56860) section 7.3, VCEK certificate specification (57230).
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

REPORT_SIZE = 1_184

_SIGNED_SIZE = 0x2A0
_HALF = 72  # R and S stand little-endian in 72 bytes each; P-384 needs 48
_DEBUG = 1 << 19
_MIGRATABLE = 1 << 18
_VCEK, _VLEK = 0, 1
_AMD = "1.3.6.1.4.1.3704.1."
_HARDWARE_ID = _AMD + "4"
_LEVEL_OIDS = {"boot_loader": "3.1", "tee": "3.2", "snp": "3.3", "microcode": "3.8", "fmc": "3.9"}
_MILAN_LEVELS = {"boot_loader": 0, "tee": 1, "snp": 6, "microcode": 7}
_TURIN_LEVELS = {"fmc": 0, "boot_loader": 1, "tee": 2, "snp": 3, "microcode": 7}
# CPUID family and model, which reports name from version 3 on (AMD 57230 table 1).
_MODELS = {
    "snp/Milan": (0x19, (range(0x10),)),
    "snp/Genoa": (0x19, (range(0x10, 0x20), range(0xA0, 0xB0))),
    "snp/Turin": (0x1A, (range(0x12),)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report, taken apart and not yet verified."""

    version: int
    policy: int
    vmpl: int
    algorithm: int
    signing_key: int
    is_chip_masked: bool
    report_data: bytes
    measurement: bytes
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    reported_level: bytes
    family: int
    model: int
    chip_id: bytes
    signed: bytes
    signature: bytes


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def read_report(data: bytes) -> Report:
    """A report of exactly 1184 bytes (table 23 of the firmware ABI)."""
    if len(data) != REPORT_SIZE:
        raise EvidenceMalformedError(f"a report has {REPORT_SIZE} bytes, this has {len(data)}")
    version, flags = _number(data, 0), _number(data, 72)
    if not 2 <= version <= 5:
        raise EvidenceMalformedError(f"reports of version {version} are not known")
    return Report(
        version=version,
        policy=int.from_bytes(data[8:16], "little"),
        vmpl=_number(data, 48),
        algorithm=_number(data, 52),
        signing_key=flags >> 2 & 0x7,
        is_chip_masked=bool(flags & 0x2),
        report_data=data[80:144],
        measurement=data[144:192],
        host_data=data[192:224],
        id_key_digest=data[224:272],
        author_key_digest=data[272:320],
        reported_level=data[384:392],
        family=data[392] if version >= 3 else 0,
        model=data[393] if version >= 3 else 0,
        chip_id=data[416:480],
        signed=data[:_SIGNED_SIZE],
        signature=data[_SIGNED_SIZE : _SIGNED_SIZE + 2 * _HALF],
    )


def levels(report: Report, platform: str) -> dict[str, int]:
    """The firmware's security levels that the report was made under, by component."""
    places = _TURIN_LEVELS if platform == "snp/Turin" else _MILAN_LEVELS
    return {name: report.reported_level[at] for name, at in places.items()}


def verify_snp(evidence: Evidence, *, now: Instant, roots: Roots, collateral: Collateral) -> Claims:
    """The facts in a report whose certificates came with it."""
    report = read_report(evidence.report)
    # 1. ARK -> ASK -> VCEK or VLEK, to a pinned product.
    chain = chain_of([read_certificate(raw) for raw in evidence.certificates])
    products = roots.platforms("snp")
    verify_chain(chain, roots=products, now=now, lists=collateral.lists(), understood=frozenset())
    platform = products[chain[-1].key_digest]
    # 2. The certificate is of this chip, product and firmware level.
    found = levels(report, platform)
    _check_product(report, platform)
    _check_levels(chain[0], found)
    _check_signer(report, chain[0])
    # 3. Its key signed the report.
    _check_signature(report, chain[0])
    return Claims(
        kind="snp",
        platform=platform,
        evidence=evidence.digest(),
        verified_at=now,
        report_data=(report.report_data,),
        measurements={
            "measurement": report.measurement,
            "host_data": report.host_data,
            "id_key_digest": report.id_key_digest,
            "author_key_digest": report.author_key_digest,
        },
        is_debug=bool(report.policy & _DEBUG),
        device=report.chip_id.hex(),
        vmpl=report.vmpl,
        levels=found,
        details={
            "report_version": str(report.version),
            "signed_by": "VLEK" if report.signing_key == _VLEK else "VCEK",
            "may_migrate": "yes" if report.policy & _MIGRATABLE else "no",
        },
    )


def _check_product(report: Report, platform: str) -> None:
    if report.version < 3:
        return
    family, models = _MODELS.get(platform, (report.family, (range(256),)))
    if report.family != family or not any(report.model in each for each in models):
        raise EvidenceBindingError(
            f"a report of CPU family {report.family:#x} model {report.model:#x} came with "
            f"certificates of {platform}"
        )


def _check_levels(leaf: Certificate, found: Mapping[str, int]) -> None:
    for name, level in found.items():
        coded = leaf.extensions.get(_AMD + _LEVEL_OIDS[name])
        if coded is None or der.integer(der.whole(coded, der.INTEGER)) != level:
            raise EvidenceBindingError(
                f"the certificate is of another level of {name} than the report ({level})",
                fix="fetch the certificate for the reported level",
            )


def _check_signer(report: Report, leaf: Certificate) -> None:
    name = leaf.common_name()
    if (report.signing_key, name) == (_VLEK, "SEV-VLEK"):
        return
    if (report.signing_key, name) != (_VCEK, "SEV-VCEK"):
        raise EvidenceBindingError(f"the report was not signed by a key of the kind {name!r}")
    hardware = leaf.extensions.get(_HARDWARE_ID, b"")
    # Turin's identifier has 8 bytes, and zeros fill the report's 64 (57230 section 3.1).
    if not hardware or report.is_chip_masked or report.chip_id != hardware.ljust(64, b"\0"):
        raise EvidenceBindingError("the certificate is of another chip than the report")


def _check_signature(report: Report, leaf: Certificate) -> None:
    key = load_key(leaf.spki)
    if report.algorithm != 1 or not isinstance(key, ec.EllipticCurvePublicKey):
        raise EvidenceMalformedError("a report is signed by another algorithm than ECDSA P-384")
    if not isinstance(key.curve, ec.SECP384R1):
        raise EvidenceMalformedError("a chip's key is not of the curve P-384")
    halves = report.signature[:_HALF][::-1] + report.signature[_HALF:][::-1]
    verify_raw_ecdsa(key, SHA384(), signature=halves, signed=report.signed)
