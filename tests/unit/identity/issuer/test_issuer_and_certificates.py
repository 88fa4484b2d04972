"""The issuer's keys change without a credential failing; certificates name exactly one workload."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import (
    CertificateRefusedError,
    IdentityError,
    SigningKey,
    TokenError,
    TokenIssuerError,
    Trust,
    TrustBundle,
    bundle_of,
    read_bundle,
    read_compact,
    verify_compact,
)
from holdfast.identity.issuer import Issuer
from holdfast.identity.issuer.rotation import AHEAD_S, SIGNS_S
from holdfast.identity.wimse import verify_wit
from holdfast.identity.x509 import verify_x509_svid
from holdfast.world.sim import SimEntropy

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOW = Instant(1_790_000_000 * SECOND)
NAME = "spiffe://example.org/t/main/agent/review"
AGENT = SigningKey.from_seed(b"a" * 32)
ISSUER = Issuer.found("example.org", now=NOW, entropy=SimEntropy(1))
TRUST = Trust([ISSUER.bundle()])


def leaf(issuer: Issuer = ISSUER, *, now: int = NOW, name: str = NAME) -> bytes:
    return issuer.issue_x509_svid(
        name, AGENT.public, now=Instant(now), entropy=SimEntropy(2), hosts=["review.internal"]
    )


LEAF = leaf()


def test_what_the_issuer_issues_its_bundle_verifies() -> None:
    token = ISSUER.issue_wit(NAME, AGENT.public, now=NOW, entropy=SimEntropy(2), build="sha256:b")
    assert verify_wit(token.encode(), TRUST, now=NOW).build == "sha256:b"
    found = verify_x509_svid([leaf()], TRUST, now=NOW)
    assert found.subject == NAME
    assert found.key == AGENT.public
    assert found.proof().kind == "mtls"
    assert found.proof().thumbprint == AGENT.public.thumbprint


def test_the_issuer_speaks_for_its_own_trust_domain_only() -> None:
    for name in ("spiffe://other.org/a", "https://example.org/a"):
        with pytest.raises((IdentityError, TokenError)):
            ISSUER.issue_wit(name, AGENT.public, now=NOW, entropy=SimEntropy(2))
        with pytest.raises((IdentityError, TokenError)):
            leaf(name=name)


def test_tokens_are_signed_by_keys_that_sign_no_identities() -> None:
    token = ISSUER.sign({"typ": "at+jwt"}, {"sub": NAME}, now=NOW)
    compact = read_compact(token.encode())
    verify_compact(compact, ISSUER.keys()[compact.kid or ""], typ="at+jwt")
    bundle = ISSUER.bundle()
    assert not bundle.wit_keys.keys() & ISSUER.keys().keys()
    assert bundle.jwt_keys == {}


def test_nothing_published_holds_a_secret() -> None:
    for document in (ISSUER.jwks(), ISSUER.bundle().document(), repr(ISSUER).encode()):
        assert b'"d"' not in document
        assert b"PRIVATE" not in document
    assert b"PRIVATE" not in repr(ISSUER._state).encode()


def test_an_issuer_keeps_through_its_file() -> None:
    again = Issuer.decode(ISSUER.encode())
    assert again.bundle().document() == ISSUER.bundle().document()
    assert again.keys().keys() == ISSUER.keys().keys()
    with pytest.raises(IdentityError):
        Issuer.decode(b'{"trust_domain":"x"}')


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 20 * 24), min_size=1, max_size=12))
def test_whenever_it_rotates_what_was_issued_stays_good_until_it_ends(hours: list[int]) -> None:
    issuer, now, entropy = ISSUER, int(NOW), SimEntropy(8)
    for wait in hours:
        token = issuer.issue_wit(NAME, AGENT.public, now=Instant(now), entropy=entropy).encode()
        mandate = read_compact(issuer.sign({"typ": "at+jwt"}, {}, now=Instant(now)).encode())
        certificate = leaf(issuer, now=now)
        before = issuer.sequence
        # An identity lives half an hour; the issuer is asked to rotate just before that ends.
        soon = Instant(now + 1_799 * SECOND)
        issuer = issuer.rotated(soon, entropy)
        trust = Trust([issuer.bundle()])
        verify_wit(token, trust, now=soon)
        verify_x509_svid([certificate], trust, now=soon)
        verify_compact(mandate, issuer.keys()[mandate.kid or ""], typ="at+jwt")
        assert issuer.sequence >= before
        now += wait * 3_600 * SECOND
        issuer = issuer.rotated(Instant(now), entropy)
        assert len(issuer.bundle().wit_keys) <= 3
        assert len(issuer.bundle().authorities) <= 16


def test_the_next_key_is_published_a_day_before_it_signs() -> None:
    ahead = Instant(NOW + (SIGNS_S - AHEAD_S) * SECOND)
    assert not ISSUER.is_due(Instant(ahead - SECOND))
    assert ISSUER.rotated(Instant(ahead - SECOND), SimEntropy(3)) is ISSUER
    turned = ISSUER.rotated(ahead, SimEntropy(3))
    assert turned.sequence == ISSUER.sequence + 1
    old, new = turned.bundle().wit_keys
    token = turned.issue_wit(NAME, AGENT.public, now=ahead, entropy=SimEntropy(4))
    assert read_compact(token.encode()).kid == old
    then = Instant(NOW + SIGNS_S * SECOND)
    token = turned.issue_wit(NAME, AGENT.public, now=then, entropy=SimEntropy(4))
    assert read_compact(token.encode()).kid == new
    gone = turned.rotated(Instant(then + DAY), SimEntropy(5))
    assert list(gone.bundle().wit_keys) == [new]


def test_an_issuer_without_a_signing_key_says_so() -> None:
    with pytest.raises(IdentityError):
        ISSUER.issue_wit(NAME, AGENT.public, now=Instant(NOW + 30 * DAY), entropy=SimEntropy(1))


def test_a_bundle_reads_back() -> None:
    bundle = ISSUER.bundle()
    again = read_bundle("example.org", bundle.document())
    assert again.document() == bundle.document()
    assert again.sequence == bundle.sequence
    with_tokens = bundle_of("example.org", jwt=[AGENT.public], sequence=3)
    assert list(read_bundle("example.org", with_tokens.document()).jwt_keys) == [AGENT.public.kid]


def test_what_is_not_understood_in_a_bundle_is_left_out() -> None:
    key = AGENT.public.jwk()
    document = (
        b'{"keys":[{"kty":"EC","crv":"P-384","kid":"a","use":"wit-svid","x":"AA","y":"AA"},'
        b'{"kty":"EC","use":"wit-svid","crv":"P-256","kid":"b","x":"%b","y":"%b"},'
        b'{"kty":"EC","crv":"P-256","kid":"c","x":"%b","y":"%b"},'
        b'{"kty":"oct","k":"AA","kid":"d","use":"wit-svid"},{"use":"x509-svid"}],"extra":1}'
    ) % (key["x"].encode(), key["y"].encode(), key["x"].encode(), key["y"].encode())
    bundle = read_bundle("example.org", document)
    assert list(bundle.wit_keys) == ["b"]
    assert bundle.authorities == ()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b'{"keys":[{"use":"x509-svid","x5c":["AAAA"]}]}',
        b'{"keys":[{"use":"x509-svid","x5c":["!"]}]}',
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[],"keys":[]}',
        b'{"keys":[1]}',
    ],
)
def test_what_is_no_bundle_is_refused(document: bytes) -> None:
    with pytest.raises(IdentityError):
        read_bundle("example.org", document)


def test_an_empty_bundle_takes_all_trust_back_and_an_older_one_changes_nothing() -> None:
    empty = TrustBundle(trust_domain="example.org", sequence=ISSUER.sequence + 1)
    token = ISSUER.issue_wit(NAME, AGENT.public, now=NOW, entropy=SimEntropy(2)).encode()
    with pytest.raises(TokenIssuerError):
        verify_wit(token, TRUST.with_bundle(empty), now=NOW)
    with pytest.raises(TokenIssuerError):
        verify_x509_svid([leaf()], TRUST.with_bundle(empty), now=NOW)
    older = TRUST.with_bundle(TrustBundle(trust_domain="example.org", sequence=0))
    verify_wit(token, older, now=NOW)


def test_a_foreign_trust_domain_is_believed_by_its_bundle_about_its_own_names_only() -> None:
    foreign = Issuer.found("partner.example", now=NOW, entropy=SimEntropy(6))
    both = Trust([ISSUER.bundle(), foreign.bundle()])
    certificate = leaf(foreign, name="spiffe://partner.example/agent")
    assert (
        verify_x509_svid([certificate], both, now=NOW).subject == "spiffe://partner.example/agent"
    )
    with pytest.raises(TokenIssuerError):
        verify_x509_svid([certificate], TRUST, now=NOW)
    crossed = Trust([bundle_of("example.org", authorities=foreign.bundle().authorities)])
    with pytest.raises(TokenIssuerError):
        verify_x509_svid([certificate], crossed, now=NOW)


def made(
    *,
    uris: tuple[str, ...] = (NAME,),
    ca: bool = False,
    signs: bool = True,
    issues: bool = False,
    usage: bool = True,
    clients: bool = True,
    by: ec.EllipticCurvePrivateKey | None = None,
    ends: int = 600,
) -> bytes:
    """A certificate under the issuer's authority, with something about it that is not right."""
    record = ISSUER._state.authority.keys[0]
    issuer = x509.load_der_x509_certificate(record.certificate or b"")
    start = NOW // SECOND
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .serial_number(7)
        .not_valid_before(datetime.fromtimestamp(start - 60, UTC))
        .not_valid_after(datetime.fromtimestamp(start + ends, UTC))
        .public_key(AGENT.cryptography().public_key())
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if uris:
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
    if usage:
        off = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        bits = x509.KeyUsage(digital_signature=signs, key_cert_sign=issues, **off)
        builder = builder.add_extension(bits, critical=True)
    if not clients:
        oid = x509.ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([oid]), critical=False)
    key = by or record.key().cryptography()
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_certificate_without_a_fault_is_accepted() -> None:
    assert verify_x509_svid([made()], TRUST, now=NOW).subject == NAME


@pytest.mark.parametrize(
    "fault",
    [
        {"uris": ()},
        {"uris": (NAME, NAME + "2")},
        {"uris": ("spiffe://example.org",)},
        {"uris": ("https://example.org/a",)},
        {"uris": ("spiffe://example.org/a/../b",)},
        {"ca": True},
        {"ca": True, "issues": True},
        {"issues": True},
        {"signs": False},
        {"usage": False},
        {"clients": False},
        {"by": ec.generate_private_key(ec.SECP256R1())},
        {"ends": -1},
    ],
)
def test_a_certificate_with_a_fault_is_refused(fault: dict) -> None:
    with pytest.raises(CertificateRefusedError):
        verify_x509_svid([made(**fault)], TRUST, now=NOW)


def test_an_authority_is_no_identity_and_a_leaf_no_authority() -> None:
    with pytest.raises(CertificateRefusedError):
        verify_x509_svid([ISSUER.bundle().authorities[0]], TRUST, now=NOW)
    by_leaf = made(by=AGENT.cryptography(), uris=("spiffe://example.org/admin",))
    with pytest.raises(CertificateRefusedError):
        verify_x509_svid([by_leaf, made()], TRUST, now=NOW)


@pytest.mark.parametrize("chain", [[], [b""], [b"x" * 20_000], [b"no certificate"], [b"x"] * 5])
def test_what_is_no_chain_is_refused(chain: list[bytes]) -> None:
    with pytest.raises(CertificateRefusedError):
        verify_x509_svid(chain, TRUST, now=NOW)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_certificate_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    changed = bytearray(LEAF)
    changed[place % len(LEAF)] ^= change
    with pytest.raises(TokenError):
        verify_x509_svid([bytes(changed)], TRUST, now=NOW)


def test_a_certificate_with_a_negative_serial_number_is_refused_not_warned_of() -> None:
    serial = x509.load_der_x509_certificate(LEAF).serial_number
    written = serial.to_bytes(serial.bit_length() // 8 + 1, "big")  # as DER has it: signed
    changed = bytearray(LEAF)
    changed[LEAF.index(written)] |= 0x80
    with pytest.raises(CertificateRefusedError, match="serial number"):
        verify_x509_svid([bytes(changed)], TRUST, now=NOW)


def test_a_certificate_is_refused_before_and_after_its_time() -> None:
    for now in (NOW - 120 * SECOND, NOW + 1_801 * SECOND):
        with pytest.raises(CertificateRefusedError):
            verify_x509_svid([leaf()], TRUST, now=Instant(now))
