"""Programs in the simulated world: functions that answer what is written to them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from holdfast.world.ports import ProgramListener, RunningProgram, WorldError


class Script(Protocol):
    """What a simulated program does: bytes in, bytes out; it may keep state."""

    def take(self, data: bytes) -> bytes:
        """What it writes after reading ``data``; nothing where it has nothing to say yet."""
        ...


class SimPrograms:
    """Starts scripts by the name of their command. ``running`` are those that have not ended."""

    def __init__(
        self,
        scripts: Mapping[str, Callable[[Sequence[str], Mapping[str, str]], Script]],
        *,
        answer_s: float = 0.001,
    ) -> None:
        self._scripts = scripts
        self._answer_s = answer_s
        self.running: list[SimProgram] = []

    async def start(
        self,
        listener: ProgramListener,
        *,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: str | None,
    ) -> RunningProgram:
        del cwd  # a script has no folder
        await asyncio.sleep(0)
        make = self._scripts.get(command[0])
        if make is None:
            raise WorldError(f"the program {command[0]!r} is not there, or may not be run")
        program = SimProgram(
            listener, make(command, env), pid=1000 + len(self.running), answer_s=self._answer_s
        )
        self.running.append(program)
        return program


class SimProgram:
    """One running script."""

    def __init__(
        self, listener: ProgramListener, script: Script, *, pid: int, answer_s: float
    ) -> None:
        self.pid = pid
        self._listener = listener
        self._script = script
        self._answer_s = answer_s
        self.has_ended = False

    def write(self, data: bytes) -> None:
        if not self.has_ended:
            asyncio.get_running_loop().call_later(self._answer_s, self._answer, data)

    def pending_bytes(self) -> int:
        return 0

    async def stop(self, *, within_s: float) -> None:
        del within_s  # a script ends at once
        await asyncio.sleep(0)
        self.crash(0)

    def crash(self, code: int) -> None:
        """End it, as if it had ended by itself."""
        if not self.has_ended:
            self.has_ended = True
            asyncio.get_running_loop().call_soon(self._listener.on_exit, code)

    def _answer(self, data: bytes) -> None:
        if self.has_ended:
            return
        said = self._script.take(data)
        if said:
            self._listener.on_output(said)
