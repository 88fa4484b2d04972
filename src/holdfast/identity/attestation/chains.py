"""Certificates as they come: out of PEM or DER, in any order, put into a chain by their names."""

import binascii
import re
from collections.abc import Sequence

from holdfast.identity.attestation import der
from holdfast.identity.attestation.certificates import (
    CERTIFICATES_MAX,
    Certificate,
    read_certificate,
)
from holdfast.identity.attestation.errors import EvidenceChainError, EvidenceMalformedError

PEM_BYTES_MAX = 65_536

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")


def split_certificates(data: bytes) -> tuple[bytes, ...]:
    """The DER of every certificate in PEM text, or in DER one behind the other."""
    if len(data) > PEM_BYTES_MAX:
        raise EvidenceMalformedError(f"certificates have more than {PEM_BYTES_MAX} bytes")
    try:
        found = [binascii.a2b_base64(match, strict_mode=False) for match in _PEM.findall(data)]
    except binascii.Error as error:
        raise EvidenceMalformedError("a certificate in PEM is not base64") from error
    if not found and data[:1] == b"\x30":
        found = [each.raw for each in der.children(der.Element(der.SEQUENCE, data, data))]
    if not 1 <= len(found) <= CERTIFICATES_MAX:
        raise EvidenceMalformedError(f"there are {len(found)} certificates, not 1 to 8")
    return tuple(found)


def certificates_in(data: bytes) -> tuple[Certificate, ...]:
    """The certificates in PEM or DER, in the order given."""
    return tuple(read_certificate(raw) for raw in split_certificates(data))


def chain_of(certificates: Sequence[Certificate]) -> list[Certificate]:
    """From the one certificate that issued no other, issuer by issuer, to one that issued itself."""
    if not certificates:
        raise EvidenceChainError(
            "no certificates came with the evidence",
            fix="give the device's certificate and those above it, up to the vendor's root",
        )
    issuers = {each.issuer for each in certificates if each.issuer != each.subject}
    leaves = [each for each in certificates if each.subject not in issuers]
    leaves = [each for each in leaves if each.issuer != each.subject]
    if len(leaves) != 1:
        raise EvidenceChainError(
            f"{len(leaves)} certificates issued no other, and exactly one can be the device's",
            fix="give one chain: the device's certificate, those between, the vendor's root",
        )
    chain = [leaves[0]]
    while chain[-1].issuer != chain[-1].subject:
        above = [each for each in certificates if each.subject == chain[-1].issuer]
        if len(above) != 1 or len(chain) > len(certificates):
            raise EvidenceChainError(
                "a certificate's issuer is not among those given",
                fix="give the whole chain up to the vendor's root",
            )
        chain.append(above[0])
    return chain
