"""What the reference says is what the code has, and the other way round."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from source_files import ROOT, python_files, shown, tree

from holdfast.gateway import RULES

REFERENCE = ROOT / "docs" / "reference"
GENERATORS = sorted((ROOT / "tools").glob("generate_*_reference.py"))
GENERATORS += sorted((ROOT / "tools").glob("generate_openapi.py"))
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
CODE = re.compile(r"[a-z]+(\.[a-z][a-z0-9_-]*)+\Z")


def _rows(page: str) -> list[list[str]]:
    lines = [line for line in (REFERENCE / page).read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def _quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("tool", GENERATORS, ids=lambda tool: tool.stem)
def test_a_generated_page_is_what_its_generator_writes(tool: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _codes_in_the_code() -> set[str]:
    """Class attributes, keywords of raises, and what the wire refuses with."""
    found = set(RULES)
    for path in python_files("src"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                assigns = [part for part in node.body if isinstance(part, ast.Assign)]
                found |= {
                    str(part.value.value)
                    for part in assigns
                    if isinstance(part.targets[0], ast.Name)
                    and part.targets[0].id == "code"
                    and isinstance(part.value, ast.Constant)
                }
            elif (
                isinstance(node, ast.keyword)
                and node.arg == "code"
                and isinstance(node.value, ast.Constant)
            ):
                found.add(str(node.value.value))
        found |= set(re.findall(r'"code":\s*"([a-z.-]+)"', path.read_text("utf-8")))
    return found | {f"http.{code}" for code in _refusals()}


def _refusals() -> set[str]:
    """The codes in the wire's ``(status, code, message)``, as arguments and as tuples."""
    found: set[str] = set()
    for path in (path for path in python_files("src") if "wire" in path.parts):
        for node in ast.walk(tree(path)):
            parts = node.elts if isinstance(node, ast.Tuple) else getattr(node, "args", None)
            match parts:
                case [ast.Constant(value=int()), ast.Constant(value=str(code)), _]:
                    found.add(code)
                case _:
                    pass
    return found


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    documented = {_quoted(row[0])[0] for row in _rows("errors.md")}
    in_code = _codes_in_the_code()
    assert in_code - documented == set(), "write these into tools/generate_errors_reference.py"
    assert documented - in_code == set()


def test_a_code_is_lower_case_words_with_dots() -> None:
    assert {code for code in _codes_in_the_code() if not CODE.match(code)} == set()


def _events() -> dict[str, tuple[str, frozenset[str]]]:
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for path in python_files("src"):
        for node in ast.walk(tree(path)):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                    args=[ast.Constant(value=str(event))],
                    keywords=fields,
                ) if level in LEVELS:
                    found[event] = (level, frozenset(str(field.arg) for field in fields))
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if (
                    level in LEVELS
                ):
                    raise AssertionError(f"{shown(path)}:{node.lineno}: an event is one constant")
    return found


def test_every_event_is_documented_with_its_level_and_fields() -> None:
    documented = {
        _quoted(row[0])[0]: (row[1], frozenset(_quoted(row[2]))) for row in _rows("events.md")
    }
    assert documented == _events()


def test_an_event_is_a_dotted_name_in_lower_case() -> None:
    assert {event for event in _events() if not CODE.match(event)} == set()


def _third_party() -> dict[str, set[str]]:
    """Every package of somebody else, and which of our modules import it."""
    found: dict[str, set[str]] = {}
    for path in python_files("src"):
        parts = path.relative_to(ROOT / "src" / "holdfast").parts
        for node in ast.walk(tree(path)):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in {name.partition(".")[0] for name in names}:
                if name not in sys.stdlib_module_names | {"holdfast", "__future__"}:
                    found.setdefault(name, set()).add(parts[0].removesuffix(".py"))
    return found


def test_every_dependency_has_an_owner_and_a_reason_and_is_imported_there_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [
        *project["dependencies"],
        *(e for name in extras if name != "demo" for e in extras[name]),
    ]
    declared = {re.split(r"[<>=!~\[]", line)[0] for line in lines}
    rows = _rows("dependencies.md")
    assert {_quoted(row[0])[0] for row in rows} == declared
    assert all(len(row) == 4 and row[3] for row in rows)
    imported = _third_party()
    assert {name for row in rows for name in _quoted(row[1])} == set(imported)
    for row in rows:
        if row[2] != "every module":
            for name in _quoted(row[1]):
                assert imported[name] <= set(_quoted(row[2])), name
            assert set(_quoted(row[2])) == set().union(*(imported[n] for n in _quoted(row[1])))
