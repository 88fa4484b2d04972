"""The fleet of workers, from the keeper's side: start, instruct, watch, replace, drain."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from holdfast.app.bulletin import Bulletin
from holdfast.app.channel import (
    Adopt,
    Adopted,
    ApprovalAsked,
    ApprovalWithdrawn,
    CancelNews,
    CredentialsAdopted,
    Drain,
    Drained,
    Message,
    NewCredentials,
    PinsAdopted,
    PinsNews,
    Prepare,
    Prepared,
    RenewTls,
    Report,
    RevocationNews,
    RevocationsHeard,
    RevocationsWanted,
    ToolsSeen,
    UpstreamNews,
)
from holdfast.app.handles import FleetError, WorkerHandle
from holdfast.faces import WorkerState
from holdfast.resilience import LeaseReturned, LeaseToKeeper, LeaseWanted
from holdfast.world.ports import Clock, ListenTls

RESPAWN_BACKOFF_S = (0.1, 5.0)
EXIT_S = 5.0
REVOKED_S = 5.0
"""How long a worker may take to know a revocation; then it is ended, and its successor knows it."""
LEAVING_MAX = 3
"""For each socket, how many replaced workers may still be finishing calls; then no further restart
begins."""

log = structlog.get_logger("holdfast.workers")

OnApproval: TypeAlias = Callable[[WorkerHandle, ApprovalAsked | ApprovalWithdrawn], None]


def _say_nothing(_ticket: int) -> tuple[Message, ...]:
    """There is nothing that a new worker must know before its first blueprint."""
    return ()


class Fleet:
    """All workers: ``workers`` take calls, one on each socket; ``leaving`` have a successor and
    only finish. ``on_gone`` hears the index of one that has ended. ``greet`` is what a new worker is
    told before all else, and anew when it has missed something: ``ticket`` is what it waits for."""

    def __init__(
        self,
        sockets: list[socket.socket],
        *,
        data: Path,
        clock: Clock,
        group: asyncio.TaskGroup,
        on_report: Callable[[WorkerHandle, Report], None],
        on_lease: Callable[[WorkerHandle, LeaseToKeeper], None],
        on_gone: Callable[[int], None],
        greet: Callable[[int], tuple[Message, ...]] = _say_nothing,
        on_tools: Callable[[ToolsSeen], None] = lambda _report: None,
        on_approval: OnApproval = lambda _worker, _message: None,
        tls: ListenTls | None = None,
        origins: tuple[str, ...] = (),
    ) -> None:
        self.workers = [
            WorkerHandle(index, sock, tls=tls, origins=origins)
            for index, sock in enumerate(sockets)
        ]
        self.leaving: dict[WorkerHandle, asyncio.Task[int]] = {}
        self._data = data
        self._clock = clock
        self._group = group
        self._on_report = on_report
        self._on_lease = on_lease
        self._on_gone = on_gone
        self._greet = greet
        self._on_tools = on_tools
        self._on_approval = on_approval
        self._bulletin = Bulletin()
        self._current: Prepare | None = None
        # One change at a time: a worker that is being replaced must not miss, or undo, a reload or
        # a revocation. Every wait inside is bounded by ANSWER_S.
        self._changing = asyncio.Lock()
        self._tickets = 0
        self._restarting = False
        self._stopping = False

    def states(self) -> tuple[WorkerState, ...]:
        """Every worker as watchers see it."""
        leaving = (worker.state(leaving=True) for worker in self.leaving)
        return (*(worker.state() for worker in self.workers), *leaving)

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
        self._bulletin.clear()
        await self._insist(workers, [self._commit(worker, order) for worker in workers])
        for worker in self.leaving:
            # For the last calls of those that go. Should one fail to build it, the old one stands.
            worker.tell(order)
            worker.tell(Adopt(order.generation))

    async def replace_credentials(self, credentials: bytes) -> int:
        """In force on every worker when this returns; how many workers that is."""
        async with self._changing:
            self._tickets += 1
            if self._current is not None:
                self._current = msgspec.structs.replace(self._current, credentials=credentials)
            message = NewCredentials(self._tickets, credentials)
            running = [each for each in (*self.workers, *self.leaving) if each.adopted]
            return await self._insist(
                running, [w.ask(message, CredentialsAdopted, self._tickets) for w in running]
            )

    async def replace_pins(self, pins: bytes) -> int:
        """Known to every worker when this returns; how many workers that is.

        Those that start later are greeted with them; whoever does not answer is ended.
        """
        self._tickets += 1
        return await self._impress(PinsNews(self._tickets, pins), PinsAdopted)

    def renew_tls(self) -> None:
        """Every worker reads the certificate's files again."""
        self.announce(RenewTls())

    def announce(self, message: Message) -> None:
        """To every worker that runs; those that start later are greeted."""
        for worker in (*self.workers, *self.leaving):
            worker.tell(message)

    async def replace_revocations(self, update: bytes) -> int:
        """Known to every worker when this returns; how many workers that is.

        It waits for no other change: whoever does not say within 5 s that it knows is ended.
        """
        self._tickets += 1
        return await self._impress(RevocationNews(self._tickets, update), RevocationsHeard)

    async def drain(self, *, within_s: float) -> int:
        """Let every worker finish and exit; the number of calls cut off."""
        self._stopping = True
        async with self._changing:
            stops = [self._stop(worker, Drain(within_s)) for worker in self.workers]
            stops += [self._hasten(*each, within_s=within_s) for each in self.leaving.items()]
            return sum(await asyncio.gather(*stops))

    async def restart(self, *, within_s: float) -> int:
        """Put a fresh worker in every place, one after the other; how many that were.

        Each successor takes calls on the same socket before its predecessor stops to, so none is
        lost; the predecessors finish what they have within ``within_s``, after this has returned.
        ``FleetError`` when a successor cannot be started: whoever has none goes on.
        """
        if self._restarting:
            raise FleetError("a restart is under way already", fix="wait until it has ended")
        if len(self.leaving) + len(self.workers) > LEAVING_MAX * len(self.workers):
            raise FleetError(
                f"{len(self.leaving)} replaced workers still finish calls",
                fix="wait for those calls, or stop and start the instance",
            )
        self._restarting = True
        try:
            for place in range(len(self.workers)):
                async with self._changing:
                    await self._succeed(place, within_s)
        finally:
            self._restarting = False
        return len(self.workers)

    async def _impress(self, message: PinsNews | RevocationNews, answer: type) -> int:
        """Tell everybody, and see that those who carry calls say that they know; how many do."""
        everyone = (*self.workers, *self.leaving)
        running = [worker for worker in everyone if worker.adopted]
        for worker in everyone:
            if not worker.adopted:
                worker.tell(message)
        return await self._insist(
            running, [w.ask(message, answer, message.ticket, within_s=REVOKED_S) for w in running]
        )

    async def _insist(
        self, workers: list[WorkerHandle], orders: list[Coroutine[None, None, object]]
    ) -> int:
        """How many workers did as told. Who did not is ended: its successor gets the newest."""
        done = 0
        for worker, result in zip(
            workers, await asyncio.gather(*orders, return_exceptions=True), strict=True
        ):
            if isinstance(result, FleetError) and worker in self.leaving and not worker.adopted:
                pass  # it had finished, and is gone
            elif isinstance(result, FleetError):
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
        for news in self._bulletin.standing(self._clock.monotonic()):
            worker.tell(UpstreamNews(news))

    async def _launch(self, worker: WorkerHandle) -> None:
        await worker.start(data=self._data, workers=len(self.workers))
        worker.listening = self._group.create_task(self._listen(worker))
        for message in self._greet(0):
            worker.tell(message)

    async def _listen(self, worker: WorkerHandle) -> None:
        await worker.listen(self._hear)
        self._on_gone(worker.index)

    def _hear(self, worker: WorkerHandle, message: Message) -> None:
        match message:
            case Report():
                worker.fault = message.fault
                _note_freshness(worker, message)
                self._on_report(worker, message)
            case RevocationsWanted():
                for word in self._greet(message.ticket):
                    worker.tell(word)
            case LeaseWanted() | LeaseReturned():
                self._on_lease(worker, message)
            case UpstreamNews():
                self._bulletin.note(message.news, self._clock.monotonic())
                for other in (*self.workers, *self.leaving):
                    if other is not worker and other.adopted:
                        other.tell(message)
            case CancelNews():
                for other in (*self.workers, *self.leaving):
                    if other is not worker and other.adopted:
                        other.tell(message)
            case ToolsSeen():
                self._on_tools(message)
            case ApprovalAsked() | ApprovalWithdrawn():
                self._on_approval(worker, message)
            case _:
                pass

    async def _attend(self, worker: WorkerHandle) -> None:
        """Whenever a worker dies unasked, put another in its place."""
        while True:
            code = await worker.ended()
            if self._stopping or (code == 0 and worker not in self.workers):
                return
            log.error("worker.died", worker=worker.index, exit_code=code)
            if worker not in self.workers:
                return
            delay, longest = RESPAWN_BACKOFF_S
            while not await self._replaced(worker):
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)

    async def _replaced(self, worker: WorkerHandle) -> bool:
        """Try once; True also when nobody is wanted any more."""
        async with self._changing:
            if self._stopping or worker not in self.workers:
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

    async def _succeed(self, place: int, within_s: float) -> None:
        """Put a successor in a place; whoever was there leaves."""
        if self._stopping:
            raise FleetError("the instance is stopping")
        old = self.workers[place]
        new = WorkerHandle(self._free_index(place), old.sock, tls=old.tls, origins=old.origins)
        try:
            await self._replace(new)
        except asyncio.CancelledError:
            new.kill()  # whoever asked waits no longer
            raise
        except (FleetError, OSError) as error:
            new.kill()
            await new.ended()
            raise FleetError(
                f"worker {old.index} goes on, since its successor did not start: {error}",
                fix="see the events before this one, then restart again",
            ) from error
        self.workers[place] = new
        self._group.create_task(self._attend(new))
        self.leaving[old] = self._group.create_task(self._see_off(old, within_s))
        log.info("worker.succeeded", worker=old.index, successor=new.index)

    def _free_index(self, place: int) -> int:
        """One that no living worker has: the log takes a journal for ended once there is a newer one
        of the same index."""
        taken = {worker.index for worker in (*self.workers, *self.leaving)}
        return next(each for each in count(place, len(self.workers)) if each not in taken)

    async def _see_off(self, worker: WorkerHandle, within_s: float) -> int:
        cut = await self._stop(worker, Drain(within_s, patient=True))
        await worker.ended()
        del self.leaving[worker]
        log.info("worker.left", worker=worker.index, calls_cut_off=cut)
        return cut

    async def _hasten(
        self, worker: WorkerHandle, seen_off: asyncio.Task[int], *, within_s: float
    ) -> int:
        """A worker that leaves already leaves sooner."""
        worker.tell(Drain(within_s))
        try:
            async with asyncio.timeout(within_s + EXIT_S):
                return await asyncio.shield(seen_off)
        except TimeoutError:
            worker.kill()
            return await seen_off

    async def _stop(self, worker: WorkerHandle, order: Drain) -> int:
        process = worker.process
        if process is None or process.returncode is not None:
            return 0
        cut = 0
        try:
            async with asyncio.timeout(order.within_s + EXIT_S):
                answer = await worker.ask(order, Drained, 0, within_s=order.within_s + EXIT_S)
                cut = answer.cut if isinstance(answer, Drained) else 0
                await process.wait()
        except (TimeoutError, FleetError):
            log.error("worker.killed", worker=worker.index, reason="it did not stop in time")
            worker.kill()
        return cut


def _note_freshness(worker: WorkerHandle, report: Report) -> None:
    """Say when a worker no longer knew what is revoked, and when it did again."""
    before, worker.revocations = worker.revocations, report.revocations
    now = report.revocations
    if before.freshness == "fresh" and now.freshness != "fresh":
        log.warning("revocations.stale", worker=worker.index, freshness=now.freshness)
    elif before.freshness != "fresh" and now.freshness == "fresh":
        log.info("revocations.fresh", worker=worker.index)
    if now.fault is not None and now.fault != before.fault:
        log.error("revocations.refused", worker=worker.index, reason=now.fault)
