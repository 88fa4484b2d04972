"""Paths into a document: every value below another, and those at the end of a fixed way."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from holdfast.blueprint.calm.findings import Path, Segment
from holdfast.core import JsonValue

ANY = "*"
"""In a way: every member of an object and every item of a list."""

Place: TypeAlias = tuple[Path, JsonValue]


def members(value: JsonValue) -> Iterable[tuple[Segment, JsonValue]]:
    match value:
        case dict():
            return value.items()
        case list():
            return enumerate(value)
        case _:
            return ()


def select(document: JsonValue, *way: str, start: Path = ()) -> Iterator[Place]:
    """Every value at the end of ``way``, in the document's order."""
    if not way:
        yield start, document
        return
    step, rest = way[0], way[1:]
    if step == ANY:
        for segment, child in members(document):
            yield from select(child, *rest, start=(*start, segment))
    elif isinstance(document, dict) and step in document:
        yield from select(document[step], *rest, start=(*start, step))


def values(document: JsonValue, *way: str) -> Iterator[JsonValue]:
    return (value for _, value in select(document, *way))


def below(document: JsonValue, *, where: Callable[[JsonValue], bool]) -> Iterator[Place]:
    """Every value below the root for which ``where`` holds; the root itself is not below."""
    for path, _, value in _descent(document, keep=lambda _, __, value: where(value)):
        yield path, value


def _descent(
    document: JsonValue, *, keep: Callable[[JsonValue, Segment, JsonValue], bool]
) -> Iterator[tuple[Path, Segment, JsonValue]]:
    """Everything below that ``keep`` wants of holder, segment and value: in the document's order
    and without recursion. Paths are made for these alone, for most values are nobody's concern."""
    trail: list[Segment] = []
    open_: list[tuple[JsonValue, Iterator[tuple[Segment, JsonValue]]]] = [
        (document, iter(members(document)))
    ]
    while open_:
        holder, rest = open_[-1]
        for segment, child in rest:
            if keep(holder, segment, child):
                yield (*trail, segment), segment, child
            if isinstance(child, dict | list) and child:
                trail.append(segment)
                open_.append((child, iter(members(child))))
                break
        else:
            open_.pop()
            if trail:
                trail.pop()


def strings_below(value: JsonValue) -> Iterator[str]:
    for _, each in below(value, where=lambda child: isinstance(child, str)):
        if isinstance(each, str):
            yield each


def named(document: JsonValue, name: str, *, start: Path = ()) -> Iterator[Place]:
    """Every value that is a member called ``name``, however deep."""

    def is_called(holder: JsonValue, segment: Segment, _: JsonValue) -> bool:
        return segment == name and isinstance(holder, dict)

    for path, _, value in _descent(document, keep=is_called):
        yield (*start, *path), value


def closest(document: JsonValue, path: Path) -> Path:
    """As much of ``path`` as there is in the document."""
    value = document
    for length, segment in enumerate(path):
        if isinstance(value, dict) and segment in value:
            value = value[str(segment)]
        elif isinstance(value, list) and isinstance(segment, int) and segment < len(value):
            value = value[segment]
        else:
            return path[:length]
    return path


def field(value: JsonValue, name: str) -> tuple[Path, JsonValue]:
    """The member ``name`` of an object; of what is no object or list, the value itself.

    So the reference's linter chooses what a rule about a member looks at.
    """
    if isinstance(value, dict):
        return (name,), value.get(name)
    if isinstance(value, list):
        return (name,), None
    return (), value
