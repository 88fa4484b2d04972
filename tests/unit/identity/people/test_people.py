"""An ID token is believed for this client, this login and now; a login by whoever began it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey

from holdfast.core import HoldfastError, Instant
from holdfast.identity import (
    SigningKey,
    TokenAudienceError,
    TokenClaimsError,
    TokenEarlyError,
    TokenError,
    TokenExpiredError,
    TokenIssuerError,
    TokenMalformedError,
    TokenSignatureError,
    TokenTypeError,
    b64url,
)
from holdfast.identity.issuer import Issuer
from holdfast.identity.people import (
    SESSION_S,
    Login,
    LoginDeniedError,
    LoginError,
    LoginIssuerError,
    LoginNonceError,
    LoginStateError,
    Person,
    ProviderError,
    SessionEndedError,
    begin_login,
    metadata_url,
    open_person_session,
    person_principal,
    read_person_session,
    read_provider,
    read_token_answer,
    verify_id_token,
)
from holdfast.world.sim import SimEntropy

ISSUER = "https://idp.example/realms/staff"
CLIENT = "holdfast"
NOW = Instant(1_790_000_000_000_000)
AT = NOW // 1_000_000
KEY = SigningKey.generate(SimEntropy(7), kid="k1")
OTHER = SigningKey.generate(SimEntropy(8), kid="k2")
METADATA: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://idp.example/authorize?tenant=1",
    "token_endpoint": "https://idp.example/token",
    "jwks_uri": "https://keys.example/jwks",
    "response_types_supported": ["code"],
    "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    "scopes_supported": ["openid"],
}
REDIRECT = "http://127.0.0.1:4000/callback"


def provider(**more: object) -> Any:
    return read_provider(ISSUER, msgspec.json.encode({**METADATA, **more}))


def login(**more: object) -> Login:
    return begin_login(provider(**more), CLIENT, redirect_uri=REDIRECT, entropy=SimEntropy(1))


def jwks(*keys: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({"keys": keys or ({**KEY.public.jwk(), "use": "sig"},)})


def claims(of: Login, **more: object) -> dict[str, object]:
    fresh: dict[str, object] = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": CLIENT,
        "exp": AT + 300,
        "iat": AT,
        "nonce": of.nonce,
    }
    return {name: value for name, value in {**fresh, **more}.items() if value is not None}


def signed(payload: Mapping[str, object], *, key: SigningKey = KEY, **header: object) -> bytes:
    return key.sign({"kid": key.public.kid, **header}, payload).encode()


def verified(token: bytes, of: Login, *, keys: bytes | None = None) -> Person:
    return verify_id_token(token, keys or jwks(), of, now=NOW, groups_claim="groups")


def test_a_token_for_this_login_names_the_person() -> None:
    of = login()
    more = {"name": "Al\x1bice", "groups": ["b", "a"], "acr": "high", "amr": ["pwd", "otp"]}
    person = verified(signed(claims(of, **more, unknown={"x": 1})), of)
    assert person.principal == person_principal(ISSUER, "alice")
    assert (person.name, person.groups, person.amr) == ("Alice", ("a", "b"), ("pwd", "otp"))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"iss": "https://idp.example/realms/other"}, TokenIssuerError),
        ({"iss": ISSUER + "/"}, TokenIssuerError),
        ({"aud": "other"}, TokenAudienceError),
        ({"aud": []}, TokenAudienceError),
        ({"aud": [CLIENT, "other"], "azp": CLIENT}, TokenAudienceError),
        ({"azp": "other"}, TokenAudienceError),
        ({"exp": AT}, TokenExpiredError),
        ({"iat": AT - 661}, TokenExpiredError),
        ({"iat": AT + 61}, TokenEarlyError),
        ({"nbf": AT + 61}, TokenEarlyError),
        ({"nonce": "other"}, LoginNonceError),
        ({"nonce": None}, TokenClaimsError),
        ({"sub": None}, TokenClaimsError),
        ({"sub": ""}, TokenClaimsError),
        ({"sub": "a\nb"}, TokenClaimsError),
        ({"sub": "a" * 256}, TokenClaimsError),
        ({"exp": None}, TokenClaimsError),
        ({"iat": None}, TokenClaimsError),
        ({"exp": f"{AT + 300}"}, TokenClaimsError),
        ({"groups": "admin"}, TokenClaimsError),
        ({"groups": ["g"] * 201}, TokenClaimsError),
        ({"groups": ["g" * 201]}, TokenClaimsError),
    ],
)
def test_a_token_for_anything_else_is_refused(
    more: dict[str, object], error: type[HoldfastError]
) -> None:
    of = login()
    with pytest.raises(error):
        verified(signed(claims(of, **more)), of)


def test_the_audience_may_be_a_list_of_one() -> None:
    of = login()
    assert verified(signed(claims(of, aud=[CLIENT], azp=CLIENT)), of)


def test_only_keys_and_algorithms_that_the_provider_publishes_count() -> None:
    of = login()
    good = claims(of)
    with pytest.raises(TokenIssuerError):  # a key that is not published
        verified(signed(good, key=OTHER), of)
    with pytest.raises(TokenSignatureError):  # another key under a published name
        verified(signed(good, key=OTHER, kid="k1"), of)
    with pytest.raises(TokenIssuerError):  # two keys of one name
        verified(signed(good), of, keys=jwks(KEY.public.jwk(), {**OTHER.public.jwk(), "kid": "k1"}))
    with pytest.raises(TokenIssuerError):  # a key for encryption
        verified(signed(good), of, keys=jwks({**KEY.public.jwk(), "use": "enc"}))
    with pytest.raises(TokenTypeError):  # a token of another type
        verified(signed(good, typ="at+jwt"), of)
    header = b64url(b'{"alg":"none"}')
    unsigned = f"{header}.{b64url(msgspec.json.encode(good))}.".encode()
    for token in (unsigned, unsigned + b"AA", b"", b"a.b.c"):
        with pytest.raises(TokenMalformedError):
            verified(token, of)


def test_a_new_key_of_the_provider_is_taken_and_its_old_one_is_not() -> None:
    of = login()
    rotated = jwks(OTHER.public.jwk())
    assert verified(signed(claims(of), key=OTHER), of, keys=rotated)
    with pytest.raises(TokenIssuerError):
        verified(signed(claims(of)), of, keys=rotated)


def test_a_token_without_kid_is_good_where_there_is_one_key() -> None:
    of = login()
    bare = KEY.sign({}, claims(of)).encode()
    assert verified(bare, of)
    with pytest.raises(TokenIssuerError):
        verified(bare, of, keys=jwks(KEY.public.jwk(), OTHER.public.jwk()))


RSA = RSAKey.import_key(rsa.generate_private_key(public_exponent=65_537, key_size=2_048))
RSA_JWK = {**RSA.as_dict(private=False), "kid": "rsa"}


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_that_names_no_algorithm_takes_the_one_announced(alg: str) -> None:
    of = login(id_token_signing_alg_values_supported=[alg])
    token = jws.serialize_compact(
        {"alg": alg, "kid": "rsa"},
        msgspec.json.encode(claims(of)),
        RSA,
        algorithms=["RS256", "PS256"],
    ).encode()
    assert verified(token, of, keys=jwks(RSA_JWK))
    other = login(id_token_signing_alg_values_supported=["ES256"])
    with pytest.raises(TokenSignatureError):  # its provider does not sign so
        verified(token, other, keys=jwks(RSA_JWK))
    with pytest.raises(TokenError):  # the key says that it is for the other one
        fixed = {**RSA_JWK, "alg": {"RS256": "PS256", "PS256": "RS256"}[alg]}
        verified(token, of, keys=jwks(fixed))


# -- the answer at the redirect address --------------------------------------------------------


def test_the_browser_is_sent_with_pkce_state_and_nonce() -> None:
    of = login()
    url = urlsplit(of.url)
    asked = {name: each[0] for name, each in parse_qs(url.query).items()}
    assert (url.netloc, asked["tenant"]) == ("idp.example", "1")
    challenge = b64url(sha256(of.verifier.encode()).digest())
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (challenge, "S256")
    assert (asked["redirect_uri"], asked["state"], asked["nonce"]) == (REDIRECT, of.state, of.nonce)
    assert len({of.state, of.nonce, of.verifier}) == 3
    assert of.verifier not in of.url


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    of = msgspec.structs.replace(login(), verifier=verifier)
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&" in of.url


def test_an_answer_counts_with_the_state_and_the_right_provider() -> None:
    of = login()
    assert of.code(urlencode({"state": of.state, "code": "c"})) == "c"
    assert of.code(urlencode({"state": of.state, "code": "c", "iss": ISSUER})) == "c"
    promised = login(authorization_response_iss_parameter_supported=True)
    answer = {"state": promised.state, "code": "c"}
    assert promised.code(urlencode({**answer, "iss": ISSUER})) == "c"
    with pytest.raises(LoginIssuerError):  # attack 11: it promised to name itself
        promised.code(urlencode(answer))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"state": "other"}, LoginStateError),
        ({"state": ""}, LoginStateError),
        ({"state": "ä"}, LoginStateError),
        ({"iss": "https://idp.example/realms/other"}, LoginIssuerError),
        ({"iss": ""}, LoginIssuerError),
        ({"iss": "https://evil.example", "error": "access_denied"}, LoginIssuerError),
        ({"error": "access_denied"}, LoginDeniedError),
        ({"code": ""}, LoginError),
        ({"code": "c" * 4_097}, LoginError),
    ],
)
def test_any_other_answer_does_not(more: dict[str, str], error: type[HoldfastError]) -> None:
    of = login()
    with pytest.raises(error):
        of.code(urlencode({"state": of.state, "code": "c", **more}))


def test_a_parameter_that_stands_twice_is_no_answer() -> None:
    of = login()
    for twice in (
        "code=d",
        f"state={of.state}",
        "iss=a&iss=a",
        "%ff=1",
        "&".join("abcdefghijklmnopqrs"),
    ):
        with pytest.raises(LoginStateError):
            of.code(f"state={of.state}&code=c&{twice}")


@given(st.text(max_size=100))
def test_no_answer_that_does_not_know_the_state_gives_a_code(query: str) -> None:
    with pytest.raises(LoginError):
        login().code(query)


def test_a_client_proves_itself_as_the_provider_wants() -> None:
    of = login()
    assert of.token_form("c", None)["client_id"] == CLIENT
    assert of.token_form("c", None)["code_verifier"] == of.verifier
    assert of.token_headers(None) == {}
    assert "client_secret" not in of.token_form("c", "s: t")
    assert of.token_headers("s: t") == {"authorization": "Basic aG9sZGZhc3Q6cyUzQSt0"}
    post = login(token_endpoint_auth_methods_supported=["private_key_jwt", "client_secret_post"])
    assert post.token_form("c", "s")["client_secret"] == "s"
    assert post.token_headers("s") == {}


def test_only_a_whole_token_answer_has_an_id_token() -> None:
    assert read_token_answer(ISSUER, 200, b'{"id_token":"t","access_token":"a"}') == b"t"
    for status, body in (
        (400, b'{"error":"invalid_grant"}'),
        (200, b"{}"),
        (400, b'{"id_token":"t"}'),
    ):
        with pytest.raises(LoginDeniedError):
            read_token_answer(ISSUER, status, body)
    with pytest.raises(LoginError):
        read_token_answer(ISSUER, 200, b"<html>")


# -- the provider's own description ------------------------------------------------------------


def test_a_provider_describes_itself_where_discovery_says() -> None:
    assert metadata_url(ISSUER) == ISSUER + "/.well-known/openid-configuration"
    assert metadata_url(ISSUER + "/") == metadata_url(ISSUER)
    assert provider().algorithms == {"ES256"}


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": ISSUER + "/"},
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"response_types_supported": ["id_token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"id_token_signing_alg_values_supported": []},
        {"authorization_endpoint": "http://idp.example/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "file:///etc/passwd"},
        {"authorization_endpoint": "https://idp.example/a#b"},
        {"authorization_endpoint": "https://idp.example/a b"},
        {"token_endpoint": "http://idp.example/token"},
        {"jwks_uri": "//idp.example/jwks"},
        {"jwks_uri": 1},
    ],
)
def test_a_provider_that_cannot_be_logged_in_at_safely_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(ProviderError):
        provider(**more)


def test_metadata_with_a_repeated_member_is_refused() -> None:
    written = msgspec.json.encode(METADATA)
    with pytest.raises(ProviderError):
        read_provider(ISSUER, written[:-1] + b',"issuer":"https://idp.example/realms/staff"}')


# -- names and sessions ------------------------------------------------------------------------


SUBJECTS = st.text(min_size=1, max_size=20)


@given(SUBJECTS, SUBJECTS, st.sampled_from([ISSUER, "https://b.example"]))
def test_no_two_people_have_one_name(one: str, other: str, issuer: str) -> None:
    try:
        names = person_principal(ISSUER, one), person_principal(issuer, other)
    except TokenClaimsError:
        return
    assert (names[0] == names[1]) == ((ISSUER, one) == (issuer, other))
    assert all(name.isascii() and name.isprintable() and " " not in name for name in names)


def opened(person: Person | None = None) -> tuple[Issuer, str]:
    issuer = Issuer.found("example.org", now=NOW, entropy=SimEntropy(1))
    alice = Person(principal=person_principal(ISSUER, "alice"), issuer=ISSUER, subject="alice")
    return issuer, open_person_session(person or alice, issuer, now=NOW, entropy=SimEntropy(2))


def later(seconds: int) -> Instant:
    return Instant(NOW + seconds * 1_000_000)


def test_a_session_is_good_for_its_hour_and_at_its_own_instance() -> None:
    issuer, token = opened()
    session = read_person_session(token.encode(), issuer, now=later(SESSION_S - 1))
    assert session.person.subject == "alice"
    for at in (later(SESSION_S), later(-120)):
        with pytest.raises(SessionEndedError):
            read_person_session(token.encode(), issuer, now=at)
    stranger = Issuer.found("example.org", now=NOW, entropy=SimEntropy(9))
    with pytest.raises(SessionEndedError):
        read_person_session(token.encode(), stranger, now=NOW)


def test_no_other_token_passes_for_a_session() -> None:
    issuer, token = opened()
    payload = msgspec.json.decode(b"{}", type=dict[str, object])
    mandate = issuer.sign({"typ": "at+jwt"}, payload, now=NOW).encode()
    with pytest.raises(TokenTypeError):
        read_person_session(mandate, issuer, now=NOW)
    with pytest.raises(TokenError):
        read_person_session(token[:-4].encode() + b"AAAA", issuer, now=NOW)
    lying = Person(principal=person_principal(ISSUER, "bob"), issuer=ISSUER, subject="alice")
    with pytest.raises(TokenIssuerError):
        read_person_session(opened(lying)[1].encode(), opened(lying)[0], now=NOW)
