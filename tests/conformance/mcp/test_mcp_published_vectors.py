"""The protocol's own schema and examples, held against what we read and what we write."""

import json
from functools import cache

import jsonschema_rs
import pytest
from published import published

from holdfast.core import JsonObject, JsonValue, read_json
from holdfast.providers.mcp import (
    METHODS,
    ArgumentSchema,
    Asking,
    Fault,
    Implementation,
    McpAnswer,
    McpNotification,
    McpRequest,
    Revision,
    decode_header,
    encode_header,
    read_listed,
    read_message,
    write_answer,
    write_error,
    write_fault,
    write_initialize,
    write_notification,
    write_request,
    write_result,
)
from holdfast.registry import Descriptor

EXAMPLES: dict[str, JsonObject] = json.loads(published("mcp/examples-2026-07-28.json").read_text())
US = Implementation("holdfast", "1")
NEW, OLD = Revision.V2026_07_28, Revision.V2025_11_25


@cache
def schema_of(revision: Revision, definition: str) -> jsonschema_rs.Validator:
    whole = json.loads(published(f"mcp/schema-{revision}.json").read_text())
    return jsonschema_rs.Draft202012Validator(
        {"$defs": whole["$defs"], "$ref": f"#/$defs/{definition}"}, offline=True
    )


def assert_is(message: bytes, definition: str, revision: Revision) -> None:
    schema_of(revision, definition).validate(json.loads(message))


def of_kind(*endings: str) -> list[str]:
    return [name for name in EXAMPLES if name.split("/")[0].endswith(endings)]


REQUESTS = [n for n in of_kind("Request") if "jsonrpc" in EXAMPLES[n]]
NOTIFICATIONS = of_kind("Notification")
RESPONSES = of_kind("ResultResponse")
ERRORS = [n for n in of_kind("Error") if "jsonrpc" in EXAMPLES[n]]


def test_the_examples_are_there() -> None:
    assert len(REQUESTS) >= 9
    assert len(NOTIFICATIONS) >= 7
    assert len(RESPONSES) >= 9
    assert len(ERRORS) >= 3


@pytest.mark.parametrize("name", REQUESTS)
def test_every_published_request_is_read_and_written_anew_within_the_schema(name: str) -> None:
    published = EXAMPLES[name]
    message = read_message(json.dumps(published).encode())
    assert isinstance(message, McpRequest)
    assert message.id == published["id"]
    assert message.method == published["method"]
    assert message.meta.version == "2026-07-28"
    written = write_request(
        7, message.method, params=message.params, asking=Asking(revision=NEW, client=US)
    )
    assert_is(written, name.split("/", maxsplit=1)[0], NEW)
    params = published["params"]
    assert isinstance(params, dict)
    again = json.loads(written)["params"]
    assert {k: v for k, v in again.items() if k != "_meta"} == {
        k: v for k, v in params.items() if k != "_meta"
    }


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_every_published_notification_is_read_and_written_within_the_schema(name: str) -> None:
    message = read_message(json.dumps(EXAMPLES[name]).encode())
    assert isinstance(message, McpNotification)
    written = write_notification(
        message.method, message.params, subscription=message.meta.subscription
    )
    assert_is(written, name.split("/", maxsplit=1)[0], NEW)


@pytest.mark.parametrize("name", RESPONSES)
def test_every_published_answer_keeps_its_meaning_in_both_revisions(name: str) -> None:
    published = EXAMPLES[name]
    answer = read_message(json.dumps(published).encode())
    assert isinstance(answer, McpAnswer)
    assert answer.result is not None
    assert answer.id is not None
    assert json.loads(write_answer(answer)) == published
    definition = name.split("/", maxsplit=1)[0].removesuffix("Response")
    method = METHOD_OF.get(definition, "")
    written = json.loads(write_result(answer.id, answer.result, revision=NEW, method=method))
    schema_of(NEW, definition).validate(written["result"])
    older = json.loads(write_result(answer.id, answer.result, revision=OLD, method=method))
    assert not {"resultType", "ttlMs", "cacheScope"} & older["result"].keys()
    if definition not in ("DiscoverResult", "SubscriptionsListenResult"):
        schema_of(OLD, definition).validate(older["result"])


METHOD_OF = {
    "CallToolResult": "tools/call",
    "CompleteResult": "completion/complete",
    "DiscoverResult": "server/discover",
    "GetPromptResult": "prompts/get",
    "ListPromptsResult": "prompts/list",
    "ListResourceTemplatesResult": "resources/templates/list",
    "ListResourcesResult": "resources/list",
    "ListToolsResult": "tools/list",
    "ReadResourceResult": "resources/read",
}


@pytest.mark.parametrize("definition", sorted(METHOD_OF))
def test_a_result_of_the_older_revision_becomes_a_valid_one_of_the_newer(definition: str) -> None:
    name = next(n for n in RESPONSES if n.split("/")[0] == f"{definition}Response")
    result = EXAMPLES[name]["result"]
    assert isinstance(result, dict)
    older: JsonObject = {
        k: v for k, v in result.items() if k not in ("resultType", "ttlMs", "cacheScope")
    }
    written = json.loads(
        write_result("x", older, revision=NEW, server=US, method=METHOD_OF[definition])
    )
    schema_of(NEW, definition).validate(written["result"])
    assert written["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "holdfast"


@pytest.mark.parametrize("name", ERRORS)
def test_every_published_error_is_read_and_written(name: str) -> None:
    answer = read_message(json.dumps(EXAMPLES[name]).encode())
    assert isinstance(answer, McpAnswer)
    assert isinstance(answer.fault, Fault)
    assert json.loads(write_answer(answer)) == EXAMPLES[name]


@pytest.mark.parametrize("name", of_kind("Tool"))
def test_every_published_tool_can_be_pinned_and_its_schemas_judged(name: str) -> None:
    descriptor = Descriptor.of("tool", EXAMPLES[name])
    assert descriptor.fields() == EXAMPLES[name]
    for member in ("inputSchema", "outputSchema"):
        schema = EXAMPLES[name].get(member)
        if isinstance(schema, dict):
            ArgumentSchema.compile(schema)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("tool", "ListToolsResult/tools-list-with-cursor-and-ttl.json"),
        ("resource", "ListResourcesResult/resources-list-with-cursor-and-ttl.json"),
        (
            "template",
            "ListResourceTemplatesResult/resource-templates-list-with-cursor-and-ttl.json",
        ),
        ("prompt", "ListPromptsResult/prompts-list-with-cursor-and-ttl.json"),
    ],
)
def test_every_published_list_is_read(kind: str, name: str) -> None:
    assert kind in ("tool", "resource", "template", "prompt")
    page = read_listed(kind, EXAMPLES[name])
    assert page.faults == ()
    assert page.descriptors
    assert page.next_cursor == EXAMPLES[name]["nextCursor"]


def _params_of(definition: str) -> JsonValue:
    return next(EXAMPLES[n] for n in EXAMPLES if n.split("/")[0] == definition)


def test_requests_to_servers_of_the_older_revision_are_valid_there() -> None:
    asking = Asking(revision=OLD, client=US, progress_token=7, trace={"traceparent": "00-a-b-01"})
    assert_is(write_initialize(1, asking=asking), "InitializeRequest", OLD)
    params = _params_of("CallToolRequestParams")
    assert isinstance(params, dict)
    call = write_request(2, "tools/call", params={**params, "requestState": "x"}, asking=asking)
    assert_is(call, "CallToolRequest", OLD)
    sent = json.loads(call)["params"]
    assert "requestState" not in sent
    assert sent["_meta"] == {"progressToken": 7, "traceparent": "00-a-b-01"}
    assert_is(write_request(3, "tools/list", params={}, asking=asking), "ListToolsRequest", OLD)


def test_errors_that_we_write_are_valid_in_both_revisions() -> None:
    assert_is(write_error(None, -32700, "no"), "JSONRPCErrorResponse", NEW)
    assert_is(write_error(3, -32602, "no", data={"a": 1.5}), "JSONRPCErrorResponse", NEW)
    gone = write_fault(1, Fault(-32002, "Resource not found"), revision=NEW)
    assert json.loads(gone)["error"]["code"] == -32602
    kept = write_fault(1, Fault(-32002, "Resource not found"), revision=OLD)
    assert json.loads(kept)["error"]["code"] == -32002


@pytest.mark.parametrize("revision", [NEW, OLD])
def test_the_method_table_has_every_request_and_notification_of_the_schema(
    revision: Revision,
) -> None:
    whole = json.loads(published(f"mcp/schema-{revision}.json").read_text())["$defs"]
    listed = {
        definition["properties"]["method"]["const"]
        for definition in whole.values()
        if "const" in definition.get("properties", {}).get("method", {})
    }
    # Tasks are experimental in 2025-11-25 and an extension after it: Holdfast offers none.
    listed = {name for name in listed if "tasks/" not in name}
    # In 2026-07-28 these stand inside results (multi round trips), never as requests.
    inside = {"sampling/createMessage", "roots/list", "elicitation/create"}
    wanted = listed - inside if revision is NEW else listed
    ours = {name for name, method in METHODS.items() if revision in method.revisions}
    assert ours == wanted


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("us-west1", b"us-west1"),
        ("Hello, \u4e16\u754c", b"=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", b"=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", b"=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", b"=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ],
)
def test_header_values_are_encoded_as_published(value: str, header: bytes) -> None:
    assert encode_header(value) == header
    assert decode_header(header) == value


def test_published_examples_are_strict_json() -> None:
    assert read_json(published("mcp/examples-2026-07-28.json").read_bytes()) == EXAMPLES
