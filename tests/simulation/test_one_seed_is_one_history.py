"""A seed decides everything: time, order, faults, every byte; nothing else does."""

import asyncio
import os
import subprocess
import sys

import pytest

from holdfast.testing import draw_day, draw_plan, run_seed
from holdfast.world.sim import DeadlockError, SimProcess, simulate


def _run(*options: str, hash_seed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "holdfast.testing.simulate", *options],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_one_seed_is_one_history():
    assert run_seed(11) == run_seed(11)
    assert run_seed(11).digest != run_seed(12).digest


def test_every_byte_arrives_at_the_same_time_whatever_the_hash_seed(tmp_path):
    traces = []
    for hash_seed in ("1", "2"):
        path = tmp_path / hash_seed
        done = _run("--seed", "9", "--trace", str(path), hash_seed=hash_seed)
        assert done.returncode == 0, done.stdout
        traces.append((done.stdout, path.read_bytes()))
    assert traces[0] == traces[1]
    assert len(traces[0][1].splitlines()) > 300


def test_histories_do_not_hang_on_the_hash_seed():
    options = ("--seed", "100", "--count", "6")
    lines = {_run(*options, hash_seed=hash_seed).stdout for hash_seed in ("1", "2", "3")}
    assert len(lines) == 1
    assert next(iter(lines)).count("virtual s") == 6


def test_plans_are_drawn_from_the_seed_alone():
    assert draw_plan(5) == draw_plan(5)
    assert draw_day(5) == draw_day(5)
    assert draw_plan(5) != draw_plan(6)


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


def test_a_killed_process_runs_no_more_code():
    """No ``finally``, no callback, no timer: as after kill -9."""

    async def main(loop):
        said = []
        process = SimProcess("one")

        async def life():
            try:
                await asyncio.sleep(10)
            finally:
                said.append("finally")

        process.spawn(life())
        process.run(lambda: loop.call_later(5, said.append, "timer"))
        await asyncio.sleep(1)
        loop.kill(process)
        await asyncio.sleep(20)
        return tuple(said), list(loop.living())[1:]

    assert simulate(1, main) == ((), [])
