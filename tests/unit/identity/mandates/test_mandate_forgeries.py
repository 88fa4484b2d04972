"""The ten forgeries of delegation, and their kin. Each is refused by its own stable code."""

import json
from base64 import urlsafe_b64decode
from hashlib import sha256

import mandate_cast as cast
import pytest
from mandate_cast import FREE, KEYS, NOW, SECOND

from holdfast.core import Instant
from holdfast.identity import SigningKey, TokenError, b64url
from holdfast.identity.authority import ArgumentLimit
from holdfast.world.sim import SimEntropy


def claims(token):
    part = token.split(b".")[1]
    return json.loads(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))


def forged(chain, signer, *, typ="mandate+jwt", **change):
    """The chain with its last link's claims changed and signed anew by ``signer``."""
    above, _, token = chain.rpartition(b"~")
    told = {k: v for k, v in {**claims(token), **change}.items() if v is not ...}
    return above + b"~" + KEYS[signer].sign({"typ": typ}, told).encode()


def details(chain, **change):
    (held,) = claims(chain.rpartition(b"~")[2])["authorization_details"]
    return [{k: v for k, v in {**held, **change}.items() if v is not ...}]


def refused(chain, *, verifier=None, now=NOW, revoked=FREE):
    with pytest.raises(TokenError) as error:
        (verifier or cast.verifier()).verify(chain, now=now, revoked=revoked)
    return error.value.code


CHAIN = cast.chain(3)  # root ~ mid ~ leaf: the last link is signed by mid


def test_the_chain_that_is_forged_below_is_good_and_so_is_its_like_signed_anew():
    same = forged(CHAIN, "mid", jti="x")
    for good in (CHAIN, same):
        assert cast.verifier().verify(good, now=NOW, revoked=FREE).holder == cast.agent("leaf")


def test_forgery_1_a_widened_tool_is_refused():
    for tools in (["find"], [f"find@{'c' * 64}"], ["send"], ...):
        wider = details(CHAIN, tools=tools)
        assert refused(forged(CHAIN, "mid", authorization_details=wider)) == (
            "identity.mandate-wider"
        )


def test_forgery_2_a_longer_expiry_is_refused():
    parent_ends = claims(CHAIN.split(b"~")[1])["exp"]
    assert refused(forged(CHAIN, "mid", exp=parent_ends + 1)) == "identity.mandate-outlives"


def test_forgery_3_a_reset_depth_is_refused():
    for dep in (4, 3, 1, 0, -1):
        assert refused(forged(CHAIN, "mid", dep=dep)) == "identity.mandate-depth"
    last = cast.link(cast.root(depth=1), "root", "mid")
    beyond = cast.link(cast.link(cast.root(depth=2), "root", "mid"), "mid", "leaf")
    grafted = last + b"~" + beyond.split(b"~")[2]
    par = b64url(sha256(last.split(b"~")[1]).digest())
    assert refused(forged(grafted, "mid", par=par, dep=-1)) == "identity.mandate-depth"


def test_forgery_4_a_strangers_signature_is_refused():
    for signer in ("stranger", "leaf", "root", "issuer"):
        assert refused(forged(CHAIN, signer)) == "identity.token-signature"


def test_forgery_5_a_link_spliced_under_another_parent_is_refused():
    other = cast.link(cast.root(), "root", "mid", authority=(cast.WIDE,))
    spliced = other + b"~" + CHAIN.split(b"~")[2]
    assert refused(spliced) == "identity.mandate-parent"
    one, _, leaf = CHAIN.split(b"~")
    assert refused(one + b"~" + leaf) == "identity.token-signature"


def test_forgery_6_a_dropped_budget_is_refused():
    for most in (..., {"calls": 10}, {"calls": 11, "usd_micro": 500}):
        dropped = details(CHAIN, max=most)
        assert refused(forged(CHAIN, "mid", authorization_details=dropped)) == (
            "identity.mandate-wider"
        )


def test_forgery_7_a_shorter_path_prefix_is_refused():
    for prefix in ("/docs/contracts", "/docs/contracts/202", "/docs/contracts/2026x", "/"):
        shorter = details(CHAIN, args={"path": {"prefix": prefix}})
        assert refused(forged(CHAIN, "mid", authorization_details=shorter)) == (
            "identity.mandate-wider"
        )


def test_forgery_8_dots_in_a_prefix_are_refused():
    for tail in ("/..", "/../2025", "/%2e%2e/2025", "/..;/2025", "/..%2f2025", "\\..\\2025"):
        climbing = details(CHAIN, args={"path": {"prefix": "/docs/contracts/2026" + tail}})
        assert refused(forged(CHAIN, "mid", authorization_details=climbing)) == (
            "identity.mandate-authority"
        )


def test_forgery_9_a_revoked_root_is_refused_while_the_chain_is_warm():
    warm = cast.verifier()
    mandate = warm.verify(CHAIN, now=NOW, revoked=FREE)
    for kind, name in (
        ("mandate", mandate.hops[0].jti),
        ("agent", cast.agent("root")),
        ("principal", cast.PERSON),
        ("key", KEYS["root"].public.thumbprint),
        ("key", KEYS["issuer"].public.thumbprint),
        ("build", cast.BUILD),
        ("tenant", "acme"),
    ):
        hit = cast.revoking(kind, name)
        assert refused(CHAIN, verifier=warm, revoked=hit) == "identity.mandate-revoked"
    assert warm.verify(CHAIN, now=NOW, revoked=FREE) is mandate


def test_forgery_10_a_revoked_agent_in_the_middle_is_refused():
    warm = cast.verifier()
    middle = warm.verify(CHAIN, now=NOW, revoked=FREE).hops[1]
    for kind, name in (
        ("mandate", middle.jti),
        ("agent", middle.subject),
        ("principal", middle.subject),
        ("key", middle.thumbprint),
    ):
        hit = cast.revoking(kind, name)
        assert refused(CHAIN, revoked=hit) == "identity.mandate-revoked"
        assert refused(CHAIN, verifier=warm, revoked=hit) == "identity.mandate-revoked"


def test_a_chain_ends_while_it_is_warm():
    warm = cast.verifier()
    mandate = warm.verify(CHAIN, now=NOW, revoked=FREE)
    warm.verify(CHAIN, now=Instant(mandate.expires - 1), revoked=FREE)
    assert refused(CHAIN, verifier=warm, now=mandate.expires) == "identity.token-expired"
    assert refused(CHAIN, now=mandate.expires) == "identity.token-expired"
    early = Instant(NOW - 61 * SECOND)
    assert refused(CHAIN, verifier=warm, now=early) == "identity.token-early"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"admin": True}, "identity.token-claims"),
        ({"par": ...}, "identity.token-claims"),
        ({"cnf": {"jkt": "x" * 43}}, "identity.token-claims"),
        ({"cnf": {"jwk": {"kty": "oct", "k": "AAAA"}}}, "identity.key-refused"),
        ({"sub": "user:3f2a:ada"}, "identity.token-claims"),
        ({"sub": "spiffe://hf.example"}, "identity.token-claims"),
        ({"jti": ""}, "identity.token-claims"),
        ({"jti": "a b"}, "identity.token-claims"),
        ({"why": "a\x1b[31m"}, "identity.token-claims"),
        ({"why": "a" * 1001}, "identity.token-claims"),
        ({"hf_build": "latest"}, "identity.token-claims"),
        ({"exp": -1}, "identity.mandate-outlives"),
        ({"dep": True}, "identity.token-claims"),
        ({"authorization_details": []}, "identity.mandate-authority"),
        ({"authorization_details": [{"type": "root"}]}, "identity.mandate-authority"),
    ],
    ids=str,
)
def test_a_link_of_another_form_is_refused(change, code):
    assert refused(forged(CHAIN, "mid", **change)) == code


def test_a_member_that_is_not_known_is_refused_in_an_authority():
    unknown = details(CHAIN, valid_only_on="tuesdays")
    assert refused(forged(CHAIN, "mid", authorization_details=unknown)) == (
        "identity.mandate-authority"
    )


def test_a_key_that_the_token_brings_itself_is_not_looked_at():
    above, _, token = CHAIN.rpartition(b"~")
    for extra in ({"jwk": KEYS["mid"].public.jwk()}, {"jku": "https://evil.example"}, {"x5c": []}):
        signed = KEYS["mid"].sign({"typ": "mandate+jwt", **extra}, claims(token)).encode()
        assert refused(above + b"~" + signed) == "identity.token-malformed"


def test_tokens_of_one_place_do_not_pass_in_another():
    one, two, three = CHAIN.split(b"~")
    assert refused(two) == "identity.token-claims"
    assert refused(b"~".join((one, one))) == "identity.token-type"
    assert refused(b"~".join((one, three, two))) == "identity.token-signature"
    assert refused(forged(CHAIN, "mid", typ="at+jwt")) == "identity.token-type"
    assert refused(forged(CHAIN, "mid", typ="JWT")) == "identity.token-type"


@pytest.mark.parametrize("text", [b"", b"~", b"a~b", b".", b"..", b"a" * 20_000])
def test_what_is_no_chain_is_refused(text):
    assert refused(text) == "identity.token-malformed"
    assert refused(CHAIN + b"~") == "identity.token-malformed"
    assert refused(b"~" + CHAIN) == "identity.token-malformed"


def test_more_links_than_may_be_are_refused_before_any_is_read():
    assert refused(b"~".join([b"x"] * 6)) == "identity.mandate-depth"
    assert refused(b"~" * 10_000) == "identity.mandate-depth"


def root_with(signer="issuer", **change):
    told = {k: v for k, v in {**claims(cast.root()), **change}.items() if v is not ...}
    key = KEYS[signer]
    return key.sign({"typ": "at+jwt", "kid": KEYS["issuer"].public.kid}, told).encode()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signer": "stranger"}, "identity.token-signature"),
        ({"iss": "https://evil.example"}, "identity.token-issuer"),
        ({"aud": "https://other.example/mcp"}, "identity.token-audience"),
        ({"aud": [cast.AUDIENCE, "https://other.example"]}, "identity.token-claims"),
        ({"exp": claims(cast.root())["iat"] + 601}, "identity.mandate-outlives"),
        ({"exp": 5}, "identity.mandate-outlives"),
        ({"dep": 5}, "identity.mandate-depth"),
        ({"dep": -1}, "identity.mandate-depth"),
        ({"client_id": "acme"}, "identity.token-claims"),
        ({"sub": "root"}, "identity.token-claims"),
        ({"roles": ["admin"]}, "identity.token-claims"),
        ({"cnf": ...}, "identity.token-claims"),
        ({"nbf": NOW // SECOND + 61}, "identity.token-early"),
    ],
    ids=str,
)
def test_a_root_that_is_not_as_roots_are_is_refused(change, code):
    assert refused(root_with(**change)) == code


def test_a_root_names_its_issuers_key():
    told = claims(cast.root())
    for header in ({"typ": "at+jwt"}, {"typ": "at+jwt", "kid": "other"}):
        assert refused(KEYS["issuer"].sign(header, told).encode()) == "identity.token-issuer"


def test_two_tokens_with_a_common_beginning_are_told_apart():
    warm = cast.verifier()
    warm.verify(CHAIN, now=NOW, revoked=FREE)
    for cut in (20, 100, 1000, len(CHAIN) - 20):
        assert refused(CHAIN[:cut] + b"A" * (len(CHAIN) - cut), verifier=warm).startswith(
            "identity."
        )


def test_a_repeated_member_is_refused():
    above, _, token = CHAIN.rpartition(b"~")
    told = json.dumps(claims(token)).encode()
    twice = told[:-1] + b',"dep":2}'
    signed = KEYS["mid"].sign({"typ": "mandate+jwt"}, twice).encode()
    assert refused(above + b"~" + signed) == "identity.token-malformed"


def test_a_wider_link_is_refused_however_many_authorities_it_is_spread_over():
    spread = [*details(CHAIN), *details(CHAIN, actions=["call", "read"])]
    assert refused(forged(CHAIN, "mid", authorization_details=spread)) == "identity.mandate-wider"
    assert ArgumentLimit(prefix="/docs/contracts/2026").permits("/docs/contracts/2026/x")


def test_a_key_of_the_same_name_is_another_key():
    fake = SigningKey.generate(SimEntropy(99), kid=KEYS["issuer"].public.kid)
    token = fake.sign({"typ": "at+jwt", "kid": fake.public.kid}, claims(cast.root())).encode()
    assert refused(token) == "identity.token-signature"
