"""One worker process as the keeper holds it: started, told, asked, listened to, ended."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from holdfast.app.channel import (
    Adopted,
    Channel,
    CredentialsAdopted,
    Drained,
    Message,
    PinsAdopted,
    Prepared,
    RevocationsHeard,
    RevocationsSeen,
)
from holdfast.app.isolation import python_command
from holdfast.app.worker import WorkerSettings
from holdfast.core import HoldfastError
from holdfast.faces import WorkerState
from holdfast.world.ports import ListenTls

ANSWER_S = 20.0
"""How long a worker may take to build a path or adopt it."""


class FleetError(HoldfastError):
    """Workers could not be brought to do what they were told."""

    code = "app.fleet"


class WorkerHandle:
    """One worker process and the newest it told about itself.

    ``index`` names it, in records and in its journals: no two living workers share one.
    """

    def __init__(
        self,
        index: int,
        sock: socket.socket,
        *,
        tls: ListenTls | None = None,
        origins: tuple[str, ...] = (),
    ) -> None:
        self.index = index
        self.sock = sock
        self.tls = tls
        self.origins = origins
        self.process: asyncio.subprocess.Process | None = None
        self.channel: Channel | None = None
        self.adopted = False
        self.fault: str | None = None
        self.revocations = RevocationsSeen(freshness="fresh")
        self.listening: asyncio.Task[None] | None = None
        self._answers: dict[tuple[type, int], asyncio.Future[Message]] = {}

    async def start(self, *, data: Path, workers: int) -> None:
        """Start the process; it waits for its first ``Prepare``."""
        ours, theirs = socket.socketpair()
        settings = WorkerSettings(
            self.index,
            workers,
            theirs.fileno(),
            self.sock.fileno(),
            str(data),
            self.tls,
            self.origins,
        )
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                *python_command("holdfast.app.worker"),
                msgspec.json.encode(settings).decode(),
                pass_fds=(theirs.fileno(), self.sock.fileno()),
            )
        self.channel = await Channel.over(ours)

    def tell(self, message: Message) -> None:
        """Send; a worker that is gone hears nothing."""
        if self.channel is not None:
            self.channel.send(message)

    async def ask(
        self, message: Message, answer: type, number: int, *, within_s: float = ANSWER_S
    ) -> Message:
        """Send, and wait for the answer with the same number."""
        if self.channel is None:
            raise FleetError(f"worker {self.index} is not running")
        future = self._answers[answer, number] = asyncio.get_running_loop().create_future()
        try:
            self.channel.send(message)
            async with asyncio.timeout(within_s):
                return await future
        except TimeoutError as error:
            raise FleetError(f"worker {self.index} did not answer within {within_s:g} s") from error
        finally:
            self._answers.pop((answer, number), None)

    async def listen(self, hear: Callable[["WorkerHandle", Message], None]) -> None:
        """Take what the worker says until it is gone; ``hear`` gets what is no answer."""
        while self.channel is not None and (message := await self.channel.receive()) is not None:
            match message:
                case Prepared() | Adopted():
                    self._resolve(type(message), message.generation, message)
                case CredentialsAdopted() | RevocationsHeard() | PinsAdopted():
                    self._resolve(type(message), message.ticket, message)
                case Drained():
                    self._resolve(Drained, 0, message)
                case _:
                    hear(self, message)
        self.adopted = False
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        for future in self._answers.values():
            if not future.done():
                future.set_exception(FleetError(f"worker {self.index} ended"))

    def _resolve(self, answer: type, number: int, message: Message) -> None:
        future = self._answers.get((answer, number))
        if future is not None and not future.done():
            future.set_result(message)

    async def ended(self) -> int:
        """Wait until the process is gone and all it said was heard; its exit code."""
        if self.listening is not None:
            await self.listening
        return await self.process.wait() if self.process is not None else 0

    def kill(self) -> None:
        """End the process if it still runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    def state(self, *, leaving: bool = False) -> WorkerState:
        pid = self.process.pid if self.process is not None else 0
        known = self.revocations
        fault = self.fault or known.fault
        if fault is None and self.adopted and known.freshness != "fresh":
            fault = f"what it knows of revocations is {known.freshness}"
        return WorkerState(
            self.index, pid, self.adopted, fault, leaving, known.seq, known.held, known.freshness
        )
