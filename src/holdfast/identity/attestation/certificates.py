"""Certificates and revocation lists of the vendors of hardware, read and verified by hand.

Promises: a chain that passes leads, certificate by certificate, to a pinned root, was valid at the
time given, and stands on no revoked certificate of a list that came with it. Only the algorithms
that the vendors use are known: ECDSA on NIST curves and RSA-PSS with SHA-384.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from holdfast.core import Instant, rfc3339
from holdfast.identity.attestation import der
from holdfast.identity.attestation.errors import (
    EvidenceChainError,
    EvidenceMalformedError,
    EvidenceSignatureError,
)

CERTIFICATES_MAX = 8
CERTIFICATE_BYTES_MAX = 8_192
CRL_BYTES_MAX = 65_536

BASIC_CONSTRAINTS, KEY_USAGE = "2.5.29.19", "2.5.29.15"
_UNDERSTOOD = frozenset((BASIC_CONSTRAINTS, KEY_USAGE, "2.5.29.14", "2.5.29.35"))
_KEY_CERT_SIGN = 0x04
_RSA_BITS_MIN = 3_072
_RSA_BITS_MAX = 8_192

_ECDSA_SHA256, _ECDSA_SHA384 = "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3"
_RSA_PSS = "1.2.840.113549.1.1.10"
_SHA384_OID, _MGF1 = "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.8"
_ECDSA: Mapping[str, HashAlgorithm] = {_ECDSA_SHA256: SHA256(), _ECDSA_SHA384: SHA384()}
_SALT_BYTES = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """An X.509 certificate, taken apart and not yet verified."""

    serial: int
    issuer: bytes
    subject: bytes
    not_before: Instant
    not_after: Instant
    spki: bytes
    extensions: Mapping[str, bytes]
    critical: frozenset[str]
    tbs: bytes
    algorithm: der.Element
    signature: bytes
    raw: bytes

    @property
    def key_digest(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, hexadecimal: what roots are pinned by."""
        return sha256(self.spki).hexdigest()

    def common_name(self) -> str:
        """The subject's common name, or nothing."""
        for part in der.children(der.whole(self.subject, der.SEQUENCE)):
            for pair in der.children(der.expect(part, der.SET)):
                name, value = der.children(pair)
                if der.oid(name) == "2.5.4.3":
                    return value.body.decode("utf-8", "replace")
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationList:
    """A certificate revocation list (RFC 5280 section 5), not yet verified."""

    issuer: bytes
    this_update: Instant
    next_update: Instant
    revoked: frozenset[int]
    tbs: bytes
    algorithm: der.Element
    signature: bytes


def read_certificate(raw: bytes) -> Certificate:
    """A certificate from DER (RFC 5280 section 4.1)."""
    if len(raw) > CERTIFICATE_BYTES_MAX:
        raise EvidenceMalformedError(f"a certificate has more than {CERTIFICATE_BYTES_MAX} bytes")
    try:
        tbs, algorithm, signature = der.children(der.whole(raw, der.SEQUENCE))
        version, serial, inner, issuer, validity, subject, spki, *rest = der.children(tbs)
        not_before, not_after = der.children(der.expect(validity, der.SEQUENCE))
    except ValueError as error:
        raise EvidenceMalformedError("a certificate has parts missing or too many") from error
    if version.raw != b"\xa0\x03\x02\x01\x02" or inner.raw != algorithm.raw:
        raise EvidenceMalformedError("a certificate is not version 3, or names two algorithms")
    extensions, critical = _extensions(rest)
    return Certificate(
        serial=der.integer(serial),
        issuer=issuer.raw,
        subject=subject.raw,
        not_before=der.time(not_before),
        not_after=der.time(not_after),
        spki=spki.raw,
        extensions=extensions,
        critical=critical,
        tbs=tbs.raw,
        algorithm=algorithm,
        signature=der.bits(signature),
        raw=raw,
    )


def _extensions(rest: Sequence[der.Element]) -> tuple[dict[str, bytes], frozenset[str]]:
    found: dict[str, bytes] = {}
    critical: set[str] = set()
    if len(rest) > 1 or (rest and rest[0].tag != 0xA3):
        raise EvidenceMalformedError("a certificate has something other than extensions at its end")
    for wrapper in rest:
        for extension in der.children(der.whole(wrapper.body, der.SEQUENCE)):
            name, *flag, value = der.children(extension)
            key = der.oid(name)
            if key in found or len(flag) > 1:
                raise EvidenceMalformedError("a certificate has an extension twice")
            found[key] = der.expect(value, der.OCTET_STRING).body
            if flag and der.expect(flag[0], der.BOOLEAN).body == b"\xff":
                critical.add(key)
    return found, frozenset(critical)


def read_revocation_list(raw: bytes) -> RevocationList:
    """A revocation list from DER."""
    if len(raw) > CRL_BYTES_MAX:
        raise EvidenceMalformedError(f"a revocation list has more than {CRL_BYTES_MAX} bytes")
    try:
        tbs, algorithm, signature = der.children(der.whole(raw, der.SEQUENCE))
        _, inner, issuer, this_update, next_update, *rest = der.children(tbs)
    except ValueError as error:
        raise EvidenceMalformedError("a revocation list has parts missing") from error
    if inner.raw != algorithm.raw:
        raise EvidenceMalformedError("a revocation list names two algorithms")
    entries = der.children(rest[0]) if rest and rest[0].tag == der.SEQUENCE else []
    return RevocationList(
        issuer=issuer.raw,
        this_update=der.time(this_update),
        next_update=der.time(next_update),
        revoked=frozenset(der.integer(der.children(entry)[0]) for entry in entries),
        tbs=tbs.raw,
        algorithm=algorithm,
        signature=der.bits(signature),
    )


def verify_chain(
    chain: Sequence[Certificate],
    *,
    roots: Iterable[str],
    now: Instant,
    lists: Sequence[RevocationList] = (),
    understood: frozenset[str] = frozenset(),
) -> None:
    """That ``chain``, leaf first, leads to one of ``roots`` (key digests) and is valid at ``now``.

    RFC 5280 section 6.1 for a chain in which every certificate is given: validity, names,
    signatures, who may issue, no unknown critical extension, no revoked certificate.
    """
    if not 2 <= len(chain) <= CERTIFICATES_MAX:
        raise EvidenceChainError(f"a chain has {len(chain)} certificates")
    root = chain[-1]
    if root.key_digest not in frozenset(roots):
        raise EvidenceChainError(
            "a chain does not end at a pinned vendor root",
            fix="give the whole chain up to the vendor's root, leaf first",
        )
    for certificate in chain:
        _check_time(certificate, now)
        if certificate.critical - _UNDERSTOOD - understood:
            raise EvidenceChainError("a certificate has a critical extension that is not known")
    between = len(chain) - 2
    for index, (certificate, issuer) in enumerate(pairwise((*chain, root))):
        _check_issued(certificate, issuer, min(index, between))
        _check_not_revoked(certificate, issuer, lists)


def _check_time(certificate: Certificate, now: Instant) -> None:
    if not certificate.not_before <= now <= certificate.not_after:
        raise EvidenceChainError(
            f"the certificate of {certificate.common_name()!r} is valid from "
            f"{rfc3339(certificate.not_before)[:10]} to {rfc3339(certificate.not_after)[:10]}, "
            f"not at {rfc3339(now)[:10]}"
        )


def _check_issued(certificate: Certificate, issuer: Certificate, below: int) -> None:
    if certificate.issuer != issuer.subject:
        raise EvidenceChainError("a certificate was issued by another than the next in its chain")
    _check_may_issue(issuer, below)
    try:
        verify_signature(
            issuer.spki,
            certificate.algorithm,
            signature=certificate.signature,
            signed=certificate.tbs,
        )
    except EvidenceSignatureError as error:
        raise EvidenceChainError(
            f"the certificate of {certificate.common_name()!r} is not signed by its issuer's key"
        ) from error


def _check_may_issue(issuer: Certificate, below: int) -> None:
    """RFC 5280 section 6.1.4 (k) to (n): a CA, allowed to sign certificates, not too far up."""
    constraints = issuer.extensions.get(BASIC_CONSTRAINTS)
    parts = der.children(der.whole(constraints, der.SEQUENCE)) if constraints else []
    if not parts or parts[0].raw != b"\x01\x01\xff":
        raise EvidenceChainError("a certificate in the chain is not one that may issue others")
    if len(parts) > 1 and der.integer(parts[1]) < below:
        raise EvidenceChainError("a chain is longer than one of its certificates allows")
    usage = issuer.extensions.get(KEY_USAGE)
    if usage is not None and not der.whole(usage, der.BIT_STRING).body[1] & _KEY_CERT_SIGN:
        raise EvidenceChainError("a key in the chain is not for signing certificates")


def _check_not_revoked(
    certificate: Certificate, issuer: Certificate, lists: Sequence[RevocationList]
) -> None:
    for listed in lists:
        if listed.issuer != issuer.subject:
            continue
        verify_signature(
            issuer.spki, listed.algorithm, signature=listed.signature, signed=listed.tbs
        )
        if certificate.serial in listed.revoked:
            raise EvidenceChainError(
                f"the certificate of {certificate.common_name()!r} was revoked by its issuer"
            )


def verify_signature(
    spki: bytes, algorithm: der.Element, *, signature: bytes, signed: bytes
) -> None:
    """That the key made ``signature`` over ``signed`` by ``algorithm`` (an AlgorithmIdentifier)."""
    name, *parameters = der.children(algorithm)
    used, key = der.oid(name), load_key(spki)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and used in _ECDSA:
            key.verify(signature, signed, ec.ECDSA(_ECDSA[used]))
            return
        if isinstance(key, rsa.RSAPublicKey) and used == _RSA_PSS:
            _check_pss(parameters)
            pss = padding.PSS(mgf=padding.MGF1(SHA384()), salt_length=_SALT_BYTES)
            key.verify(signature, signed, pss, SHA384())
            return
    except InvalidSignature as error:
        raise EvidenceSignatureError("a signature was not made by the key it should be") from error
    raise EvidenceMalformedError("a signature is of an algorithm that is not used here")


def _check_pss(parameters: Sequence[der.Element]) -> None:
    """RSASSA-PSS-params (RFC 4055 section 3.1): SHA-384, MGF1 of SHA-384, a salt of 48 bytes."""
    given = {part.tag: part.body for part in der.children(parameters[0])} if parameters else {}
    try:
        digest = der.children(der.whole(given[0xA0], der.SEQUENCE))[0]
        mask, inner = der.children(der.whole(given[0xA1], der.SEQUENCE))
        salt = der.integer(der.whole(given[0xA2], der.INTEGER))
        trailer = der.integer(der.whole(given.get(0xA3, b"\x02\x01\x01"), der.INTEGER))
        names = (der.oid(digest), der.oid(mask), der.oid(der.children(inner)[0]))
    except (KeyError, ValueError, IndexError) as error:
        raise EvidenceMalformedError("an RSA-PSS signature lacks its parameters") from error
    if names != (_SHA384_OID, _MGF1, _SHA384_OID) or (salt, trailer) != (_SALT_BYTES, 1):
        raise EvidenceMalformedError("an RSA-PSS signature has parameters that are not used here")


def load_key(spki: bytes) -> ec.EllipticCurvePublicKey | rsa.RSAPublicKey:
    """The public key of a certificate: RSA, or a point on P-256, P-384 or P-521."""
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EvidenceMalformedError("a certificate has a key that cannot be read") from error
    if isinstance(key, rsa.RSAPublicKey) and _RSA_BITS_MIN <= key.key_size <= _RSA_BITS_MAX:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    ):
        return key
    raise EvidenceMalformedError("a certificate has a key of a kind that is not used here")


def verify_raw_ecdsa(
    key: ec.EllipticCurvePublicKey, digest: HashAlgorithm, *, signature: bytes, signed: bytes
) -> None:
    """A bare signature: r then s, big-endian, each half of the bytes."""
    half = len(signature) // 2
    coded = encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )
    try:
        key.verify(coded, signed, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise EvidenceSignatureError(
            "the evidence is not signed by the key that it names, or was changed afterwards"
        ) from error
