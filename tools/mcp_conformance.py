"""Runs the official MCP conformance suite against the gateway, with an MCP server behind it.

    python tools/mcp_conformance.py                      # both revisions, through npx
    python tools/mcp_conformance.py --suite PATH/TO/node_modules/.bin/conformance
    python tools/mcp_conformance.py --scenario tools-list --revision 2026-07-28

The suite speaks without credentials and under a server's own names, so it comes through a small
relay that adds the caller's key, and asks for one server (``POST /mcp/<node>``). What is expected to
fail, and why, stands in ``tests/conformance/mcp/expected-failures.yaml``; anything else that fails,
or passes against expectation, fails this run.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "conformance" / "mcp"
PACKAGE = "@modelcontextprotocol/conformance@0.2.0-alpha.12"
REVISIONS = ("2026-07-28", "2025-11-25")
SERVER = "everything"
DEADLINE_S = 60.0
SUITE_S = 900.0
HEAD_BYTES_MAX = 64 * 1024

BLUEPRINT = """\
holdfast: 1
name: conformance
nodes:
  tester: {{type: ai:agent, description: The conformance suite.}}
  {server}:
    type: ai:mcp-server
    description: Has a thing of every kind.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/mcp", dialect: mcp}}
      tools: {{egress: {{hosts: ["*", example, test, path], schemes: [http, https, test, file]}}}}
relationships:
  - {{id: tester-uses, connects: [tester, {server}], protocol: HTTP, description: Tests.}}
"""


def main() -> int:
    """Run it; the exit code says whether all went as expected."""
    options = _options()
    suite = options.suite or shutil.which("npx")
    if suite is None:
        print("the suite needs npx (Node.js 22 or newer) or --suite", file=sys.stderr)
        return 2
    command = [suite] if options.suite else [suite, "--yes", PACKAGE]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url = stack.enter_context(_system(Path(folder)))
        codes = [
            _run(command, url, revision=revision, scenario=options.scenario)
            for revision in options.revision or REVISIONS
        ]
    return max(codes)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--suite", help="the suite's own command, where it is installed")
    parser.add_argument("--revision", action="append", choices=REVISIONS)
    parser.add_argument("--scenario", help="one scenario only")
    return parser.parse_args()


def _run(command: list[str], url: str, *, revision: str, scenario: str | None) -> int:
    words = [*command, "server", "--url", url, "--spec-version", revision]
    if scenario is None:
        words += ["--suite", "all"]
        expected = FIXTURES / f"expected-failures-{revision}.yaml"
        if expected.exists():
            words += ["--expected-failures", str(expected)]
    else:
        words += ["--scenario", scenario, "--verbose"]
    print(f"== revision {revision}: {' '.join(words[len(command) :])}", flush=True)
    return subprocess.run(words, check=False, timeout=SUITE_S).returncode


@contextlib.contextmanager
def _system(folder: Path) -> Iterator[str]:
    """The server, the gateway before it and the relay before that; the URL to test."""
    port = _free_port()
    with contextlib.ExitStack() as stack:
        server = [sys.executable, str(FIXTURES / "everything_server.py"), "--port", str(port)]
        stack.enter_context(_process(server, folder, "server"))
        blueprint = folder / "holdfast.yaml"
        blueprint.write_text(BLUEPRINT.format(port=port, server=SERVER))
        holdfast = str(Path(sys.executable).with_name("holdfast"))
        data = ["--data", str(folder / "data"), "--json"]
        up = [holdfast, "up", str(blueprint), *data, "--port", "0", "--console-port", "0"]
        stack.enter_context(_process(up, folder, "up"))
        gateway = _ready(folder / "up.out")
        key = _tell([holdfast, "key", "create", "tester", *data])["key"]
        _approve(holdfast, data)
        relay = Relay(gateway, key)
        stack.callback(relay.stop)
        url = f"http://127.0.0.1:{relay.port}/mcp/{SERVER}"
        _wait_listed(url)
        yield url


def _approve(holdfast: str, data: list[str]) -> None:
    """All that the server offers, once it was seen."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        pins = _tell([holdfast, "tools", "list", *data])["tools"]
        if pins:
            break
        time.sleep(0.2)
    for pin in pins:
        if pin["state"] != "approved":
            words = ["tools", "approve", SERVER, pin["name"], "--kind", pin["kind"]]
            _tell([holdfast, *words, "--digest", pin["digest"], "--reason", "conformance", *data])


def _wait_listed(url: str) -> None:
    """Until the worker shows what was approved."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"content-type": "application/json", "accept": "application/json"}
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(request) as answer:
            if json.load(answer).get("result", {}).get("tools"):
                return
        time.sleep(0.2)
    raise SystemExit("nothing was listed in time")


@contextlib.contextmanager
def _process(words: list[str], folder: Path, name: str) -> Iterator[None]:
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_S)


def _ready(out: Path) -> tuple[str, int]:
    """Where the gateway listens, once it says so."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        first = out.read_text().partition("\n")
        if first[1]:
            url = json.loads(first[0])["ready"]["url"]
            found = re.fullmatch(r"http://([^:/]+):(\d+)/?.*", url)
            assert found is not None
            return found[1], int(found[2])
        time.sleep(0.1)
    raise SystemExit("the gateway is not ready in time: " + out.with_suffix(".err").read_text())


def _tell(words: list[str]) -> dict:
    ended = subprocess.run(words, check=True, capture_output=True, timeout=DEADLINE_S)
    return json.loads(ended.stdout)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Relay:
    """Passes connections on as they are, with one header more in each request's head."""

    def __init__(self, gateway: tuple[str, int], key: str) -> None:
        self._gateway = gateway
        self._extra = f"Authorization: Bearer {key}\r\nConnection: close\r\n".encode()
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=DEADLINE_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, _, rest = head.partition(b"\r\n")
            rest = re.sub(rb"(?im)^connection:[^\r]*\r\n", b"", rest)
            there, here = await asyncio.open_connection(*self._gateway, limit=HEAD_BYTES_MAX)
            here.write(first + b"\r\n" + self._extra + rest)
            ways = [
                asyncio.ensure_future(_pass(reader, here)),
                asyncio.ensure_future(_pass(there, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            here.close()
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(HEAD_BYTES_MAX):
            writer.write(data)
            await writer.drain()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    raise SystemExit(main())
