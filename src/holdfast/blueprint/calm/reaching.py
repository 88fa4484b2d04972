"""Which documents a schema reaches: by references in places where a schema stands, no others.

So the reference compiles: a definition that nobody refers to may name what does not exist.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from holdfast.blueprint.calm.errors import CalmError
from holdfast.blueprint.calm.references import joined, parted, steps_of
from holdfast.core import JsonValue

ONE = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("dependentSchemas", "patternProperties", "properties")
_VALUES = ("const", "enum", "default", "examples")
SUBSCHEMAS_MAX = 200_000
"""Subschemas that one compilation walks."""


class UncompilableError(CalmError):
    """A schema that cannot judge: a reference leads nowhere, or the reference's validator refuses a
    word of it. Never leaves this package: it becomes a finding."""

    code = "calm.uncompilable"


@dataclass(frozen=True, slots=True)
class _Place:
    """A subschema, and the URL its references start from."""

    schema: JsonValue
    base: str


class _Document:
    """The subschemas of one document that have a name: an ``$id`` or an anchor."""

    def __init__(self, root: JsonValue, url: str) -> None:
        self.root = _Place(root, _based(root, url))
        self.by_url: dict[str, _Place] = {url: self.root, self.root.base: self.root}
        self.by_anchor: dict[tuple[str, str], _Place] = {}
        self._index(self.root)

    def _index(self, root: _Place) -> None:
        waiting = [root]
        while waiting:
            place = waiting.pop()
            if isinstance(place.schema, dict):
                self._note(place)
                waiting += [
                    _Place(child, _based(child, place.base))
                    for name, child in place.schema.items()
                    if name not in _VALUES
                ]
            elif isinstance(place.schema, list):
                waiting += [_Place(child, _based(child, place.base)) for child in place.schema]

    def _note(self, place: _Place) -> None:
        schema = place.schema
        if not isinstance(schema, dict):
            return
        if isinstance(schema.get("$id"), str):
            self.by_url.setdefault(place.base, place)
        for word in ("$anchor", "$dynamicAnchor"):
            anchor = schema.get(word)
            if isinstance(anchor, str):
                self.by_anchor.setdefault((place.base, anchor), place)


def _based(schema: JsonValue, base: str) -> str:
    own = schema.get("$id") if isinstance(schema, dict) else None
    return parted(joined(base, own))[0] if isinstance(own, str) else base


class _Walk:
    """Goes through every subschema that one schema reaches, each once."""

    def __init__(self, schema: JsonValue, read: Callable[[str], JsonValue]) -> None:
        first = _Document(schema, "")
        self._read = read
        self._documents: dict[str, _Document | None] = {url: first for url in first.by_url if url}
        self._waiting: list[tuple[_Place, _Document]] = [(first.root, first)]
        self._seen = {id(schema)}

    def documents(self) -> Iterator[tuple[str, JsonValue]]:
        while self._waiting:
            place, document = self._waiting.pop()
            _check_words(place.schema)
            for child in _children(place):
                if isinstance(child.schema, dict):
                    self._note(child, document)
            for target in _targets(place):
                yield from self._follow(target, document)

    def _note(self, place: _Place, document: _Document) -> None:
        if id(place.schema) in self._seen:
            return
        if len(self._seen) >= SUBSCHEMAS_MAX:
            raise UncompilableError(f"the schema reaches more than {SUBSCHEMAS_MAX} subschemas")
        self._seen.add(id(place.schema))
        self._waiting.append((place, document))

    def _follow(self, target: str, document: _Document) -> Iterator[tuple[str, JsonValue]]:
        url, fragment = parted(target)
        home = document if url in document.by_url else self._documents.get(url)
        if home is None and url not in self._documents:
            text = self._read(url)
            home = self._documents[url] = None if text is None else _Document(text, url)
            if home is not None:
                yield url, text
        if home is not None:
            self._note(_found(home, url=url, fragment=fragment), home)


def reached(schema: JsonValue, read: Callable[[str], JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """URL and text of every other document that ``schema`` needs, as they are met.

    ``read`` gives ``None`` for what the validator has itself, and raises for what is unknown;
    ``UncompilableError`` for a pointer or anchor that leads nowhere.
    """
    return _Walk(schema, read).documents()


def _check_words(schema: JsonValue) -> None:
    """What the meta-schema lets pass and the reference's validator does not."""
    if isinstance(schema, dict) and schema.get("enum") == []:
        raise UncompilableError("an `enum` must name a value")
    if isinstance(schema, dict) and "id" in schema:
        raise UncompilableError("`id` is not a word of this dialect; write `$id`")


def _children(place: _Place) -> Iterator[_Place]:
    schema = place.schema
    if not isinstance(schema, dict):
        return
    for word in ONE:
        if word in schema:
            yield _Place(schema[word], _based(schema[word], place.base))
    for word in (*MANY, *NAMED):
        held = schema.get(word)
        each = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
        for child in each:
            yield _Place(child, _based(child, place.base))


def _targets(place: _Place) -> Iterator[str]:
    for word in ("$ref", "$dynamicRef"):
        reference = place.schema.get(word) if isinstance(place.schema, dict) else None
        if isinstance(reference, str):
            yield joined(place.base, reference)


def _found(document: _Document, *, url: str, fragment: str) -> _Place:
    start = document.by_url.get(url, document.root)
    steps = steps_of(fragment)
    if steps is None:
        anchored = document.by_anchor.get((start.base, fragment))
        if anchored is None:
            raise UncompilableError(f"no anchor {fragment} in {url or 'the schema'}")
        return anchored
    place = start
    for step in steps:
        value = place.schema
        if isinstance(value, dict) and step in value:
            child = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            child = value[int(step)]
        else:
            raise UncompilableError(f"#{fragment} leads nowhere in {url or 'the schema'}")
        place = _Place(child, _based(child, place.base))
    return place
