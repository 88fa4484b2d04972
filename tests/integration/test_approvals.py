"""Calls that policy holds for a person: real processes, the real command, both dialects."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Answer, Home, ScriptedUpstream, chat_body, eventually, post
from test_login import PEOPLE, Provider, log_in
from test_mcp_sdk import SERVER, approve_all, client, free_port, is_open, shown

pytestmark = pytest.mark.slow

BLUEPRINT = """\
holdfast: 1
name: held
description: Some calls wait for a person.
policies: [held.cedar]
nodes:
  agent: {{type: ai:agent, description: Asks and calls.}}
  reviewer:
    type: ai:llm
    description: Answers anybody.
    controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1"}}}}
  judge:
    type: ai:llm
    description: Answers once a person said yes.
    controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1", model: reviewer}}}}
  web:
    type: ai:mcp-server
    description: Answers over HTTP.
    controls: {{upstream: {{url: "http://127.0.0.1:{mcp}/mcp", dialect: mcp}}}}
relationships:
  - {{id: agent-reviewer, connects: [agent, reviewer]}}
  - {{id: agent-judge, connects: [agent, judge]}}
  - {{id: agent-web, connects: [agent, web]}}
"""
HELD = """\
@id("judged-with-an-owner")
@require_approval("owners")
permit (principal, action, resource == Holdfast::Model::"judge");

@id("looked-at-with-an-owner")
@require_approval("owners")
permit (principal, action == Holdfast::Action::"call", resource)
when { context has tool && context.tool == "look" };
"""


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Home]:
    """A running instance of two workers before a model and a server of tools."""
    mcp = free_port()
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(mcp)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: is_open(mcp), "the server listens")
        with Home(tmp_path_factory.mktemp("held"), upstream.port) as home:
            home.blueprint.write_text(BLUEPRINT.format(port=upstream.port, mcp=mcp))
            (home.folder / "held.cedar").write_text(HELD)
            home.up("--workers", "2")
            home.make_keys("agent")
            eventually(lambda: len(shown(home, "web")) >= 6, "the tools were seen")
            approve_all(home, "web")
            yield home
    finally:
        server.terminate()
        server.wait(timeout=30)


class Calling:
    """A call in a thread of its own."""

    def __init__(
        self,
        home: Home,
        *,
        mark: str,
        model: str = "judge",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.answer: Answer | None = None
        body = chat_body("file the finding", model=model, scripted={"mark": mark, "say": "done"})

        def run() -> None:
            with contextlib.suppress(OSError):
                self.answer = post(home.url, body, key=home.keys["agent"], headers=headers)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def end(self) -> Answer:
        self._thread.join(timeout=30)
        assert self.answer is not None
        return self.answer


def waiting(home: Home) -> list[dict[str, Any]]:
    return home.tell("approvals", "list")["approvals"]


def one_waiting(home: Home) -> dict[str, Any]:
    return eventually(lambda: waiting(home), "a call waits")[0]


def none_waits(home: Home) -> None:
    eventually(lambda: not waiting(home), "no call waits")


def was_sent(upstream: ScriptedUpstream, mark: str) -> bool:
    with contextlib.suppress(KeyError):
        return upstream.seen(mark) is not None
    return False


def test_a_call_waits_is_shown_and_goes_on_with_the_name_of_who_said_yes(
    held: Home, upstream: ScriptedUpstream
) -> None:
    calling = Calling(held, mark="yes")
    asked = one_waiting(held)
    assert not was_sent(upstream, "yes")
    whole = held.tell("approvals", "show", asked["call"])
    assert whole["content"] == "file the finding"
    assert (whole["groups"], whole["callee"]) == (["owners"], "judge")
    with urllib.request.urlopen(f"{held.instance.console}/api/approvals") as reply:
        (seen,) = json.load(reply)["approvals"]
    assert seen["call"] == asked["call"]
    assert "judged-with-an-owner" in seen["policies"]
    done = held.tell("approvals", "approve", asked["call"], "--reason", "it is right")
    answer = calling.end()
    assert answer.status == 200
    assert answer.json()["choices"][0]["message"]["content"] == "done"
    (record,) = held.records(asked["call"])
    assert record["approver"] == done["by"]
    assert record["obligations"] == ["require_approval:owners"]
    change = eventually(lambda: change_of(held, done["change"]), "the decision is in the log")
    assert (change["kind"], change["by"]) == ("approval.given", done["by"])
    assert (change["subject"], change["reason"]) == (asked["call"], "it is right")


def change_of(home: Home, identity: str) -> dict[str, Any] | None:
    ran = home.run("audit", "show", identity, "--data", str(home.data), "--json")
    return ran.json()["records"][0]["record"] if ran.code == 0 else None


def test_a_no_is_a_refusal_with_the_name(held: Home, upstream: ScriptedUpstream) -> None:
    calling = Calling(held, mark="no")
    asked = one_waiting(held)
    done = held.tell("approvals", "deny", asked["call"], "--reason", "not like this")
    answer = calling.end()
    assert (answer.status, answer.rule) == (403, "approval.denied")
    assert not was_sent(upstream, "no")
    (record,) = held.records(asked["call"])
    assert (record["rule"], record["approver"]) == ("approval.denied", done["by"])
    again = held.run(
        *("approvals", "approve", asked["call"], "--reason", "late"),
        *("--data", str(held.data), "--json"),
    )
    assert (again.code, again.json()["error"]["code"]) == (1, "approval.unknown")


def test_a_call_that_nobody_decides_about_is_refused_in_time(
    held: Home, upstream: ScriptedUpstream
) -> None:
    calling = Calling(held, mark="late", headers={"x-request-timeout-ms": "1500"})
    answer = calling.end()
    assert (answer.status, answer.rule) == (403, "approval.timeout")
    assert not was_sent(upstream, "late")
    none_waits(held)


def test_a_caller_that_leaves_asks_nobody_any_more(held: Home, upstream: ScriptedUpstream) -> None:
    host, _, port = held.url.removeprefix("http://").partition(":")
    body = chat_body(model="judge", scripted={"mark": "gone"})
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\n"
        f"authorization: Bearer {held.keys['agent']}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(head.encode() + body)
        call = one_waiting(held)["call"]
    none_waits(held)
    assert not was_sent(upstream, "gone")
    record = eventually(lambda: change_of(held, call), "the call's record is durable")
    assert (record["outcome"], record["rule"]) == ("cancelled", "call.cancelled")


def test_other_calls_wait_for_nobody(held: Home) -> None:
    answer = post(held.url, chat_body(), key=held.keys["agent"])
    assert answer.status == 200
    assert "obligations" not in held.records(answer.call)[0]


@pytest.mark.parametrize("is_yes", [True, False])
def test_a_tool_waits_and_its_client_is_told_so(held: Home, is_yes: bool) -> None:
    told: list[str | None] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async def use() -> Any:
        async with client(held, "agent") as mcp:
            words = {"document": "one"}
            call = asyncio.create_task(mcp.call_tool("web__look", words, progress_callback=note))
            asked = await asyncio.to_thread(one_waiting, held)
            word = "approve" if is_yes else "deny"
            await asyncio.to_thread(
                held.tell, "approvals", word, asked["call"], "--reason", "because"
            )
            return asked, (await asyncio.gather(call, return_exceptions=True))[0]

    asked, result = asyncio.run(use())
    assert asked["tool"] == "look"
    assert told[0] is not None
    assert "owners" in told[0]
    records = held.records(asked["call"])
    if is_yes:
        assert result.content[0].text == "The first document."
        assert [r["event"] for r in records] == ["opened", "intent", "closed"]
        assert records[-1]["outcome"] == "answered"
    else:
        assert result.error.data["code"] == "approval.denied"
        assert [r["event"] for r in records] == ["opened", "closed"]
        assert records[-1]["outcome"] == "refused"
    assert records[-1]["approver"].startswith("user:")


def test_a_worker_that_dies_takes_its_questions_with_it(held: Home) -> None:
    Calling(held, mark="killed")
    one_waiting(held)
    before = held.instance.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    none_waits(held)
    eventually(lambda: held.instance.has_logged("worker.replaced"), "there are new workers")
    eventually(lambda: Path(f"/proc/{before[0]}").exists() is False, "the old one is gone")


def test_an_instance_that_stops_refuses_who_waits(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with Home(tmp_path, upstream.port) as home:
        home.blueprint.write_text(BLUEPRINT.format(port=upstream.port, mcp=free_port()))
        (home.folder / "held.cedar").write_text(HELD)
        instance = home.up("--workers", "1")
        home.make_keys("agent")
        calling = Calling(home, mark="stopped")
        one_waiting(home)
        assert instance.stop() == 0
        assert calling.end().rule == "approval.interrupted"
        assert not was_sent(upstream, "stopped")


GROUPS = """\
@id("risk-decides")
@require_approval("risk")
permit (principal, action, resource == Holdfast::Model::"judge");

@id("board-decides")
@require_approval("board")
permit (principal, action, resource == Holdfast::Model::"reviewer");
"""


def test_where_people_log_in_only_those_of_the_group_decide(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with Provider(tmp_path) as provider, Home(tmp_path, upstream.port) as home:
        people = PEOPLE.format(issuer=provider.issuer)
        text = BLUEPRINT.format(port=upstream.port, mcp=free_port()) + people
        home.blueprint.write_text(text)
        (home.folder / "held.cedar").write_text(GROUPS)
        (home.folder / "client-secret").write_text("not much of a secret\n")
        home.up("--workers", "1")
        home.make_keys("agent")
        calling = Calling(home, mark="risky")
        call = one_waiting(home)["call"]
        assert refused(home, call) == "login.none"
        alice = log_in(home)["principal"]
        done = home.tell("approvals", "approve", call, "--reason", "seen")
        assert done["by"] == alice
        assert calling.end().status == 200
        assert home.records(call)[0]["approver"] == alice
        Calling(home, mark="of the board", model="reviewer")
        assert refused(home, one_waiting(home)["call"]) == "approval.group"


def refused(home: Home, call: str) -> str:
    """By which code an approval is."""
    words = ("approvals", "approve", call, "--reason", "because")
    ran = home.run(*words, "--data", str(home.data), "--json")
    assert ran.code == 1
    return ran.json()["error"]["code"]
