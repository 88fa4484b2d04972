"""An MCP endpoint in a simulated world, with MCP servers that do as a test says."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from holdfast.core import Instant, NodeId
from holdfast.registry import Descriptor, Pin, Pins
from holdfast.wire import ClientPool, EventSplitter
from holdfast.world.ports import Address

GATEWAY = Address(host="127.0.0.1", port=8080)
NEW, OLD = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
JSON = (b"content-type", b"application/json")
SSE = (b"content-type", b"text/event-stream")

BLUEPRINT = """
holdfast: 1
name: small
nodes:
  agent: {{type: ai:agent, description: Calls tools.}}
  other: {{type: ai:agent, description: Calls others.}}
  docs:
    type: ai:mcp-server
    description: Knows documents.
    controls:
      upstream: {{url: "http://127.0.0.1:9001/mcp", dialect: mcp}}
      {controls}
  bank:
    type: ai:mcp-server
    description: Moves money.
    controls:
      upstream: {{url: "http://127.0.0.1:9002/mcp", dialect: mcp}}
relationships:
  - {{id: agent-uses-docs, connects: [agent, docs], controls: {{ {link} }} }}
  - {{id: other-uses-bank, connects: [other, bank]}}
  {more}
"""


def tool(name, *, properties=None, required=(), **more):
    """A tool's description."""
    schema = {"type": "object", "properties": properties or {}, "required": list(required)}
    return {"name": name, "description": f"Does {name}.", "inputSchema": schema, **more}


@dataclass
class Tools:
    """What one MCP server offers and answers; ``revision`` is the one it speaks."""

    revision: str = NEW
    tools: list = field(default_factory=lambda: [tool("look"), tool("write")])
    resources: list = field(default_factory=list)
    templates: list = field(default_factory=list)
    prompts: list = field(default_factory=list)
    answer: object = None
    asked: list = field(default_factory=list)
    heads: list = field(default_factory=list)
    posts: list = field(default_factory=list)
    told: list = field(default_factory=list)
    sessions: int = 0
    gone: list = field(default_factory=list)
    has_sessions: bool = True

    def of(self, method):
        """Requests of that method."""
        return [message for message in self.asked if message["method"] == method]

    async def play(self, request, exchange):
        self.heads.append((request.method, request.headers))
        if request.method != b"POST":
            exchange.respond(405, (), b"")
            return
        message = msgspec.json.decode(request.body)
        self.posts.append((message, request.headers))
        if "id" not in message:
            self.told.append(message)
            exchange.respond(202, (), b"")
            return
        self.asked.append(message)
        exchange.on_disconnect = lambda: self.gone.append(message)
        method, params = message["method"], message.get("params", {})
        if self._refuses(request, exchange, message):
            return
        if self.answer is not None and method in (
            "tools/call",
            "resources/read",
            "prompts/get",
            "completion/complete",
        ):
            await self.answer(message, exchange)
            return
        result = self._result(method, params)
        if result is None:
            self.fault(exchange, message, -32601, status=404 if self.revision == NEW else 200)
            return
        headers = (JSON,)
        if method == "initialize" and self.has_sessions:
            self.sessions += 1
            headers = (JSON, (b"mcp-session-id", b"session-%d" % self.sessions))
        self.reply(exchange, message, result, headers=headers)

    def _refuses(self, request, exchange, message):
        method = message["method"]
        if self.revision == NEW:
            if method == "initialize":
                self.fault(exchange, message, -32022, status=400)
                return True
            return False
        if method == "server/discover":
            self.fault(exchange, message, -32601, status=400)
            return True
        session = request.headers.get(b"mcp-session-id")
        if method != "initialize" and self.has_sessions and session is None:
            exchange.respond(400, (JSON,), b'{"error":"no session"}')
            return True
        return False

    def _result(self, method, params):
        results = {
            "server/discover": {"supportedVersions": [NEW], "capabilities": {}},
            "initialize": {"protocolVersion": OLD, "capabilities": {}},
            "tools/list": {"tools": self.tools},
            "resources/list": {"resources": self.resources},
            "resources/templates/list": {"resourceTemplates": self.templates},
            "prompts/list": {"prompts": self.prompts},
            "tools/call": {"content": [{"type": "text", "text": "done"}]},
            "resources/read": {"contents": [{"uri": params.get("uri"), "text": "read"}]},
            "prompts/get": {"messages": []},
            "completion/complete": {"completion": {"values": ["one"]}},
        }
        return results.get(method)

    @staticmethod
    def reply(exchange, message, result, *, headers=(JSON,)):
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        exchange.respond(200, headers, msgspec.json.encode(body))

    @staticmethod
    def fault(exchange, message, code, *, status=200):
        body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": "no"}}
        exchange.respond(status, (JSON,), msgspec.json.encode(body))

    def pins(self, server):
        """All that it offers, approved."""
        kinds = (
            ("tool", self.tools),
            ("resource", self.resources),
            ("template", self.templates),
            ("prompt", self.prompts),
        )
        return [
            Pin(NodeId(server), Descriptor.of(kind, item), "approved", Instant(0))
            for kind, items in kinds
            for item in items
        ]


class Client:
    """An MCP client of one revision; ``headers`` go with every request."""

    def __init__(
        self, world, caller, *, revision=NEW, path="/mcp", session=None, capabilities=None
    ):
        self.world = world
        self.caller = caller
        self.revision = revision
        self.path = path
        self.session = session
        self.capabilities = capabilities or {}
        self.last = 0

    def message(self, method, params, *, meta=None):
        self.last += 1
        params = dict(params)
        extra = dict(meta or {})
        if self.revision == NEW:
            extra = {
                META + "protocolVersion": NEW,
                META + "clientCapabilities": self.capabilities,
                **extra,
            }
        if extra:
            params["_meta"] = extra
        return {"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}

    def fields(self, message):
        params = message.get("params", {})
        fields = {
            "host": "127.0.0.1:8080",
            "authorization": f"Bearer {self.world.keys[self.caller]}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        if self.revision == NEW:
            fields["mcp-protocol-version"] = NEW
            fields["mcp-method"] = message["method"]
            named = params.get("name", params.get("uri"))
            if named is not None:
                fields["mcp-name"] = named
        else:
            fields["mcp-protocol-version"] = OLD
            if self.session is not None:
                fields["mcp-session-id"] = self.session
        return fields

    async def ask(self, method, params=None, *, meta=None, leave_after_s=None, **fields):
        message = self.message(method, params or {}, meta=meta)
        return await self.send(message, leave_after_s=leave_after_s, **fields)

    async def call(self, name, arguments=None, **more):
        return await self.ask("tools/call", {"name": name, "arguments": arguments or {}}, **more)

    async def tell(self, method, params=None):
        message = self.message(method, params or {})
        del message["id"]
        return await self.send(message)

    async def send(self, message, *, leave_after_s=None, verb="POST", **fields):
        body = message if isinstance(message, bytes) else msgspec.json.encode(message)
        known = message if isinstance(message, dict) else {"method": ""}
        named = {**self.fields(known), **{k.replace("_", "-"): v for k, v in fields.items()}}
        lines = "".join(
            f"{name}: {value}\r\n" for name, value in named.items() if value is not None
        )
        head = f"{verb} {self.path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        return await self.world.exchange(head.encode() + body, leave_after_s=leave_after_s)


@dataclass
class Heard:
    """What a client heard; ``messages`` are those of its events, or the one of its body."""

    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    failure: str | None = None

    @property
    def is_stream(self):
        return self.headers.get(b"content-type") == b"text/event-stream"

    @property
    def messages(self):
        if not self.is_stream:
            return [msgspec.json.decode(self.body)] if self.body else []
        events = EventSplitter().feed(self.body)
        return [
            msgspec.json.decode(line[5:])
            for line in events.split(b"\n")
            if line.startswith(b"data:")
        ]

    @property
    def result(self):
        return self.messages[-1]["result"]

    @property
    def error(self):
        return self.messages[-1]["error"]

    @property
    def code(self):
        return self.error["data"]["code"]


class _Listener:
    def __init__(self, loop):
        self.heard = Heard()
        self.over = loop.create_future()

    def on_head(self, head):
        self.heard.status, self.heard.headers = head.status, head.headers

    def on_body(self, data):
        self.heard.body += data

    def on_end(self):
        self._end()

    def on_failure(self, error):
        self.heard.failure = error.code
        self._end()

    def _end(self):
        if not self.over.done():
            self.over.set_result(None)


class McpKit:
    """What tests are written with."""

    NEW, OLD, META, JSON, SSE = NEW, OLD, META, JSON, SSE
    Tools = Tools
    tool = staticmethod(tool)

    def __init__(self, kit):
        self._kit = kit

    @staticmethod
    def blueprint(controls="", link="", more=""):
        return BLUEPRINT.format(controls=controls, link=link, more=more)

    def run(self, scenario, *, docs=None, bank=None, text=None, approve=True, look=True, **more):
        """``scenario(world)`` with the servers ``docs`` and ``bank``; ``world.client(...)`` calls."""
        servers = {"docs": docs, "bank": bank}

        async def main(world):
            async def exchange(message, *, leave_after_s=None):
                pool = ClientPool(
                    GATEWAY,
                    network=world.network,
                    spawn=world.group.create_task,
                    connections_max=1,
                    connect_s=5,
                )
                listener = _Listener(world.loop)
                ticket = pool.send(message, listener)
                try:
                    async with asyncio.timeout(leave_after_s):
                        await listener.over
                except TimeoutError:
                    ticket.cancel()
                pool.close()
                return listener.heard

            world.exchange = exchange
            world.shown = {}
            world.client = lambda caller="agent", **how: Client(world, caller, **how)
            pins = []
            for port, (name, server) in enumerate(servers.items(), start=9001):
                if server is not None:
                    await world.serve(port, server.play)
                    pins += server.pins(name)
            if approve:
                world.gateway.replace_pins(Pins(pins))
            if look:
                await asyncio.sleep(3.0)
            return await scenario(world)

        return self._kit.run(text or self.blueprint(), main, **more)


@pytest.fixture
def mcp(kit):
    return McpKit(kit)
