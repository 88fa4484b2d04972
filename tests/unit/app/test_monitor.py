"""What is drawn of one moment is drawn once, and is never older than what the keeper knows."""

import asyncio
from typing import Any

import pytest

from holdfast.app.monitor import MOMENT_US, Monitor
from holdfast.blueprint import load
from holdfast.core import Instant
from holdfast.faces import WorkerState

FILE = """\
holdfast: 1
name: x
nodes:
  desk: {type: service, description: d}
"""
OLD, NEW = WorkerState(0, 11, True, None), WorkerState(1, 12, True, None)
NO_LOG: Any = None
"""Nothing here asks for a record."""
LEAVING = WorkerState(0, 11, True, None, leaving=True)


class Clock:
    at = 1_000_000

    def now(self) -> Instant:
        return Instant(self.at)

    def monotonic(self) -> float:
        return self.at / 1_000_000


class System:
    """A monitor, and the workers that it is told of."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.workers: tuple[WorkerState, ...] = (OLD,)
        self.monitor = Monitor(
            clock=self.clock,
            reader=NO_LOG,
            blueprint=load(FILE, source="f", read=lambda _: ""),
            workers=lambda: self.workers,
            budgets=tuple,
            approvals=tuple,
        )


@pytest.fixture
def system() -> System:
    return System()


def test_who_asks_within_a_moment_is_shown_the_same_look(system: System) -> None:
    made = system.monitor.live()
    system.clock.at += MOMENT_US - 1
    assert system.monitor.live() is made
    system.clock.at += 1
    assert system.monitor.live() is not made


def test_a_worker_that_was_replaced_within_a_moment_is_shown_as_leaving(system: System) -> None:
    system.monitor.live()
    system.workers = (NEW, LEAVING)
    assert system.monitor.live().workers == (NEW, LEAVING)


def test_watchers_hear_of_a_worker_that_went_without_a_report(system: System) -> None:
    async def watch() -> tuple[WorkerState, ...]:
        seen = system.monitor.changes()
        await anext(seen)
        waiting = asyncio.ensure_future(anext(seen))
        system.workers = (NEW,)
        async with asyncio.timeout(5):
            while not waiting.done():
                await system.monitor.announce()
                await asyncio.sleep(0.01)
            return (await waiting).workers

    assert asyncio.run(watch()) == (NEW,)
