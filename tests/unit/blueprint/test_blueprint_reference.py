"""The published schema, the reference page and the starter agree with the models."""

import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from holdfast.blueprint import NODE_TYPES, check, json_schema, starter

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / "tools" / "generate_blueprint_reference.py"
SCHEMA = json.loads(json_schema())
LOOP = "http://127.0.0.1:1/v1"


def test_the_generated_reference_is_up_to_date():
    pages = runpy.run_path(str(TOOL))["pages"]()
    stale = [path.name for path, data in pages.items() if path.read_bytes() != data]
    assert stale == [], f"run: python tools/{TOOL.name}"


def test_the_published_schema_is_the_one_the_code_gives():
    assert (ROOT / "docs/reference/blueprint.schema.json").read_bytes() == json_schema()


def fields(schema):
    forms = {"": schema, **schema["$defs"]}
    for name, form in forms.items():
        for field, about in form.get("properties", {}).items():
            yield f"{name}.{field}", about


def test_every_field_says_what_it_is_for():
    assert [name for name, about in fields(SCHEMA) if not about.get("description")] == []


def test_every_field_stands_in_the_reference():
    page = (ROOT / "docs/reference/blueprint.md").read_text()
    names = {name.partition(".")[2] for name, _ in fields(SCHEMA)}
    assert {name for name in names if f"| `{name}` |" not in page} == set()


def test_every_node_type_stands_in_the_reference():
    page = (ROOT / "docs/reference/blueprint.md").read_text()
    assert all(f"| `{name}` | {kind} |" in page for name, kind in NODE_TYPES.items())


def test_the_starter_has_nothing_to_mend_and_is_small():
    assert check(starter(), source="holdfast.yaml", read=lambda _: "") == ()
    assert len(starter().splitlines()) <= 40


# A JSON Schema validator for the words our schema uses; an unknown word fails the test.
IGNORED = {"title", "description", "default", "$defs", "$schema"}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def accepts(schema, value):
    return all(_holds(word, schema, value) for word in schema if word not in IGNORED)


def _holds(word, schema, value):
    said = schema[word]
    match word:
        case "$ref":
            return accepts(SCHEMA["$defs"][said.rpartition("/")[2]], value)
        case "type":
            if said in {"integer", "number"}:
                kinds = int if said == "integer" else (int, float)
                return isinstance(value, kinds) and not isinstance(value, bool)
            return isinstance(value, TYPES[said])
        case "enum":
            return value in said
        case "const":
            return value == said
        case "pattern":
            return not isinstance(value, str) or re.search(said, value) is not None
        case "minLength" | "minItems" | "minProperties":
            return not isinstance(value, str | list | dict) or len(value) >= said
        case "maxLength" | "maxItems":
            return not isinstance(value, str | list) or len(value) <= said
        case "minimum":
            return not isinstance(value, int | float) or value >= said
        case "maximum":
            return not isinstance(value, int | float) or value <= said
        case "exclusiveMinimum":
            return not isinstance(value, int | float) or value > said
        case "anyOf":
            return any(accepts(choice, value) for choice in said)
        case "oneOf":
            return sum(accepts(choice, value) for choice in said) == 1
        case "items":
            return not isinstance(value, list) or all(accepts(said, item) for item in value)
        case "required":
            return not isinstance(value, dict) or set(said) <= set(value)
        case "properties":
            return not isinstance(value, dict) or all(
                accepts(said[name], item) for name, item in value.items() if name in said
            )
        case "propertyNames":
            return not isinstance(value, dict) or all(accepts(said, name) for name in value)
        case "additionalProperties":
            if not isinstance(value, dict):
                return True
            rest = [
                item for name, item in value.items() if name not in schema.get("properties", {})
            ]
            return all(said is not False and (said is True or accepts(said, v)) for v in rest)
    raise AssertionError(f"the schema says {word}, which this test does not know")


FREE = {"input": 0, "output": 0}
FULL = {
    "holdfast": 1,
    "name": "x",
    "nodes": {
        "desk": {"type": "x-robot:arm", "description": "d", "metadata": [{"a": 1}], "name": None},
        "model": {
            "type": "ai:llm",
            "description": "d",
            "interfaces": {"api": {"url": LOOP, "port": 1}},
            "controls": {
                "upstream": {"url": LOOP, "api_key": "env:A", "dialect": "openai"},
                "timeouts": {"connect_s": 0.5, "total_s": 3},
                "limits": {"request_bytes": "10 MB", "answer_bytes": 5, "max_tokens": 9},
                "retries": {"attempts": 2, "share": 0, "backoff_s": 0.5},
                "breaker": {"failures": 1, "share": 1},
                "health": {"path": "/health?a=b", "every_s": 1},
                "concurrency": {"tokens": "1.5M", "queue": 0, "calls_max": 5},
                "fallback": {"to": ["other"], "after_first_token": True},
                "cache": {"scope": "caller", "bytes_max": "1MiB"},
                "price": {"input": 0, "output": 0.000001},
                "budget": {"per": "day", "money": 0.5, "tokens": 10**6, "soft": 0.5},
                "objectives": {
                    "availability": "99.9%",
                    "cost": {"money": 2.5, "per": "1000-calls"},
                },
                "own": {
                    "description": "d",
                    "requirements": [{"requirement-url": "u", "config": {"a": [1.5]}}],
                },
            },
        },
        "other": {
            "type": "ai:llm",
            "description": "d",
            "controls": {
                "routing": {"by": "session", "session_header": "X-Session"},
                "ejection": {"share_max": 0},
                "hedge": {"percentile": 99.9, "share": 1},
            },
        },
        "west": {
            "type": "ai:llm",
            "description": "d",
            "controls": {"upstream": {"url": LOOP, "weight": 0, "priority": 100}, "price": FREE},
        },
        "east": {
            "type": "ai:llm",
            "description": "d",
            "controls": {"upstream": {"url": LOOP}, "price": FREE},
        },
    },
    "budget": {"per": "month", "calls": "2M"},
    "bulkhead": {"calls": 100},
    "objectives": {"duration": {"within_ms": 600_000, "share": "0.1%"}},
    "relationships": [
        {
            "id": "a",
            "connects": ["desk", {"node": "model", "interfaces": ["api"]}],
            "controls": {
                "criticality": "sheddable",
                "bulkhead": {"calls": 1},
                "objectives": {
                    "availability": {"share": 0.5, "days": 90},
                    "first_token": {"within_ms": 0.5, "share": "99.9999%"},
                    "tokens_per_s": {"at_least": 20, "share": 0.999999},
                },
            },
        },
        {"id": "d", "connects": ["desk", "other"]},
        {"id": "e", "composed-of": {"container": "other", "nodes": ["west", "east"]}},
        {"id": "b", "deployed-in": {"container": "desk", "nodes": ["model"]}, "protocol": "mTLS"},
        {"id": "c", "options": [{"description": "d", "nodes": [], "relationships": []}]},
    ],
    "flows": [
        {"id": "f", "name": "n", "description": "d", "steps": [{"over": "a", "description": "d"}]}
    ],
    "policies": None,
    "adrs": [],
    "metadata": {},
}


def changed(*path, to):
    data = json.loads(json.dumps(FULL))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return data


def test_the_schema_accepts_what_load_accepts():
    for data in (yaml.safe_load(starter()), FULL):
        assert check(json.dumps(data), source="f", read=lambda _: "") == ()
        assert accepts(SCHEMA, data)


@pytest.mark.parametrize(
    "data",
    [
        changed("holdfast", to=2),
        changed("nodme", to=1),
        changed("nodes", "desk", "type", to="servce"),
        changed("nodes", "Desk", to={"type": "service", "description": "d"}),
        changed("nodes", "desk", "descr", to="d"),
        changed("nodes", "model", "controls", "timeouts", "total_s", to=0),
        changed("nodes", "model", "controls", "timeouts", "first", to=1),
        changed("nodes", "model", "controls", "limits", "request_bytes", to="10XB"),
        changed("nodes", "model", "controls", "upstream", "api_key", to="sk-1"),
        changed("nodes", "model", "controls", "upstream", "url", to="ftp://x"),
        changed("nodes", "model", "controls", "timeout", to={"total_s": 1}),
        changed("relationships", 0, "connects", to=["desk"]),
        changed("relationships", 0, "connects", to=["desk", {"nod": "model"}]),
        changed("relationships", 0, "options", to=[]),
        changed("relationships", 0, to={"id": "a"}),
        changed("relationships", 0, "protocol", to="http"),
        changed("nodes", "model", "controls", "retries", "attempts", to=0),
        changed("nodes", "model", "controls", "retries", "share", to=1.1),
        changed("nodes", "model", "controls", "retries", "tries", to=1),
        changed("nodes", "model", "controls", "breaker", "share", to=0),
        changed("nodes", "model", "controls", "health", to={"every_s": 1}),
        changed("nodes", "model", "controls", "health", "path", to="health"),
        changed("nodes", "model", "controls", "concurrency", "tokens", to="2T"),
        changed("nodes", "model", "controls", "fallback", "to", to=["other"] * 5),
        changed("nodes", "model", "controls", "cache", "scope", to="world"),
        changed("nodes", "model", "controls", "price", to={"input": 1}),
        changed("nodes", "model", "controls", "price", "input", to="1"),
        changed("nodes", "model", "controls", "budget", "money", to=0),
        changed("nodes", "model", "controls", "criticality", to="critical"),
        changed("nodes", "other", "controls", "routing", "session_header", to="a b"),
        changed("nodes", "west", "controls", "upstream", "weight", to=-1),
        changed("relationships", 0, "controls", "criticality", to="high"),
        changed("relationships", 0, "controls", "breaker", to={}),
        changed("budget", to={"calls": 1}),
        changed("bulkhead", to=5),
        changed("objectives", "availability", to=99.9),
        changed("objectives", "availability", to={"days": 7}),
        changed("objectives", "duration", "within_ms", to=0),
        changed("objectives", "duration", "days", to=91),
        changed("objectives", "duration", "share", to="100%"),
        changed("objectives", "first_tokn", to={"within_ms": 5, "share": "5%"}),
        changed("objectives", "cost", to={"money": 5, "per": "week"}),
        changed("objectives", "cost", to={"per": "day"}),
        changed("policies", to=["a.txt"]),
        changed("flows", 0, "steps", to=[]),
    ],
)
def test_the_schema_refuses_in_the_editor_what_load_would_refuse(data):
    assert any(
        p.severity == "error" for p in check(json.dumps(data), source="f", read=lambda _: "")
    )
    assert not accepts(SCHEMA, data)
