"""Our own WITs and WPTs: what they say, and everything that must not pass for one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Instant
from holdfast.identity import (
    ProofMismatchError,
    ProofReplayedError,
    PublicKey,
    SigningKey,
    TokenClaimsError,
    TokenEarlyError,
    TokenError,
    TokenExpiredError,
    TokenIssuerError,
    TokenSignatureError,
    TokenTypeError,
    Trust,
    bundle_of,
    read_spiffe_id,
)
from holdfast.identity.proofs import ReplayCache, Request
from holdfast.identity.wimse import (
    Ear,
    issue_wit,
    make_wpt,
    sign_request,
    verify_request,
    verify_wit,
    verify_wpt,
)
from holdfast.world.sim import SimEntropy

NOW = Instant(1_790_000_000_000_000)
MINUTE = 60_000_000
ISSUER = SigningKey.from_seed(b"i" * 32)
AGENT = SigningKey.from_seed(b"a" * 32)
THIEF = SigningKey.from_seed(b"t" * 32)
NAME = "spiffe://example.org/t/main/agent/review"
TRUST = Trust([bundle_of("example.org", wit=[ISSUER.public])])
WIT = issue_wit(
    ISSUER,
    subject=NAME,
    key=AGENT.public,
    now=NOW,
    lifetime_s=600,
    jti="one",
    build="sha256:ab",
    tier=2,
    ear=Ear(status="affirming", profile="tdx", ear_sha256="cd", exp=1_790_000_600),
).encode()
REQUEST = Request(
    method="POST",
    target="/mcp?x=1",
    origins=("https://gate.example.org",),
    headers={
        b"content-type": b"application/json",
        b"workload-identity-token": WIT,
        b"holdfast-mandate": b"aa.bb.cc",
        b"authorization": b"DPoP dd.ee.ff",
        b"txn-token": b"gg.hh.ii",
    },
    body=b'{"method":"tools/call"}',
)


def wpt(key: SigningKey = AGENT, **changes: object) -> bytes:
    request = msgspec.structs.replace(REQUEST, **changes)
    return make_wpt(key, request, wit=WIT, now=NOW, entropy=SimEntropy(5)).encode()


def wit(**changes: object) -> bytes:
    claims = {
        "sub": NAME,
        "cnf": {"jwk": AGENT.public.jwk()},
        "exp": NOW // 10**6 + 600,
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    return ISSUER.sign({"typ": "wit+jwt", "kid": ISSUER.public.kid}, claims).encode()


def test_a_wit_says_who_holds_the_key_what_runs_and_what_attestation_found() -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    assert (found.subject, found.key, found.build, found.tier) == (
        NAME,
        AGENT.public,
        "sha256:ab",
        2,
    )
    assert found.ear is not None
    assert found.ear.status == "affirming"
    assert found.jti == "one"
    assert found.expires == NOW + 10 * MINUTE


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://gate.example.org"}, TokenClaimsError),
        ({"exp": None}, TokenClaimsError),
        ({"exp": "soon"}, TokenClaimsError),
        ({"exp": True}, TokenClaimsError),
        ({"exp": NOW // 10**6}, TokenExpiredError),
        ({"exp": -1}, TokenExpiredError),
        ({"exp": NOW // 10**6 + 90_000}, TokenClaimsError),
        ({"nbf": NOW // 10**6 + 61}, TokenEarlyError),
        ({"cnf": None}, TokenClaimsError),
        ({"cnf": {"jkt": "x"}}, TokenClaimsError),
        ({"cnf": {"jwk": {"kty": "oct", "k": "AA", "alg": "HS256"}}}, TokenError),
        (
            {"cnf": {"jwk": {k: v for k, v in AGENT.public.jwk().items() if k != "alg"}}},
            TokenClaimsError,
        ),
        ({"sub": "spiffe://example.org"}, TokenClaimsError),
        ({"sub": "spiffe://example.org/"}, TokenClaimsError),
        ({"sub": "spiffe://Example.org/t/main/agent/review"}, TokenClaimsError),
        ({"sub": "spiffe://example.org/t/../admin"}, TokenClaimsError),
        ({"sub": "spiffe://example.org/a%2Fb"}, TokenClaimsError),
        ({"sub": "https://example.org/a"}, TokenClaimsError),
        ({"sub": "spiffe://other.org/a"}, TokenIssuerError),
        ({"hf_tier": "2"}, TokenClaimsError),
    ],
)
def test_a_wit_with_a_claim_that_must_not_be_is_refused(
    claims: dict, error: type[TokenError]
) -> None:
    with pytest.raises(error):
        verify_wit(wit(**claims), TRUST, now=NOW)
    assert verify_wit(wit(), TRUST, now=NOW).subject == NAME


def test_a_wit_is_believed_by_a_key_of_its_own_trust_domain_only() -> None:
    two = Trust(
        [
            bundle_of("example.org", wit=[ISSUER.public]),
            bundle_of("other.org", wit=[THIEF.public]),
        ]
    )
    header = {"typ": "wit+jwt", "kid": THIEF.public.kid}
    claims = {"sub": NAME, "cnf": {"jwk": THIEF.public.jwk()}, "exp": NOW // 10**6 + 600}
    with pytest.raises(TokenIssuerError):
        verify_wit(THIEF.sign(header, claims).encode(), two, now=NOW)
    lying = {"typ": "wit+jwt", "kid": ISSUER.public.kid}
    with pytest.raises(TokenSignatureError):
        verify_wit(THIEF.sign(lying, claims).encode(), two, now=NOW)
    foreign = THIEF.sign(header, {**claims, "sub": "spiffe://other.org/a"}).encode()
    assert verify_wit(foreign, two, now=NOW).subject == "spiffe://other.org/a"


def test_keys_for_other_documents_do_not_sign_wits() -> None:
    with pytest.raises(TokenIssuerError):
        verify_wit(WIT, Trust([bundle_of("example.org", jwt=[ISSUER.public])]), now=NOW)


def test_a_token_of_another_type_is_no_wit() -> None:
    claims = {"sub": NAME, "cnf": {"jwk": AGENT.public.jwk()}, "exp": NOW // 10**6 + 600}
    for typ in ("at+jwt", "mandate+jwt", "JWT"):
        token = ISSUER.sign({"typ": typ, "kid": ISSUER.public.kid}, claims).encode()
        with pytest.raises(TokenTypeError):
            verify_wit(token, TRUST, now=NOW)
    with pytest.raises(TokenIssuerError):
        verify_wit(ISSUER.sign({"typ": "wit+jwt"}, claims).encode(), TRUST, now=NOW)


@pytest.mark.parametrize("lifetime_s", [0, 299, 3_601])
def test_a_wit_of_ours_lives_5_to_60_minutes(lifetime_s: int) -> None:
    with pytest.raises(TokenClaimsError):
        issue_wit(ISSUER, subject=NAME, key=AGENT.public, now=NOW, lifetime_s=lifetime_s, jti="x")


def test_a_wpt_of_ours_covers_method_address_body_wit_mandate_and_token() -> None:
    proof = verify_wpt(
        wpt(), verify_wit(WIT, TRUST, now=NOW), REQUEST, replays=ReplayCache(), now=NOW
    )
    assert proof.kind == "wpt"
    assert proof.thumbprint == AGENT.public.thumbprint
    assert proof.covers == {"method", "target", "body", "wit", "mandate", "token"}


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"target": "/other?x=1"},
        {"body": b""},
        {"body": b"other"},
        {"origins": ("https://gate.example.com",)},
        *(
            {"headers": {**REQUEST.headers, name: b"x.y.z"}}
            for name in (b"holdfast-mandate", b"txn-token")
        ),
        *(
            {"headers": {k: v for k, v in REQUEST.headers.items() if k != name}}
            for name in (b"holdfast-mandate", b"txn-token", b"authorization")
        ),
        {"headers": {**REQUEST.headers, b"authorization": b"DPoP x"}},
    ],
)
def test_a_wpt_is_of_one_request(changes: dict) -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    other = msgspec.structs.replace(REQUEST, **changes)
    with pytest.raises(ProofMismatchError):
        verify_wpt(wpt(), found, other, replays=ReplayCache(), now=NOW)
    with pytest.raises(ProofMismatchError):  # and the other way round
        verify_wpt(wpt(**changes), found, REQUEST, replays=ReplayCache(), now=NOW)


def test_a_wpt_by_another_key_or_for_another_wit_is_refused() -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    with pytest.raises(TokenSignatureError):
        verify_wpt(wpt(THIEF), found, REQUEST, replays=ReplayCache(), now=NOW)
    other = verify_wit(wit(jti="two"), TRUST, now=NOW)
    with pytest.raises(ProofMismatchError):
        verify_wpt(wpt(), other, REQUEST, replays=ReplayCache(), now=NOW)


def test_a_wpt_is_used_once_and_a_refused_one_uses_up_nothing() -> None:
    found, replays = verify_wit(WIT, TRUST, now=NOW), ReplayCache()
    with pytest.raises(ProofMismatchError):
        verify_wpt(
            wpt(), found, msgspec.structs.replace(REQUEST, method="GET"), replays=replays, now=NOW
        )
    verify_wpt(wpt(), found, REQUEST, replays=replays, now=NOW)
    with pytest.raises(ProofReplayedError):
        verify_wpt(wpt(), found, REQUEST, replays=replays, now=NOW)


def test_a_signed_request_of_ours_verifies_and_covers_everything() -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    fields = sign_request(AGENT, REQUEST, now=NOW, entropy=SimEntropy(3))
    sent = msgspec.structs.replace(REQUEST, headers={**REQUEST.headers, **fields})
    proof = verify_request(sent, found, replays=ReplayCache(), now=NOW)
    assert proof.covers == {"method", "target", "query", "body", "wit", "mandate", "token"}
    for changes in ({"target": "/mcp?x=2"}, {"method": "PUT"}, {"body": b"x"}):
        with pytest.raises(TokenError):
            verify_request(
                msgspec.structs.replace(sent, **changes), found, replays=ReplayCache(), now=NOW
            )


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_signature_fields_are_read_or_refused_and_nothing_else(one: str, two: str) -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    fields = {b"signature": one.encode(), b"signature-input": two.encode()}
    sent = msgspec.structs.replace(REQUEST, headers={**REQUEST.headers, **fields})
    with pytest.raises(TokenError):
        verify_request(sent, found, replays=ReplayCache(), now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        (b'";wimse-aud', b'";keyid="a";wimse-aud'),
        (b'";wimse-aud', b'";alg="ed25519";wimse-aud'),
        (b'tag="wimse', b'tag="other'),
        (b'("@method" ', b"("),
        (b'"@method" ', b'"@method"  '),
        (b'"@method" ', b'"@method";sf '),
        (b' "content-digest"', b""),
        (b' "holdfast-mandate"', b""),
        (b' "authorization"', b""),
        (b";created=", b";created=1;created="),
        (b";expires=", b";expiry="),
        (b";nonce=", b";once="),
        (b"wimse-aud=", b"wimse-and="),
        (b"wimse=(", b"other=("),
    ],
)
def test_a_signature_that_leaves_out_or_names_what_it_must_not_is_refused(
    change: tuple[bytes, bytes],
) -> None:
    found = verify_wit(WIT, TRUST, now=NOW)
    fields = sign_request(AGENT, REQUEST, now=NOW, entropy=SimEntropy(3))
    changed = fields[b"signature-input"].replace(*change)
    assert changed != fields[b"signature-input"]
    sent = msgspec.structs.replace(
        REQUEST, headers={**REQUEST.headers, **fields, b"signature-input": changed}
    )
    with pytest.raises(TokenError):
        verify_request(sent, found, replays=ReplayCache(), now=NOW)


@given(st.from_regex(r"spiffe://[a-z0-9.]{1,8}(/[A-Za-z0-9._-]{1,4}){0,3}", fullmatch=True))
def test_a_spiffe_id_reads_back(text: str) -> None:
    try:
        assert str(read_spiffe_id(text)) == text
    except TokenClaimsError:
        assert any(part in {".", ".."} for part in text.split("/"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "spiffe://",
        "spiffe:///a",
        "SPIFFE://a/b",
        "spiffe://a:1/b",
        "spiffe://u@a/b",
        "spiffe://a/b/",
        "spiffe://a//b",
        "spiffe://a/b?c",
        "spiffe://a/b#c",
        "spiffe://a/./b",
        "spiffe://a/ü",
        "spiffe://a/b\n",
        "spiffe://a/" + "b" * 2048,
    ],
)
def test_what_is_no_spiffe_id_is_refused(text: str) -> None:
    with pytest.raises(TokenClaimsError):
        read_spiffe_id(text)


def test_a_key_that_svids_may_not_name_gets_no_wit() -> None:
    ed = PublicKey.from_jwk(
        {"kty": "OKP", "crv": "Ed25519", "x": "1CXXvflN_LVVsIsYXsUvB03JmlGWeCHqQVuouCF92bg"}
    )
    with pytest.raises(TokenClaimsError):
        issue_wit(ISSUER, subject=NAME, key=ed, now=NOW, lifetime_s=600, jti="x")
