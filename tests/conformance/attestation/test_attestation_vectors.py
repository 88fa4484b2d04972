"""Recorded evidence of real machines, with the verdict that each piece must get."""

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.app import attestation
from holdfast.core import Instant
from holdfast.identity.attestation import (
    AppraisalPolicy,
    AttestationError,
    Claims,
    CollateralError,
    Evidence,
    EvidenceBindingError,
    EvidenceChainError,
    EvidenceLevelError,
    EvidenceMalformedError,
    EvidenceSignatureError,
    TdxStrictness,
    appraise_one,
    read_collateral,
    read_evidence,
    verify_evidence,
)
from holdfast.identity.attestation.certificates import read_certificate
from holdfast.identity.attestation.chains import split_certificates
from holdfast.identity.attestation.nitro import read_document, read_envelope
from holdfast.identity.attestation.snp import read_report
from holdfast.identity.attestation.tdx_verdict import judge

HERE = Path(__file__).parent
FOLDER = HERE / "vectors"
LISTED = dict(
    re.findall(
        r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|", (HERE / "SOURCES.md").read_text(), re.MULTILINE
    )
)


def read(path: str) -> bytes:
    data = (FOLDER / path).read_bytes()
    assert hashlib.sha256(data).hexdigest() == LISTED[path], f"{path} is not the one listed"
    return data


def at(text: str) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000)


class Case(NamedTuple):
    """A piece of evidence, what comes with it, when it is judged, and the verdict."""

    report: str
    when: str
    verdict: type[AttestationError] | str
    certificates: tuple[str, ...] = ()
    collateral: str | None = None

    @property
    def kind(self) -> str:
        return {"tdx": "tdx", "sev-snp": "snp", "nitro": "nitro", "nvidia-gpu": "nvidia"}[
            self.report.partition("/")[0]
        ]

    def evidence(self) -> Evidence:
        found = read_evidence(self.kind, read(self.report))
        certificates = tuple(
            each for path in self.certificates for each in split_certificates(read(path))
        )
        return msgspec.structs.replace(found, certificates=certificates)

    def verify(self, evidence: Evidence | None = None) -> Claims:
        given = None if self.collateral is None else read_collateral(read(self.collateral))
        return verify_evidence(evidence or self.evidence(), now=at(self.when), collateral=given)


def quote(name: str, when: str, verdict: object, collateral: str | None = None) -> Case:
    given = collateral and f"tdx/{collateral}_collateral.json"
    return Case(f"tdx/{name}", when, verdict, collateral=given)


def chip(name: str, when: str, verdict: object, leaf: str, issuers: str = "milan") -> Case:
    given = (f"sev-snp/{leaf}.der", f"sev-snp/amd_ask_ark_{issuers}.pem")
    return Case(f"sev-snp/{name}", when, verdict, certificates=given)


def gpu(name: str, verdict: object, chain: str) -> Case:
    given = (f"nvidia-gpu/trustee_hopper_{chain}.txt",)
    return Case(f"nvidia-gpu/trustee_{name}.txt", "2025-06-01", verdict, certificates=given)


PHALA, OUTDATED = "phala_tdx_quote", "phala_tdx_quote_outdated"
GOOGLE, SAMPLE = "google_tdx_prod_quote_SPR_E4", "google_quote_v5_sample"
CASES = [
    # Both opinions: signatures by us, the platform's level by the vendor's dated data.
    quote(f"{PHALA}.bin", "2025-06-20", "affirmed", PHALA),
    quote(f"{PHALA}.bin", "2026-11-20", CollateralError, PHALA),
    quote(f"{PHALA}.bin", "2025-06-18", CollateralError, PHALA),
    quote(f"{OUTDATED}.bin", "2026-02-20", EvidenceLevelError, OUTDATED),
    quote(f"{GOOGLE}.dat", "2023-06-20", EvidenceLevelError, GOOGLE),
    quote(f"{SAMPLE}.dat", "2026-02-02", CollateralError, SAMPLE),
    quote("phala_sgx_quote.bin", "2025-06-20", EvidenceMalformedError, "phala_sgx_quote"),
    quote(f"{PHALA}.bin", "2026-03-01", EvidenceLevelError, OUTDATED),
    # Signatures alone.
    quote(f"{PHALA}.bin", "2026-03-01", "level unknown"),
    quote(f"{OUTDATED}.bin", "2026-03-01", "level unknown"),
    quote(f"{GOOGLE}.dat", "2026-03-01", "level unknown"),
    quote(f"{SAMPLE}.dat", "2026-03-01", "level unknown"),
    quote("trustee_tdx_quote_4.dat", "2026-03-01", "debug"),
    quote("trustee_tdx_quote_5.dat", "2026-03-01", "level unknown"),
    quote("trustee_tdx_quote_6.dat", "2026-03-01", "level unknown"),
    quote("trustee_az_td-quote.bin", "2026-03-01", "level unknown"),
    # AMD: three Milan chips, one cloud's VLEK, one Genoa chip; and pairs that do not fit.
    chip("google_milan_attestation.bin", "2025-06-01", "debug", "google_milan_vcek"),
    chip("virtee_report_milan.hex", "2025-06-01", "affirmed", "virtee_vcek_milan"),
    chip("trustee_test-report.bin", "2025-06-01", "affirmed", "trustee_test-vcek"),
    chip("trustee_test-vlek-report.bin", "2025-06-01", "VMPL 1", "trustee_test-vlek", "milan_vlek"),
    chip(
        "trustee_test-vlek-report.bin",
        "2025-12-11",
        EvidenceChainError,
        "trustee_test-vlek",
        "milan_vlek",
    ),
    chip("trustee_az_genoa_report.bin", "2025-06-01", "affirmed", "trustee_az_genoa_vcek", "genoa"),
    chip(
        "trustee_test-report.bin", "2025-06-01", EvidenceChainError, "trustee_test-vcek-invalid-new"
    ),
    chip(
        "trustee_test-report.bin",
        "2025-06-01",
        EvidenceChainError,
        "trustee_test-vcek-invalid-legacy",
    ),
    chip("trustee_test-report.bin", "2025-06-01", EvidenceChainError, "trustee_test-vcek", "genoa"),
    chip("trustee_test-report.bin", "2025-06-01", EvidenceBindingError, "virtee_vcek_milan"),
    chip("trustee_test-report.bin", "2025-06-01", EvidenceBindingError, "google_milan_vcek"),
    # AWS: one enclave as it runs, three in debug mode, one broken, one too late.
    Case("nitro/evervault_valid.cbor", "2022-10-13T09:00", "affirmed"),
    Case("nitro/evervault_valid.cbor", "2022-10-14", EvidenceChainError),
    Case("nitro/evervault_debug_mode.cbor", "2022-10-12T14:00", "debug"),
    Case("nitro/evervault_valid_ga.b64", "2023-09-18T15:10", "debug"),
    Case("nitro/eternis_example.b64", "2024-09-09T20:00", "debug"),
    Case("nitro/eternis_invalid.b64", "2024-07-23T22:00", EvidenceSignatureError),
    # NVIDIA: two H100, the second with one byte too many at the end; and each other's chain.
    gpu("hopperAttestationReport", "affirmed", "cert_chain_case1"),
    gpu("hopper_coco_report1", "affirmed", "coco_certs1"),
    gpu("hopperAttestationReport", EvidenceBindingError, "coco_certs1"),
    gpu("hopper_coco_report1", EvidenceBindingError, "cert_chain_case1"),
]
BELIEVED = [case for case in CASES if isinstance(case.verdict, str)]


def shown(case: Case) -> str:
    name = Path(case.report).name
    return f"{name}-{case.when}-{'-'.join(Path(path).stem for path in case.certificates)}"


@pytest.mark.parametrize("case", CASES, ids=shown)
def test_every_recorded_piece_gets_its_verdict(case: Case) -> None:
    if not isinstance(case.verdict, str):
        with pytest.raises(case.verdict):
            case.verify()
        return
    claims = case.verify()
    assert claims.is_debug == (case.verdict == "debug")
    assert claims.vmpl in ({1} if case.verdict == "VMPL 1" else {None, 0})
    if case.kind == "tdx":
        known = case.collateral is not None
        assert claims.level_status == ("UpToDate" if known else "unknown")
        assert claims.collateral == ("fresh" if known else "missing")
    assert claims.advisories == ()


@pytest.mark.parametrize("case", BELIEVED, ids=shown)
def test_a_policy_refuses_debug_mode_and_lower_privilege(case: Case) -> None:
    found = appraise_one(
        case.evidence(), AppraisalPolicy(), now=at(case.when), tier=1, binding=None
    )
    refused = case.verdict in {"debug", "VMPL 1"}
    assert (found.status == "contraindicated") == refused
    assert found.status != "affirming", "nobody's key, and no measurement that the policy knows"


def test_a_platform_that_needs_hardening_is_refused_by_the_strict_verdict() -> None:
    collateral = read_collateral(read("tdx/phala_sgx_quote_collateral.json")).tdx
    assert collateral is not None
    with pytest.raises(EvidenceLevelError, match="ConfigurationAndSWHardeningNeeded"):
        judge(
            read("tdx/phala_sgx_quote.bin"),
            collateral,
            now=at("2025-06-20"),
            strictness=TdxStrictness(),
            accept_stale=False,
        )


def test_expired_collateral_degrades_a_good_platform_to_a_warning() -> None:
    case = CASES[0]
    found = appraise_one(
        case.evidence(),
        AppraisalPolicy(),
        now=at("2026-11-20"),
        tier=1,
        binding=None,
        collateral=read_collateral(read(case.collateral or "")),
    )
    assert (found.status, found.vector.hardware) == ("warning", 32)
    assert "attestation.collateral-stale" in {reason.code for reason in found.reasons}


def test_milan_is_contraindicated_above_tier_1_from_the_day_of_its_rule() -> None:
    case = next(case for case in BELIEVED if "virtee" in case.report)
    for tier, day, status in (
        (1, "2026-11-20", "warning"),
        (2, "2026-11-20", "contraindicated"),
        (2, "2026-04-30", "warning"),
    ):
        found = appraise_one(
            case.evidence(), AppraisalPolicy(), now=at(day), tier=tier, binding=None
        )
        assert (tier, day, found.status) == (tier, day, status)


def signed_region(case: Case, report: bytes) -> tuple[int, int]:
    """From where to where the report is signed."""
    if case.kind == "snp":
        return 0, 0x2A0
    if case.kind == "nvidia":
        return 0, 37 + 3528 + 34 + int.from_bytes(report[37 + 3528 + 32 : 37 + 3528 + 34], "little")
    if case.kind == "nitro":
        payload, _ = read_envelope(report)
        begin = report.index(payload)
        return begin, begin + len(payload)
    return 0, 632 if report[0] == 4 else 54 + int.from_bytes(report[50:54], "little")


@pytest.mark.parametrize("case", BELIEVED, ids=shown)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_what_a_real_machine_signed_is_refused(
    case: Case, place: float, bit: int
) -> None:
    evidence = case.evidence()
    report = bytearray(evidence.report)
    begin, end = signed_region(case, evidence.report)
    report[begin + int(place * (end - begin))] ^= 1 << bit
    with pytest.raises(AttestationError):
        case.verify(msgspec.structs.replace(evidence, report=bytes(report)))


def test_reports_of_later_versions_and_certificates_of_later_chips_are_read() -> None:
    third = read_report(read("sev-snp/pysnputils_reportV3.bin"))
    fifth = read_report(read("sev-snp/pysnputils_reportV5.bin"))
    turin = read_certificate(read("sev-snp/virtee_vcek_turin.der"))
    assert (third.version, fifth.version) == (3, 5)
    assert third.family == fifth.family == 0x19
    assert len(turin.extensions["1.3.6.1.4.1.3704.1.4"]) == 8
    assert turin.extensions["1.3.6.1.4.1.3704.1.3.9"] == b"\x02\x01\x00"
    assert turin.serial == 0


def test_measurements_are_those_that_the_owners_published() -> None:
    published = msgspec.json.decode(read("nitro/evervault_spec_ga.json"))["pcrs"]
    claims = next(case for case in BELIEVED if "valid_ga" in case.report).verify()
    assert {name: claims.measurements[name].hex() for name in published} == published

    said = msgspec.json.decode(read("nvidia-gpu/trustee_hopperAttestationReport-claims.txt"))
    claims = next(case for case in BELIEVED if "hopperAtt" in case.report).verify()
    assert {name: value.hex() for name, value in claims.measurements.items()} == said[
        "measurements"
    ]
    assert claims.details == {
        "driver_version": said["config"]["driver_version"],
        "vbios_version": said["config"]["vbios_version"],
        "firmware": said["config"]["fwid"],
    }


def test_documents_are_read_to_the_last_field() -> None:
    payload, _ = read_envelope(read("nitro/evervault_valid.cbor"))
    document = read_document(payload)
    assert document.module_id == "i-020b6af9246d90e92-enc0183d09086c24190"
    assert len(document.pcrs) == 16


def test_the_command_judges_a_file_and_its_certificates(tmp_path: Path) -> None:
    chain = tmp_path / "chain.der"
    issuers = split_certificates(read("sev-snp/amd_ask_ark_genoa.pem"))
    chain.write_bytes(read("sev-snp/trustee_az_genoa_vcek.der") + b"".join(issuers))
    found = attestation.verify(
        FOLDER / "sev-snp/trustee_az_genoa_report.bin",
        "snp",
        at="2025-06-01T00:00:00Z",
        certificates=chain,
    )
    assert (found.platform, found.appraisal.status) == ("snp/Genoa", "warning")
    assert "snp/Genoa: verified at 2025-06-01" in attestation.judged_text(found)
