"""Questions to the log, from an event loop: in a thread, few at a time, each with a deadline."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from holdfast.audit import Checkpoint, Entry, LogReader, Proof, decode_entry
from holdfast.faces.errors import CallUnknownError, LogSlowError, ProofPendingError
from holdfast.faces.view import SystemView

READ_S = 5.0
READS_MAX = 4
"""Threads that read the log at once; further questions wait, within their deadline."""

T = TypeVar("T")


class Evidence:
    """What the log says, without blocking the loop that asks."""

    def __init__(self, view: SystemView, *, read_s: float = READ_S) -> None:
        self._view = view
        self._read_s = read_s
        self._places = asyncio.Semaphore(READS_MAX)

    async def checkpoint(self) -> Checkpoint:
        """The newest published checkpoint."""
        return await self.ask(LogReader.checkpoint)

    async def head(self) -> tuple[Checkpoint, int | None]:
        """The newest checkpoint, and the instant of the newest record under it."""
        return await self.ask(_head)

    async def find(self, call: str) -> tuple[Entry, ...]:
        """The entries of a call, at least one."""
        entries = await self.ask(lambda reader: reader.find(call))
        if not entries:
            raise CallUnknownError(
                f"there is no record of a call '{call[:64]}'",
                fix="take the id from the x-request-id of an answer, or from GET /api/calls",
            )
        return entries

    async def prove(self, call: str) -> tuple[tuple[tuple[Entry, Proof], ...], int]:
        """Each entry of a call with its proof, and how many more wait for a checkpoint."""
        entries = await self.find(call)
        indices = [entry.index for entry in entries if entry.index is not None]
        if not indices:
            raise ProofPendingError(
                f"the record of call '{call[:64]}' is durable, but not under a checkpoint yet",
                fix="ask again in a second",
            )
        proven = await self.ask(lambda reader: tuple(_proven(reader, i) for i in indices))
        return proven, len(entries) - len(indices)

    async def proof(self, index: int) -> Proof:
        """The proof that entry ``index`` is under the newest checkpoint."""
        return await self.ask(lambda reader: reader.prove(index))

    async def entry(self, index: int) -> Entry:
        """One entry, checked against the newest checkpoint."""
        return await self.ask(lambda reader: reader.entry(index))

    async def ask(self, question: Callable[[LogReader], T]) -> T:
        """The answer to any question; what it raises is passed on."""
        try:
            async with asyncio.timeout(self._read_s):
                await self._places.acquire()
                loop = asyncio.get_running_loop()
                answer = loop.run_in_executor(None, question, self._view.log())
                answer.add_done_callback(self._done)
                # A thread cannot be stopped: it keeps its place until it ends, we stop waiting.
                return await asyncio.shield(answer)
        except TimeoutError as error:
            raise LogSlowError(
                f"the log was not read within {self._read_s:g} s", fix="ask again; look at the disk"
            ) from error

    def _done(self, answer: asyncio.Future[T]) -> None:
        self._places.release()
        if not answer.cancelled():
            # Whoever asked may have stopped waiting: the failure counts as seen.
            answer.exception()


def _head(reader: LogReader) -> tuple[Checkpoint, int | None]:
    checkpoint = reader.checkpoint()
    newest = reader.recent(1)
    return checkpoint, decode_entry(newest[0].data).at if newest else None


def _proven(reader: LogReader, index: int) -> tuple[Entry, Proof]:
    return reader.entry(index), reader.prove(index)
