"""The official SDK's client, through Holdfast, at servers made with the official SDK."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import anyio
import httpx2
import pytest
from live import Home
from live.instance import eventually
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

SERVER = Path(__file__).parent / "live" / "mcp_server.py"
BLUEPRINT = """\
holdfast: 1
name: tools
description: An agent and the servers whose tools it may use.
nodes:
  agent: {{type: ai:agent, description: May use both.}}
  clerk: {{type: ai:agent, description: May use one.}}
  web:
    type: ai:mcp-server
    description: Answers over HTTP.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/mcp", dialect: mcp}}
  local:
    type: ai:mcp-server
    description: Runs beside the gateway.
    controls:
      upstream: {{command: ["{python}", "{server}"], dialect: mcp}}
relationships:
  - {{id: agent-web, connects: [agent, web], protocol: HTTP, description: Uses.}}
  - {{id: agent-local, connects: [agent, local], protocol: HTTP, description: Uses.}}
  - {{id: clerk-local, connects: [clerk, local], protocol: HTTP, description: Uses.}}
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory):
    """A running instance before two servers, all of whose things are approved."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: is_open(port), "the server listens")
        with Home(tmp_path_factory.mktemp("tools"), port) as home:
            text = BLUEPRINT.format(port=port, python=sys.executable, server=SERVER)
            home.blueprint.write_text(text)
            key = home.folder / "signing.key"
            signed = home.run("sign", str(home.blueprint), "--key", str(key), "--json", check=True)
            home.up("--workers", "2", "--trust-key", signed.json()["vkey"])
            home.make_keys("agent", "clerk")
            for name in ("web", "local"):
                eventually(lambda n=name: len(shown(home, n)) >= 6, f"{name} was seen")
                approve_all(home, name)
            yield home
    finally:
        server.terminate()
        server.wait(timeout=30)


def shown(home: Home, server: str):
    return [p for p in home.tell("tools", "list")["tools"] if p["server"] == server]


def approve_all(home: Home, server: str) -> None:
    for pin in shown(home, server):
        words = ["approve", server, pin["name"], "--kind", pin["kind"], "--digest", pin["digest"]]
        home.tell("tools", *words, "--reason", "test")


@contextlib.asynccontextmanager
async def client(home: Home, node: str, *, path: str = "/mcp", mode: str | None = None, **how):
    headers = {"authorization": f"Bearer {home.keys[node]}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(home.url.rstrip("/") + path, http_client=http)
        more = {"mode": mode} if mode is not None else {}
        async with Client(transport, **more, **how) as made:
            yield made


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_both_servers_are_one_to_the_client(tools: Home, mode: str):
    async def use():
        async with client(tools, "agent", mode=mode) as mcp:
            names = {tool.name for tool in (await mcp.list_tools()).tools}
            texts = [
                (await mcp.call_tool(f"{server}__look", {"document": "two"})).content[0].text
                for server in ("web", "local")
            ]
            uris = {str(r.uri) for r in (await mcp.list_resources()).resources}
            read = await mcp.read_resource("local+doc://two")
            prompts = {p.name for p in (await mcp.list_prompts()).prompts}
            prompt = await mcp.get_prompt("web__summarise", {"document": "one"})
            return names, texts, uris, read, prompts, prompt

    names, texts, uris, read, prompts, prompt = asyncio.run(use())
    assert names == {f"{s}__{t}" for s in ("web", "local") for t in ("look", "slow", "endless")}
    assert texts == ["The second document."] * 2
    assert uris == {"web+doc://one", "local+doc://one"}
    assert read.contents[0].text == "The second document."
    assert str(read.contents[0].uri) == "local+doc://two"
    assert prompts == {"web__summarise", "local__summarise"}
    assert prompt.messages[0].content.text == "Summarise the document one."


@pytest.mark.parametrize("server", ["web", "local"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_progress_reaches_the_client(tools: Home, mode: str, server: str):
    heard: list[float] = []

    async def note(progress, total, message):
        heard.append(progress)

    async def use():
        async with client(tools, "agent", mode=mode) as mcp:
            return await mcp.call_tool(f"{server}__slow", {"steps": 3}, progress_callback=note)

    done = asyncio.run(use())
    assert done.content[0].text == "3 steps"
    assert heard == [0, 1, 2]


@pytest.mark.parametrize("server", ["web", "local"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_what_nobody_waits_for_is_stopped_at_the_server(
    tools: Home, tmp_path: Path, mode: str, server: str
):
    """In 2025-11-25 the client says so in a request of its own, which may meet the other worker."""
    mark = tmp_path / "mark"

    async def use():
        async with client(tools, "agent", mode=mode) as mcp:
            asked = mcp.call_tool(f"{server}__endless", {"mark": str(mark)})
            call = asyncio.create_task(asked)
            begun = mark.with_name("mark.begun")
            await asyncio.to_thread(eventually, begun.exists, "the tool has begun")
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
            await asyncio.to_thread(eventually, mark.exists, "the server was told to stop")

    # The SDK's transport may write to a stream that its own exit has closed: its affair, not ours.
    try:
        asyncio.run(use())
    except* anyio.BrokenResourceError:
        pass
    assert mark.exists()


def test_a_client_sees_only_what_its_relationships_declare(tools: Home):
    async def use():
        async with client(tools, "clerk") as mcp:
            names = {tool.name for tool in (await mcp.list_tools()).tools}
            with pytest.raises(MCPError) as refused:
                await mcp.call_tool("web__look", {"document": "one"})
            return names, refused.value

    names, refused = asyncio.run(use())
    assert names == {"local__look", "local__slow", "local__endless"}
    assert refused.error.data["code"] == "relationship.undeclared"


def test_arguments_that_do_not_fit_never_reach_the_server(tools: Home):
    async def use():
        async with client(tools, "agent") as mcp:
            with pytest.raises(MCPError) as refused:
                await mcp.call_tool("web__slow", {"steps": "many"})
            return refused.value

    refused = asyncio.run(use())
    assert refused.error.data["code"] == "tool.arguments"
    records = tools.records(refused.error.data["call"])
    assert [(r["event"], r["outcome"], r["tool"]) for r in records] == [("call", "refused", "slow")]


def test_a_call_of_a_tool_has_its_intent_in_the_log_before_its_outcome(tools: Home):
    async def use():
        async with client(tools, "agent", path="/mcp/local") as mcp:
            return await mcp.call_tool("look", {"document": "one"})

    done = asyncio.run(use())
    assert done.content[0].text == "The first document."
    time.sleep(0.5)
    source = done.meta["holdfast/source"]
    assert (source["server"], source["name"]) == ("local", "look")
