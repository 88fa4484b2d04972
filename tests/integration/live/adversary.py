"""MCP servers that do as a test says, ill deeds included, and keep what reached them.

Each speaks 2026-07-28 at a path of its own and holds ``subscriptions/listen`` open, so that a change
of its lists is heard at once.
"""

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

REVISION = "2026-07-28"
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


def tool(name: str, description: str = "Tells something.", **more: Any) -> dict[str, Any]:
    """A tool that takes any arguments."""
    return {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object"},
        **more,
    }


@dataclass(frozen=True, slots=True)
class Raw:
    """An HTTP answer to the letter."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reached:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(slots=True)
class Server:
    """One server: what it offers, how it answers ``tools/call`` (a result, or ``Raw``)."""

    tools: list[dict[str, Any]] = field(default_factory=lambda: [tool("look")])
    answer: Callable[[dict[str, Any]], dict[str, Any] | Raw] = lambda params: said(params["name"])
    reached: list[Reached] = field(default_factory=list)
    ears: list["queue.Queue[bytes | None]"] = field(default_factory=list)

    def calls(self) -> list[dict[str, Any]]:
        """The ``params`` of every tool call that came."""
        messages = [each.json() for each in self.reached]
        return [each["params"] for each in messages if each.get("method") == "tools/call"]

    def change(self, tools: list[dict[str, Any]]) -> None:
        """Offer something else from now on, and say so."""
        self.tools = tools
        for ear in self.ears:
            ear.put(json.dumps(CHANGED).encode())


def said(text: str, **more: Any) -> dict[str, Any]:
    """A result of a tool."""
    return {"resultType": "complete", "content": [{"type": "text", "text": text}], **more}


class Adversary:
    """Context manager: any number of servers, by the first part of their paths."""

    def __init__(self) -> None:
        self.servers: dict[str, Server] = {}
        self.strays: list[Reached] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for server in self.servers.values():
            for ear in server.ears:
                ear.put(None)
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=10)

    def server(self, name: str, **how: Any) -> Server:
        """The one at ``/<name>/mcp``, made at the first use."""
        return self.servers.setdefault(name, Server(**how))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        adversary = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                fields = {name.lower(): value for name, value in self.headers.items()}
                reached = Reached(self.path, fields, self.rfile.read(size))
                server = adversary.servers.get(self.path.split("/")[1])
                if server is None:
                    adversary.strays.append(reached)
                    self.reply(Raw(404))
                    return
                server.reached.append(reached)
                self.serve(server, reached.json())

            do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - http.server names them

            def serve(self, server: Server, message: dict[str, Any]) -> None:
                if message.get("method") == "subscriptions/listen":
                    self.listen(server)
                    return
                answer = _answer(server, message)
                if isinstance(answer, Raw):
                    self.reply(answer)
                    return
                whole = {"jsonrpc": "2.0", "id": message.get("id"), **answer}
                headers = {"content-type": "application/json"}
                self.reply(Raw(200, headers, json.dumps(whole).encode()))

            def listen(self, server: Server) -> None:
                ear: queue.Queue[bytes | None] = queue.Queue()
                server.ears.append(ear)
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                while (event := ear.get()) is not None:
                    self.wfile.write(b"data: " + event + b"\n\n")

            def reply(self, raw: Raw) -> None:
                self.send_response(raw.status)
                for name, value in raw.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(raw.body)))
                self.end_headers()
                self.wfile.write(raw.body)

            def log_message(self, *_args: object) -> None:
                """Tests look at what was kept."""

        return Handler


def _answer(server: Server, message: dict[str, Any]) -> dict[str, Any] | Raw:
    match message.get("method"):
        case "server/discover":
            return {"result": {"supportedVersions": [REVISION], "capabilities": {"tools": {}}}}
        case "tools/list":
            return {"result": {"tools": server.tools}}
        case "tools/call":
            answer = server.answer(message["params"])
            if isinstance(answer, Raw) or "error" in answer:
                return answer
            return {"result": answer}
        case _:
            return {"error": {"code": -32601, "message": "there is no such method"}}
