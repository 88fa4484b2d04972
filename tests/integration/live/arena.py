"""One running instance among friends and foes: what the attacks are tried on.

It is told in this process what the commands would tell it: starting one costs more than a test.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from holdfast.app.instances import find_data
from holdfast.app.keys import create_key
from holdfast.app.tools import PinRow, approve_pin, approve_proposed, list_pins
from live.adversary import Adversary
from live.agents import Agent
from live.calls import Answer, post
from live.instance import Home, eventually
from live.upstream import ScriptedUpstream

SERVERS = ("docs", "twin", "poisoned", "shifting", "moved", "faulty")
UPSTREAM_KEY = "the-key-that-only-upstreams-know"
BLUEPRINT = """\
holdfast: 1
name: attacked
description: Two callers, models and servers of tools, some of which mean harm.
nodes:
  desk: {{type: service, description: May ask nearly everything.}}
  clerk: {{type: service, description: May ask one model and one server.}}
  reviewer:
    type: ai:llm
    description: Honest.
    controls:
      upstream: {{url: "http://127.0.0.1:{upstream}/v1", api_key: "file:upstream.key"}}
  limited:
    type: ai:llm
    description: Asked with a mandate only.
    controls:
      upstream: {{url: "http://127.0.0.1:{upstream}/v1", api_key: "file:upstream.key"}}
      identity: {{mandate: true}}
  other:
    type: ai:llm
    description: The clerk's alone.
    controls: {{upstream: {{url: "http://127.0.0.1:{upstream}/v1"}}}}
{servers}
relationships:
  - {{id: desk-reviewer, connects: [desk, reviewer], protocol: HTTP, description: Asks.}}
  - {{id: desk-limited, connects: [desk, limited], protocol: HTTP, description: Asks.}}
  - {{id: clerk-other, connects: [clerk, other], protocol: HTTP, description: Asks.}}
  - {{id: clerk-docs, connects: [clerk, docs], protocol: HTTP, description: Uses.}}
{links}"""
SERVER = """\
  {name}:
    type: ai:mcp-server
    description: Offers tools.
    controls:
      upstream:
        url: "http://127.0.0.1:{port}/{name}/mcp"
        dialect: mcp
        api_key: "file:upstream.key"
"""
LINK = "  - {{id: desk-{name}, connects: [desk, {name}], protocol: HTTP, description: Uses.}}\n"


@dataclass
class Arena:
    """The instance, and everybody around it."""

    home: Home
    adversary: Adversary
    upstream: ScriptedUpstream

    @cached_property
    def desk(self) -> Agent:
        return Agent(self.home, "desk")

    @cached_property
    def clerk(self) -> Agent:
        return Agent(self.home, "clerk")

    def send(self, body: Any, *, node: str = "desk", path: str = "/mcp", **headers: str) -> Answer:
        """An MCP message of 2025-11-25, or bytes as they are, by a node's key."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return post(self.home.url, data, key=self.home.keys[node], path=path, headers=fields)

    def call(self, tool: str, arguments: Any = None, *, node: str = "desk", **more: Any) -> Answer:
        """One call of a tool."""
        return self.send(
            message("tools/call", name=tool, arguments=arguments or {}), node=node, **more
        )

    def listed(self, node: str = "desk") -> list[dict[str, Any]]:
        """The tools that a client is shown."""
        return self.send(message("tools/list"), node=node).json()["result"]["tools"]

    def records(self, answer: Answer) -> list[dict[str, Any]]:
        """What the log says of a call."""
        url = f"{self.home.instance.console}/api/calls/{answer.call}"
        return eventually(lambda: _records(url), "the call stands in the log")

    def pins(self, server: str) -> list[PinRow]:
        """What the register knows of a server."""
        return list_pins(find_data(self.home.data), server=server)

    def approve(self, server: str) -> None:
        """Everything the server shows now."""
        approve_proposed(find_data(self.home.data), server, reason="test")

    def approve_changed(self, server: str, name: str, digest: str) -> None:
        """One description of a tool, whatever is wrong with it."""
        data = find_data(self.home.data)
        approve_pin(data, server, name, kind="tool", digest=digest, reason="test")


def _records(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(url) as answer:
        return [each["record"] for each in json.load(answer)["records"]]


def message(method: str, id: Any = 1, **params: Any) -> dict[str, Any]:  # noqa: A002 - JSON-RPC's
    """A request."""
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def refusal(answer: Answer) -> str | None:
    """The stable code in an MCP answer, None when it is no refusal."""
    error = answer.json().get("error")
    return None if error is None else error["data"]["code"]


@contextmanager
def arena(folder: Path, upstream: ScriptedUpstream) -> Iterator[Arena]:
    """Running, every tool approved but those of ``poisoned``."""
    with Adversary() as adversary, Home(folder, upstream.port) as home:
        for name in SERVERS:
            adversary.server(name)
        servers = "".join(SERVER.format(name=n, port=adversary.port) for n in SERVERS)
        links = "".join(LINK.format(name=name) for name in SERVERS)
        text = BLUEPRINT.format(upstream=upstream.port, servers=servers, links=links)
        home.blueprint.write_text(text)
        (folder / "upstream.key").write_text(UPSTREAM_KEY)
        home.up()
        made = Arena(home, adversary, upstream)
        for node in ("desk", "clerk"):
            home.keys[node] = create_key(find_data(home.data), node).key
        for name in SERVERS:
            if name != "poisoned":
                eventually(lambda n=name: made.pins(n), f"{name} was looked at")
                made.approve(name)
        eventually(lambda: len(made.listed()) == len(SERVERS) - 1, "what is approved is shown")
        yield made
