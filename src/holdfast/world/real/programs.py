"""Child processes of this machine."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from typing import cast

from holdfast.world.ports import ProgramListener, RunningProgram, WorldError

KILLED_S = 5.0
"""How long a killed process may take to be gone; the system's part, not the program's."""


class SystemPrograms:
    """Programs as the system runs them."""

    async def start(
        self,
        listener: ProgramListener,
        *,
        command: Sequence[str],
        env: Mapping[str, str],
        cwd: str | None,
    ) -> RunningProgram:
        # A bare name is looked up on the program's own PATH, or else on ours: never in ``cwd``.
        path = env.get("PATH") or os.environ.get("PATH")
        found = shutil.which(command[0], path=path)
        if found is None:
            raise WorldError(
                f"the program {command[0]!r} is not there, or may not be run",
                fix="name it by its whole path in the blueprint's `command`",
            )
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                lambda: _Protocol(listener),
                found,
                *command[1:],
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                close_fds=True,
            )
        except (OSError, ValueError) as error:
            raise WorldError(
                f"the program {command[0]!r} cannot be started: {error}",
                fix="check the blueprint's `command` and `cwd`",
            ) from error
        return _Running(transport, protocol)


class _Protocol(asyncio.SubprocessProtocol):
    """Tells the listener once the process has ended and both its outputs are closed."""

    def __init__(self, listener: ProgramListener) -> None:
        self._listener = listener
        self._transport: asyncio.SubprocessTransport | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By its kind in fact only: uvloop's own transports do not descend from asyncio's.
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._listener.on_output(data)
        else:
            self._listener.on_error_output(data)

    def connection_lost(self, exc: Exception | None) -> None:
        code = None
        if self._transport is not None:
            code = self._transport.get_returncode()
            self._transport.close()
        self.gone.set()
        self._listener.on_exit(-1 if code is None else code)


class _Running:
    def __init__(self, transport: asyncio.SubprocessTransport, protocol: _Protocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self._stopping = False

    @property
    def pid(self) -> int:
        return self._transport.get_pid()

    def write(self, data: bytes) -> None:
        pipe = self._input()
        if pipe is not None and not pipe.is_closing():
            pipe.write(data)

    def pending_bytes(self) -> int:
        pipe = self._input()
        return pipe.get_write_buffer_size() if pipe is not None else 0

    async def stop(self, *, within_s: float) -> None:
        if self._stopping:
            await self._protocol.gone.wait()
            return
        self._stopping = True
        pipe = self._input()
        if pipe is not None:
            pipe.close()
        if not await self._ends(within_s / 2):
            self._signal(signal.SIGTERM)
            await self._ends(within_s / 2)
        # Also after an orderly end: what it left behind in its group goes with it.
        self._signal(signal.SIGKILL)
        await self._ends(KILLED_S)
        self._transport.close()

    async def _ends(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._protocol.gone.wait()
        return self._protocol.gone.is_set()

    def _signal(self, number: int) -> None:
        """To the whole group, which has the process's own number."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _input(self) -> asyncio.WriteTransport | None:
        return cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(0))
