"""Intel TDX quotes, versions 4 and 5: two opinions that must both be good.

Promises: the signature path (chain to Intel's root, quoting enclave's report, attestation key,
quote) is verified by this module; the vendor's verdict on the platform (revocation lists, TCB info,
QE identity) is ``dcap-qvl``'s under a strict policy, which refuses what it only reports by default.
Source: Intel TDX DCAP Quoting Library API, appendix A.3 and A.4.
"""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from holdfast.core import Instant
from holdfast.identity.attestation.certificates import (
    Certificate,
    load_key,
    verify_chain,
    verify_raw_ecdsa,
)
from holdfast.identity.attestation.chains import certificates_in
from holdfast.identity.attestation.claims import Claims, Evidence
from holdfast.identity.attestation.collateral import Collateral
from holdfast.identity.attestation.errors import EvidenceBindingError, EvidenceMalformedError
from holdfast.identity.attestation.roots import Roots
from holdfast.identity.attestation.tdx_verdict import TdxStrictness, Verdict, judge

QUOTE_BYTES_MAX = 16_384

_HEADER_SIZE = 48
_TDX = 0x81
_ECDSA_P256 = 2
_BODIES = {2: 584, 3: 648}  # TD report 1.0 and 1.5
_QE_REPORT_SIZE = 384
_REPORT_DATA = slice(520, 584)
_ATTRIBUTES = 120
_MEASURED = {
    "mr_seam": 16,
    "mr_td": 136,
    "mr_config_id": 184,
    "mr_owner": 232,
    "mr_owner_config": 280,
    "rt_mr0": 328,
    "rt_mr1": 376,
    "rt_mr2": 424,
    "rt_mr3": 472,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote, taken apart and not yet verified."""

    version: int
    signed: bytes
    report: bytes
    signature: bytes
    attestation_key: bytes
    qe_report: bytes
    qe_signature: bytes
    qe_data: bytes
    chain: tuple[Certificate, ...]


class _Cursor:
    """Takes parts off the front; never more than there is."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def take(self, size: int) -> bytes:
        part = self._data[self.offset : self.offset + size]
        if len(part) != size:
            raise EvidenceMalformedError("a TDX quote ends too early")
        self.offset += size
        return part

    def rest(self) -> bytes:
        return self._data[self.offset :]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")


def read_quote(data: bytes) -> Quote:
    """A TDX quote; every length inside it is checked against the one around it."""
    if len(data) > QUOTE_BYTES_MAX:
        raise EvidenceMalformedError(f"a quote has more than {QUOTE_BYTES_MAX} bytes")
    cursor = _Cursor(data)
    header = cursor.take(_HEADER_SIZE)
    version = int.from_bytes(header[:2], "little")
    if version not in {4, 5} or int.from_bytes(header[2:4], "little") != _ECDSA_P256:
        raise EvidenceMalformedError("not a TDX quote of version 4 or 5 with an ECDSA key")
    if int.from_bytes(header[4:8], "little") != _TDX:
        raise EvidenceMalformedError("a quote is of another kind of enclave than TDX")
    kind, size = (2, _BODIES[2]) if version == 4 else (cursor.number(2), cursor.number(4))
    if _BODIES.get(kind) != size:
        raise EvidenceMalformedError("a quote has a body of a type or size that is not known")
    report = cursor.take(size)
    signed = data[: cursor.offset]
    outer = _Cursor(cursor.take(cursor.number(4)))
    signature, key = outer.take(64), outer.take(64)
    inner = _certification(outer, 6)
    qe_report, qe_signature = inner.take(_QE_REPORT_SIZE), inner.take(64)
    qe_data = inner.take(inner.number(2))
    pem = _certification(inner, 5)
    return Quote(
        version=version,
        signed=signed,
        report=report,
        signature=signature,
        attestation_key=key,
        qe_report=qe_report,
        qe_signature=qe_signature,
        qe_data=qe_data,
        chain=certificates_in(pem.rest()),
    )


def _certification(cursor: _Cursor, kind: int) -> _Cursor:
    """Certification data of the one type that the quoting library writes at this place."""
    if cursor.number(2) != kind:
        raise EvidenceMalformedError(f"a quote has certification data of another type than {kind}")
    return _Cursor(cursor.take(cursor.number(4)))


def verify_signatures(quote: Quote, *, now: Instant, roots: Roots) -> None:
    """The second opinion: everything that is signed inside the quote, up to Intel's root."""
    # 1. The chain of the platform's certification key leads to the pinned root.
    verify_chain(quote.chain, roots=roots.platforms("tdx"), now=now)
    leaf = load_key(quote.chain[0].spki)
    if not isinstance(leaf, ec.EllipticCurvePublicKey):
        raise EvidenceMalformedError("a platform's certification key is not of a curve")
    # 2. That key signed the quoting enclave's report.
    verify_raw_ecdsa(leaf, SHA256(), signature=quote.qe_signature, signed=quote.qe_report)
    # 3. The quoting enclave vouches for the attestation key in its report data.
    vouched = sha256(quote.attestation_key + quote.qe_data).digest()
    if quote.qe_report[320:384] != vouched.ljust(64, b"\0"):
        raise EvidenceBindingError("the quoting enclave vouches for another attestation key")
    # 4. The attestation key signed header and report.
    try:
        point = b"\x04" + quote.attestation_key
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise EvidenceMalformedError("the attestation key is no point of P-256") from error
    verify_raw_ecdsa(key, SHA256(), signature=quote.signature, signed=quote.signed)


def verify_tdx(
    evidence: Evidence,
    *,
    now: Instant,
    roots: Roots,
    collateral: Collateral,
    strictness: TdxStrictness,
    accept_stale: bool = False,
) -> Claims:
    """The facts in a TDX quote. Without Intel's collateral the firmware's level stays unknown."""
    quote = read_quote(evidence.report)
    verify_signatures(quote, now=now, roots=roots)
    verdict = Verdict(status="unknown", collateral="missing")
    if collateral.tdx is not None:
        verdict = judge(
            evidence.report,
            collateral.tdx,
            now=now,
            strictness=strictness,
            accept_stale=accept_stale,
        )
    report = quote.report
    return Claims(
        kind="tdx",
        platform="tdx",
        evidence=evidence.digest(),
        verified_at=now,
        report_data=(report[_REPORT_DATA],),
        measurements={name: report[at : at + 48] for name, at in _MEASURED.items()},
        # Byte 0 of the TD's attributes is TUD: any bit of it makes the TD untrusted.
        is_debug=report[_ATTRIBUTES] != 0,
        device=sha256(quote.chain[0].spki).hexdigest(),
        levels={f"tee_tcb_svn_{index}": report[index] for index in range(3)},
        level_status=verdict.status,
        advisories=verdict.advisories,
        collateral=verdict.collateral,
        details={
            "quote_version": str(quote.version),
            "report": "1.5" if len(report) > 584 else "1.0",
        },
    )
