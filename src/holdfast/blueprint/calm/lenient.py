"""A schema as the reference's validator understands it, made ready for a stricter one.

Below ``defs``, which no meta-schema looks into, CALM 1.0 has lists where schemas belong. The
reference takes whatever is no schema there for one that allows everything.
"""

from holdfast.blueprint.calm.reaching import MANY, NAMED, ONE
from holdfast.core import JsonObject, JsonValue

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEYWORDS = frozenset(
    [
        "$anchor",
        "$comment",
        "$defs",
        "$dynamicAnchor",
        "$dynamicRef",
        "$id",
        "$ref",
        "$schema",
        "$vocabulary",
        "const",
        "contentEncoding",
        "contentMediaType",
        "default",
        "dependentRequired",
        "deprecated",
        "description",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "readOnly",
        "required",
        "title",
        "type",
        "uniqueItems",
        "writeOnly",
    ]
)


def lenient(schema: JsonValue) -> JsonObject | bool:
    """``schema`` with every non-schema in a schema's place replaced by ``true``, and in 2020-12:
    CALM's dialects are that one with names added, which the validator need not know."""
    made = _schema(schema)
    if isinstance(made, dict) and "$schema" in made:
        made["$schema"] = DIALECT
    return made


def _schema(value: JsonValue) -> JsonObject | bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        return True
    return {word: _held(word, held) for word, held in value.items()}


def _held(word: str, value: JsonValue) -> JsonValue:
    if word in ONE:
        return _schema(value)
    if word in MANY and isinstance(value, list):
        return [_schema(each) for each in value]
    if (word in NAMED or word == "$defs") and isinstance(value, dict):
        return {name: _schema(each) for name, each in value.items()}
    if word in _KEYWORDS or not isinstance(value, dict):
        return value
    return {name: _schema(each) if isinstance(each, dict) else each for name, each in value.items()}
