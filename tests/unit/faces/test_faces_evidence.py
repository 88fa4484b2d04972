"""Questions to the log have a deadline and a bound."""

import asyncio
import threading

import pytest

from holdfast.core import HoldfastError
from holdfast.faces.errors import LogSlowError
from holdfast.faces.evidence import Evidence
from holdfast.faces.questions import READS_MAX


class StuckSystem:
    """A system whose log does not answer until it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked = 0

    def log(self):
        return self

    def checkpoint(self):
        self.asked += 1
        self.go.wait(30)


def test_a_log_that_does_not_answer_is_given_up_and_keeps_its_place_until_it_ends():
    async def main() -> None:
        system = StuckSystem()
        evidence = Evidence(system, read_s=0.05)
        ask = lambda: evidence.ask(lambda reader: reader.checkpoint())  # noqa: E731
        with pytest.raises(LogSlowError):
            await ask()
        others = await asyncio.gather(*(ask() for _ in range(20)), return_exceptions=True)
        assert all(isinstance(other, LogSlowError) for other in others)
        assert system.asked == READS_MAX
        system.go.set()

    asyncio.run(main())


def test_failures_of_the_log_are_passed_on(system):
    system.damage()

    async def main() -> None:
        with pytest.raises(HoldfastError):
            await Evidence(system).checkpoint()

    asyncio.run(main())
