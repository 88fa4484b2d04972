"""The tour that `make demo` takes, as a newcomer sees it."""

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "document-review" / "demo.py"
DEADLINE_S = 100


@pytest.mark.slow
def test_the_tour_shows_an_answer_a_refusal_a_record_and_a_proof(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(DEMO), "--once", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = dict(line.strip().split(maxsplit=1) for line in done.stdout.splitlines() if "  " in line)
    assert rows["answer"]
    assert rows["type"] == "termination"
    assert "TERM-1" in rows["finding"]
    assert rows["rule"] == "relationship.undeclared"
    assert rows["decision"] == "allow"
    assert rows["verified"] == "true"
    assert rows["address"].startswith("http://127.0.0.1:")
    assert done.stderr == ""
