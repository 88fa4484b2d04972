"""Arguments are held against the schema that was approved, offline and within bounds."""

import pytest

from holdfast.core import JsonObject, JsonValue
from holdfast.providers.mcp import (
    ArgumentSchema,
    McpAnswerError,
    McpArgumentsError,
    McpSchemaError,
)

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"path": {"type": "string", "maxLength": 5}, "n": {"type": "integer"}},
    "required": ["path"],
    "additionalProperties": False,
}


def test_arguments_that_fit_pass() -> None:
    ArgumentSchema.compile(SCHEMA).check({"path": "a", "n": 1.0})


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({}, "the whole"),
        ({"path": 7}, "/path"),
        ({"path": "a", "extra": 1}, "the whole"),
        ({"path": "a", "n": 1.5}, "/n"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_with_their_place(
    arguments: JsonObject, where: str
) -> None:
    with pytest.raises(McpArgumentsError) as caught:
        ArgumentSchema.compile(SCHEMA).check(arguments)
    assert caught.value.number == -32602
    assert where in caught.value.what


def test_a_refusal_never_repeats_the_argument() -> None:
    with pytest.raises(McpArgumentsError) as caught:
        ArgumentSchema.compile(SCHEMA).check({"path": "my-secret-password", "x-other": 1})
    assert "my-secret-password" not in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://169.254.169.254/latest"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"properties": {"a": {"$ref": "//example.com/x"}}},
        {"properties": {"a": {"$id": "http://example.com/", "$ref": "#/x"}}},
        {"$ref": "#/$defs/nothing"},
        {"$ref": 7},
        {"$dynamicRef": "http://example.com/"},
        {"$schema": "http://example.com/own-dialect"},
        {"$schema": 7},
        {"type": "nonsense"},
        {"properties": {"a": {"pattern": "(?=a)b"}}},
        {"properties": {"a": {"pattern": "(a{1,1000}){1,1000}"}}},
        {"properties": {"a": {"description": "x" * 100_000}}},
    ],
)
def test_a_schema_that_reaches_outside_or_is_malformed_is_refused(schema: JsonObject) -> None:
    with pytest.raises(McpSchemaError):
        ArgumentSchema.compile(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "integer"}]}}, "allOf": [{"$ref": "#/$defs/a"}]},
        {"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"if": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
    ],
)  # fmt: skip
def test_a_schema_that_goes_in_a_circle_is_refused(schema: JsonObject) -> None:
    with pytest.raises(McpSchemaError, match="circle"):
        ArgumentSchema.compile(schema)


def test_a_small_schema_that_asks_for_exponential_work_is_refused() -> None:
    parts: JsonObject = {
        f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}, {"$ref": f"#/$defs/a{i + 1}"}]}
        for i in range(40)
    }
    parts["a40"] = {"type": "integer"}
    with pytest.raises(McpSchemaError, match="too long"):
        ArgumentSchema.compile({"$defs": parts, "$ref": "#/$defs/a0"})


def test_a_recursive_schema_is_used_and_bounds_how_deep_arguments_go() -> None:
    tree: JsonObject = {
        "type": "object",
        "properties": {
            "children": {"type": "array", "items": {"$ref": "#"}},
            "left": {"$ref": "#"},
            "right": {"$ref": "#"},
        },
    }
    schema = ArgumentSchema.compile(tree)
    schema.check({"children": [{"left": {"children": []}}]})
    with pytest.raises(McpArgumentsError):
        schema.check({"children": [{"left": {"children": 7}}]})


def test_branches_that_multiply_make_the_depth_smaller_not_the_tool_unusable() -> None:
    branch: list[JsonValue] = [
        {"type": "object", "properties": {"and": {"type": "array", "items": {"$ref": "#"}}}},
        {"type": "object", "properties": {"or": {"type": "array", "items": {"$ref": "#"}}}},
        {"type": "object", "properties": {"not": {"$ref": "#"}}},
    ]
    schema = ArgumentSchema.compile({"anyOf": branch})
    schema.check({"and": [{"or": [{"not": {}}]}]})
    deep: JsonObject = {}
    for _ in range(40):
        deep = {"and": [deep]}
    with pytest.raises(McpArgumentsError, match="nested deeper"):
        schema.check(deep)


def test_older_dialects_are_read_as_such() -> None:
    draft7: JsonObject = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "definitions": {"n": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/definitions/n"}},
    }
    schema = ArgumentSchema.compile(draft7)
    schema.check({"a": 1})
    with pytest.raises(McpArgumentsError):
        schema.check({"a": "x"})


def test_a_pattern_that_ruins_backtracking_engines_is_judged_in_linear_time() -> None:
    schema = ArgumentSchema.compile(
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    )
    with pytest.raises(McpArgumentsError):
        schema.check({"a": "a" * 50_000 + "!"})


def test_an_output_schema_wants_structured_content_that_fits() -> None:
    schema = ArgumentSchema.compile({"type": "object", "required": ["t"]})
    schema.check_output({"content": [], "structuredContent": {"t": 1}})
    schema.check_output({"content": [], "isError": True})
    schema.check_output({"resultType": "input_required"})
    for result in ({"content": []}, {"content": [], "structuredContent": {}}):
        with pytest.raises(McpAnswerError):
            schema.check_output(result)
