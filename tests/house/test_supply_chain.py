"""What is installed is what was locked, and nothing of it runs before we do unless it is known."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from source_files import ROOT

TOOL = ROOT / "tools" / "check_startup_hooks.py"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_startup_hooks", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_unknown_runs_at_every_start_of_this_environment() -> None:
    assert list(_tool().problems(Path(sys.prefix))) == []


def test_the_environment_is_made_of_hashed_requirements_and_checked_before_it_is_used() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("$(STAMP):")[2].partition("\n\n")[0]
    installs = [line for line in recipe.splitlines() if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert re.search(r"--require-hashes.*\n.*-I -S tools/check_startup_hooks\.py", recipe)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def _found(site: Path) -> list[str]:
    return [each.partition(": ")[2] for each in _tool().problems(site.parents[2])]


@pytest.mark.parametrize("name", ["litellm_init.pth", "zzz.pth"])
def test_a_start_up_file_that_nobody_known_brings_is_refused(site: Path, name: str) -> None:
    (site / name).write_text("import os; os.system('id')\n")
    assert _found(site) == ["no known distribution brings it"]


def test_a_known_start_up_file_with_other_content_is_refused(site: Path) -> None:
    brought = site / "coverage-7.0.dist-info"
    brought.mkdir()
    (site / "a1_coverage.pth").write_text("import coverage\n")
    hashed = _tool()._digest(site / "a1_coverage.pth")
    (brought / "RECORD").write_text(f"a1_coverage.pth,{hashed},16\n")
    assert _found(site) == []
    (site / "a1_coverage.pth").write_text("import os; os.system('id')\n")
    assert _found(site) == ["it is not the file that coverage brings"]


@pytest.mark.parametrize("name", ["sitecustomize.py", "usercustomize.cpython-311.so"])
def test_a_module_that_every_start_imports_is_refused(site: Path, name: str) -> None:
    (site / name).write_text("")
    assert _found(site) == ["it is imported at every start"]
