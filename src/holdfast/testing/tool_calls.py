"""An agent that calls tools through the gateway, in a simulated world, and the log of it.

The server offers what it is told to and answers every call alike; which tool is called when is drawn
from the seed.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from random import Random
from typing import Any, Final

import msgspec

from holdfast.audit import CallRecord, Log, LogReader, LogSigner, Recorder
from holdfast.blueprint import load
from holdfast.core import Instant, NodeId
from holdfast.gateway import Gateway
from holdfast.identity import Credentials, new_key
from holdfast.policy import Policy
from holdfast.registry import Descriptor, Pin, Pins
from holdfast.testing.recorded import sealed_in
from holdfast.wire import ClientPool, Exchange, Request, ResponseHead, Server, WireError
from holdfast.world.ports import Address
from holdfast.world.sim import (
    SimBlobs,
    SimClock,
    SimEntropy,
    SimJournals,
    SimLoop,
    SimNetwork,
    SimStore,
    simulate,
)

GATEWAY: Final = Address(host="127.0.0.1", port=8080)
SERVER: Final = Address(host="127.0.0.1", port=9001)
REVISION: Final = "2026-07-28"
META: Final = "io.modelcontextprotocol/"
LOOK_S: Final = 3.0
"""Until the gateway has asked the server what it offers."""
TOOLS: Final = ("search", "fetch", "pay")
JSON_TYPE: Final = (b"content-type", b"application/json")
TEXT: Final = """\
holdfast: 1
name: tools
nodes:
  planner: {type: ai:agent, description: Calls tools.}
  desk:
    type: ai:mcp-server
    description: Has tools.
    controls: {upstream: {url: "http://127.0.0.1:9001/mcp", dialect: mcp}}
relationships:
  - {id: planner-desk, connects: [planner, desk]}
"""


def descriptor(name: str) -> dict[str, Any]:
    """A tool as its server describes it."""
    return {"name": name, "description": f"Does {name}.", "inputSchema": {"type": "object"}}


def digest(name: str) -> str:
    """Under which a tool is approved and recorded."""
    return Descriptor.of("tool", descriptor(name)).digest


def call_tools(seed: int, *, calls: int, weights: Mapping[str, int]) -> tuple[CallRecord, ...]:
    """Run so many calls, each of a tool drawn by its weight, and give what the log says of them."""
    draw = Random(f"tools {seed}")  # noqa: S311 - replayable by intent
    names = draw.choices(list(weights), list(weights.values()), k=calls)
    return simulate(seed, lambda loop: _Bench(loop, seed).run(names))


class _Bench:
    def __init__(self, loop: SimLoop, seed: int) -> None:
        self.seed = seed
        self.clock = SimClock(loop)
        self.entropy = SimEntropy(seed)
        self.network = SimNetwork(loop)
        self.journals = SimJournals(self.entropy)
        self.blobs, self.store = SimBlobs(), SimStore()
        self.signer = LogSigner.from_seed("sim.holdfast.local/log", self.entropy.secret(32))

    async def run(self, names: list[str]) -> tuple[CallRecord, ...]:
        async with asyncio.TaskGroup() as group, contextlib.AsyncExitStack() as ending:
            server = Server(_ToolServer(), clock=self.clock)
            await server.start(self.network, sock=SERVER)
            ending.callback(server.abort)
            gateway, key = await self._start(group)
            ending.push_async_callback(gateway.drain, within_s=1)
            await asyncio.sleep(LOOK_S)
            pool = ClientPool(
                GATEWAY,
                network=self.network,
                spawn=group.create_task,
                connections_max=1,
                connect_s=5,
            )
            ending.callback(pool.close)
            for number, name in enumerate(names, 1):
                answer = _Answer()
                pool.send(_call(name, number, key), answer)
                if not await answer.over:
                    raise AssertionError(f"seed {self.seed}: call {number} of {name} failed")
        return self._sealed()

    async def _start(self, group: asyncio.TaskGroup) -> tuple[Gateway, str]:
        gateway = Gateway(
            clock=self.clock,
            entropy=self.entropy,
            network=self.network,
            recorder=Recorder(self.journals, self.clock, worker=0),
            spawn=group.create_task,
            salts=lambda _tenant: bytes(32),
        )
        blueprint = load(TEXT, source="tools.yaml", read=str)
        credential, key = new_key(self.entropy, self.clock, NodeId("planner"))
        path = gateway.prepare(
            blueprint, Policy.compile(blueprint), Credentials([credential]), secret=str
        )
        gateway.adopt(path)
        offered = (Descriptor.of("tool", descriptor(name)) for name in TOOLS)
        gateway.replace_pins(
            Pins([Pin(NodeId("desk"), each, "approved", Instant(0)) for each in offered])
        )
        await gateway.start(sock=GATEWAY)
        return gateway, key

    def _sealed(self) -> tuple[CallRecord, ...]:
        log = Log.open(
            blobs=self.blobs, store=self.store, journals=self.journals, signer=self.signer
        )
        log.integrate()
        return sealed_in(
            LogReader(
                blobs=self.blobs,
                store=self.store,
                journals=self.journals,
                vkey=self.signer.vkey,
            )
        )


class _ToolServer:
    """An MCP server of the newest revision."""

    def handle(self, request: Request, exchange: Exchange) -> None:
        message = msgspec.json.decode(request.body, type=dict[str, Any]) if request.body else {}
        result = _RESULTS.get(message.get("method", ""))
        if result is None:
            exchange.respond(404, (JSON_TYPE,), b"{}")
            return
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        exchange.respond(200, (JSON_TYPE,), msgspec.json.encode(body))


_RESULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "server/discover": {"supportedVersions": [REVISION], "capabilities": {}},
    "tools/list": {"tools": [descriptor(name) for name in TOOLS]},
    "resources/list": {"resources": []},
    "resources/templates/list": {"resourceTemplates": []},
    "prompts/list": {"prompts": []},
    "tools/call": {"content": [{"type": "text", "text": "done"}]},
}


def _call(name: str, number: int, key: str) -> bytes:
    meta: dict[str, Any] = {META + "protocolVersion": REVISION, META + "clientCapabilities": {}}
    params: dict[str, Any] = {"name": f"desk__{name}", "arguments": {}, "_meta": meta}
    message: dict[str, Any] = {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": params,
    }
    body = msgspec.json.encode(message)
    head = (
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        "accept: application/json, text/event-stream\r\n"
        f"mcp-protocol-version: {REVISION}\r\nmcp-method: tools/call\r\n"
        f"mcp-name: desk__{name}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class _Answer:
    """A ``wire.Receiver`` of one answer; ``over`` says whether it came with status 200."""

    def __init__(self) -> None:
        self.over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._status = 0

    def on_head(self, head: ResponseHead) -> None:
        self._status = head.status

    def on_body(self, data: bytes) -> None:
        """What was answered does not matter."""

    def on_end(self) -> None:
        self.over.set_result(self._status == 200)

    def on_failure(self, error: WireError) -> None:
        self.over.set_result(False)
