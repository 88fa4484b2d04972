"""A pattern composed by ``allOf``, as one schema."""

from holdfast.blueprint.calm.definitions import Definitions
from holdfast.blueprint.calm.errors import CalmPatternError
from holdfast.core import JsonObject, JsonValue

FLATTENED_DEPTH_MAX = 32
"""Compositions inside compositions."""


def flattened(schema: JsonObject, definitions: Definitions, *, depth: int = 0) -> JsonObject:
    """The schema with its ``allOf`` and a reference at its top joined into it; what stands later,
    and at the top, wins."""
    if depth > FLATTENED_DEPTH_MAX:
        raise CalmPatternError(
            f"the pattern composes itself deeper than {FLATTENED_DEPTH_MAX} levels",
            fix="take the circle out of its `allOf`",
        )
    parts = schema.get("allOf")
    reference = schema.get("$ref")
    if not isinstance(parts, list):
        if not isinstance(reference, str) or not reference:
            return schema
        whole = flattened(definitions.get(reference), definitions, depth=depth + 1)
        return _joined(whole, _without(schema, "$ref"))
    merged: JsonObject = {}
    for part in parts:
        if isinstance(part, dict):
            merged = _joined(merged, _part(part, definitions, depth=depth + 1))
    return _joined(merged, _without(schema, "allOf"))


def _part(part: JsonObject, definitions: Definitions, *, depth: int) -> JsonObject:
    reference = part.get("$ref")
    if isinstance(reference, str) and reference:
        part = _joined(definitions.get(reference), _without(part, "$ref"))
    return flattened(part, definitions, depth=depth)


def _without(schema: JsonObject, word: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name != word}


def _joined(target: JsonObject, source: JsonObject) -> JsonObject:
    joined = dict(target)
    for word, value in source.items():
        joined[word] = _word(word, joined.get(word), value)
    return joined


def _word(word: str, held: JsonValue, value: JsonValue) -> JsonValue:
    if word == "properties" and isinstance(held, dict) and isinstance(value, dict):
        return {**held, **value}
    if not isinstance(held, list) or not isinstance(value, list):
        return value
    if word == "required":
        named = {str(name): name for name in (*held, *value)}
        return list(named.values())
    return _items(held, value) if word == "prefixItems" else value


def _items(held: list[JsonValue], value: list[JsonValue]) -> list[JsonValue]:
    both = [
        _joined(first, second) if isinstance(first, dict) and isinstance(second, dict) else second
        for first, second in zip(held, value, strict=False)
    ]
    return [*both, *held[len(both) :], *value[len(both) :]]
