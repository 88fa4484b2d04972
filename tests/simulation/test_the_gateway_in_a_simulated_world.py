"""The whole path, under seeds: faults of every kind, and every rule held while they happen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.audit import Recorder
from holdfast.core import HoldfastError
from holdfast.testing import CheckError, draw_day, run_plan, run_seed

SEEDS_A_TEST = 25
CORPUS = Path(__file__).with_name("corpus.txt")


def _corpus() -> list[int]:
    lines = CORPUS.read_text("utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("first", range(1, 251, SEEDS_A_TEST))
def test_every_rule_holds_under_every_seed(first):
    for seed in range(first, first + SEEDS_A_TEST):
        run_seed(seed)


@pytest.mark.parametrize("seed", _corpus())
def test_a_seed_that_once_failed_does_not_fail_again(seed):
    run_seed(seed)


def test_every_rule_holds_on_a_whole_day():
    history = run_plan(draw_day(42, calls=1_000))
    assert history.calls >= 1_000
    assert history.virtual_s > 1_400


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


class StutteringRecorder(Recorder):
    """Writes every seventh record twice."""

    count = 0

    def submit(self, entry: bytes, done: Callable[[HoldfastError | None], None]) -> None:
        self.count += 1
        super().submit(entry, done)
        if self.count % 7 == 0:
            super().submit(entry, lambda _error: None)


@pytest.mark.parametrize(
    ("liar", "rule"),
    [
        (HastyRecorder, "recorded before told"),
        (ForgetfulRecorder, "recorded before told"),
        (StutteringRecorder, "sealed exactly once"),
    ],
)
def test_a_recorder_that_lies_is_caught(liar, rule):
    with pytest.raises(CheckError, match=rule):
        for seed in range(1, 20):
            run_seed(seed, recorder=liar)
