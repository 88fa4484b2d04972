"""Text to document, within bounds, and which kind of document it is."""

from typing import Literal, TypeAlias

from holdfast.blueprint.calm.errors import CalmDocumentError
from holdfast.core import JsonError, JsonObject, JsonValue, read_json

DOCUMENT_BYTES_MAX = 32 * 1024 * 1024
DOCUMENT_DEPTH_MAX = 64

Kind: TypeAlias = Literal["architecture", "pattern", "timeline", "decorator"]
KINDS: tuple[Kind, ...] = ("architecture", "pattern", "timeline", "decorator")

_SCHEMA_WORDS = (
    "allOf",
    "anyOf",
    "oneOf",
    "$ref",
    "$defs",
    "defs",
    "definitions",
    "properties",
    "patternProperties",
)


def read_value(data: bytes, *, name: str) -> JsonValue:
    """Any JSON in ``data``, within bounds; ``CalmDocumentError`` where it is none."""
    if len(data) > DOCUMENT_BYTES_MAX:
        raise CalmDocumentError(
            f"{name} has {len(data)} bytes, more than {DOCUMENT_BYTES_MAX}",
            fix="split it; a part may stand behind `detailed-architecture`",
        )
    try:
        return read_json(data.removeprefix(b"\xef\xbb\xbf"), depth_max=DOCUMENT_DEPTH_MAX)
    except JsonError as error:
        raise CalmDocumentError(
            f"{name} is no JSON: {error.what}", fix="mend the JSON, then run this again"
        ) from error


def read_document(data: bytes, *, name: str) -> JsonObject:
    """The JSON object in ``data``; ``CalmDocumentError`` where it is none, or out of bounds."""
    value = read_value(data, name=name)
    if not isinstance(value, dict):
        raise CalmDocumentError(
            f"{name} holds no JSON object", fix="a CALM document is one JSON object"
        )
    return value


def kind_of_document(document: JsonObject) -> Kind:
    """What the document is, told by its members; an architecture where nothing tells otherwise."""
    if "nodes" in document or "relationships" in document:
        return "architecture"
    if "moments" in document or _names_timeline(document.get("$schema")):
        return "timeline"
    if "applies-to" in document and "data" in document:
        return "decorator"
    if any(word in document for word in _SCHEMA_WORDS):
        return "pattern"
    return "architecture"


def _names_timeline(schema: JsonValue) -> bool:
    return isinstance(schema, str) and schema.rstrip("#").endswith("/calm-timeline.json")
