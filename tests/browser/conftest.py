"""A headless Chromium spoken to over a pipe (Chrome DevTools Protocol), and a served console.

No driver and no library: two pipes, JSON messages that end in a null byte.
"""

import asyncio
import contextlib
import importlib.util
import itertools
import json
import os
import select
import shlex
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from holdfast.faces.service import make_app

WAIT_S = 30.0
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
WATCH = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation",
    event => window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""


class Browser:
    """One browser, and the one tab in it that a test has."""

    def __init__(self, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        assert CHROMIUM is not None
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {shlex.join(command)} 3<&{theirs_in} 4>&{theirs_out}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self._tab: str | None = None
        self.said: list[str] = []

    def open_tab(self) -> None:
        """A tab of the test's own: what an earlier test's page still says is not heard in it."""
        self._tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=self._tab, flatten=True)[
            "sessionId"
        ]
        self.said.clear()
        for domain in ("Page", "Runtime", "Log", "DOM"):
            self.send(f"{domain}.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def close_tab(self) -> None:
        self._session = None
        self.send("Target.closeTarget", targetId=self._tab)

    def send(self, method: str, **params):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def open(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, expression: str):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait for an expression to hold."""
        end = time.monotonic() + WAIT_S
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never: {expression}; {self.said}"
            time.sleep(0.05)

    def html(self) -> str:
        """The document as it stands, scripts or no scripts."""
        root = self.send("DOM.getDocument", depth=0)["root"]["nodeId"]
        return self.send("DOM.getOuterHTML", nodeId=root)["outerHTML"]

    def size(self, width: int, height: int = 900) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._out)
        os.close(self._in)

    def _receive(self):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], WAIT_S)
            assert ready, "the browser does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "the browser ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, message) -> None:
        """Anything on the tab's console is worth failing for."""
        if message.get("sessionId") != self._session:
            return
        match message.get("method"):
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded":
                self.said.append(json.dumps(message["params"]))
            case _:
                pass


class Served:
    """A console on a loopback port, in a thread of its own; ``do`` changes the system there."""

    def __init__(self, system, *, port: int = 0, around=lambda app: app) -> None:
        """``around`` may put something between the console and the browser, such as a lie."""
        self.system = system
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        app = make_app(
            system,
            version="9.9.9",
            gateway="http://127.0.0.1:8080",
            vkey=system.vkey,
            windows=system.windows(),
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                around(app), log_level="error", lifespan="off", timeout_graceful_shutdown=2
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._started.wait(WAIT_S)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._started.set)
        await self._server.serve(sockets=[self._socket])

    def do(self, change) -> None:
        done = threading.Event()

        def changing() -> None:
            change(self.system)
            self.system.announce()
            done.set()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(changing)
        assert done.wait(WAIT_S)

    def close(self) -> None:
        """Stop serving. Idempotent."""
        if not self._thread.is_alive():
            return
        self.do(lambda system: system.close())
        self._server.should_exit = True
        self._thread.join(WAIT_S)
        self._socket.close()


@pytest.fixture(scope="session")
def fakes():
    path = Path(__file__).parents[1] / "unit" / "faces" / "fake_system.py"
    spec = importlib.util.spec_from_file_location("fake_system_shown", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.fakes


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    chromium.open_tab()
    chromium.size(1440)
    yield chromium
    chromium.close_tab()


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def serving(system, **options) -> Served:
            served = Served(system, **options)
            stack.callback(served.close)
            return served

        yield serving
