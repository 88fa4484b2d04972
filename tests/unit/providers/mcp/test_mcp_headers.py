"""Headers repeat the body, or the request is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import JsonObject
from holdfast.providers.mcp import (
    HeaderMismatchError,
    McpParamsError,
    McpRequest,
    McpSchemaError,
    McpVersionError,
    Meta,
    Revision,
    check_headers,
    decode_header,
    encode_header,
    param_headers,
    revision_spoken,
    upstream_headers,
)

NEW, OLD = Revision.V2026_07_28, Revision.V2025_11_25
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "page": {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
    },
}


def a_call(arguments: JsonObject | None = None, *, meta: Meta | None = None) -> McpRequest:
    return McpRequest(
        id=1,
        method="tools/call",
        params={"name": "search", "arguments": arguments or {}},
        meta=meta or Meta(version="2026-07-28", capabilities={}),
    )


def headers(**more: bytes) -> dict[bytes, bytes]:
    found = {
        b"mcp-protocol-version": b"2026-07-28",
        b"mcp-method": b"tools/call",
        b"mcp-name": b"search",
    }
    return found | {name.replace("_", "-").encode(): value for name, value in more.items()}


def test_a_request_of_the_newest_revision_with_all_its_headers_passes() -> None:
    assert revision_spoken(a_call(), headers()) is NEW
    check_headers(a_call(), headers(), revision=NEW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"mcp-name", None),
        (b"mcp-name", b"other"),
        (b"mcp-name", b"SEARCH"),
        (b"mcp-name", b"=?base64?b3RoZXI=?="),
        (b"mcp-name", b"=?base64?***?="),
        (b"mcp-method", None),
        (b"mcp-method", b"tools/list"),
    ],
)
def test_a_header_that_is_missing_or_differs_is_a_mismatch(
    name: bytes, value: bytes | None
) -> None:
    found = headers()
    if value is None:
        del found[name]
    else:
        found[name] = value
    with pytest.raises(HeaderMismatchError) as caught:
        check_headers(a_call(), found, revision=NEW)
    assert (caught.value.number, caught.value.id) == (-32020, 1)


def test_an_encoded_name_is_decoded_before_it_is_compared() -> None:
    found = headers() | {b"mcp-name": b"=?base64?c2VhcmNo?="}
    check_headers(a_call(), found, revision=NEW)


def test_the_older_revision_needs_no_headers_but_those_that_come_must_agree() -> None:
    request = a_call(meta=Meta())
    check_headers(request, {}, revision=OLD)
    with pytest.raises(HeaderMismatchError):
        check_headers(request, {b"mcp-name": b"other"}, revision=OLD)


def test_versions_are_found_refused_and_never_mixed() -> None:
    request = a_call()
    with pytest.raises(HeaderMismatchError):
        revision_spoken(request, {})
    with pytest.raises(HeaderMismatchError):
        revision_spoken(request, headers(mcp_protocol_version=b"2025-11-25"))
    with pytest.raises(McpVersionError) as caught:
        revision_spoken(
            a_call(meta=Meta(version="1900-01-01", capabilities={})),
            {b"mcp-protocol-version": b"1900-01-01"},
        )
    assert caught.value.number == -32022
    assert caught.value.data == {
        "supported": ["2026-07-28", "2025-11-25"],
        "requested": "1900-01-01",
    }
    with pytest.raises(McpParamsError):
        revision_spoken(a_call(meta=Meta()), headers())
    with pytest.raises(McpParamsError):
        revision_spoken(a_call(meta=Meta(version="2026-07-28")), headers())
    old = a_call(meta=Meta())
    assert revision_spoken(old, {}) is OLD
    assert revision_spoken(old, {b"mcp-protocol-version": b"2025-11-25"}) is OLD
    with pytest.raises(McpVersionError):
        revision_spoken(old, {b"mcp-protocol-version": b"2024-01-01"})


def test_arguments_that_a_tool_wants_in_headers_are_sent_and_held_against_the_body() -> None:
    wanted = param_headers(SCHEMA)
    arguments: JsonObject = {"region": "us-west1", "page": {"n": 42}, "dry": True}
    sent = dict(
        upstream_headers(
            "tools/call",
            {"name": "search", "arguments": arguments},
            revision=NEW,
            repeated=wanted,
        )
    )
    assert sent[b"mcp-param-region"] == b"us-west1"
    assert sent[b"mcp-param-n"] == b"42"
    assert sent[b"mcp-param-dry"] == b"true"
    request = a_call(arguments)
    check_headers(request, sent, revision=NEW, params=wanted)
    check_headers(request, sent | {b"mcp-param-n": b"42.0"}, revision=NEW, params=wanted)
    for name, value in (
        (b"mcp-param-n", b"43"),
        (b"mcp-param-region", b"eu"),
        (b"mcp-param-dry", b"True"),
    ):
        with pytest.raises(HeaderMismatchError):
            check_headers(request, sent | {name: value}, revision=NEW, params=wanted)
        with pytest.raises(HeaderMismatchError):
            less = {key: each for key, each in sent.items() if key != name}
            check_headers(request, less, revision=NEW, params=wanted)
    with pytest.raises(HeaderMismatchError):
        check_headers(a_call({"region": None}), sent, revision=NEW, params=wanted)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "string", "x-mcp-header": ""}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "a\r\nX: y"}}},
        {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}},
        {"properties": {"a": {"x-mcp-header": "A"}}},
        {"properties": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}}},
        {"anyOf": [{"properties": {"a": {"type": "string", "x-mcp-header": "A"}}}]},
        {
            "properties": {
                "a": {"type": "string", "x-mcp-header": "A"},
                "b": {"type": "string", "x-mcp-header": "a"},
            }
        },
    ],
)
def test_an_annotation_against_the_rules_takes_the_tool_away(schema: JsonObject) -> None:
    with pytest.raises(McpSchemaError):
        param_headers(schema)


def test_a_server_of_the_older_revision_gets_its_session_and_none_of_the_new_headers() -> None:
    sent = dict(upstream_headers("tools/call", {"name": "x"}, revision=OLD, session=b"s1"))
    assert sent[b"mcp-session-id"] == b"s1"
    assert sent[b"mcp-protocol-version"] == b"2025-11-25"
    assert not any(name.startswith((b"mcp-method", b"mcp-name")) for name in sent)
    assert b"mcp-protocol-version" not in dict(upstream_headers("initialize", {}, revision=OLD))


@given(st.text())
def test_encoding_a_header_is_undone_by_decoding_it(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    written = encode_header(text)
    assert decode_header(written) == text
    assert all(0x20 <= byte <= 0x7E or byte == 9 for byte in written)
