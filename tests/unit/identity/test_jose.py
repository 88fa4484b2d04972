"""Signed JSON is read strictly: one spelling, no repeated member, the key's algorithm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from holdfast.identity import (
    KeyRefusedError,
    PublicKey,
    SigningKey,
    TokenClaimsError,
    TokenMalformedError,
    TokenSignatureError,
    TokenTypeError,
    b64url,
    read_compact,
    unb64url,
    verify_compact,
)
from holdfast.identity.jose import TOKEN_BYTES_MAX, read_object
from holdfast.world.sim import SimEntropy

KEY = SigningKey.generate(SimEntropy(1))
OTHER = SigningKey.generate(SimEntropy(2))
TOKEN = KEY.sign({"typ": "at+jwt"}, {"sub": "spiffe://a/b", "n": 1}).encode()


def forged(header: bytes, payload: bytes = b"{}", signature: bytes = b"s" * 64) -> bytes:
    return ".".join(b64url(part) for part in (header, payload, signature)).encode()


def test_the_thumbprint_of_rfc_7638_section_3_1() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
        "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI"
        "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = PublicKey.from_jwk(
        {"kty": "RSA", "e": "AQAB", "n": n, "alg": "RS256", "kid": "2011-04-29"}
    )
    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_signature_of_rfc_7515_appendix_a_3_verifies_and_no_other_does() -> None:
    token = (
        b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        b"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    key = PublicKey.from_jwk(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    compact = read_compact(token)
    verify_compact(compact, key, typ=None)
    assert compact.payload["iss"] == "joe"
    with pytest.raises(TokenSignatureError):
        verify_compact(compact, OTHER.public, typ=None)


def test_what_was_signed_verifies_by_the_same_key_only_and_reads_back() -> None:
    compact = read_compact(TOKEN)
    verify_compact(compact, KEY.public, typ="at+jwt")
    assert compact.payload == {"sub": "spiffe://a/b", "n": 1}
    assert compact.header == {"alg": "ES256", "typ": "at+jwt"}
    with pytest.raises(TokenSignatureError):
        verify_compact(compact, OTHER.public, typ="at+jwt")


def test_an_independent_library_verifies_what_we_sign() -> None:
    found = jws.deserialize_compact(TOKEN, ECKey.import_key(KEY.public.jwk()))
    assert json.loads(found.payload)["n"] == 1


@pytest.mark.parametrize("alg", ["Ed25519", "RS256", "PS256"])
def test_signatures_of_foreign_algorithms_verify(alg: str) -> None:
    key = OKPKey.generate_key("Ed25519") if alg == "Ed25519" else RSAKey.generate_key(2048)
    token = jws.serialize_compact({"alg": alg}, b"{}", key, algorithms=[alg]).encode()
    public = PublicKey.from_jwk({**key.as_dict(private=False), "alg": alg})
    verify_compact(read_compact(token), public, typ=None)
    assert public.thumbprint == key.thumbprint()


def test_a_token_of_another_type_is_refused_before_its_signature_is_looked_at() -> None:
    for typ in ("wit+jwt", "AT+JWT", "application/at+jwt", None):
        with pytest.raises(TokenTypeError):
            verify_compact(read_compact(TOKEN), KEY.public, typ=typ)


def test_the_key_decides_the_algorithm_not_the_token() -> None:
    token = forged(b'{"alg":"RS256","typ":"at+jwt"}', signature=b"s" * 256)
    with pytest.raises(TokenSignatureError, match="algorithm"):
        verify_compact(read_compact(token), KEY.public, typ="at+jwt")


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none"}',
        b'{"alg":"None"}',
        b'{"alg":"HS256"}',
        b'{"alg":["ES256"]}',
        b"{}",
        b'{"alg":"ES256","alg":"ES256"}',
        b'{"alg":"ES256","a":{"b":1,"b":2}}',
        b'{"alg":"ES256","a":[{"b":1,"\\u0062":2}]}',
        b'{"alg":"ES256","crit":["exp"],"exp":1}',
        b'{"alg":"ES256","b64":false}',
        b'{"alg":"ES256","x":NaN}',
        b'["ES256"]',
        b'{"alg":"ES256"}x',
        b'{"alg":"ES256","x":"\xff"}',
        b"\xef\xbb\xbf" + b'{"alg":"ES256"}',
        b"[" * 5000 + b"]" * 5000,
        b'{"alg":"ES256","x":' + b"[" * 5000,
    ],
)
def test_a_header_that_two_readers_could_read_differently_is_malformed(header: bytes) -> None:
    with pytest.raises(TokenMalformedError):
        read_compact(forged(header))


@pytest.mark.parametrize(
    "payload", [b'{"a":1,"a":1}', b"[]", b'"x"', b"", b'{"a":{"b":1,"c":2,"b":1}}', b'{"a":1']
)
def test_a_payload_is_one_object_without_repeated_members(payload: bytes) -> None:
    with pytest.raises(TokenMalformedError):
        read_compact(forged(b'{"alg":"ES256"}', payload))


def test_a_token_has_one_spelling() -> None:
    last = TOKEN[-1:]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    sibling = letters[letters.index(last) ^ 1 :][:1]  # differs in a spare bit only
    for other in (
        TOKEN[:-1] + sibling,
        TOKEN + b"=",
        TOKEN + b"\n",
        b" " + TOKEN,
        TOKEN + b".",
        TOKEN + b".x",
        TOKEN.replace(b".", b".\n", 1),
        TOKEN.rpartition(b".")[0],
        TOKEN.rpartition(b".")[0] + b".",
        b"",
    ):
        with pytest.raises(TokenMalformedError):
            read_compact(other)


def test_no_more_bytes_are_read_than_allowed() -> None:
    with pytest.raises(TokenMalformedError):
        read_compact(TOKEN, bytes_max=len(TOKEN) - 1)
    with pytest.raises(TokenMalformedError):
        read_compact(b"a" * (TOKEN_BYTES_MAX + 1))


@given(st.binary(max_size=80))
def test_base64url_reads_back(data: bytes) -> None:
    assert unb64url(b64url(data)) == data


@given(st.text(max_size=8, alphabet="ABw_-+/= \n"))
def test_only_what_base64url_writes_is_read(text: str) -> None:
    try:
        data = unb64url(text)
    except TokenMalformedError:
        return
    assert b64url(data) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), json_values, max_size=4), st.booleans())
def test_any_object_reads_as_the_json_module_reads_it(value: dict, spaced: bool) -> None:
    data = json.dumps(value, indent=1 if spaced else None).encode()
    assert read_object(data) == value


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused_and_nothing_else(data: bytes) -> None:
    for token in (data, forged(data, data, data)):
        with pytest.raises(TokenMalformedError):
            read_compact(token)


def test_keys_that_are_weak_private_or_of_another_kind_are_refused() -> None:
    good = KEY.public.jwk()
    small = {"kty": "RSA", "n": b64url(b"\x7f" + b"\xff" * 255), "e": "AQAB"}
    for bad in (
        {},
        {**good, "kty": "oct", "k": "AAAA"},
        {**good, "d": good["x"]},
        {**good, "crv": "P-384"},
        {**good, "crv": "secp256k1"},
        {**good, "x": good["y"], "y": good["x"]},
        {**good, "x": good["x"][:-1]},
        {**good, "x": "A" + good["x"]},
        {**good, "y": None},
        {**good, "alg": "RS256"},
        {**good, "alg": 1},
        {**good, "use": "enc"},
        {**good, "kid": "x" * 257},
        {**good, "kid": 7},
        {"kty": "OKP", "crv": "X25519", "x": good["x"]},
        small,
        {"kty": "RSA", "n": small["n"], "e": "AAAB"},
    ):
        with pytest.raises(KeyRefusedError):
            PublicKey.from_jwk(bad)


jwk_members = st.dictionaries(
    st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "alg", "use", "kid"]),
    st.sampled_from(["EC", "OKP", "RSA", "P-256", "Ed25519", "ES256", "AQAB", "A" * 43, ""])
    | json_values,
)


@given(jwk_members)
def test_any_jwk_is_a_key_or_refused_and_nothing_else(members: dict) -> None:
    for jwk in (members, {**KEY.public.jwk(), **members}):
        try:
            key = PublicKey.from_jwk(jwk)
        except KeyRefusedError:
            continue
        assert PublicKey.from_jwk(key.jwk()) == key


def test_a_key_is_equal_to_itself_read_back_and_to_no_other() -> None:
    again = PublicKey.from_jwk(KEY.public.jwk())
    assert again == KEY.public
    assert again.kid == KEY.public.kid == KEY.public.thumbprint
    assert again != OTHER.public
    assert len({again, KEY.public, OTHER.public}) == 2


def test_a_signing_key_keeps_through_pem_and_depends_on_its_seed_alone() -> None:
    assert SigningKey.from_pem(KEY.pem()).public == KEY.public
    assert SigningKey.from_seed(b"a" * 32).public == SigningKey.from_seed(b"a" * 32).public
    assert SigningKey.from_seed(b"a" * 32).public != SigningKey.from_seed(b"b" * 32).public
    with pytest.raises(KeyRefusedError):
        SigningKey.from_seed(b"short")
    with pytest.raises(KeyRefusedError):
        SigningKey.from_pem(b"no key")
    assert "PRIVATE" not in repr(KEY)


def test_a_header_cannot_ask_for_another_algorithm() -> None:
    with pytest.raises(KeyRefusedError):
        KEY.sign({"alg": "none"}, {})


def test_claims_of_another_form_are_refused() -> None:
    with pytest.raises(TokenClaimsError):
        read_compact(TOKEN).claims(dict[str, int])
    assert read_compact(TOKEN).claims(dict[str, str | int])["n"] == 1
