"""How large a thing may be, and what it may be called."""

import ast
import re
from collections.abc import Iterator

from source_files import ROOT, SOURCES, every_file, python_files, shown, tree

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
NESTING_MAX = 3

# Functions that are deeper than NESTING_MAX and read better so. This list may only shrink.
DEEPER: set[str] = set()

BANNED_NAMES = re.compile(r"(^|[_-])(utils?|helpers?|common|base|managers?|misc)($|[_.-])")

_BLOCKS = (
    ast.If,
    ast.For,
    ast.While,
    ast.With,
    ast.Try,
    ast.AsyncFor,
    ast.AsyncWith,
    ast.Match,
)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _functions(*folders: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in python_files(*folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{shown(path)}:{node.name}", node


def _depth(node: ast.AST, depth: int = 0) -> int:
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _SCOPES):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        deeper = isinstance(child, _BLOCKS) and not is_elif
        deepest = max(deepest, _depth(child, depth + deeper))
    return deepest


def test_a_function_has_at_most_60_lines() -> None:
    long = {
        name: lines
        for name, node in _functions(*SOURCES)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_a_file_has_at_most_500_lines() -> None:
    long = {
        shown(path): lines
        for path in python_files()
        if (lines := len(path.read_text("utf-8").splitlines())) > FILE_LINES_MAX
    }
    assert long == {}


def test_blocks_nest_at_most_3_deep() -> None:
    deep = {name for name, node in _functions("src", "tools") if _depth(node) > NESTING_MAX}
    assert deep - DEEPER == set()
    assert DEEPER - deep == set(), "no longer deep: take these off the list"


def test_names_say_what_a_thing_is() -> None:
    parts = {part for path in every_file() for part in path.relative_to(ROOT).parts}
    assert {part for part in parts if BANNED_NAMES.search(part.lower())} == set()


def test_errors_are_named_error_and_refusals_are_not_raised() -> None:
    wrong = {
        f"{shown(path)}:{node.name}"
        for path in python_files("src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and any(
            isinstance(b, ast.Name) and b.id.endswith(("Error", "Exception")) for b in node.bases
        )
        and not node.name.endswith("Error")
    }
    assert wrong == set()


def test_protocols_have_at_most_five_methods() -> None:
    large = {
        f"{shown(path)}:{node.name}"
        for path in python_files("src")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
        and sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body) > 5
    }
    assert large == set()
