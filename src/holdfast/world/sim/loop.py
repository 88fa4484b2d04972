"""An asyncio event loop whose time is virtual and whose order of equals a seed decides.

The standard loop asks its selector to wait until the next timer; ours has a selector that does not
wait but moves the clock. Callbacks that are ready together run in a shuffled order, as on a busy
machine, except that callbacks of one owner (a task, a transport) keep theirs: asyncio promises it
and protocols rely on it.
"""

import asyncio
import contextlib
import contextvars
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NoReturn, TypeVar

from holdfast.core import HoldfastError
from holdfast.world.sim.processes import NOBODY, SimProcess, current_process, process_of

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
    """One seeded run. Use ``simulate``; the loop is also what ``SimClock`` and others read.

    ``faults`` are exceptions that callbacks and tasks raised and nobody caught.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)  # noqa: S311 - replayable by intent
        self.faults: list[str] = []
        self._now = 0.0
        self._selector = _TimeSelector(self)
        self._dead: dict[str, SimProcess] = {}
        self._zombies: list[asyncio.Task[Any]] = []
        self.set_exception_handler(self._on_fault)

    def time(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds
        if self._now > TIME_LIMIT_S:
            raise DeadlockError(
                f"the simulation did not end within {TIME_LIMIT_S:g} virtual seconds"
            )
        if len(self._ready) > 1:
            self._shuffle()

    # -- processes ----------------------------------------------------------------------------

    def kill(self, process: SimProcess) -> None:
        """From now on no code of ``process`` runs: its timers and tasks stop where they are."""
        process.is_dead = True
        self._dead[process.name] = process
        for handle in (*self._ready, *self._scheduled):
            if process_of(_context(handle)) is process:
                handle.cancel()
        for task in sorted(asyncio.all_tasks(self), key=lambda t: t.get_name()):
            if _owner(task) == process.name:
                # Kept until the end: the collector would run their ``finally`` at some moment.
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue]
                self._zombies.append(task)

    def living(self) -> Iterator[asyncio.Task[object]]:
        """Tasks that have not ended and were not killed, by name."""
        killed = {id(task) for task in self._zombies}
        alive = (task for task in asyncio.all_tasks(self) if id(task) not in killed)
        return iter(sorted(alive, key=lambda task: task.get_name()))

    def timers(self) -> list[str]:
        """What is still set to happen, by the name of who set it; bytes on their way apart."""
        names: list[str] = []
        for handle in self._scheduled:
            if handle.cancelled() or isinstance(_caller(handle), asyncio.BaseTransport):
                continue
            process = process_of(_context(handle))
            names.append(process.name if process is not None else NOBODY)
        return names

    def create_task(  # pyright: ignore[reportIncompatibleMethodOverride] - generators are no tasks here
        self, coro: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        context = options.get("context")
        process = process_of(context) if context is not None else current_process()
        if options.get("name") is None:
            options["name"] = f"{process.name if process else NOBODY}: {coro.__qualname__}"
        return super().create_task(coro, **options)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        if self._dead:
            self._drop_if_dead(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = super().call_at(when, callback, *args, context=context)
        if self._dead:
            self._drop_if_dead(handle)
        return handle

    def _drop_if_dead(self, handle: asyncio.Handle) -> None:
        process = process_of(_context(handle))
        if process is not None and process.is_dead:
            handle.cancel()

    async def bury(self) -> None:
        """Let go of what was killed: the very last thing, for it runs ``finally`` clauses."""
        for process in self._dead.values():
            process.is_dead = False
        for task in self._zombies:
            with contextlib.suppress(Exception, asyncio.CancelledError):
                coroutine = task.get_coro()
                assert coroutine is not None
                coroutine.close()

    def _on_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.faults.append(f"{context.get('message')}: {error!r}")

    # -- order and time -----------------------------------------------------------------------

    def _shuffle(self) -> None:
        """Interleave the ready callbacks of different owners at random, each owner's in order."""
        queues: dict[int, deque[asyncio.Handle]] = {}
        for handle in self._ready:
            queues.setdefault(id(_caller(handle)), deque()).append(handle)
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


def _context(handle: asyncio.Handle) -> contextvars.Context:
    return handle._context  # type: ignore[attr-defined]  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


def _caller(handle: asyncio.Handle) -> object:
    """The object whose method will be called, or the function."""
    callback = getattr(handle, "_callback", handle)
    return getattr(callback, "__self__", callback)


def _owner(task: asyncio.Task[object]) -> str:
    return task.get_name().partition(": ")[0]


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
    tasks = list(loop.living())
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.bury())
