"""The files of this repository, as the house tests look at them. Needs no git."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "tools", "examples", "benchmarks")
_CACHES = {".git", "node_modules"}


def _ignored() -> frozenset[str]:
    lines = (ROOT / ".gitignore").read_text().split()
    return frozenset(_CACHES | {line.rstrip("/").rpartition("/")[2] for line in lines})


def _walk(folder: Path, ignored: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in ignored or path.suffix == ".pyc":
            continue
        if path.is_dir():
            yield from _walk(path, ignored)
        else:
            yield path


@cache
def every_file() -> tuple[Path, ...]:
    """Every file that is not ignored, in order."""
    return tuple(_walk(ROOT, _ignored()))


def python_files(*folders: str) -> list[Path]:
    """Python files under the folders named."""
    inside = folders or (*SOURCES, "tests")
    return [
        path
        for path in every_file()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in inside
    ]


def pages() -> list[Path]:
    """The prose people read: the documentation and the pages in the root."""
    return [
        path
        for path in every_file()
        if path.suffix == ".md" and path.relative_to(ROOT).parts[0] not in ("tests", "src")
    ]


@cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed once."""
    return ast.parse(path.read_text("utf-8"), str(path))


def shown(path: Path) -> str:
    """A path as failures name it."""
    return str(path.relative_to(ROOT))
