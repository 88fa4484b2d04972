"""A failing plan is made smaller, and the command that replays it is printed."""

import os
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from holdfast.testing import draw_day
from holdfast.testing.shrinking import shrunk

DAY = draw_day(1)


@given(st.sets(st.integers(0, len(DAY.faults) - 1), max_size=4), st.integers(1, 3000))
def test_what_a_failure_needs_is_found_and_nothing_else(needed, calls):
    def fails(plan):
        return plan.calls >= calls and all(DAY.faults[i] in plan.faults for i in needed)

    found = shrunk(DAY, fails=fails, runs_max=10_000)
    assert set(found.kept) == needed
    assert calls <= found.plan.calls < max(2, calls * 2)


def test_no_more_runs_are_spent_than_allowed():
    ran = []

    def fails(plan):
        ran.append(plan)
        return len(plan.faults) > 50

    shrunk(DAY, fails=fails, runs_max=7)
    assert len(ran) == 7


BROKEN = """
from holdfast.audit import Recorder
submit = Recorder.submit
def hasty(self, entry, done):
    done(None)
    submit(self, entry, lambda error: None)
Recorder.submit = hasty
from holdfast.testing.simulate import main
raise SystemExit(main())
"""


def test_a_failing_seed_says_how_to_see_it_again():
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, "--seed", "3"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert "seed 3: BROKEN: recorded before told: " in done.stdout
    assert "-m holdfast.testing.simulate --seed 3\n" in done.stdout
    assert "0 of " in done.stdout
    assert "--seed 3 --keep none --calls " in done.stdout
