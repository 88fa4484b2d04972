"""Attacks by what two parsers read differently. Number 1."""

import json

import pytest
from live import ScriptedUpstream, post
from live.arena import Arena, refusal

pytestmark = pytest.mark.slow

ALLOWED, FORBIDDEN = '"docs__look"', '"poisoned__look"'


@pytest.mark.parametrize(
    "members",
    [
        f'"name": {ALLOWED}, "Name": {FORBIDDEN}',
        f'"Name": {FORBIDDEN}, "name": {ALLOWED}',
        f'"name": {ALLOWED}, "name": {FORBIDDEN}',
        f'"name": {FORBIDDEN}, "name": {ALLOWED}',
        f'"name": {ALLOWED}, "n\\u0061me": {FORBIDDEN}',
        f'"name": {ALLOWED}, "NAME": {FORBIDDEN}',
        f'"name": {ALLOWED}, "arguments": {{"a": 1, "a": 2}}',
        f'"name": {ALLOWED}, "arguments": {{"path": "x", "Path": "y"}}',
        f'"name": {ALLOWED}, "argument\\u017f": {{}}',
    ],
)
def test_1_a_call_that_names_two_tools_to_two_parsers_is_refused_before_policy(
    arena: Arena, members: str
) -> None:
    docs = arena.adversary.server("docs")
    before = len(docs.calls())
    body = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {{{members}}}}}'
    answer = arena.send(body.encode())
    assert (answer.status, refusal(answer)) == (400, "mcp.message"), answer.body
    assert len(docs.calls()) == before
    [record] = arena.records(answer)
    assert (record["outcome"], record["rule"]) == ("refused", "mcp.message")
    assert record.get("principal") is None  # nothing was asked about whoever sent it


@pytest.mark.parametrize(
    "envelope",
    [
        '"method": "tools/list", "Method": "tools/call"',
        '"method": "ping", "method": "tools/call"',
        '"method": "tools/list", "params": {}, "Params": {"name": "docs__look"}',
    ],
)
def test_1_a_message_with_two_methods_is_refused(arena: Arena, envelope: str) -> None:
    answer = arena.send(f'{{"jsonrpc": "2.0", "id": 1, {envelope}}}'.encode())
    assert (answer.status, refusal(answer)) == (400, "mcp.message")


def test_1_a_server_gets_what_was_decided_on_and_not_the_clients_bytes(arena: Arena) -> None:
    body = (
        b'{"params": {"extra": {"name": "poisoned__look"}, "arguments": {"b": 1,   "a": "\\u0061"},'
        b' "name": "docs__l\\u006fok"}, "method": "tools/call", "id": "x", "jsonrpc": "2.0",'
        b' "other": 1}'
    )
    assert refusal(arena.send(body)) is None
    reached = arena.adversary.server("docs").reached[-1]
    params = reached.json()["params"]
    assert {name: params[name] for name in params if name != "_meta"} == {
        "name": "look",
        "arguments": {"a": "a", "b": 1},
    }
    assert reached.headers["mcp-name"] == "look"
    assert b"extra" not in reached.body
    assert reached.json().keys() == {"jsonrpc", "id", "method", "params"}


@pytest.mark.parametrize(
    "models",
    [
        '"model": "reviewer", "model": "other"',
        '"model": "other", "model": "reviewer"',
        '"m\\u006fdel": "other", "model": "reviewer"',
        '"model": "reviewer", "m\\u006fdel": "other"',
        '"model": "reviewer", "Model": "other"',
        '"Model": "other", "model": "reviewer"',
        '"model": "other", "Model": "reviewer"',
    ],
)
def test_1_the_model_that_was_decided_on_is_the_only_one_its_upstream_reads(
    arena: Arena, upstream: ScriptedUpstream, models: str
) -> None:
    mark = f"models-{models}"
    rest = f'"messages": [], "scripted": {{"mark": {json.dumps(mark)}}}'
    key = arena.home.keys["desk"]
    answer = post(arena.home.url, f"{{{models}, {rest}}}".encode(), key=key)
    if not upstream.was_reached(mark):
        assert answer.status in {400, 403}, answer.body
        return
    pairs = json.loads(upstream.seen(mark).body, object_pairs_hook=list)
    named = [value for name, value in pairs if name.lower() == "model"]
    assert named == ["reviewer"]
