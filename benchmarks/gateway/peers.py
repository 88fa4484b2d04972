"""Other AI gateways: each installed with pinned hashes on first use, each in its best case."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from targets import HERE, WORK, Running, Started, filled, free_port, started, wait_ready

SAID_LINES_MAX = 100
"""Of a target's first words, until it has told where it listens."""


def _said(error: subprocess.CalledProcessError) -> str:
    lines = (error.stderr or error.stdout or "").strip().splitlines()
    return lines[-1] if lines else str(error)


class _PythonPeer:
    """A peer from a Python package, in an environment of its own."""

    name: str
    title: str
    megabytes: int

    def __init__(self) -> None:
        self.home = WORK / self.name
        self.pins = HERE / f"{self.name}.txt"
        self.version = next(
            line.split("==")[1].split()[0]
            for line in self.pins.read_text().splitlines()
            if line.startswith(f"{self.name}==")
        )

    def missing(self) -> str | None:
        """Makes the environment on first use; the reason when that fails."""
        stamp = self.home / "pins"
        if stamp.exists() and stamp.read_text() == self.pins.read_text():
            return None
        print(f"installing {self.title} {self.version} (once, {self.megabytes} MB) ...")
        shutil.rmtree(self.home, ignore_errors=True)
        pip = [str(self.home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", "--require-hashes", "-r", str(self.pins)]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(self.home)], check=True)
            subprocess.run(pip, check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            return f"{self.title} cannot be installed: {_said(error)}"
        stamp.write_text(self.pins.read_text())
        return None


class LiteLLM(_PythonPeer):
    """LiteLLM's proxy in its best case: production mode, errors only in its log, no database."""

    name = "litellm"
    title = "LiteLLM"
    megabytes = 740
    KEY = "sk-benchmark-5f0c1d7e9a2b4c6d8e0f1a3b5c7d9e0f"

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        with self.serving(filled("litellm.yaml", UPSTREAM_PORT=upstream.port), core) as run:
            yield run

    @contextlib.contextmanager
    def serving(self, config: Path, core: int) -> Generator[Running]:
        """With a configuration file of the caller's."""
        port = free_port()
        command = [str(self.home / "bin" / "litellm"), "--config", str(config)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        env = {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_MASTER_KEY": self.KEY,
            # Without it, it tries to fetch a price list from the network at every start.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        with started(self.name, command, core=core, env=env) as run:
            target = Running(pid=run.process.pid, port=port, key=self.KEY)
            wait_ready(target, run)
            yield target


class TensorZero(_PythonPeer):
    """The Rust gateway that TensorZero's Python package carries, observability off.

    It answers under a path and a model name of its own.
    """

    name = "tensorzero"
    title = "TensorZero"
    megabytes = 150

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        config = filled("tensorzero.toml", UPSTREAM_PORT=upstream.port)
        command = [str(self.home / "bin" / "python"), str(HERE / "tensorzero_serve.py")]
        with started(self.name, [*command, str(config)], core=core, pipe=True) as run:
            target = Running(
                pid=run.process.pid,
                port=_told_port(run),
                path="/openai/v1/chat/completions",
                model="tensorzero::model_name::assistant",
            )
            wait_ready(target, run)
            yield target


def _told_port(run: Started) -> int:
    """It logs to the same pipe before it says its address."""
    assert run.process.stdout is not None
    for _ in range(SAID_LINES_MAX):
        line = run.process.stdout.readline().decode("utf-8", "replace").strip()
        if line.startswith("http://"):
            return urlsplit(line).port or 0
    raise SystemExit(f"TensorZero did not say where it listens; its log is {run.log}")


class Portkey:
    """Portkey's open gateway on node, headless and in production mode.

    It has no configuration of its own: every request names its upstream in header fields.
    """

    name = "portkey"

    def __init__(self) -> None:
        self.home = WORK / "portkey"
        self.lock = HERE / "portkey" / "package-lock.json"
        self.node = shutil.which("node")
        self.version = "1.15.2"

    def missing(self) -> str | None:
        """Installs it on first use; the reason when that fails."""
        npm = shutil.which("npm")
        if self.node is None or npm is None:
            return "Portkey needs node and npm, which are not installed"
        stamp = self.home / "pins"
        if stamp.exists() and stamp.read_text() == self.lock.read_text():
            return None
        print(f"installing Portkey {self.version} (once, 25 MB) ...")
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(HERE / "portkey", self.home)
        # No scripts: the only one patches nothing, for its patches are not in the package.
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.home)
        except subprocess.CalledProcessError as error:
            return f"Portkey cannot be installed: {_said(error)}"
        stamp.write_text(self.lock.read_text())
        return None

    @contextlib.contextmanager
    def running(self, upstream: Running, core: int) -> Generator[Running]:
        address = f"http://127.0.0.1:{upstream.port}/v1"
        headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": address}
        with self.serving(headers, core) as run:
            yield run

    @contextlib.contextmanager
    def serving(self, headers: Mapping[str, str], core: int) -> Generator[Running]:
        """With header fields that say where calls go."""
        port = free_port()
        server = "node_modules/@portkey-ai/gateway/build/start-server.js"
        command = [str(self.node), str(self.home / server), "--headless", f"--port={port}"]
        env = {"NODE_ENV": "production", "PATH": os.environ.get("PATH", "")}
        with started(self.name, command, core=core, env=env) as run:
            target = Running(pid=run.process.pid, port=port, headers=dict(headers))
            wait_ready(target, run)
            yield target
