"""An asyncio event loop whose time is virtual and whose order of equals a seed decides.

The standard loop asks its selector to wait until the next timer; ours has a selector that does not
wait but moves the clock. Callbacks that are ready together run in a shuffled order, as on a busy
machine, except that callbacks of one owner (a task, a transport) keep theirs: asyncio promises it
and protocols rely on it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from holdfast.core import HoldfastError

T = TypeVar("T")

TIME_LIMIT_S = 86_400.0
"""Virtual seconds after which a simulation is called stuck."""


class DeadlockError(HoldfastError):
    """Nothing is ready and no timer is set: whoever waits, waits for ever."""

    code = "sim.deadlock"


class _TimeSelector:
    """Stands where the socket selector would: waiting is moving the clock."""

    def __init__(self, loop: "SimLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[NoReturn]:
        if timeout is None:
            raise DeadlockError("the simulation waits for an event that can never come")
        self._loop.advance(timeout)
        return []


class SimLoop(asyncio.BaseEventLoop):
    """One seeded run. Use ``simulate``; the loop is also what ``SimClock`` and others read."""

    _ready: deque[asyncio.Handle]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)  # noqa: S311 - replayable by intent
        self._now = 0.0
        self._selector = _TimeSelector(self)

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
        if self._now > TIME_LIMIT_S:
            raise DeadlockError(
                f"the simulation did not end within {TIME_LIMIT_S:g} virtual seconds"
            )
        self._shuffle()

    def _shuffle(self) -> None:
        """Interleave the ready callbacks of different owners at random, each owner's in order."""
        if len(self._ready) < 2:
            return
        queues: dict[int, deque[asyncio.Handle]] = {}
        for handle in self._ready:
            callback = getattr(handle, "_callback", handle)
            owner = getattr(callback, "__self__", callback)
            queues.setdefault(id(owner), deque()).append(handle)
        waiting = list(queues.values())
        self._ready.clear()
        while waiting:
            index = self.random.randrange(len(waiting))
            self._ready.append(waiting[index].popleft())
            if not waiting[index]:
                waiting[index] = waiting[-1]
                waiting.pop()

    def _process_events(self, event_list: list[NoReturn]) -> None:
        """No sockets, no events."""

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector, so nobody needs waking."""

    def run_in_executor(
        self, executor: object, func: Callable[..., Any], *args: object
    ) -> NoReturn:
        raise DeadlockError(
            "a thread was asked for inside the simulation", fix="use a port, and its simulated side"
        )


def simulate(seed: int, main: Callable[[SimLoop], Coroutine[None, None, T]]) -> T:
    """Run ``main`` to its end in a new simulated loop; the same seed gives the same history."""
    loop = SimLoop(seed)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(loop))
    finally:
        try:
            _cancel_rest(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _cancel_rest(loop: SimLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in sorted(tasks, key=lambda t: t.get_name()):
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
