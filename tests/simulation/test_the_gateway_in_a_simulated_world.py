"""The whole path, under seeds: faulty networks, full disks, kills, and every rule checked after."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from holdfast.audit import Recorder
from holdfast.core import HoldfastError
from holdfast.testing import CheckError, run_seed
from holdfast.world.sim import DeadlockError, simulate

SEEDS_A_TEST = 25


@pytest.mark.parametrize("first", range(1, 201, SEEDS_A_TEST))
def test_every_rule_holds_under_every_seed(first):
    for seed in range(first, first + SEEDS_A_TEST):
        run_seed(seed)


def test_one_seed_is_one_history():
    assert run_seed(11) == run_seed(11)
    assert run_seed(11).digest != run_seed(12).digest


def test_histories_do_not_hang_on_the_hash_seed():
    def line(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "holdfast.testing.simulate", "--seed", "5", "--count", "2"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    assert line("1") == line("2") != ""


class HastyRecorder(Recorder):
    """Acknowledges before the record is durable."""

    def submit(self, entry: bytes, done: Callable[[HoldfastError | None], None]) -> None:
        done(None)
        super().submit(entry, lambda _error: None)


class ForgetfulRecorder(Recorder):
    """Acknowledges every seventh record and never writes it."""

    count = 0

    def submit(self, entry: bytes, done: Callable[[HoldfastError | None], None]) -> None:
        self.count += 1
        if self.count % 7 == 0:
            done(None)
        else:
            super().submit(entry, done)


@pytest.mark.parametrize("liar", [HastyRecorder, ForgetfulRecorder])
def test_a_recorder_that_lies_is_caught(liar):
    with pytest.raises(CheckError, match="no record"):
        for seed in range(1, 60):
            run_seed(seed, recorder=liar)


def test_waiting_for_nothing_is_a_deadlock_not_a_hang():
    async def main(loop):
        await loop.create_future()

    with pytest.raises(DeadlockError):
        simulate(1, main)


def test_virtual_time_costs_nothing():
    async def main(loop):
        await asyncio.sleep(3600)
        return loop.time()

    assert simulate(1, main) == pytest.approx(3600)
