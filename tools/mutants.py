"""Plants bugs, one by one, in a copy of the package, and lets the simulator look for each of them.

    make mutants                                   # all of them, 1,000 seeds each at most
    python tools/mutants.py --seeds 100 --only cache --only budget

A rule that finds no bug protects nothing: this is how the rules themselves are tested.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
BUGS = ROOT / "tests" / "simulation" / "mutants.toml"
SEEDS = 1_000
AT_ONCE = 2
WANTED_SHARE = 0.9
SECONDS_MAX = 900


class Bug(NamedTuple):
    """``old`` stands exactly once in ``file``; ``new`` takes its place."""

    name: str
    file: str
    old: str
    new: str


class Found(NamedTuple):
    """``seeds``: how many it took; None when none of them found it. ``how``: the broken rule."""

    bug: Bug | None
    seeds: int | None
    how: str
    took_s: float


def bugs(text: str) -> list[Bug]:
    """The bugs of the data file."""
    return [Bug(**entry) for entry in tomllib.loads(text)["mutant"]]


def planted(bug: Bug | None, source: Path, folder: Path) -> Path:
    """A copy of the package with the bug in it, or as it is."""
    copy = folder / "src"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    if bug is None:
        return copy
    file = copy / "holdfast" / bug.file
    text = file.read_text("utf-8")
    if text.count(bug.old) != 1:
        raise SystemExit(f"'{bug.name}' does not fit {bug.file} any more: write it anew")
    file.write_text(text.replace(bug.old, bug.new), "utf-8")
    return copy


def hunt(bug: Bug | None, source: Path, seeds: int) -> Found:
    """Run seeds until one breaks a rule."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = planted(bug, source, Path(folder))
        command = [sys.executable, "-m", "holdfast.testing.simulate", "--seed", "1"]
        command += ["--count", str(seeds), "--quiet", "--no-shrink"]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    took_s = time.monotonic() - began
    first = done.stdout.partition("\n")[0]
    if done.returncode == 0:
        return Found(bug, None, "", took_s)
    if not first.startswith("seed ") or "ImportError" in first or "SyntaxError" in first:
        raise SystemExit(
            f"'{bug.name if bug else 'it'}' does not start:\n{done.stdout}{done.stderr}"
        )
    seed, _, how = first.removeprefix("seed ").partition(": BROKEN: ")
    return Found(bug, int(seed), how.partition(":")[0], took_s)


def main() -> int:
    """Exit code 1 when fewer than nine in ten bugs were found, 2 when there is one unplanted."""
    parser = argparse.ArgumentParser(description="Plant bugs and let the simulator find them.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds spent on each at most")
    parser.add_argument("--only", action="append", default=[], help="bugs whose name contains it")
    parser.add_argument("--source", type=Path, default=ROOT / "src", help="what to copy")
    options = parser.parse_args()
    chosen = [
        bug
        for bug in bugs(BUGS.read_text("utf-8"))
        if not options.only or any(word in bug.name for word in options.only)
    ]
    sound = hunt(None, options.source, options.seeds)
    if sound.seeds is not None:
        print(f"the code as it is fails at seed {sound.seeds}: {sound.how}; mend that first")
        return 2
    caught = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for found in pool.map(lambda bug: hunt(bug, options.source, options.seeds), chosen):
            caught += found.seeds is not None
            where = f"seed {found.seeds:>4}" if found.seeds is not None else "not found"
            print(
                f"{where:<10} {found.took_s:6.1f} s  {found.bug.name:<58} {found.how}", flush=True
            )
    print(f"{caught} of {len(chosen)} planted bugs were found within {options.seeds} seeds")
    return 0 if caught >= WANTED_SHARE * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
