"""What a resource's attributes say of a question: yes, no, or not known until it is applied."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeAlias

from holdfast.blueprint.infrastructure.plan import Resource
from holdfast.core import JsonError, JsonObject, JsonValue, read_json

WORLD = "the world"
"""Stands for every value that means all of the internet."""

SET = "is set"
"""Stands for every value but null, false, and what is empty."""

OPEN_POLICY = "a policy for everybody"
"""Stands for every IAM policy, as JSON, that allows anything to anybody on no condition."""

_WORDS = frozenset({"*", "any", "internet", "allusers", "allauthenticatedusers"})
_WIDE_PREFIX_MAX = 4
"""Two halves or four quarters of all addresses are all addresses."""


@dataclass(frozen=True, slots=True)
class Clue:
    """An attribute and the values that mean yes. Lists on the way are gone through: one is enough.
    ``absent`` is the answer when it is not there: what the provider does by default."""

    path: str
    values: tuple[JsonValue, ...] = (True,)
    absent: bool = False
    every: bool = False
    """Whether every value on the way must mean yes, rather than one."""


@dataclass(frozen=True, slots=True)
class Within:
    """All of the clues within one and the same block of those at ``path``."""

    path: str
    clues: tuple[Clue, ...]


Clues: TypeAlias = tuple[tuple[Clue | Within, ...], ...]
"""One of these must hold; each holds when all of its clues do."""


def answer(resource: Resource, clues: Clues) -> bool | None:
    """Three-valued: None where it hangs on what is known only after applying."""
    return any_of(
        all_of(_says(resource.values, resource.unknown, clue) for clue in each) for each in clues
    )


def any_of(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    if any(each is True for each in found):
        return True
    return None if any(each is None for each in found) else False


def all_of(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    if any(each is False for each in found):
        return False
    return None if any(each is None for each in found) else True


def _says(
    values: JsonValue | Mapping[str, JsonValue],
    unknown: JsonValue | Mapping[str, JsonValue],
    clue: Clue | Within,
) -> bool | None:
    if isinstance(clue, Within):
        return _within(values, unknown, clue)
    steps = clue.path.split(".")
    found = [each for each in _values(values, steps) if each is not None]
    answers = [any(_means(each, wanted) for wanted in clue.values) for each in found]
    if any(answers) and (not clue.every or all(answers)):
        return True
    if clue.every and False in answers:
        return False
    if _is_unknown(unknown, steps):
        return None
    return clue.absent if not found else False


def _within(
    values: JsonValue | Mapping[str, JsonValue],
    unknown: JsonValue | Mapping[str, JsonValue],
    clue: Within,
) -> bool | None:
    if not isinstance(values, Mapping):
        return False
    blocks = values.get(clue.path)
    open_questions = unknown.get(clue.path) if isinstance(unknown, Mapping) else None
    if open_questions is True:
        return None
    listed = blocks if isinstance(blocks, list) else [blocks]
    asked = open_questions if isinstance(open_questions, list) else []
    padded = [*asked, *[None] * (len(listed) - len(asked))]
    return any_of(
        all_of(_says(block, later, each) for each in clue.clues)
        for block, later in zip(listed, padded, strict=False)
        if isinstance(block, Mapping)
    )


def values_of(resource: Resource, path: str) -> list[JsonValue]:
    """What stands at a path, lists gone through."""
    return [each for each in _values(resource.values, path.split(".")) if each is not None]


def _values(data: JsonValue | Mapping[str, JsonValue], steps: list[str]) -> Iterator[JsonValue]:
    if isinstance(data, list):
        for each in data:
            yield from _values(each, steps)
    elif not steps:
        if not isinstance(data, Mapping):
            yield data
        elif data:
            yield True
    elif isinstance(data, Mapping):
        yield from _values(data.get(steps[0]), steps[1:])


def _is_unknown(data: JsonValue | Mapping[str, JsonValue], steps: list[str]) -> bool:
    if data is True:
        return True
    if isinstance(data, list):
        return any(_is_unknown(each, steps) for each in data)
    return bool(steps) and isinstance(data, Mapping) and _is_unknown(data.get(steps[0]), steps[1:])


def _means(value: JsonValue, wanted: JsonValue) -> bool:
    if wanted == WORLD:
        return isinstance(value, str) and is_world(value)
    if wanted == OPEN_POLICY:
        return isinstance(value, str) and _is_open_policy(value)
    if wanted == SET:
        return value not in (None, False, "", 0)
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def is_world(text: str) -> bool:
    """Whether a source of traffic, as firewalls write them, is all of the internet."""
    if text.lower() in _WORDS:
        return True
    try:
        return ip_network(text, strict=False).prefixlen <= _WIDE_PREFIX_MAX and "/" in text
    except ValueError:
        return False


def _is_open_policy(text: str) -> bool:
    try:
        policy = read_json(text.encode())
    except JsonError:
        return False
    written = policy.get("Statement") if isinstance(policy, dict) else None
    statements = written if isinstance(written, list) else [written]
    return any(_is_open(each) for each in statements if isinstance(each, dict))


def _is_open(statement: JsonObject) -> bool:
    if statement.get("Effect") != "Allow" or statement.get("Condition"):
        return False
    who = statement.get("Principal")
    named = list(who.values()) if isinstance(who, dict) else [who]
    return any(each == "*" or (isinstance(each, list) and "*" in each) for each in named)
