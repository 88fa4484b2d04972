"""Options of a pattern: the choices it offers, and the pattern once they are made."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, TypeAlias

from holdfast.blueprint.calm.errors import CalmError
from holdfast.blueprint.calm.values import truthy
from holdfast.core import JsonObject, JsonValue

Branch: TypeAlias = Literal["oneOf", "anyOf"]
_BRANCHES: tuple[Branch, ...] = ("oneOf", "anyOf")


class OptionsError(CalmError):
    """The options of a document do not have the shape that choosing needs. The reference breaks
    off here. Never leaves this package: it becomes a finding or another error."""

    code = "calm.options"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One decision: what it says, and the nodes and relationships it brings."""

    description: JsonValue
    nodes: tuple[JsonValue, ...]
    relationships: tuple[JsonValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One question of a pattern, with the choices it offers."""

    unique_id: str
    prompt: str
    branch: Branch
    choices: tuple[Choice, ...]


def choices_recorded(architecture: JsonValue) -> tuple[Choice, ...]:
    """The first decision of every options relationship of an architecture."""
    if not isinstance(architecture, dict) or "relationships" not in architecture:
        return ()
    relationships = architecture["relationships"]
    if not isinstance(relationships, list):
        raise OptionsError("relationships is no list")
    found: list[Choice] = []
    for relationship in relationships:
        kind = _member(relationship, "relationship-type")
        if isinstance(kind, dict) and "options" in kind:
            found.append(_recorded(kind["options"]))
    return tuple(found)


def _recorded(options: JsonValue) -> Choice:
    first = options[0] if isinstance(options, list | str) and options else None
    if first is None:
        raise OptionsError("an options relationship records no decision")
    return Choice(
        description=_member(first, "description"),
        nodes=_listed(_member(first, "nodes")),
        relationships=_listed(_member(first, "relationships")),
    )


def options_of(pattern: JsonObject) -> tuple[Option, ...]:
    """Every question of the pattern; ``OptionsError`` where one is not put as CALM puts it."""
    return tuple(
        option
        for relationship in _relationships(pattern)
        for branch in _BRANCHES
        for option in _options_in(relationship, branch)
    )


def _options_in(relationship: JsonValue, branch: Branch) -> Iterator[Option]:
    for item in _options_items(relationship) or []:
        if isinstance(item, dict) and branch in item:
            yield Option(
                unique_id=_text(relationship, "properties", "unique-id", "const"),
                prompt=_text(relationship, "properties", "description", "const"),
                branch=branch,
                choices=tuple(_offered(each) for each in _listed(item[branch])),
            )


def _relationships(pattern: JsonObject) -> tuple[JsonValue, ...]:
    parts = [pattern, *_listed(pattern.get("allOf"))]
    for part in parts:
        found = _way(part, "properties", "relationships", "prefixItems")
        if isinstance(found, list):
            return tuple(found)
    return ()


def _offered(choice: JsonValue) -> Choice:
    return Choice(
        description=_text(choice, "properties", "description", "const"),
        nodes=_listed(_way(choice, "properties", "nodes", "const")),
        relationships=_listed(_way(choice, "properties", "relationships", "const")),
    )


def with_choices(pattern: JsonValue, choices: Iterable[Choice]) -> JsonValue:
    """The pattern with only what was chosen, its alternatives flattened. ``OptionsError`` where it
    does not have the shape."""
    made = tuple(choices)
    chosen = deepcopy(pattern)
    nodes = [name for choice in made for name in choice.nodes]
    relationships = [name for choice in made for name in choice.relationships]
    _flatten(chosen, "nodes", names=nodes)
    _flatten(chosen, "relationships", names=relationships)
    told = [choice.description for choice in made]
    for relationship in _held(_needed(chosen, "properties", "relationships"), "prefixItems"):
        items = _options_items(relationship)
        if items is not None:
            holder = _needed(
                relationship, "properties", "relationship-type", "properties", "options"
            )
            holder["prefixItems"] = _kept(items, way=("description",), names=told)
    return chosen


def _flatten(pattern: JsonValue, kind: str, *, names: list[JsonValue]) -> None:
    holder = _needed(pattern, "properties", kind)
    holder["prefixItems"] = _kept(_held(holder, "prefixItems"), way=("unique-id",), names=names)


def _kept(items: list[JsonValue], *, way: tuple[str], names: list[JsonValue]) -> list[JsonValue]:
    kept: list[JsonValue] = []
    for item in items:
        alternatives = _alternatives(item)
        if alternatives is None:
            kept.append(item)
            continue
        for each in _flat(_listed(alternatives)):
            constant = _needed(each, "properties", *way).get("const")
            if constant in names:
                kept.append(each)
    return kept


def _alternatives(item: JsonValue) -> JsonValue:
    if not isinstance(item, dict):
        return None
    return next((item[each] for each in _BRANCHES if truthy(item.get(each))), None)


def _flat(items: Iterable[JsonValue]) -> Iterable[JsonValue]:
    for each in items:
        yield from each if isinstance(each, list) else [each]


def _options_items(relationship: JsonValue) -> list[JsonValue] | None:
    options = _way(relationship, "properties", "relationship-type", "properties", "options")
    return None if options is None else _held(options, "prefixItems")


def _held(holder: JsonValue, name: str) -> list[JsonValue]:
    found = _member(holder, name)
    if not isinstance(found, list):
        raise OptionsError(f"{name} is no list")
    return found


def _needed(document: JsonValue, *way: str) -> JsonObject:
    value = _way(document, *way)
    if not isinstance(value, dict):
        raise OptionsError(f"{'.'.join(way)} is missing")
    return value


def _text(document: JsonValue, *way: str) -> str:
    value = _way(document, *way)
    return value if isinstance(value, str) else ""


def _way(document: JsonValue, *way: str) -> JsonValue:
    value = document
    for step in way:
        value = _member(value, step)
    return value


def _member(value: JsonValue, name: str) -> JsonValue:
    return value.get(name) if isinstance(value, dict) else None


def _listed(value: JsonValue) -> tuple[JsonValue, ...]:
    return tuple(value) if isinstance(value, list) else ()
