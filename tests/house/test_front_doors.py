"""A module is what its front door promises."""

import ast
import importlib
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_files import ROOT, python_files, tree

PACKAGE = ROOT / "src" / "holdfast"


def _doors() -> list[str]:
    folders = [door.parent for door in sorted(PACKAGE.rglob("__init__.py"))]
    names = [".".join(("holdfast", *folder.relative_to(PACKAGE).parts)) for folder in folders]
    # The namespaces below hold modules whose doors are one level further in.
    return [n for n in names if n not in ("holdfast", "holdfast.world", "holdfast.gateway.stages")]


def _annotations(value: object) -> Iterator[tuple[str, object]]:
    """Every annotation of a public name: its signature, its methods', its fields'."""
    if inspect.isfunction(value):
        yield from ((value.__qualname__, hint) for hint in _hints(value).values())
    elif inspect.isclass(value):
        yield from ((value.__qualname__, hint) for hint in _hints(value).values())
        for name, member in vars(value).items():
            inner = getattr(member, "__func__", getattr(member, "fget", member))
            if name.startswith("_") or _is_theirs(value, name):
                continue
            if inspect.isfunction(inner):
                yield from _annotations(inner)


def _is_theirs(kind: type, name: str) -> bool:
    """A method that overrides one of another library has that library's signature."""
    others = [base for base in kind.__mro__[1:] if not base.__module__.startswith("holdfast.")]
    return any(hasattr(base, name) for base in others)


def _hints(value: object) -> dict[str, object]:
    try:
        return typing.get_type_hints(value)
    except NameError:  # a name that is imported for the type checker only
        return dict(getattr(value, "__annotations__", {}))


def _mentions_any(hint: object) -> bool:
    return hint is typing.Any or any(_mentions_any(part) for part in typing.get_args(hint))


@pytest.mark.parametrize("name", _doors())
def test_a_front_door_says_what_it_promises_and_names_only_what_exists(name: str) -> None:
    door = importlib.import_module(name)
    assert door.__doc__, f"{name} has no docstring"
    exported = getattr(door, "__all__", None)
    if exported is None:
        # A package that only holds files for the composition root exports nothing at all.
        assert not [n for n in vars(door) if inspect.isclass(getattr(door, n))]
        return
    assert [n for n in exported if not hasattr(door, n)] == []
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("name", _doors())
def test_nothing_untyped_passes_a_front_door(name: str) -> None:
    door = importlib.import_module(name)
    values = [getattr(door, exported) for exported in getattr(door, "__all__", ())]
    ours = [v for v in values if str(getattr(v, "__module__", "")).startswith("holdfast.")]
    assert {place for v in ours for place, hint in _annotations(v) if _mentions_any(hint)} == set()


@pytest.mark.parametrize("path", python_files("src"), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_source_file_says_what_it_is_for(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not text or ast.get_docstring(tree(path))
