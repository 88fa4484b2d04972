"""X.509-SVIDs: certificates that name a workload (X509-SVID.md), for mutual TLS.

Issued and verified by ``cryptography``; what SPIFFE asks beyond RFC 5280 is checked here: exactly
one URI, which is a SPIFFE ID with a path, in a leaf that may sign but not issue, under an authority
of the very trust domain that the name is in.
"""

import contextlib
import warnings
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from holdfast.core import Instant
from holdfast.identity.bundles import Trust, TrustBundle
from holdfast.identity.errors import CertificateRefusedError, TokenError, TokenIssuerError
from holdfast.identity.jose import PublicKey, SigningKey, b64url
from holdfast.identity.names import SpiffeId, read_spiffe_id, read_trust_domain
from holdfast.identity.proofs.proof import Part, Proof
from holdfast.world.ports import Entropy

CERTIFICATE_BYTES_MAX = 16_384
CHAIN_LENGTH_MAX = 4
SVID_LIFETIME_S_MAX = 3_600
AUTHORITY_LIFETIME_S = 30 * 86_400

_SKEW_S = 60
_SECOND = 1_000_000
_SERIAL_BYTES = 19
_UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
_ALL: frozenset[Part] = frozenset(("method", "target", "query", "body", "token", "wit", "mandate"))


class X509Svid(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A verified X.509-SVID. ``x5t`` is ``x5t#S256`` of RFC 8705: SHA-256 of the certificate."""

    subject: str
    key: PublicKey
    x5t: str
    expires: Instant

    def proof(self) -> Proof:
        """That the key of this certificate holds the connection: TLS covers every byte on it."""
        return Proof(kind="mtls", thumbprint=self.key.thumbprint, covers=_ALL)


def found_authority(key: SigningKey, trust_domain: str, *, now: Instant, entropy: Entropy) -> bytes:
    """A self-signed CA certificate of a trust domain, DER. Itself an SVID, without a path."""
    name = _named(f"Holdfast authority of {read_trust_domain(trust_domain)}"[:64])
    builder = _builder(name, name, now=now, lifetime_s=AUTHORITY_LIFETIME_S, entropy=entropy)
    usage = _usage(signs=False)
    public = key.cryptography().public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    uri = x509.UniformResourceIdentifier(f"spiffe://{trust_domain}")
    return (
        builder.public_key(public)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key.cryptography(), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def issue_x509_svid(
    authority: SigningKey,
    certificate: bytes,
    *,
    subject: str,
    key: PublicKey,
    now: Instant,
    lifetime_s: int,
    entropy: Entropy,
    hosts: Sequence[str] = (),
) -> bytes:
    """A leaf for whoever holds ``key``, DER; ``hosts`` are DNS names that a server goes by."""
    name = read_spiffe_id(subject)
    issuer = x509.load_der_x509_certificate(certificate)
    if not name.path or not 0 < lifetime_s <= SVID_LIFETIME_S_MAX:
        raise CertificateRefusedError(
            "an X.509-SVID names a workload and lives at most an hour",
            fix=f"ask for a name with a path and for at most {SVID_LIFETIME_S_MAX} s",
        )
    names = [x509.UniformResourceIdentifier(subject), *(x509.DNSName(host) for host in hosts)]
    builder = _builder(
        _named("Holdfast workload"), issuer.subject, now=now, lifetime_s=lifetime_s, entropy=entropy
    )
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        builder.public_key(key.cryptography())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(authority.cryptography(), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def certificate_bytes(certificate: object, *, as_pem: bool = False) -> bytes:
    """DER or PEM of a certificate that another library has read."""
    if not isinstance(certificate, x509.Certificate):
        raise CertificateRefusedError("what should be a certificate is none")
    return certificate.public_bytes(Encoding.PEM if as_pem else Encoding.DER)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, *, now: Instant, lifetime_s: int, entropy: Entropy
) -> x509.CertificateBuilder:
    drawn = int.from_bytes(entropy.secret(_SERIAL_BYTES), "big")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(drawn | 1)  # never zero (RFC 5280 section 4.1.2.2)
        .not_valid_before(_date(now // _SECOND - _SKEW_S))
        .not_valid_after(_date(now // _SECOND + lifetime_s))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    """A leaf signs, an authority issues, neither does both (section 4.3)."""
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def verify_x509_svid(chain: Sequence[bytes], trust: Trust, *, now: Instant) -> X509Svid:
    """What a chain of DER certificates, leaf first, says about who holds the connection.

    ``CertificateRefusedError`` where it is no X.509-SVID of a trust domain that is trusted.
    """
    if not 0 < len(chain) <= CHAIN_LENGTH_MAX or any(
        len(der) > CERTIFICATE_BYTES_MAX for der in chain
    ):
        raise CertificateRefusedError(f"a chain has not 1 to {CHAIN_LENGTH_MAX} certificates")
    try:
        with _strictly():
            leaf, *above = [x509.load_der_x509_certificate(der) for der in chain]
            name = _workload(leaf)
            _verify_path(leaf, above, trust.bundle(name.trust_domain), now)
            key = PublicKey.from_cryptography(leaf.public_key())
    except TokenIssuerError:
        raise
    except (*_UNREADABLE, VerificationError, TokenError) as error:
        raise CertificateRefusedError(
            f"a client's certificate is not believed: {error}", fix="present a current X.509-SVID"
        ) from error
    return X509Svid(
        subject=str(name),
        key=key,
        x5t=b64url(sha256(chain[0]).digest()),
        expires=Instant(int(leaf.not_valid_after_utc.timestamp()) * _SECOND),
    )


@contextlib.contextmanager
def _strictly() -> Generator[None]:
    """What the library only warns of (a serial number below 1, say) breaks RFC 5280."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)
        yield


def _workload(leaf: x509.Certificate) -> SpiffeId:
    """The one URI of a leaf (sections 2 and 5.2), before anything is known of its signature."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError("it names nobody") from error
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if len(uris) != 1:
        raise ValueError("it has not exactly one URI")
    name = read_spiffe_id(uris[0])
    if not name.path:
        raise ValueError("it names a trust domain, not a workload in it")
    return name


def _verify_path(
    leaf: x509.Certificate, above: list[x509.Certificate], bundle: TrustBundle, now: Instant
) -> None:
    if not bundle.authorities:
        raise TokenIssuerError("a trust domain issues no certificates that are trusted here")
    roots = [x509.load_der_x509_certificate(der) for der in bundle.authorities]
    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(_date(now // _SECOND))
        .max_chain_depth(CHAIN_LENGTH_MAX)
        .extension_policies(ca_policy=_CA, ee_policy=_LEAF)
        .build_client_verifier()
    )
    verifier.verify(leaf, above)


def _is_issuing(
    _policy: Policy, _certificate: x509.Certificate, found: x509.BasicConstraints
) -> None:
    if not found.ca:
        raise ValueError("an issuer is not marked as one")


def _may_issue(_policy: Policy, _certificate: x509.Certificate, found: x509.KeyUsage) -> None:
    if not found.key_cert_sign:
        raise ValueError("an issuer may not sign certificates")


def _is_leaf(
    _policy: Policy, _certificate: x509.Certificate, found: x509.BasicConstraints | None
) -> None:
    if found is not None and found.ca:
        raise ValueError("a signing certificate is no identity")


def _signs_only(_policy: Policy, _certificate: x509.Certificate, found: x509.KeyUsage) -> None:
    if not found.digital_signature or found.key_cert_sign or found.crl_sign:
        raise ValueError("a leaf must sign and must not issue")


def _is_for_clients(
    _policy: Policy, _certificate: x509.Certificate, found: x509.ExtendedKeyUsage | None
) -> None:
    if found is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in found:
        raise ValueError("a leaf is not for clients")


_CA = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.CRITICAL, _is_issuing)
    .require_present(x509.KeyUsage, Criticality.CRITICAL, _may_issue)
)
_LEAF = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_leaf)
    .require_present(x509.KeyUsage, Criticality.CRITICAL, _signs_only)
    .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_clients)
    .require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
)


def _date(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
