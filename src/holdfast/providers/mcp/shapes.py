"""How much work a schema can make: small schemas may ask for exponentially many judgements.

``allOf`` of two references to an ``allOf`` of two references ... doubles at each step, and a
reference that comes back to itself without descending never ends. Both are found here, before any
arguments come; the specification asks for such bounds ("Composition-Keyword Resource Use").
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp.errors import McpSchemaError

SUBSCHEMAS_MAX = 4000
JUDGEMENTS_MAX = 200_000
"""For any one value inside the arguments."""
ARGUMENTS_DEPTH_MAX = 40
ARGUMENTS_DEPTH_LEAST = 6

_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLES = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_Kinds: TypeAlias = tuple[int, int]
"""Judgements of a value that is an object, and of one that is an array."""


def arguments_depth_max(schema: JsonObject) -> int:
    """How deep arguments may nest so that judging any part of them stays bounded.

    ``McpSchemaError`` where a schema refers outside itself, in a circle, or would be too costly for
    arguments of even a few levels.
    """
    shape = _Shape(schema)
    for depth in range(ARGUMENTS_DEPTH_MAX + 1):
        if max(shape.cost(schema, depth)) > JUDGEMENTS_MAX:
            if depth <= ARGUMENTS_DEPTH_LEAST:
                raise McpSchemaError(
                    "judging arguments by the schema could take too long",
                    fix="its server must describe the arguments with fewer alternatives",
                )
            return depth - 1
    return ARGUMENTS_DEPTH_MAX


class _Shape:
    """The subschemas of one schema, by what they lead to."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._anchors: dict[str, JsonValue] = {}
        self._known: dict[tuple[int, int], _Kinds] = {}
        self._open: set[tuple[int, int]] = set()
        self._count = 0
        self._index(root)

    def _index(self, value: JsonValue) -> None:
        if isinstance(value, list):
            for item in value:
                self._index(item)
        if not isinstance(value, dict):
            return
        self._count += 1
        if self._count > SUBSCHEMAS_MAX:
            raise McpSchemaError(f"the schema has more than {SUBSCHEMAS_MAX} parts")
        if value is not self._root and isinstance(value.get("$id"), str):
            raise McpSchemaError("a part of the schema has an `$id` of its own", where="/$id")
        for name in ("$anchor", "$dynamicAnchor"):
            anchor = value.get(name)
            if isinstance(anchor, str):
                self._anchors[anchor] = value
        for name, item in value.items():
            if name not in _NO_SCHEMAS:
                self._index(item)

    def cost(self, schema: JsonValue, depth: int) -> _Kinds:
        """Judgements that ``schema`` asks for on one value that nests ``depth`` levels."""
        if not isinstance(schema, dict):
            return (1, 1)
        key = (id(schema), depth)
        if key in self._known:
            return self._known[key]
        if key in self._open:
            raise McpSchemaError("the schema refers to itself in a circle that never descends")
        self._open.add(key)
        of_object, of_array = 1, 1
        for inner in self._in_place(schema):
            costs = self.cost(inner, depth)
            of_object += costs[0]
            of_array += costs[1]
        if depth > 0:
            of_object += self._of_members(schema, depth - 1)
            of_array += self._of_items(schema, depth - 1)
        self._open.discard(key)
        # Beyond the bound the figure itself does not matter; it must not grow without end.
        most = JUDGEMENTS_MAX + 1
        self._known[key] = (min(of_object, most), min(of_array, most))
        return self._known[key]

    def _most(self, schemas: Iterator[JsonValue], depth: int) -> int:
        return max((max(self.cost(each, depth)) for each in schemas), default=0)

    def _sum(self, schemas: Iterator[JsonValue], depth: int) -> int:
        return sum(max(self.cost(each, depth)) for each in schemas)

    def _of_members(self, schema: JsonObject, depth: int) -> int:
        """One member is judged by its own property or the additional ones, and by all patterns."""
        own = self._most(_values(schema, "properties"), depth)
        others = ("additionalProperties", "unevaluatedProperties", "propertyNames")
        rest = self._sum((schema[name] for name in others if name in schema), depth)
        return max(own, rest) + self._sum(_values(schema, "patternProperties"), depth)

    def _of_items(self, schema: JsonObject, depth: int) -> int:
        first = self._most(_items(schema), depth)
        others = ("additionalItems", "unevaluatedItems", "contains")
        return first + self._sum((schema[name] for name in others if name in schema), depth)

    def _in_place(self, schema: JsonObject) -> Iterator[JsonValue]:
        for name in _LISTS:
            found = schema.get(name)
            yield from found if isinstance(found, list) else ()
        for name in _SINGLES:
            if name in schema:
                yield schema[name]
        for name in ("dependentSchemas", "dependencies"):
            yield from (each for each in _values(schema, name) if isinstance(each, dict))
        for name in _REFERENCES:
            reference = schema.get(name)
            if reference is not None:
                yield self._target(reference)

    def _target(self, reference: JsonValue) -> JsonValue:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise McpSchemaError(
                "the schema refers outside itself",
                where="/$ref",
                fix="its server must write the whole schema in place; nothing is ever fetched",
            )
        fragment = reference[1:]
        if fragment in self._anchors:
            return self._anchors[fragment]
        found: JsonValue = self._root
        for part in fragment.split("/")[1:]:
            found = _step(found, part)
            if found is None:
                raise McpSchemaError(f"the schema has nothing at {reference[:100]!r}")
        return found


_NO_SCHEMAS: Mapping[str, None] = MappingProxyType(
    dict.fromkeys(("default", "const", "enum", "examples"))
)


def _values(schema: JsonObject, name: str) -> Iterator[JsonValue]:
    found = schema.get(name)
    yield from found.values() if isinstance(found, dict) else ()


def _items(schema: JsonObject) -> Iterator[JsonValue]:
    for name in ("items", "prefixItems"):
        found = schema.get(name)
        yield from found if isinstance(found, list) else (found,)


def _step(value: JsonValue, part: str) -> JsonValue:
    name = _unquote(part).replace("~1", "/").replace("~0", "~")
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isdecimal() and len(name) < 6 and int(name) < len(value):
        return value[int(name)]
    return None


def _unquote(part: str) -> str:
    """Percent-decoding of a URI fragment."""
    if "%" not in part:
        return part
    pieces = part.split("%")
    try:
        raw = pieces[0].encode() + b"".join(
            bytes.fromhex(piece[:2]) + piece[2:].encode() for piece in pieces[1:]
        )
        return raw.decode("utf-8")
    except ValueError:
        return part
