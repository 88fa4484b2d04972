"""What a reference in a pattern stands for when an architecture is made from it."""

from holdfast.blueprint.calm.errors import CalmPatternError, CalmReferenceError
from holdfast.blueprint.calm.library import Library
from holdfast.blueprint.calm.references import at
from holdfast.core import JsonObject, JsonValue

REFERENCES_MAX = 64
"""References that lead on to references."""


class Definitions:
    """Definitions by reference: of the pattern itself and of the documents it names.

    ``missing`` are the documents that nobody knows; in their place stands a placeholder.
    """

    def __init__(self, pattern: JsonObject, library: Library) -> None:
        self._pattern = pattern
        self._library = library
        self.missing: dict[str, None] = {}

    def get(self, reference: str) -> JsonObject:
        """The definition, joined with those it refers to in turn; its local references are made
        absolute, so that they can be followed from anywhere."""
        return self._following(reference, home="", seen=[])

    def _following(self, reference: str, *, home: str, seen: list[str]) -> JsonObject:
        if len(seen) >= REFERENCES_MAX:
            raise CalmPatternError(
                f"{reference} leads through more than {REFERENCES_MAX} references",
                fix="let the pattern refer to the definition itself",
            )
        url, _, fragment = reference.partition("#")
        url = url or home
        seen.append(reference)
        definition = self._definition(url, fragment)
        onward = definition.get("$ref")
        if not isinstance(onward, str) or not onward:
            return _qualified(definition, url)
        if onward in seen:
            return definition
        inner = self._following(onward, home=url, seen=seen)
        return _qualified(_joined(inner, definition), url)

    def _definition(self, url: str, fragment: str) -> JsonObject:
        try:
            document = self._library.document(url) if url else self._pattern
        except CalmReferenceError:
            self.missing[url] = None
            return {}
        try:
            found = at(document, fragment)
        except LookupError as error:
            raise CalmPatternError(
                f"#{fragment} leads nowhere in {url or 'the pattern'}",
                fix="name a definition that is there",
            ) from error
        return found if isinstance(found, dict) else {}


def _joined(inner: JsonObject, outer: JsonObject) -> JsonObject:
    """Merged in depth, the outer winning; both lists of what is required count."""
    merged = _merged(inner, outer)
    joined = dict(merged) if isinstance(merged, dict) else {}
    joined["required"] = _required(inner, outer)
    return joined


def _required(*schemas: JsonObject) -> list[JsonValue]:
    named: dict[str, None] = {}
    for schema in schemas:
        held = schema.get("required")
        for name in held if isinstance(held, list) else []:
            if isinstance(name, str):
                named[name] = None
    return list(named)


def _merged(inner: JsonValue, outer: JsonValue) -> JsonValue:
    if isinstance(inner, dict) and isinstance(outer, dict):
        return {
            name: _merged(inner[name], outer[name])
            if name in inner and name in outer
            else (outer if name in outer else inner)[name]
            for name in [*inner, *(name for name in outer if name not in inner)]
        }
    if isinstance(inner, list) and isinstance(outer, list):
        both = [_merged(a, b) for a, b in zip(inner, outer, strict=False)]
        return [*both, *inner[len(both) :], *outer[len(both) :]]
    return outer


def _qualified(definition: JsonObject, url: str) -> JsonObject:
    qualified = _local_made_absolute(definition, url)
    return qualified if isinstance(qualified, dict) else {}


def _local_made_absolute(value: JsonValue, url: str) -> JsonValue:
    if isinstance(value, list):
        return [_local_made_absolute(each, url) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: url + each
        if name == "$ref" and isinstance(each, str) and each.startswith("#")
        else _local_made_absolute(each, url)
        for name, each in value.items()
    }
