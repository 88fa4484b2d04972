"""Programs, real and simulated, promise the same."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
import uvloop

from holdfast.world.ports import Programs, WorldError
from holdfast.world.real import SystemPrograms
from holdfast.world.sim import SimPrograms

ECHO = ["cat"]
PATH = {"PATH": os.environ["PATH"]}


class Ear:
    """Hears a program."""

    def __init__(self) -> None:
        self.output = b""
        self.errors = b""
        self.code: int | None = None
        self.said = asyncio.Event()
        self.gone = asyncio.Event()

    def on_output(self, data: bytes) -> None:
        self.output += data
        self.said.set()

    def on_error_output(self, data: bytes) -> None:
        self.errors += data

    def on_exit(self, code: int) -> None:
        self.code = code
        self.gone.set()


class Echo:
    def take(self, data: bytes) -> bytes:
        return data


def an_echo(_command: Sequence[str], _env: Mapping[str, str]) -> Echo:
    return Echo()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[None]], None]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else None

    def go(main: Awaitable[None]) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(30):
                await main

        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(bounded())

    return go


@pytest.fixture(params=["real", "sim"])
def programs(request: pytest.FixtureRequest) -> Programs:
    return SystemPrograms() if request.param == "real" else SimPrograms({"cat": an_echo})


def test_what_is_written_is_answered_and_stopping_ends_it(programs, run) -> None:
    async def main() -> None:
        ear = Ear()
        program = await programs.start(ear, command=ECHO, env={}, cwd=None)
        program.write(b"hello\n")
        await ear.said.wait()
        assert ear.output == b"hello\n"
        await program.stop(within_s=5)
        await ear.gone.wait()
        assert ear.code == 0
        program.write(b"lost")
        await program.stop(within_s=5)

    run(main())


def test_a_program_that_is_not_there_is_our_error(programs, run) -> None:
    async def main() -> None:
        with pytest.raises(WorldError, match="not there"):
            await programs.start(Ear(), command=["no-such-program"], env={}, cwd=None)

    run(main())


def test_a_program_gets_its_own_environment_and_nothing_of_ours(run, monkeypatch) -> None:
    monkeypatch.setenv("HOLDFAST_TEST_SECRET", "must not be seen")

    async def main() -> None:
        ear = Ear()
        command = [sys.executable, "-c", "import os; print(sorted(os.environ))"]
        await SystemPrograms().start(ear, command=command, env={"ONLY": "this"}, cwd=None)
        await ear.gone.wait()
        assert b"ONLY" in ear.output
        assert b"HOLDFAST_TEST_SECRET" not in ear.output

    run(main())


def test_no_shell_reads_the_command(run, tmp_path: Path) -> None:
    async def main() -> None:
        ear = Ear()
        mark = tmp_path / "made"
        command = ["echo", f"; touch {mark}", "$(id)"]
        await SystemPrograms().start(ear, command=command, env=PATH, cwd=str(tmp_path))
        await ear.gone.wait()
        assert ear.output == f"; touch {mark} $(id)\n".encode()
        assert not mark.exists()

    run(main())


def test_a_program_in_its_folder_is_not_found_there(run, tmp_path: Path) -> None:
    (tmp_path / "trap").write_text("#!/bin/sh\n")
    (tmp_path / "trap").chmod(0o755)

    async def main() -> None:
        with pytest.raises(WorldError):
            await SystemPrograms().start(Ear(), command=["trap"], env={}, cwd=str(tmp_path))

    run(main())


def test_error_output_and_exit_code_are_told(run) -> None:
    async def main() -> None:
        ear = Ear()
        code = "import sys; print('why', file=sys.stderr); sys.exit(3)"
        await SystemPrograms().start(ear, command=[sys.executable, "-c", code], env={}, cwd=None)
        await ear.gone.wait()
        assert (ear.code, ear.errors) == (3, b"why\n")

    run(main())


DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_program_that_does_not_listen_is_killed_with_all_it_started(run) -> None:
    async def main() -> None:
        ear = Ear()
        command = [sys.executable, "-c", DEAF]
        program = await SystemPrograms().start(ear, command=command, env=PATH, cwd=None)
        await ear.said.wait()
        child = int(ear.output)
        await program.stop(within_s=0.2)
        assert ear.code == -9
        while _runs(child):
            await asyncio.sleep(0.02)

    run(main())


def _runs(pid: int) -> bool:
    """Not gone, and not merely waiting to be counted as dead."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    return False
