"""Questions that block, from an event loop: in a thread, few at a time, each with a deadline."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from holdfast.core import HoldfastError

READ_S = 5.0
READS_MAX = 4
"""Threads that read one store at once; further questions wait, within their deadline."""

S = TypeVar("S")
T = TypeVar("T")


class Questions(Generic[S]):
    """What a store says, without blocking the loop that asks. ``late`` makes the error for a
    question that was not answered within ``read_s``."""

    def __init__(
        self, store: Callable[[], S], *, late: Callable[[float], HoldfastError], read_s: float
    ) -> None:
        self._store = store
        self._late = late
        self._read_s = read_s
        self._places = asyncio.Semaphore(READS_MAX)

    async def ask(self, question: Callable[[S], T]) -> T:
        """The answer to any question; what it raises is passed on."""
        try:
            async with asyncio.timeout(self._read_s):
                await self._places.acquire()
                loop = asyncio.get_running_loop()
                answer = loop.run_in_executor(None, question, self._store())
                answer.add_done_callback(self._done)
                # A thread cannot be stopped: it keeps its place until it ends, we stop waiting.
                return await asyncio.shield(answer)
        except TimeoutError as error:
            raise self._late(self._read_s) from error

    def _done(self, answer: asyncio.Future[T]) -> None:
        self._places.release()
        if not answer.cancelled():
            # Whoever asked may have stopped waiting: the failure counts as seen.
            answer.exception()
