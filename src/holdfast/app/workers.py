"""The fleet of workers, from the keeper's side: start, instruct, watch, replace, drain."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import structlog

from holdfast.app.channel import (
    Adopt,
    Adopted,
    Channel,
    CredentialsAdopted,
    Drain,
    Drained,
    Message,
    NewCredentials,
    Prepare,
    Prepared,
    Report,
)
from holdfast.app.worker import WorkerSettings
from holdfast.core import HoldfastError
from holdfast.faces import WorkerState

ANSWER_S = 20.0
"""How long a worker may take to build a path or adopt it."""
RESPAWN_BACKOFF_S = (0.1, 5.0)
EXIT_S = 5.0

log = structlog.get_logger("holdfast.workers")


class FleetError(HoldfastError):
    """Workers could not be brought to do what they were told."""

    code = "app.fleet"


class WorkerHandle:
    """One worker process and the newest it told about itself."""

    def __init__(self, index: int, sock: socket.socket) -> None:
        self.index = index
        self.sock = sock
        self.process: asyncio.subprocess.Process | None = None
        self.channel: Channel | None = None
        self.adopted = False
        self.fault: str | None = None
        self.listening: asyncio.Task[None] | None = None
        self._answers: dict[tuple[type, int], asyncio.Future[Message]] = {}

    async def start(self, *, data: Path) -> None:
        """Start the process; it waits for its first ``Prepare``."""
        ours, theirs = socket.socketpair()
        settings = WorkerSettings(self.index, theirs.fileno(), self.sock.fileno(), str(data))
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "holdfast.app.worker",
                msgspec.json.encode(settings).decode(),
                pass_fds=(theirs.fileno(), self.sock.fileno()),
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.channel = await Channel.over(ours)

    async def ask(self, message: Message, answer: type, number: int) -> Message:
        """Send, and wait for the answer with the same number."""
        if self.channel is None:
            raise FleetError(f"worker {self.index} is not running")
        future = self._answers[answer, number] = asyncio.get_running_loop().create_future()
        try:
            self.channel.send(message)
            async with asyncio.timeout(ANSWER_S):
                return await future
        except TimeoutError as error:
            raise FleetError(f"worker {self.index} did not answer within {ANSWER_S:g} s") from error
        finally:
            self._answers.pop((answer, number), None)

    async def listen(self, on_report: Callable[["WorkerHandle", Report], None]) -> None:
        """Take what the worker says until it is gone."""
        while self.channel is not None and (message := await self.channel.receive()) is not None:
            match message:
                case Report():
                    self.fault = message.fault
                    on_report(self, message)
                case Prepared() | Adopted():
                    self._resolve(type(message), message.generation, message)
                case CredentialsAdopted():
                    self._resolve(CredentialsAdopted, message.ticket, message)
                case Drained():
                    self._resolve(Drained, 0, message)
                case _:
                    pass
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

    def state(self) -> WorkerState:
        pid = self.process.pid if self.process is not None else 0
        return WorkerState(self.index, pid, self.adopted, self.fault)


class Fleet:
    """All workers. ``current`` is what a replaced worker is given."""

    def __init__(
        self,
        sockets: list[socket.socket],
        *,
        data: Path,
        group: asyncio.TaskGroup,
        on_report: Callable[[WorkerHandle, Report], None],
    ) -> None:
        self.workers = [WorkerHandle(index, sock) for index, sock in enumerate(sockets)]
        self._data = data
        self._group = group
        self._on_report = on_report
        self._current: Prepare | None = None
        # One change at a time: a worker that is being replaced must not miss, or undo, a reload or
        # a revocation. Every wait inside is bounded by ANSWER_S.
        self._changing = asyncio.Lock()
        self._tickets = 0
        self._stopping = False

    async def start(self, first: Prepare) -> None:
        """Start every worker on the first blueprint; ``FleetError`` says why one could not."""
        for worker in self.workers:
            await self._launch(worker)
            self._group.create_task(self._attend(worker))
        async with self._changing:
            await self._change(first, self.workers)

    async def adopt(self, order: Prepare) -> None:
        """Every worker prepares; only if all could does any adopt: whole or not at all.

        A worker that is dead just now gets the newest when it is replaced.
        """
        async with self._changing:
            running = [worker for worker in self.workers if worker.adopted]
            if not running:
                raise FleetError("no worker is running", fix="see why they die, then reload again")
            await self._change(order, running)

    async def _change(self, order: Prepare, workers: list[WorkerHandle]) -> None:
        answers = await asyncio.gather(
            *(worker.ask(order, Prepared, order.generation) for worker in workers)
        )
        problems = [a.problem for a in answers if isinstance(a, Prepared) and a.problem is not None]
        if problems:
            raise FleetError(problems[0])
        self._current = order
        await self._insist(workers, [self._commit(worker, order) for worker in workers])

    async def replace_credentials(self, credentials: bytes) -> int:
        """In force on every worker when this returns; how many workers that is."""
        async with self._changing:
            self._tickets += 1
            if self._current is not None:
                self._current = msgspec.structs.replace(self._current, credentials=credentials)
            message = NewCredentials(self._tickets, credentials)
            running = [worker for worker in self.workers if worker.adopted]
            return await self._insist(
                running, [w.ask(message, CredentialsAdopted, self._tickets) for w in running]
            )

    async def drain(self, *, within_s: float) -> int:
        """Let every worker finish and exit; the number of calls cut off."""
        self._stopping = True
        async with self._changing:
            return sum(await asyncio.gather(*(self._stop(w, within_s) for w in self.workers)))

    async def _insist(
        self, workers: list[WorkerHandle], orders: list[Coroutine[None, None, object]]
    ) -> int:
        """How many workers did as told. Who did not is ended: its successor gets the newest."""
        done = 0
        for worker, result in zip(
            workers, await asyncio.gather(*orders, return_exceptions=True), strict=True
        ):
            if isinstance(result, FleetError):
                log.error("worker.killed", worker=worker.index, reason=str(result))
                worker.kill()
            elif isinstance(result, BaseException):
                raise result
            else:
                done += 1
        return done

    async def _commit(self, worker: WorkerHandle, order: Prepare) -> None:
        await worker.ask(Adopt(order.generation), Adopted, order.generation)
        worker.adopted = True

    async def _launch(self, worker: WorkerHandle) -> None:
        await worker.start(data=self._data)
        worker.listening = self._group.create_task(worker.listen(self._on_report))

    async def _attend(self, worker: WorkerHandle) -> None:
        """Whenever a worker dies unasked, put another in its place."""
        while True:
            code = await worker.ended()
            if self._stopping:
                return
            log.error("worker.died", worker=worker.index, exit_code=code)
            delay, longest = RESPAWN_BACKOFF_S
            while not await self._replaced(worker):
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)

    async def _replaced(self, worker: WorkerHandle) -> bool:
        """Try once; True also when nobody is wanted any more."""
        async with self._changing:
            if self._stopping:
                return True
            try:
                await self._replace(worker)
            except (FleetError, OSError) as error:
                log.error("worker.not-replaced", worker=worker.index, reason=str(error))
                worker.kill()
                await worker.ended()
                return False
        log.info("worker.replaced", worker=worker.index)
        return True

    async def _replace(self, worker: WorkerHandle) -> None:
        order = self._current
        if order is None:
            raise FleetError("there is no blueprint to give it")
        await self._launch(worker)
        answer = await worker.ask(order, Prepared, order.generation)
        if isinstance(answer, Prepared) and answer.problem is not None:
            raise FleetError(answer.problem)
        await self._commit(worker, order)

    async def _stop(self, worker: WorkerHandle, within_s: float) -> int:
        process = worker.process
        if process is None or process.returncode is not None:
            return 0
        cut = 0
        try:
            async with asyncio.timeout(within_s + EXIT_S):
                answer = await worker.ask(Drain(within_s), Drained, 0)
                cut = answer.cut if isinstance(answer, Drained) else 0
                await process.wait()
        except (TimeoutError, FleetError):
            log.error("worker.killed", worker=worker.index, reason="it did not stop in time")
            worker.kill()
        return cut
