"""Processes in one loop: whatever a process began can be stopped as kill -9 stops it.

A process is a context (``contextvars``): tasks, timers and connections made inside belong to it.
Once killed, no more code of it runs: no ``finally``, no callback, no goodbye.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")

NOBODY = "world"
_process: contextvars.ContextVar["SimProcess | None"] = contextvars.ContextVar(
    "process", default=None
)


class SimProcess:
    """One process of the simulated world. ``failures`` are exceptions that nobody caught."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.failures: list[BaseException] = []
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.context = contextvars.copy_context()
        """Never entered twice at once: callbacks run in it, everything else in a copy."""
        self.context.run(_process.set, self)

    def run(self, work: Callable[[], T]) -> T:
        """Call ``work`` as this process."""
        return self.context.copy().run(work)

    async def go(self, work: Coroutine[None, None, T]) -> T:
        """Await ``work`` as a task of this process."""
        task = asyncio.get_running_loop().create_task(work, context=self.context.copy())
        return await task

    def spawn(self, work: Coroutine[None, None, None]) -> object:
        """A task of this process that nobody awaits."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=self.context.copy())
        self.tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(error)


def current_process() -> SimProcess | None:
    """Whose code is running."""
    return _process.get()


def process_of(context: contextvars.Context) -> SimProcess | None:
    """Whose context it is."""
    return context.get(_process)
