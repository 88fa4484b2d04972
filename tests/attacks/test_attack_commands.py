"""Attacks that name a program in a request, to have it started. Number 7."""

import json
import signal
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from live import post
from live.arena import Arena, message
from live.instance import eventually

pytestmark = pytest.mark.slow

PATHS = [
    *("/mcp", "/mcp/docs", "/mcp/new", "/v1/chat/completions", "/identity/session"),
    *("/mcp-rest/test/connection", "/mcp-rest/test/tools/list", "/v1/mcp/server", "/mcp/servers"),
]


def descendants(pid: int) -> set[int]:
    """Every process under one."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found


def attempts(mark: Path) -> Iterator[bytes]:
    """What has made others start a program, and its like."""
    program = {"command": "sh", "args": ["-c", f"touch {mark}"], "env": {}}
    stdio = {"transport": "stdio", **program}
    server = {"mcpServers": {"x": stdio}}
    yield json.dumps(stdio).encode()
    yield json.dumps({"server_name": "x", "url": None, **stdio}).encode()
    yield json.dumps(server).encode()
    for method in ("tools/call", "initialize", "server/add", "servers/register", "ping"):
        yield json.dumps(message(method, name="docs__look", arguments=stdio, **stdio)).encode()
        yield json.dumps({**message(method, name=f"$(touch {mark})"), **stdio, **server}).encode()
    body = {"model": "reviewer", "messages": [], "mcp_servers": [stdio], "tools": [stdio]}
    yield json.dumps(body).encode()


def test_7_no_request_starts_a_process(arena: Arena, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    keeper = arena.home.instance.process.pid
    before = descendants(keeper)
    assert before
    for path in PATHS:
        for body in attempts(mark):
            answer = post(arena.home.url, body, key=arena.home.keys["desk"], path=path)
            assert answer.status < 500, (path, body, answer.body)
    assert descendants(keeper) == before
    at = urlsplit(arena.home.instance.console)
    for path in (*PATHS, "/api/mcp/servers", "/api/blueprint", "/api/upstreams"):
        for body in attempts(mark):
            console = HTTPConnection(at.hostname or "", at.port, timeout=20)
            console.request("POST", path, body, {"content-type": "application/json"})
            assert console.getresponse().status in {401, 403, 404, 405, 429}, path
            console.close()
    assert descendants(keeper) == before
    assert not mark.exists()


def test_7_no_answer_of_a_server_starts_a_process(arena: Arena, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    keeper = arena.home.instance.process.pid
    before = descendants(keeper)
    faulty = arena.adversary.server("faulty")
    for body in attempts(mark):
        faulty.answer = lambda _params, said=body: {
            "resultType": "complete",
            "content": [{"type": "text", "text": said.decode()}],
            "_meta": json.loads(said),
            **json.loads(said),
        }
        assert arena.call("faulty__look").status < 500
    assert descendants(keeper) == before
    assert not mark.exists()


def test_7_a_program_in_a_blueprint_that_nobody_signed_starts_nothing(
    arena: Arena, tmp_path: Path
) -> None:
    home, mark = arena.home, tmp_path / "started"
    before = descendants(home.instance.process.pid)
    sound = home.blueprint.read_text()
    program = f'{{command: [sh, -c, "touch {mark}"], dialect: mcp}}'
    server = (
        f"  ours: {{type: ai:mcp-server, description: Runs., controls: {{upstream: {program}}}}}\n"
    )
    refused = len([e for e in home.instance.events() if e["event"] == "reload.refused"])
    try:
        home.blueprint.write_text(sound.replace("relationships:\n", server + "relationships:\n"))
        home.instance.process.send_signal(signal.SIGHUP)
        eventually(
            lambda: (
                len([e for e in home.instance.events() if e["event"] == "reload.refused"]) > refused
            ),
            "the blueprint is refused",
        )
    finally:
        home.blueprint.write_text(sound)
    assert "signed blueprint only" in home.instance.said()
    assert descendants(home.instance.process.pid) == before
    assert not mark.exists()
