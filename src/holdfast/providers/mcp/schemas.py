"""Arguments and outputs held against a tool's own schema: compiled once, bounded, offline.

Source: MCP 2026-07-28, "JSON Schema Usage". Dialects: 2020-12 (the default), 2019-09, draft-07,
draft-06 and draft-04. A ``$ref`` may point into the schema itself and nowhere else; patterns run
on an engine whose time is linear, so it has no look-around and no back-references.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import jsonschema_rs

from holdfast.core import JsonError, JsonObject, JsonValue, jcs
from holdfast.providers.mcp.errors import (
    INVALID_PARAMS,
    McpAnswerError,
    McpArgumentsError,
    McpSchemaError,
)
from holdfast.providers.mcp.shapes import arguments_depth_max

SCHEMA_BYTES_MAX = 96 * 1024
PATTERN_BYTES_MAX = 1024 * 1024
"""Of one compiled pattern."""
FAULTS_MAX = 8
"""Faults that one answer tells."""

_Draft: TypeAlias = (
    type[jsonschema_rs.Draft202012Validator]
    | type[jsonschema_rs.Draft201909Validator]
    | type[jsonschema_rs.Draft7Validator]
    | type[jsonschema_rs.Draft6Validator]
    | type[jsonschema_rs.Draft4Validator]
)
_DEFAULT = "https://json-schema.org/draft/2020-12/schema"
_DIALECTS: Mapping[str, _Draft] = MappingProxyType(
    {
        _DEFAULT: jsonschema_rs.Draft202012Validator,
        "https://json-schema.org/draft/2019-09/schema": jsonschema_rs.Draft201909Validator,
        "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
        "http://json-schema.org/draft-06/schema": jsonschema_rs.Draft6Validator,
        "http://json-schema.org/draft-04/schema": jsonschema_rs.Draft4Validator,
    }
)


class ArgumentSchema:
    """A tool's ``inputSchema`` or ``outputSchema``, ready to judge. Immutable; share it."""

    __slots__ = ("_depth_max", "_validator")

    def __init__(self, validator: jsonschema_rs.Validator, *, depth_max: int) -> None:
        self._validator = validator
        self._depth_max = depth_max

    @classmethod
    def compile(cls, schema: JsonObject) -> "ArgumentSchema":
        """``McpSchemaError`` where the schema is malformed, of an unknown dialect, too large, too
        costly to judge by, or reaches outside itself."""
        try:
            size = len(jcs(schema))
        except JsonError as error:
            raise McpSchemaError(f"the schema is no plain JSON: {error.what}") from error
        if size > SCHEMA_BYTES_MAX:
            raise McpSchemaError(f"the schema has {size} bytes, more than {SCHEMA_BYTES_MAX}")
        declared = schema.get("$schema", _DEFAULT)
        draft = _DIALECTS.get(declared.rstrip("#")) if isinstance(declared, str) else None
        if draft is None:
            raise McpSchemaError(
                "the schema's `$schema` names a dialect that is not supported",
                where="/$schema",
                fix="use JSON Schema 2020-12, 2019-09, draft-07, draft-06 or draft-04",
            )
        depth_max = arguments_depth_max(schema)
        try:
            validator = draft(
                schema,
                offline=True,
                mask="the value",
                pattern_options=jsonschema_rs.RegexOptions(
                    size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX
                ),
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            what = str(error).partition("\n")[0][:200]
            raise McpSchemaError(f"the schema is malformed: {what}") from error
        return cls(validator, depth_max=depth_max)

    def check(self, arguments: JsonObject) -> None:
        """``McpArgumentsError`` (-32602) where the arguments do not fit. It tells where and why,
        never the values themselves."""
        faults = self.faults(arguments)
        if faults:
            raise McpArgumentsError(
                "the arguments do not fit the tool's schema: " + "; ".join(faults),
                number=INVALID_PARAMS,
                where="/params/arguments",
                fix="call the tool with the arguments that tools/list describes",
            )

    def check_output(self, result: JsonObject) -> None:
        """``McpAnswerError`` where a tool's result breaks its own ``outputSchema``: it then must
        bear ``structuredContent`` that fits. A result that says ``isError`` is free."""
        if result.get("isError") is True or result.get("resultType", "complete") != "complete":
            return
        if "structuredContent" not in result:
            raise McpAnswerError(
                "the tool promised structured content and sent none",
                where="/result/structuredContent",
            )
        faults = self.faults(result["structuredContent"])
        if faults:
            raise McpAnswerError(
                "the tool's structured content does not fit its own schema: " + "; ".join(faults),
                where="/result/structuredContent",
            )

    def faults(self, value: JsonValue) -> tuple[str, ...]:
        """Where and why ``value`` does not fit, a few at most; empty when it does."""
        if _deeper_than(value, self._depth_max):
            return (f"nested deeper than {self._depth_max} levels, as far as this schema goes",)
        if self._validator.is_valid(value):
            return ()
        told: list[str] = []
        for error in self._validator.iter_errors(value):
            if len(told) == FAULTS_MAX:
                told.append("and more")
                break
            place = "".join(f"/{part}" for part in error.instance_path)
            told.append(f"{place or 'the whole'}: {error.message}"[:300])
        return tuple(told)


def _deeper_than(value: JsonValue, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper_than(item, levels - 1) for item in value)
    return False
