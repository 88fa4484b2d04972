"""Attacks that carry credentials where they do not belong. Numbers 9, 14."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from live import Answer, ScriptedUpstream, chat_body, post
from live.adversary import Raw
from live.agents import CLOCK, ENTROPY, NAME, root, send
from live.arena import UPSTREAM_KEY, Arena, message, refusal

from holdfast.identity import gateway_name
from holdfast.identity.authority import Authority
from holdfast.identity.proofs import Request
from holdfast.identity.wimse import make_wpt

pytestmark = pytest.mark.slow

AUDIENCES = [
    gateway_name("elsewhere.example", "default"),
    gateway_name("holdfast.local", "other-tenant"),
    f"{NAME}/model/limited",
    "https://holdfast.local/",
]
LIMITED = chat_body(model="limited")
LOOK = json.dumps(message("tools/call", name="docs__look", arguments={})).encode()


def code(answer: Answer) -> str | None:
    """The stable code of a refusal, in either dialect."""
    error = answer.json().get("error") or {}
    return error.get("data", {}).get("code") or error.get("code")


def uses(server: str) -> Authority:
    return Authority(
        type="mcp_tool",
        locations=frozenset((f"{NAME}/tool/{server}",)),
        actions=frozenset(("call",)),
    )


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize(("path", "body"), [("/v1/chat/completions", LIMITED), ("/mcp", LOOK)])
def test_9_a_mandate_for_another_gateway_is_refused(
    arena: Arena, audience: str, path: str, body: bytes
) -> None:
    foreign = root(arena.home, arena.desk, audience=audience)
    answer = arena.desk.ask(body, path=path, mandate=foreign)
    assert (answer.status, code(answer)) == (401, "identity.token-audience"), answer.body
    [record] = arena.records(answer)
    assert (record["outcome"], record["rule"]) == ("refused", "identity.token-audience")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/mcp"])
def test_9_a_token_that_was_made_for_another_server_is_refused_as_a_bearer(
    arena: Arena, path: str
) -> None:
    mandate = root(arena.home, arena.desk)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"{NAME}/model/limited",
    }
    made = arena.desk.ask(urlencode(form).encode(), path="/identity/token", mandate=mandate).json()
    for token in (made["access_token"], mandate.decode(), arena.desk.wit.decode()):
        body = LOOK if path == "/mcp" else LIMITED
        answer = post(arena.home.url, body, key=token, path=path)
        assert answer.status == 401, answer.body
        assert (code(answer) or "").startswith("identity."), answer.body


def test_9_a_proof_for_another_gateway_is_no_proof_here(arena: Arena) -> None:
    desk, headers = arena.desk, arena.desk.headers()
    elsewhere = Request(
        method="POST",
        target="/v1/chat/completions",
        origins=("https://elsewhere.example",),
        headers=headers,
        body=chat_body(),
    )
    wpt = make_wpt(desk.key, elsewhere, wit=desk.wit, now=CLOCK.now(), entropy=ENTROPY).encode()
    proven = {**headers, b"workload-proof-token": wpt}
    answer = send(arena.home.url, "/v1/chat/completions", chat_body(), proven)
    assert (answer.status, answer.rule) == (401, "identity.proof-mismatch"), answer.body


def carries_nothing_of(sent: Mapping[str, str], body: bytes, *secrets: str) -> bool:
    text = json.dumps(dict(sent)) + body.decode()
    return not any(secret in text for secret in secrets)


def test_9_an_upstream_gets_its_own_credential_and_nothing_of_the_callers(
    arena: Arena, upstream: ScriptedUpstream
) -> None:
    mandate = root(arena.home, arena.desk, authority=[uses("docs"), asks_limited()])
    more = {b"cookie": b"session=secret-of-the-client", b"x-api-key": b"secret-of-the-client"}
    body = chat_body(model="limited", scripted={"mark": "passed-through"})
    asked = arena.desk.ask(body, mandate=mandate, more=more)
    assert asked.status == 200, asked.body
    called = arena.desk.ask(LOOK, path="/mcp", mandate=mandate, more=more)
    assert refusal(called) is None, called.body
    by_key = arena.call("docs__look", authorization_extra=arena.home.keys["desk"])
    assert refusal(by_key) is None
    seen = upstream.seen("passed-through")
    model = {name.decode(): value.decode() for name, value in seen.headers.items()}
    reached = arena.adversary.server("docs").reached[-2:]
    secrets = (
        *(arena.desk.wit.decode(), mandate.decode(), mandate.decode().rpartition(".")[2]),
        *(arena.home.keys["desk"], "secret-of-the-client"),
    )
    for sent, text in ((model, seen.body), *((each.headers, each.body) for each in reached)):
        assert sent["authorization"] == f"Bearer {UPSTREAM_KEY}"
        assert carries_nothing_of(sent, text, *secrets), sent
        assert not {"workload-identity-token", "workload-proof-token", "cookie"} & sent.keys()


def asks_limited() -> Authority:
    return Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/limited",)),
        actions=frozenset(("generate",)),
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_14_a_redirect_is_not_followed_and_takes_no_credential_along(
    arena: Arena, status: int
) -> None:
    away = f"http://127.0.0.1:{arena.adversary.port}/stray"
    script = {"status": status, "headers": {"location": away}}
    asked = post(arena.home.url, chat_body(scripted=script), key=arena.home.keys["desk"])
    assert (asked.status, asked.rule) == (502, "upstream.error"), asked.body
    assert "location" not in asked.headers
    assert arena.records(asked)[-1]["outcome"] == "failed"
    moved = arena.adversary.server("moved")
    moved.answer = lambda _params: Raw(status, {"location": away})
    called = arena.call("moved__look")
    assert refusal(called) is not None, called.body
    assert "location" not in called.headers
    assert arena.records(called)[-1]["outcome"] == "failed"
    assert arena.adversary.strays == []
    assert UPSTREAM_KEY.encode() not in asked.body + called.body


def test_14_no_header_of_an_answer_becomes_one_of_a_request(
    arena: Arena, upstream: ScriptedUpstream
) -> None:
    planted = {
        "x-foo": "planted",
        "set-cookie": "session=planted",
        "authorization": "Bearer planted",
        "www-authenticate": 'Bearer resource_metadata="http://127.0.0.1:1/planted"',
        "mcp-session-id": "planted",
        "mcp-param-x": "planted",
        "link": "<http://127.0.0.1:1/planted>; rel=preload",
    }
    key = arena.home.keys["desk"]
    script = {"status": 400, "headers": planted}
    asked = post(arena.home.url, chat_body(scripted=script), key=key)
    moved = arena.adversary.server("moved")
    moved.answer = lambda _params: Raw(401, planted)
    called = arena.call("moved__look")
    for answer in (asked, called):
        assert (
            not {"set-cookie", "mcp-session-id", "authorization", "x-foo"} & answer.headers.keys()
        )
    post(arena.home.url, chat_body(scripted={"mark": "after-planting"}), key=key)
    arena.call("moved__look")
    after = upstream.seen("after-planting")
    assert b"planted" not in b" ".join(after.headers.values())
    assert "planted" not in json.dumps(moved.reached[-1].headers)
    assert arena.adversary.strays == []
