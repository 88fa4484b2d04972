"""Places in a written blueprint: from the words of a judgement to keys and positions.

A judgement says ``relationships.asks.facts.encrypted``: relationships and flows go by their ids, so
that a finding keeps its name when something is written above it. Positions are read too.
"""

import re
from collections.abc import Sequence
from typing import TypeAlias

from holdfast.blueprint import Plain

Steps: TypeAlias = tuple[str | int, ...]

_POSITION = re.compile(r"\[(\d+)\]")


def steps_to(data: Plain, at: str) -> Steps:
    """The keys and positions that ``at`` names, as far as they exist."""
    found: list[str | int] = []
    rest, here = at, data
    while rest:
        taken = _next(here, rest)
        if taken is None:
            break
        step, rest = taken
        found.append(step)
        here = _inside(here, step)
    return tuple(found)


def _next(here: Plain, rest: str) -> tuple[str | int, str] | None:
    """The step that the beginning of ``rest`` names, and what is left behind it."""
    position = _POSITION.match(rest)
    if position is not None:
        step = int(position[1])
        exists = isinstance(here, list) and step < len(here)
        return (step, rest[position.end() :].removeprefix(".")) if exists else None
    for name in _beginnings(rest):
        step = position_of(here, name)
        if step is not None:
            return step, rest[len(name) :].removeprefix(".")
    return None


def _beginnings(rest: str) -> list[str]:
    """Where a name may end; names of controls may hold dots, so the longest comes first."""
    ends = [place for place, sign in enumerate(rest) if sign in ".["]
    return [rest, *(rest[:end] for end in reversed(ends) if end)]


def position_of(here: Plain, name: str | int) -> str | int | None:
    """The key or position that one step means: in a list of things with ids, a thing's id counts."""
    if isinstance(here, dict):
        return name if name in here else None
    if not isinstance(here, list):
        return None
    if isinstance(name, int):
        return name if 0 <= name < len(here) else None
    for index, item in enumerate(here):
        if isinstance(item, dict) and item.get("id") == name:
            return index
    return None


def _inside(here: Plain, step: str | int) -> Plain:
    if isinstance(here, dict) and isinstance(step, str):
        return here[step]
    if isinstance(here, list) and isinstance(step, int):
        return here[step]
    return None


def settled_steps(data: Plain, path: Sequence[str | int]) -> Steps:
    """A patch's path with ids turned into positions, as far as it exists; the rest as written."""
    found: list[str | int] = []
    here = data
    for number, name in enumerate(path):
        step = position_of(here, name)
        if step is None:
            return (*found, *path[number:])
        found.append(step)
        here = _inside(here, step)
    return tuple(found)
