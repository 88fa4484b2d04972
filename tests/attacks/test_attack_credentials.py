"""Attacks by credentials: text that is a query, tokens that are nearly known ones. Numbers 3, 4."""

import sqlite3

import pytest
from live import Home, chat, chat_body, post, raw_exchange

from holdfast.core import Instant
from holdfast.identity import SigningKey, TokenError, Trust, bundle_of
from holdfast.identity.callers.remembered import KnownWits
from holdfast.identity.wimse import issue_wit

SQL = "' OR 1=1--"
ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/reviewer"),
    ("POST", "/mcp"),
]
UNSERVED = [("GET", "/v1/unknown"), ("PUT", "/v1/chat/completions"), ("GET", "/key/info")]


def asked(home: Home, method: str, path: str, credential: str, *, body: bytes) -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {credential}\r\n"
        "Accept: application/json, text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return raw_exchange(home.url, head.encode() + body)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), ROUTES + UNSERVED)
@pytest.mark.parametrize("credential", [f"Bearer {SQL}", SQL, f"DPoP {SQL}", f"Basic {SQL}"])
def test_3_sql_in_a_credential_is_a_wrong_credential_on_every_route(
    shared: Home, method: str, path: str, credential: str
) -> None:
    for body in (chat_body(), b"", b"{"):
        answer = asked(shared, method, path, credential, body=body if method == "POST" else b"")
        status = int(answer.split(b" ", 2)[1])
        unserved = {404, 405} if (method, path) in UNSERVED else set()
        assert status in {401, 400} | unserved, answer
        assert b"OR 1=1" not in answer
        assert b"SELECT" not in answer.upper()
    assert "OR 1=1" not in shared.instance.said()


@pytest.mark.slow
def test_3_sql_in_every_text_a_caller_may_send_is_text(shared: Home) -> None:
    named = chat(shared.url, shared.keys["desk"], SQL, model=SQL, user=SQL)
    assert (named.status, named.rule) == (404, "node.unknown")
    shared.run("audit", "show", SQL, "--data", str(shared.data), "--json")
    shared.run("key", "revoke", SQL, "--data", str(shared.data), "--json")
    assert chat(shared.url, shared.keys["desk"]).status == 200
    with sqlite3.connect(shared.data / "holdfast.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.slow
def test_4_a_key_that_begins_as_a_known_one_is_refused_though_that_was_just_used(
    shared: Home,
) -> None:
    key = shared.keys["desk"]
    other = "A" if key[-1] != "A" else "B"
    for forged in (key[:-1] + other, key[:20] + "x" * (len(key) - 20), key + "x", key[:-1]):
        assert chat(shared.url, key).status == 200
        answer = post(shared.url, chat_body(), key=forged)
        assert (answer.status, answer.rule) == (401, "identity.unknown"), forged[-4:]


def test_4_a_token_that_shares_its_first_hundred_characters_with_a_cached_one_is_refused() -> None:
    issuer, holder = SigningKey.from_seed(b"i" * 32, kid="i"), SigningKey.from_seed(b"h" * 32)
    now = Instant(1_780_000_000_000_000)
    name = "spiffe://example.org/t/acme/agent/desk"
    token = issue_wit(
        issuer, subject=name, key=holder.public, now=now, lifetime_s=600, jti="one"
    ).encode()
    known = KnownWits(Trust([bundle_of("example.org", wit=[issuer.public])]))
    assert known.read(token, now=now).subject == name
    head, _, signature = token.rpartition(b".")
    flipped = bytes([signature[5] ^ 1])
    for forged in (
        head + b"." + signature[:5] + flipped + signature[6:],
        token[:100] + token[100:].swapcase(),
    ):
        assert forged[:100] == token[:100]
        with pytest.raises(TokenError):
            known.read(forged, now=now)
    assert known.read(token, now=now).subject == name
