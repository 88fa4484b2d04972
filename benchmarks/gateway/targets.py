"""What is measured: how each target is started on its core, and stopped."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from payloads import MODEL, PATH, body

HERE = Path(__file__).parent
WORK = HERE.parent / ".work"
READY_S = 120.0
STOP_S = 20.0
NO_KEY = "none"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A target that answers: the root of its process tree, its port, and how it wants to be asked."""

    pid: int
    port: int
    key: str = NO_KEY
    path: str = PATH
    model: str = MODEL
    headers: dict[str, str] = field(default_factory=dict)
    console: int = 0
    """The port of the console, where the target has one."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """A process of ours and what it writes."""

    process: "subprocess.Popen[bytes]"
    log: Path
    secrets: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def pinned(core: int) -> Generator[None]:
    """What is started in here runs on ``core``, and so do its children."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


@contextlib.contextmanager
def started(
    name: str,
    command: list[str],
    *,
    core: int,
    env: dict[str, str] | None = None,
    pipe: bool = False,
) -> Generator[Started]:
    """Run a command on one core; stop it in the end. Its words go to ``.work/NAME.log``."""
    path = WORK / f"{name}.log"
    with path.open("wb") as log, pinned(core):
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipe else log,
            stderr=log,
            env={**os.environ, **(env or {})},
            cwd=WORK,
        )
    try:
        yield Started(process=process, log=path)
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(target: Running, run: Started) -> None:
    """Until a real call is answered; it is the target's first warm-up too."""
    deadline = time.monotonic() + READY_S
    said = ""
    headers = {"content-type": "application/json", "authorization": f"Bearer {target.key}"}
    headers |= target.headers
    while time.monotonic() < deadline and run.process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
        try:
            connection.request("POST", target.path, body("chat", target.model), headers)
            answer = connection.getresponse()
            said = answer.read().decode("utf-8", "replace")
            if answer.status == 200 and "usage" in said:
                return
        except OSError as error:
            said = str(error)
        finally:
            connection.close()
        time.sleep(0.2)
    raise SystemExit(f"a target does not answer; its log is {run.log}; the last it said: {said}")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def filled(name: str | Path, **words: object) -> Path:
    """A configuration file (of this folder) with its placeholders filled in, in ``.work``."""
    file = HERE / name
    text = file.read_text()
    for word, value in words.items():
        text = text.replace(word, str(value))
    path = WORK / file.name
    path.write_text(text)
    return path


@contextlib.contextmanager
def upstream_on(core: int) -> Generator[Running]:
    """The model's place; see ``upstream.py``."""
    command = [sys.executable, str(HERE / "upstream.py")]
    with started("upstream", command, core=core, pipe=True) as run:
        assert run.process.stdout is not None
        yield Running(pid=run.process.pid, port=int(run.process.stdout.readline()))


class Direct:
    """No gateway: what load generator and upstream cost by themselves; no CPU of a target."""

    name = "direct"
    version = ""

    def missing(self) -> str | None:
        return None

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        yield upstream


class Nginx:
    """A plain reverse proxy: the practical limit. No identity, no policy, no record."""

    name = "nginx"

    def __init__(self) -> None:
        self.binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        self.version = self._version() if self.binary else ""

    def _version(self) -> str:
        said = subprocess.run([str(self.binary), "-v"], capture_output=True, text=True, check=True)
        return said.stderr.rpartition("/")[2].strip()

    def missing(self) -> str | None:
        return None if self.binary else "nginx is not installed: apt-get install nginx"

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        port = free_port()
        folder = WORK / "nginx"
        folder.mkdir(exist_ok=True)
        config = filled("nginx.conf", UPSTREAM_PORT=upstream.port, LISTEN_PORT=port)
        command = [str(self.binary), "-p", str(folder), "-c", str(config), "-e", "stderr"]
        with started(self.name, command, core=core) as run:
            target = Running(pid=run.process.pid, port=port)
            wait_ready(target, run)
            yield target


class Holdfast:
    """The real thing: ``holdfast up`` with a key, policies, a durable log and its console.

    All its processes count, the keeper with its log and console included.
    """

    name = "holdfast"

    def __init__(self, python: str | None = None) -> None:
        self.python = python or sys.executable
        self.version = self._command("--version").rpartition(" ")[2].strip()
        self.data = WORK / "holdfast"

    def _command(self, *words: str) -> str:
        command = [self.python, "-m", "holdfast.cli", *words]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode != 0:
            raise SystemExit(f"holdfast {words[0]} failed: {said.stderr or said.stdout}")
        return said.stdout

    def missing(self) -> str | None:
        return None

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        filled("business.cedar")
        with self.serving(filled("blueprint.yaml", UPSTREAM_PORT=upstream.port), core) as run:
            yield run

    @contextlib.contextmanager
    def serving(
        self, blueprint: Path, core: int, *, workers: int = 1, more: tuple[str, ...] = ()
    ) -> Generator[Running]:
        """With a blueprint and options of the caller's; in it ``app`` asks ``assistant``."""
        shutil.rmtree(self.data, ignore_errors=True)
        command = [self.python, "-m", "holdfast.cli", "up", str(blueprint)]
        command += ["--data", str(self.data), "--workers", str(workers)]
        command += ["--port", "0", "--console-port", "0", "--json", *more]
        with started(self.name, command, core=core, pipe=True) as run:
            assert run.process.stdout is not None
            said = json.loads(run.process.stdout.readline() or "{}")
            if "ready" not in said:
                raise SystemExit(f"holdfast up failed: {said}; its log is {run.log}")
            port, console = (
                int(said["ready"][name].rstrip("/").rpartition(":")[2])
                for name in ("url", "console")
            )
            made = self._command("key", "create", "app", "--data", str(self.data), "--json")
            key = json.loads(made)["key"]
            target = Running(pid=run.process.pid, port=port, key=key, console=console)
            wait_ready(target, run)
            yield target

    def verify(self) -> dict[str, object]:
        """What ``holdfast audit verify`` says of the log that the last run left."""
        return json.loads(self._command("audit", "verify", "--data", str(self.data), "--json"))
