"""Evidence is believed whole, of the right device and under a pinned root, or not at all."""

import evidence_maker as maker
import msgspec
import pytest
from evidence_maker import NOW
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity.attestation import (
    AttestationError,
    Binding,
    Claims,
    Collateral,
    Evidence,
    EvidenceBindingError,
    EvidenceChainError,
    EvidenceMalformedError,
    EvidenceSignatureError,
    pinned_roots,
    read_evidence,
    verify_evidence,
)
from holdfast.identity.attestation.certificates import read_certificate

MAKERS = {"tdx": maker.tdx, "snp": maker.snp, "nitro": maker.nitro, "nvidia": maker.nvidia}
YEAR = 365 * 86_400 * 1_000_000
# Where each report is covered by its signature, of the evidence made here.
SIGNED = {"tdx": (0, 632), "snp": (0, 0x2A0), "nvidia": (0, -96)}


def verified(evidence: Evidence, now: int = NOW) -> Claims:
    return verify_evidence(evidence, now=Instant(now), roots=maker.roots())


def flipped(evidence: Evidence, index: int, bit: int) -> Evidence:
    report = bytearray(evidence.report)
    report[index] ^= 1 << bit
    return msgspec.structs.replace(evidence, report=bytes(report))


@pytest.mark.parametrize("kind", MAKERS)
def test_whole_evidence_is_believed_and_tells_its_key_and_nonce(kind: str) -> None:
    claims = verified(MAKERS[kind]())
    assert claims.kind == kind
    assert not claims.is_debug
    assert claims.is_bound_to(maker.BINDING)
    assert not claims.is_bound_to(Binding(key=b"k" * 32, nonce=b"other nonce, of 32 bytes length!"))


@pytest.mark.parametrize("kind", SIGNED)
@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_what_is_signed_is_refused(kind: str, place: float, bit: int) -> None:
    evidence = MAKERS[kind]()
    begin, end = SIGNED[kind]
    end = end if end > 0 else len(evidence.report) + end
    with pytest.raises(AttestationError):
        verified(flipped(evidence, begin + int(place * (end - begin)), bit))


@settings(max_examples=100, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_an_enclaves_document_is_refused(place: float, bit: int) -> None:
    """All of it but the one byte of the unprotected header is signed, or is the signature."""
    evidence = maker.nitro()
    index = int(place * len(evidence.report))
    with pytest.raises(AttestationError):
        verified(flipped(evidence, index, bit))


@pytest.mark.parametrize("kind", ["snp", "nvidia"])
@settings(max_examples=60, deadline=None)
@given(which=st.integers(0, 2), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_certificate_is_refused(
    kind: str, which: int, place: float, bit: int
) -> None:
    evidence = MAKERS[kind]()
    certificates = [bytearray(each) for each in evidence.certificates]
    certificates[which][int(place * len(certificates[which]))] ^= 1 << bit
    forged = tuple(bytes(each) for each in certificates)
    with pytest.raises(AttestationError):
        verified(msgspec.structs.replace(evidence, certificates=forged))


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=60, deadline=None)
@given(keep=st.floats(0, 1, exclude_max=True))
def test_evidence_cut_short_is_refused(kind: str, keep: float) -> None:
    evidence = MAKERS[kind]()
    cut = evidence.report[: int(keep * len(evidence.report))]
    with pytest.raises(AttestationError):
        verified(msgspec.structs.replace(evidence, report=cut))


@pytest.mark.parametrize("kind", MAKERS)
@given(data=st.binary(max_size=2_000))
def test_bytes_that_are_no_evidence_are_refused_and_nothing_else_happens(
    kind: str, data: bytes
) -> None:
    with pytest.raises(AttestationError):
        verified(Evidence(kind=kind, report=data, certificates=(data,)))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_root_that_is_not_pinned_is_refused(kind: str) -> None:
    with pytest.raises(EvidenceChainError):
        verify_evidence(MAKERS[kind](), now=NOW, roots=pinned_roots())


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("years", [-1, 1])
def test_certificates_count_at_the_time_given_only(kind: str, years: int) -> None:
    with pytest.raises(EvidenceChainError):
        verified(MAKERS[kind](), now=NOW + years * YEAR)


def test_a_certificate_of_another_chip_level_or_product_is_refused() -> None:
    for wrong in (
        maker.snp(certificates=maker.snp_chain(chip=b"c" * 64)),
        maker.snp(certificates=maker.snp_chain(snp_level=9)),
        maker.snp(chip=b"\0" * 64),
        maker.snp(model=0x01),
        maker.nvidia(firmware=b"x" * 48),
        maker.tdx(vouched=b"another key"),
    ):
        with pytest.raises(EvidenceBindingError):
            verified(wrong)


def test_the_order_of_certificates_does_not_matter() -> None:
    evidence = maker.snp()
    turned = msgspec.structs.replace(evidence, certificates=evidence.certificates[::-1])
    assert verified(turned) == verified(evidence)


def test_a_chain_with_a_certificate_missing_is_refused() -> None:
    leaf, between, root = maker.snp_chain()
    for short in ((leaf, between), (leaf, root), (between, root), (leaf,), ()):
        with pytest.raises(AttestationError):
            verified(maker.snp(certificates=short))


def test_another_key_of_the_same_vendor_cannot_sign_for_a_device() -> None:
    other = maker.nvidia().report
    r, s = maker.raw_signature(maker.curve_key("device"), maker.SHA384(), other[:-96], 48)
    evidence = msgspec.structs.replace(maker.nvidia(), report=other[:-96] + r + s)
    with pytest.raises(EvidenceSignatureError):
        verified(evidence)


def test_an_enclaves_document_with_fields_of_other_sizes_is_refused() -> None:
    for fields in (
        {"digest": "SHA256"},
        {"timestamp": 0},
        {"module_id": ""},
        {"user_data": b"u" * 1025},
        {"pcrs": {0: b"p" * 47, 1: b"p" * 48, 2: b"p" * 48}},
        {"pcrs": {0: b"p" * 48}},
        {"cabundle": []},
        {"surprise": 1},
    ):
        with pytest.raises(EvidenceMalformedError):
            verified(maker.nitro(**fields))


def test_debug_mode_is_told() -> None:
    for evidence in (
        maker.tdx(attributes=1),
        maker.snp(policy=0x30000 | 1 << 19),
        maker.nitro(pcr0=b"\0" * 48),
    ):
        assert verified(evidence).is_debug


@given(st.sampled_from(sorted(MAKERS)), st.booleans())
@settings(max_examples=8, deadline=None)
def test_evidence_is_read_from_bytes_hexadecimal_and_base64_alike(kind: str, upper: bool) -> None:
    import base64

    raw = MAKERS[kind]().report
    hexadecimal = raw.hex().upper() if upper else raw.hex()
    for spelled in (raw, hexadecimal.encode() + b"\n", base64.encodebytes(raw)):
        assert read_evidence(kind, spelled).report == raw


def test_the_pinned_roots_are_those_of_the_four_vendors() -> None:
    assert sorted((root.kind, root.platform) for root in pinned_roots().roots) == [
        ("nitro", "nitro"),
        ("nvidia", "nvidia/Hopper"),
        ("snp", "snp/Genoa"),
        ("snp", "snp/Milan"),
        ("snp", "snp/Turin"),
        ("tdx", "tdx"),
    ]
    assert all(len(root.key_sha256) == 64 for root in pinned_roots().roots)


def revocation_list(signer: str, *serials: int) -> bytes:
    builder = (
        maker.x509.CertificateRevocationListBuilder()
        .issuer_name(maker.name("Device Identity"))
        .last_update(maker.BEGIN)
        .next_update(maker.END)
    )
    for serial in serials:
        revoked = maker.x509.RevokedCertificateBuilder().serial_number(serial)
        builder = builder.add_revoked_certificate(revoked.revocation_date(maker.BEGIN).build())
    made = builder.sign(maker.curve_key(signer), maker.SHA384())
    return made.public_bytes(maker.Encoding.DER)


def test_a_certificate_on_its_issuers_list_is_refused_and_a_forged_list_too() -> None:
    serial = read_certificate(maker.gpu_chain()[1]).serial

    def verify_with(given: bytes) -> Claims:
        collateral = Collateral(revocation_lists=(given,))
        return verify_evidence(maker.nvidia(), now=NOW, roots=maker.roots(), collateral=collateral)

    assert verify_with(revocation_list("nvidia")).platform == "nvidia/Hopper"
    assert verify_with(revocation_list("nvidia", serial + 1)).platform == "nvidia/Hopper"
    with pytest.raises(EvidenceChainError, match="revoked"):
        verify_with(revocation_list("nvidia", 5, serial))
    with pytest.raises(EvidenceSignatureError):
        verify_with(revocation_list("zone"))
