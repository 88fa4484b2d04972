"""Attacks by which somebody gives itself more than it was given. Number 5."""

import json
import urllib.request
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from live import chat_body, post
from live.agents import CLOCK, ENTROPY, NAME, Agent, asks, root
from live.arena import Arena, refusal

from holdfast.identity import SigningKey
from holdfast.identity.authority import Authority
from holdfast.identity.jose import b64url, read_compact
from holdfast.identity.mandates import delegate

pytestmark = pytest.mark.slow

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ROLES = {
    "user_role": "proxy_admin",
    "allowed_routes": ["*"],
    "models": ["all-proxy-models"],
    "metadata": {"user_role": "proxy_admin", "principal": f"{NAME}/service/desk"},
    "principal": f"{NAME}/service/desk",
    "mandate": {"authority": "*"},
    "user": f"{NAME}/service/desk",
}


def test_5_no_field_or_header_gives_more_than_the_key(arena: Arena) -> None:
    headers = {
        "x-user-role": "proxy_admin",
        "x-principal": f"{NAME}/service/desk",
        "x-allowed-routes": "*",
        "holdfast-authority": "*",
        "x-litellm-tags": "admin",
    }
    key = arena.home.keys["clerk"]
    answer = post(arena.home.url, chat_body(**ROLES), key=key, headers=headers)
    assert (answer.status, answer.rule) == (403, "relationship.undeclared")
    [record] = arena.records(answer)
    assert record["principal"] == f"{NAME}/service/clerk"
    assert (record["outcome"], record["rule"]) == ("refused", "relationship.undeclared")
    tool = arena.call("twin__look", ROLES, node="clerk")
    assert refusal(tool) == "relationship.undeclared"


def forged(chain: bytes, key: SigningKey, **claims: Any) -> bytes:
    """The last link with other claims, signed by whom it should be."""
    parent, _, link = chain.rpartition(b"~")
    read = read_compact(link, bytes_max=65_536)
    header = {"typ": read.header["typ"]}
    return parent + b"~" + key.sign(header, {**read.payload, **claims}).encode()


WIDER = [
    {"type": "llm", "locations": [f"{NAME}/model/other"], "actions": ["generate"]},
    {"type": "llm", "locations": [f"{NAME}/model/limited"], "actions": ["generate", "embed"]},
    {"type": "mcp_tool", "locations": [f"{NAME}/tool/twin"], "actions": ["call"]},
]


@pytest.mark.parametrize("authority", WIDER)
def test_5_a_link_that_allows_more_than_its_parent_is_refused(
    arena: Arena, authority: dict[str, object]
) -> None:
    chain = delegated(arena)
    wider = forged(chain, arena.desk.key, authorization_details=[authority])
    answer = arena.clerk.ask(chat_body(model="other"), mandate=wider)
    assert (answer.status, answer.rule) == (401, "identity.mandate-wider"), answer.body
    assert arena.records(answer)[-1]["rule"] == "identity.mandate-wider"


def delegated(arena: Arena) -> bytes:
    return delegate(
        root(arena.home, arena.desk),
        arena.desk.key,
        to=f"{NAME}/service/clerk",
        key=arena.clerk.key.public,
        authority=[asks("limited")],
        ttl_s=60,
        now=CLOCK.now(),
        entropy=ENTROPY,
    )


def test_5_nobody_signs_itself_a_mandate(arena: Arena) -> None:
    given = root(arena.home, arena.desk)
    read = read_compact(given, bytes_max=65_536)
    clerk = arena.clerk
    claims = {
        **read.payload,
        "sub": f"{NAME}/service/clerk",
        "cnf": {"jwk": clerk.key.public.jwk()},
    }
    for header in (read.header, {**read.header, "jwk": clerk.key.public.jwk()}):
        own = clerk.key.sign({k: v for k, v in header.items() if k != "alg"}, claims).encode()
        answer = clerk.ask(chat_body(model="other"), mandate=own)
        assert answer.status == 401, answer.body
        assert (answer.rule or "").startswith("identity."), answer.body
    unsigned = b".".join(
        (b64url(b'{"alg":"none","typ":"at+jwt"}').encode(), given.split(b".")[1], b"")
    )
    answer = arena.desk.ask(chat_body(model="limited"), mandate=unsigned)
    assert answer.status == 401, answer.body


@pytest.mark.parametrize(
    "fields",
    [
        {"audience": f"{NAME}/model/other"},
        {"audience": f"{NAME}/model/reviewer"},
        {"audience": "https://elsewhere.example/"},
        {"audience": f"{NAME}/model/limited", "scope": "embed"},
        {"audience": f"{NAME}/model/limited", "subject_token": "another"},
    ],
    ids=str,
)
def test_5_an_exchange_gives_nothing_that_the_mandate_does_not_hold(
    arena: Arena, fields: dict[str, str]
) -> None:
    body = urlencode({"grant_type": EXCHANGE, **fields}).encode()
    mandate = root(arena.home, arena.desk)
    answer = arena.desk.ask(body, path="/identity/token", mandate=mandate)
    assert (answer.status, answer.rule) in {
        *((403, "identity.exchange-target"), (403, "identity.mandate-empty")),
        (400, "request.body"),
    }, answer.body
    [record] = arena.records(answer)
    assert (record["outcome"], record["rule"]) == ("refused", answer.rule)


def test_5_an_exchange_asked_for_more_in_other_words_gives_what_there_is(arena: Arena) -> None:
    wider = json.dumps([{"type": "llm", "locations": ["*"], "actions": ["*"]}])
    form = {
        "grant_type": EXCHANGE,
        "audience": f"{NAME}/model/limited",
        "scope": "generate embed admin",
        "authorization_details": wider,
        "requested_authority": wider,
        "actor_token": arena.home.keys["clerk"],
        "client_id": f"{NAME}/service/clerk",
    }
    mandate = root(arena.home, arena.desk)
    answer = arena.desk.ask(urlencode(form).encode(), path="/identity/token", mandate=mandate)
    assert answer.status == 200, answer.body
    claims = read_compact(answer.json()["access_token"].encode(), bytes_max=65_536).payload
    assert claims["sub"] == f"{NAME}/service/desk"
    [held] = claims["authorization_details"]
    assert (held["locations"], held["actions"]) == ([f"{NAME}/model/limited"], ["generate"])


CONSOLE = [
    *(
        "/api/passports",
        "/api/passports/desk",
        "/api/blueprint",
        "/api/budgets",
        "/api/revocations",
    ),
    *("/api/upstreams", "/api/calls", "/api/keys", "/api/policies", "/api/tools", "/api/mandates"),
    *("/config/update", "/key/generate", "/key/update", "/user/update", "/user/new", "/log/0"),
]


def told(console: str, path: str) -> bytes:
    with urllib.request.urlopen(console + path) as answer:
        return answer.read()


def test_5_neither_api_changes_passports_roles_or_configuration(arena: Arena) -> None:
    console = arena.home.instance.console
    watched = ("/api/passports", "/api/blueprint", "/api/revocations")
    before = [told(console, path) for path in watched]
    sent = {**ROLES, "passport": {"agent": "clerk", "max_mandate": [WIDER[0]]}}
    key = arena.home.keys["clerk"]
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    for base in (console, arena.home.url):
        at = urlsplit(base)
        connection = HTTPConnection(at.hostname or "", at.port, timeout=20)
        for path in CONSOLE:
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                connection.request(method, path, json.dumps(sent), headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status in {401, 403, 404, 405, 429}, (method, path, answer.status)
        connection.close()
    assert [told(console, path) for path in watched] == before


def test_5_a_key_opens_no_session_and_no_exchange(arena: Arena) -> None:
    own = Agent(arena.home, "clerk")
    body = json.dumps({"epk": own.key.public.jwk()}).encode()
    for path, sent in (
        ("/identity/session", body),
        ("/identity/token", urlencode({"grant_type": EXCHANGE, "audience": "x"}).encode()),
    ):
        answer = post(arena.home.url, sent, key=arena.home.keys["clerk"], path=path)
        assert (answer.status, answer.rule) == (401, "identity.proof-missing")


def test_5_an_authority_beyond_the_passport_is_of_no_use(arena: Arena) -> None:
    """The issuer's own signature on too much still does not open what nobody declared."""
    wide = Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/other",)),
        actions=frozenset(("generate",)),
    )
    mandate = root(arena.home, arena.desk, authority=[wide])
    answer = arena.desk.ask(chat_body(model="other"), mandate=mandate)
    assert (answer.status, answer.rule) == (403, "relationship.undeclared")
