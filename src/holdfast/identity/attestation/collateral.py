"""Collateral: the vendors' dated data that evidence is judged with. Given, never fetched here."""

from datetime import datetime

import msgspec

from holdfast.core import Instant, rfc3339
from holdfast.identity.attestation.certificates import RevocationList, read_revocation_list
from holdfast.identity.attestation.errors import CollateralError, EvidenceMalformedError

COLLATERAL_BYTES_MAX = 262_144
REVOCATION_LISTS_MAX = 16

_MICROSECONDS = 1_000_000


class TdxCollateral(msgspec.Struct, frozen=True, kw_only=True):
    """What Intel's Provisioning Certification Service gives for one platform: texts, signatures
    and lists in hexadecimal, under the names that DCAP libraries use."""

    pck_crl_issuer_chain: str
    root_ca_crl: str
    pck_crl: str
    tcb_info_issuer_chain: str
    tcb_info: str
    tcb_info_signature: str
    qe_identity_issuer_chain: str
    qe_identity: str
    qe_identity_signature: str


class Collateral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Dated data of all vendors: Intel's, and revocation lists in DER of any of them."""

    tdx: TdxCollateral | None = None
    revocation_lists: tuple[bytes, ...] = ()

    def lists(self) -> list[RevocationList]:
        """The revocation lists, read."""
        if len(self.revocation_lists) > REVOCATION_LISTS_MAX:
            raise EvidenceMalformedError(
                f"there are more than {REVOCATION_LISTS_MAX} revocation lists"
            )
        return [read_revocation_list(raw) for raw in self.revocation_lists]


class _Dated(msgspec.Struct, frozen=True, rename="camel"):
    issue_date: datetime
    next_update: datetime


def read_collateral(data: bytes) -> Collateral:
    """From JSON: our own form, or one platform's Intel collateral in the form of DCAP libraries."""
    if len(data) > COLLATERAL_BYTES_MAX:
        raise EvidenceMalformedError(f"collateral has more than {COLLATERAL_BYTES_MAX} bytes")
    try:
        return msgspec.json.decode(data, type=Collateral)
    except msgspec.DecodeError:
        pass
    try:
        return Collateral(tdx=msgspec.json.decode(data, type=TdxCollateral))
    except msgspec.DecodeError as error:
        raise EvidenceMalformedError(
            f"the collateral is not of a known form: {error}",
            fix="give the JSON that a DCAP library or Intel's service gave",
        ) from error


def validity(tdx: TdxCollateral) -> tuple[Instant, Instant]:
    """From when and until when all parts of Intel's collateral are valid together."""
    try:
        lists = [read_revocation_list(bytes.fromhex(raw)) for raw in (tdx.pck_crl, tdx.root_ca_crl)]
        dated = [msgspec.json.decode(text, type=_Dated) for text in (tdx.tcb_info, tdx.qe_identity)]
    except ValueError as error:
        raise EvidenceMalformedError("a part of the collateral cannot be read") from error
    begins = max(
        *(each.this_update for each in lists), *(_instant(each.issue_date) for each in dated)
    )
    ends = min(
        *(each.next_update for each in lists), *(_instant(each.next_update) for each in dated)
    )
    if begins > ends:
        raise CollateralError(
            f"the parts of the collateral are never valid together: one is of "
            f"{rfc3339(begins)[:10]}, another ended on {rfc3339(ends)[:10]}",
            fix="fetch all parts at the same time",
        )
    return begins, ends


def _instant(moment: datetime) -> Instant:
    if moment.tzinfo is None:
        raise EvidenceMalformedError("a date in the collateral has no time zone")
    return Instant(int(moment.timestamp()) * _MICROSECONDS)
