"""The example of OpenID Connect Core 1.0: the ID token of section 3.1.3.3 by the key of A.7."""

import msgspec
import pytest

from holdfast.core import Instant
from holdfast.identity import TokenExpiredError, TokenSignatureError
from holdfast.identity.people import Login, Provider, begin_login, verify_id_token
from holdfast.world.sim import SimEntropy

KEY = {
    "kty": "RSA",
    "kid": "1e9gdk7",
    "n": "w7Zdfmece8iaB0kiTY8pCtiBtzbptJmP28nSWwtdjRu0f2GFpajvWE4VhfJAjEsOcwYzay7XGN0b-X84BfC8hmCT"
    "Oj2b2eHT7NsZegFPKRUQzJ9wW8ipn_aDJWMGDuB1XyqT1E7DYqjUCEOD1b4FLpy_xPn6oV_TYOfQ9fZdbE5HGxJUzeku"
    "GcOKqOQ8M7wfYHhHHLxGpQVgL0apWuP2gDDOdTtpuld4D2LK1MZK99s9gaSjRHE8JDb1Z4IGhEcEyzkxswVdPndUWzfv"
    "WBBWXWxtSUvQGBRkuy1BHOa4sP6FKjWEeeF7gm7UMs2Nm2QUgNZw6xvEDGaLk4KASdIxRQ",
    "e": "AQAB",
}
TOKEN = (
    b"eyJhbGciOiJSUzI1NiIsImtpZCI6IjFlOWdkazcifQ.ewogImlzcyI6ICJodHRwOi8vc2VydmVyLmV4YW1wbGUuY29t"
    b"IiwKICJzdWIiOiAiMjQ4Mjg5NzYxMDAxIiwKICJhdWQiOiAiczZCaGRSa3F0MyIsCiAibm9uY2UiOiAibi0wUzZfV3pB"
    b"Mk1qIiwKICJleHAiOiAxMzExMjgxOTcwLAogImlhdCI6IDEzMTEyODA5NzAKfQ.ggW8hZ1EuVLuxNuuIJKX_V8a_OMX"
    b"zR0EHR9R6jgdqrOOF4daGU96Sr_P6qJp6IcmD3HP99Obi1PRs-cwh3LO-p146waJ8IhehcwL7F09JdijmBqkvPeB2T9CJ"
    b"NqeGpe-gccMg4vfKjkM8FcGvnzZUN4_KSP0aAp1tOJ1zZwgjxqGByKHiOtX7TpdQyHE5lcMiKPXfEIQILVq0pc_E2DzL7"
    b"emopWoaoZTF_m0_N0YzFC6g6EJbOEoRoSK5hoDalrcvRYLSrQAZZKflyuVCyixEoV9GfNQC3_osjzw2PAithfubEEBLuV"
    b"Vk4XUVrWOLrLl0nx7RkKU8NXNHq-rvKMzqg"
)
ISSUED = 1_311_280_970


def login(algorithm: str = "RS256") -> Login:
    """The login of the example: its client, and the nonce that it sent."""
    provider = Provider(
        issuer="http://server.example.com",
        authorization_endpoint="https://server.example.com/authorize",
        token_endpoint="https://server.example.com/token",
        jwks_uri="https://server.example.com/jwks",
        algorithms=frozenset((algorithm,)),
        says_iss=False,
        client_proof="basic",
    )
    began = begin_login(
        provider, "s6BhdRkqt3", redirect_uri="https://client.example.org/cb", entropy=SimEntropy(1)
    )
    return msgspec.structs.replace(began, nonce="n-0S6_WzA2Mj")


def at(second: int) -> Instant:
    return Instant(second * 1_000_000)


JWKS = msgspec.json.encode({"keys": [KEY]})


def test_the_examples_token_is_believed_in_its_time() -> None:
    person = verify_id_token(TOKEN, JWKS, login(), now=at(ISSUED + 1))
    assert (person.issuer, person.subject) == ("http://server.example.com", "248289761001")


def test_it_is_not_believed_later_nor_by_an_algorithm_that_was_not_announced() -> None:
    with pytest.raises(TokenExpiredError):
        verify_id_token(TOKEN, JWKS, login(), now=at(ISSUED + 1_000))
    with pytest.raises(TokenSignatureError):
        verify_id_token(TOKEN, JWKS, login("PS256"), now=at(ISSUED + 1))
    with pytest.raises(TokenSignatureError):
        altered = TOKEN[:-6] + b"AAAAAA"
        verify_id_token(altered, JWKS, login(), now=at(ISSUED + 1))
