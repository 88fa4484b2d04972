"""The two model processes behind a target: started, told, stopped, killed, started again."""

import contextlib
import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

from targets import WORK, free_port, pinned

HERE = Path(__file__).parent
CONTROL_S = 10.0
"""How long a model may take to answer on its control port."""


class Upstream:
    """One model process. It keeps its ports and its count of calls over a kill and a new start."""

    def __init__(self, name: str, *, core: int, seed: int, settings: dict[str, Any]) -> None:
        self.name = name
        self.port = free_port()
        self._control_port = free_port()
        self._core = core
        self._seed = seed
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._count = WORK / f"upstream-{name}.count"
        self._count.write_bytes(struct.pack("q", 0))

    def start(self) -> None:
        command = [sys.executable, str(HERE / "faulty_model.py"), "--port", str(self.port)]
        command += ["--control-port", str(self._control_port), "--seed", str(self._seed)]
        command += ["--count", str(self._count), "--settings", json.dumps(self._settings)]
        log = WORK / f"upstream-{self.name}.log"
        with log.open("ab") as words, pinned(self._core):
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != b"ready":
            raise SystemExit(f"a model did not start; its log is {log}")

    def tell(self, **settings: object) -> dict[str, Any]:
        """Change settings; what has been counted."""
        with socket.create_connection(("127.0.0.1", self._control_port), CONTROL_S) as connection:
            connection.sendall(json.dumps(settings).encode() + b"\n")
            return json.loads(connection.makefile().readline())

    def kill(self) -> None:
        """As a crash: its connections are reset, its port refuses."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def freeze(self) -> None:
        """As a black hole: the kernel still takes connections and bytes, and nothing comes back."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def arrived(self) -> int:
        """Calls that reached it since the beginning, over every start."""
        return struct.unpack("q", self._count.read_bytes()[:8])[0]


@contextlib.contextmanager
def running(core: int, **settings: object) -> Generator[tuple[Upstream, Upstream]]:
    """Two models that know the same."""
    both = (
        Upstream("a", core=core, seed=1, settings=settings),
        Upstream("b", core=core, seed=2, settings=settings),
    )
    try:
        for upstream in both:
            upstream.start()
        yield both
    finally:
        for upstream in both:
            upstream.kill()
