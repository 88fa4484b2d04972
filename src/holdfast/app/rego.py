"""Rego in a process of its own: it is given 50 ms an answer, no environment, and may fall over.

The engine (regopy, the extra ``rego``) cannot be interrupted and ends its process on some programs,
so it must not share one with the gateway. The child ends when its input does: with its parent.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from holdfast.policy import REGO_TIMEOUT_S, RegoError

START_TIMEOUT_S = 10.0
"""How long the engine may take to start and read the policies."""

ANSWER_BYTES_MAX = 1_000_000
RESTART_PAUSE_S = 1.0
"""Between two starts after the engine was ended or fell over; until then every call is refused."""


_CHILD = Path(__file__).with_name("rego_child.py")


class RegoProcess:
    """One child that holds loaded Rego. ``RegoError`` when it cannot be had."""

    def __init__(self, modules: Mapping[str, str], queries: tuple[str, ...]) -> None:
        if find_spec("regopy") is None:
            raise RegoError(
                "is Rego, and the extra that evaluates it is not installed",
                fix="install it: pip install 'holdfast[rego]'",
            )
        self._hello = json.dumps({"modules": dict(modules), "queries": queries}).encode() + b"\n"
        self._child: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._is_ready = False
        self._started = time.monotonic()
        self._start()
        said = self._reply(START_TIMEOUT_S)
        if said != b"ready":
            self.close()
            why = json.loads(said).get("error") if said else "the engine ended, or took too long"
            raise RegoError(f"is refused by the Rego engine: {why}", fix="mend it, or remove it")
        self._is_ready = True

    def _start(self) -> None:
        self._rest, self._is_ready = b"", False
        self._started = time.monotonic()
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter, no input of anybody
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        self._send(self._hello)

    def ask(self, question: bytes) -> list[object] | str:
        """The values of each query; or why there are none."""
        if not self._is_there():
            return "the Rego engine is starting anew"
        self._send(question + b"\n")
        said = self._reply(REGO_TIMEOUT_S)
        if said is None:
            self.close()
            return f"Rego gave no answer within {REGO_TIMEOUT_S * 1000:.0f} ms"
        try:
            return msgspec.json.decode(said, type=list[object])
        except msgspec.DecodeError:
            return "it ended in an error"

    def _is_there(self) -> bool:
        """Whether the child may be asked; one that fell over is started again, in the background."""
        if self._child is None:
            if time.monotonic() - self._started >= RESTART_PAUSE_S:
                self._start()
            return False
        if not self._is_ready:
            said = self._reply(0)
            self._is_ready = said == b"ready"
            if not self._is_ready and time.monotonic() - self._started > START_TIMEOUT_S:
                self.close()
        return self._is_ready

    def _send(self, data: bytes) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # an answer that never comes says so
            self._child.stdin.write(data)
            self._child.stdin.flush()

    def _reply(self, within_s: float) -> bytes | None:
        """The next line; None when it does not come in time, or never will."""
        assert self._child is not None
        assert self._child.stdout is not None
        descriptor, deadline = self._child.stdout.fileno(), time.monotonic() + within_s
        waiting = select.poll()  # select itself knows no descriptor beyond 1023
        waiting.register(descriptor, select.POLLIN)
        while b"\n" not in self._rest:
            left = max(0.0, deadline - time.monotonic())
            if not waiting.poll(left * 1000):
                return None
            data = os.read(descriptor, 65_536)
            self._rest += data
            if not data or len(self._rest) > ANSWER_BYTES_MAX:
                self.close()
                return None
        said, _, self._rest = self._rest.partition(b"\n")
        return said

    def close(self) -> None:
        """End the child, if there is one."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for end in (child.stdin, child.stdout):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        child.wait()

    def __del__(self) -> None:
        self.close()
