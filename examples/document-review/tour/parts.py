"""The processes of the example: model, tools, identity provider, Holdfast. Started as a user would."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parents[1]
PORTS: Final = {"model": 8090, "documents": 8091, "findings": 8092, "people": 8093}
GATEWAY_PORT: Final = 8080
CONSOLE_PORT: Final = 8081
START_S: Final = 60.0
STOP_S: Final = 20.0
PEOPLE: Final = (
    {"sub": "anna", "name": "Anna", "groups": ["analysts"]},
    {"sub": "olaf", "name": "Olaf", "groups": ["owners"]},
)


class DemoError(Exception):
    """The tour cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The example as it runs."""

    name: str
    url: str
    console: str
    data: Path


@contextlib.contextmanager
def started(
    data: Path, *, console_options: tuple[str, ...] = ("--console-open",)
) -> Iterator[System]:
    """All of it, from ready until the tour ends. The console can be read by whoever reaches it."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-demo-")))
        ports = {name: _free_port(usual) for name, usual in PORTS.items()}
        waits = [
            stack.enter_context(
                _running(name, command, port=ports[name], log=scratch / f"{name}.log")
            )
            for name, command in _commands(ports).items()
        ]
        for wait in waits:
            wait()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        words = ["up", str(_blueprint(ports, scratch)), "--data", str(data), "--json"]
        words += ["--port", str(_free_port(GATEWAY_PORT))]
        words += ["--console-port", str(_free_port(CONSOLE_PORT)), *console_options]
        command = [sys.executable, "-m", "holdfast.cli", *words]
        wait = stack.enter_context(_running("holdfast", command, log=data / "holdfast.log"))
        told = json.loads(wait())
        if "error" in told:
            raise DemoError(f"holdfast up: {told['error']['what']}")
        ready = told["ready"]
        yield System(name=ready["name"], url=ready["url"], console=ready["console"], data=data)


def _commands(ports: Mapping[str, int]) -> dict[str, list[str]]:
    def python(file: str, name: str) -> list[str]:
        return [sys.executable, str(HERE / file), "--port", str(ports[name])]

    people = [part for each in PEOPLE for part in ("--user-claims", json.dumps(each))]
    provider = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-n", "true"]
    return {
        "model": python("model/serve.py", "model"),
        "documents": python("tools/documents.py", "documents"),
        "findings": python("tools/findings.py", "findings"),
        "people": [*provider, "-p", str(ports["people"]), *people],
    }


def _blueprint(ports: Mapping[str, int], folder: Path) -> Path:
    """The example's blueprint, or a copy with other ports where somebody has the usual ones."""
    original = HERE / "holdfast.yaml"
    if ports == PORTS:
        return original
    moved = {str(PORTS[name]): str(port) for name, port in ports.items()}
    text = original.read_text(encoding="utf-8")
    known = re.compile(rf"(?<=//127\.0\.0\.1:)({'|'.join(moved)})\b")
    copy = folder / "holdfast.yaml"
    copy.write_text(known.sub(lambda found: moved[found[1]], text), encoding="utf-8")
    for name in ("policies", "client-secret.txt"):
        (folder / name).symlink_to(HERE / name)
    return copy


def _free_port(wanted: int) -> int:
    """The wanted port, or any free one when somebody has it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", wanted))
            return wanted
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def _running(
    name: str, command: list[str], *, log: Path, port: int | None = None
) -> Iterator[Callable[[], str]]:
    """A child process until the tour ends; yields what waits until it is ready: until it listens or,
    without a port, until it has said a line, which it gives. What the child logs goes into a file,
    so that the tour stays readable."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    lines: list[str] = []
    reading = threading.Thread(target=_keep_reading, args=(process, lines), daemon=True)
    reading.start()

    def wait() -> str:
        end = time.monotonic() + START_S
        while not (bool(lines) if port is None else _listens(port)):
            if process.poll() is not None or time.monotonic() > end:
                said = "".join(lines) + log.read_text(encoding="utf-8")
                raise DemoError(f"{name} did not start: {said.strip() or 'it said nothing'}")
            time.sleep(0.05)
        return "".join(lines[:1])

    try:
        yield wait
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
        reading.join(STOP_S)


def _keep_reading(process: subprocess.Popen[str], lines: list[str]) -> None:
    """So that the child's pipe never fills."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            lines.append(line)  # noqa: PERF402 - each at once: somebody waits for the first


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
