"""Holdfast as a person runs it: the ``holdfast`` command, its processes, its data directory."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

T = TypeVar("T")

DEADLINE_S = 30.0
COMMAND = Path(sys.executable).with_name("holdfast")
POLL_S = 0.01

BLUEPRINT = """\
holdfast: 1
name: tested
description: Two callers and the models they may ask.
nodes:
  desk: {{type: service, description: May ask nearly everything.}}
  clerk: {{type: service, description: May ask nothing but the other.}}
  reviewer:
    type: ai:llm
    description: Known to the upstream by the same name.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1"}}
      limits: {{answer_bytes: 256MiB}}
  renamed:
    type: ai:llm
    description: Known to the upstream by another name.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1", model: upstream-name}}
  limited:
    type: ai:llm
    description: May be asked little, and may say little.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1"}}
  impatient:
    type: ai:llm
    description: May not be waited for.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1", model: reviewer}}
      timeouts: {{first_byte_s: 0.3, idle_s: 0.3}}
  nowhere:
    type: ai:llm
    description: Nobody listens there.
    controls:
      upstream: {{url: "http://127.0.0.1:9/v1"}}
  other:
    type: ai:llm
    description: Only the clerk may ask it.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1"}}
relationships:
  - {{id: desk-reviewer, connects: [desk, reviewer], protocol: HTTP, description: Asks.}}
  - {{id: desk-renamed, connects: [desk, renamed], protocol: HTTP, description: Asks.}}
  - id: desk-limited
    connects: [desk, limited]
    protocol: HTTP
    description: Asks, a little.
    controls:
      limits: {{request_bytes: 4KiB, answer_bytes: 8KiB, max_tokens: 10}}
  - {{id: desk-impatient, connects: [desk, impatient], protocol: HTTP, description: Asks.}}
  - {{id: desk-nowhere, connects: [desk, nowhere], protocol: HTTP, description: Asks.}}
  - {{id: clerk-other, connects: [clerk, other], protocol: HTTP, description: Asks.}}
"""


def eventually(question: Callable[[], T], what: str, *, deadline_s: float = DEADLINE_S) -> T:
    """The first truthy answer; the test fails when none comes before the deadline."""
    end = time.monotonic() + deadline_s
    while not (answer := question()):
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(POLL_S)
    return answer


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Instance:
    """A running ``holdfast up``; its output goes to files, so that no pipe ever fills."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    ready: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def console(self) -> str:
        return self.ready["console"]

    def wait_ready(self) -> None:
        """Until it says so; fails with its own words when it ends instead."""
        eventually(self._is_ready, "the instance is ready")

    def workers(self) -> list[int]:
        """Process ids of the workers that run now."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if is_running(int(child))]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=DEADLINE_S)

    def kill(self) -> None:
        """SIGKILL to keeper and workers at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=DEADLINE_S)

    def said(self) -> str:
        """All that it has written to its two outputs."""
        return self.out.read_text() + self.err.read_text()

    def events(self) -> list[dict[str, Any]]:
        """Its log lines."""
        lines = self.err.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def has_logged(self, event: str) -> bool:
        return any(each["event"] == event for each in self.events())

    def _is_ready(self) -> bool:
        line = self.out.read_text().partition("\n")
        if line[1]:
            assert "ready" in line[0], self.said()
            self.ready = json.loads(line[0])["ready"]
            return True
        assert self.process.poll() is None, self.said()
        return False


class Home:
    """A folder with a blueprint and a data directory, and the commands that run there."""

    def __init__(self, folder: Path, upstream_port: int) -> None:
        self.folder = folder
        self.blueprint = folder / "holdfast.yaml"
        self.data = folder / "data"
        self.keys: dict[str, str] = {}
        self.instances: list[Instance] = []
        self.upstream_port = upstream_port
        self._environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        self.blueprint.write_text(BLUEPRINT.format(port=upstream_port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for instance in self.instances:
            instance.kill()

    @property
    def instance(self) -> Instance:
        """The one started last."""
        return self.instances[-1]

    @property
    def url(self) -> str:
        return self.instance.url

    def start(self, *options: str, is_open: bool = True) -> Instance:
        """``holdfast up`` in a process group of its own, not waited for. ``is_open``: the console
        shows everything to whoever asks, as most tests want it."""
        number = len(self.instances)
        out, err = self.folder / f"up{number}.out", self.folder / f"up{number}.err"
        command = [str(COMMAND), "up", str(self.blueprint), "--data", str(self.data), "--json"]
        command += [*("--port", "0", "--console-port", "0"), *options]
        command += ["--console-open"] if is_open else []
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )
        self.instances.append(Instance(process, out, err))
        return self.instance

    def up(self, *options: str, is_open: bool = True) -> Instance:
        """A running instance."""
        instance = self.start(*options, is_open=is_open)
        instance.wait_ready()
        return instance

    def run(self, *words: str, check: bool = False) -> Ran:
        """Any other command."""
        ended = subprocess.run(
            [str(COMMAND), *words],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            cwd=self.folder,
            env=self._environment,
        )
        ran = Ran(code=ended.returncode, out=ended.stdout.decode(), err=ended.stderr.decode())
        assert ran.code == 0 or not check, ran
        return ran

    def tell(self, *words: str) -> Any:
        """A command on this data directory that must succeed, in JSON."""
        return self.run(*words, "--data", str(self.data), "--json", check=True).json()

    def make_keys(self, *nodes: str) -> None:
        """A key for each node, in ``keys``."""
        for node in nodes:
            self.keys[node] = self.tell("key", "create", node)["key"]

    def records(self, call: str) -> list[dict[str, Any]]:
        """The records of a call, as ``audit show`` tells them."""
        return [each["record"] for each in self.tell("audit", "show", call)["records"]]

    def revocations(self) -> dict[str, Any]:
        """What ``GET /api/revocations`` answers."""
        with urllib.request.urlopen(f"{self.instance.console}/api/revocations") as answer:
            return json.load(answer)
