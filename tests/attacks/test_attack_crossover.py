"""Attacks by what belongs to another: sessions, state, ids. Number 17."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from live import chat_body
from live.adversary import said
from live.agents import send
from live.arena import Arena, message, refusal

pytestmark = pytest.mark.slow

STATEFUL = "2026-07-28"


def test_17_an_identity_session_is_of_use_to_its_own_agent_only(arena: Arena) -> None:
    session = arena.desk.open_session()
    assert session.ask(chat_body("mine")).status == 200
    body = chat_body(model="other")
    stolen = {**arena.clerk.headers(), **{
        name: value
        for name, value in session.signed(body).items()
        if name.startswith(b"signature")
    }}  # fmt: skip
    answer = send(arena.home.url, "/v1/chat/completions", body, stolen)
    assert (answer.status, answer.rule) in {
        (401, "identity.token-signature"),
        (401, "identity.session-unknown"),
        (401, "identity.proof-mismatch"),
    }, answer.body
    session.agent, desk = arena.clerk, session.agent
    signed = send(arena.home.url, "/v1/chat/completions", body, session.signed(body))
    session.agent = desk
    assert signed.status == 401, signed.body
    assert arena.records(signed)[-1]["outcome"] == "refused"


def opened(arena: Arena, node: str) -> str:
    greeting = message(
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={},
        clientInfo={"name": "x", "version": "1"},
    )
    return arena.send(greeting, node=node).headers["mcp-session-id"]


def test_17_a_session_of_tools_is_of_use_to_its_own_principal_only(arena: Arena) -> None:
    session = opened(arena, "desk")
    mine = arena.call("docs__look", mcp_session_id=session)
    assert refusal(mine) is None
    before = len(arena.adversary.server("docs").calls())
    for foreign in (session, session[:-1] + ("A" if session[-1] != "A" else "B"), "", "1"):
        stolen = arena.call("docs__look", node="clerk", mcp_session_id=foreign)
        assert (stolen.status, refusal(stolen)) == (404, "mcp.session"), stolen.body
        assert arena.records(stolen)[-1]["rule"] == "mcp.session"
    assert len(arena.adversary.server("docs").calls()) == before


def modern(arena: Arena, node: str, id: object, **params: object) -> dict[str, object]:  # noqa: A002
    """A call in the newest revision, which knows servers that ask back."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": STATEFUL,
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }
    body = message("tools/call", id, name="docs__look", arguments={}, _meta=meta, **params)
    answer = arena.send(
        body,
        node=node,
        mcp_protocol_version=STATEFUL,
        mcp_method="tools/call",
        mcp_name="docs__look",
        accept="application/json, text/event-stream",
    )
    return answer.json()


def test_17_a_servers_state_comes_back_only_from_whom_it_was_given_to(arena: Arena) -> None:
    docs = arena.adversary.server("docs")
    honest = docs.answer
    wanted = {
        "resultType": "input_required",
        "inputRequests": {"name": {"type": "elicitation", "message": "Who?"}},
        "requestState": "state-of-the-desk",
    }
    docs.answer = lambda params: wanted if "requestState" not in params else said("went on")
    try:
        state = modern(arena, "desk", 1)["result"]["requestState"]
        assert "state-of-the-desk" not in state
        for stolen in (state, state[:-4] + "AAAA", "state-of-the-desk"):
            refused = modern(arena, "clerk", 1, requestState=stolen)
            assert refused["error"]["data"]["code"] == "mcp.state", refused
        mine = modern(arena, "desk", 2, requestState=state)
        assert mine["result"]["content"][0]["text"] == "went on"
        assert docs.calls()[-1]["requestState"] == "state-of-the-desk"
    finally:
        docs.answer = honest


def test_17_two_clients_with_one_id_each_get_their_own_answer(arena: Arena) -> None:
    docs = arena.adversary.server("docs")
    honest, together = docs.answer, threading.Barrier(8, timeout=20)

    def answer(params: dict[str, object]) -> dict[str, object]:
        together.wait()  # all of them are at the server at once
        return said(json.dumps(params["arguments"]))

    docs.answer = answer
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = [
                (node, n, pool.submit(arena.call, "docs__look", {"of": f"{node}{n}"}, node=node))
                for node in ("desk", "clerk")
                for n in range(4)
            ]
            for node, n, future in asked:
                got = future.result().json()
                assert got["id"] == 1
                assert got["result"]["content"][0]["text"] == json.dumps({"of": f"{node}{n}"})
    finally:
        docs.answer = honest
    ids = [each.json()["id"] for each in docs.reached if b"tools/call" in each.body]
    assert len(set(ids)) == len(ids)
