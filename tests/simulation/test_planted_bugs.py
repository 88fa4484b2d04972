"""The bugs that `make mutants` plants fit the code as it is; a few are planted here, too."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("mutants", ROOT / "tools" / "mutants.py")
assert _spec is not None
assert _spec.loader is not None
mutants = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mutants)
BUGS = mutants.bugs(mutants.BUGS.read_text("utf-8"))
FOUND_AT_ONCE = [
    "an answer leaves before its record",
    "the caller's key goes on to the upstream",
    "deadlines are looked at a second late",
]


def test_there_are_at_least_forty():
    assert len(BUGS) >= 40
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_fits_its_place(bug):
    text = (ROOT / "src" / "holdfast" / bug.file).read_text("utf-8")
    assert text.count(bug.old) == 1
    assert bug.new != bug.old


@pytest.mark.parametrize("name", FOUND_AT_ONCE)
def test_a_planted_bug_is_found(name):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "mutants.py"), "--seeds", "20", "--only", name],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert "1 of 1 planted bugs were found" in done.stdout, done.stdout + done.stderr
