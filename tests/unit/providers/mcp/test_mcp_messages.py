"""Messages are read strictly: what two parsers could read differently is refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import JsonObject
from holdfast.providers.mcp import (
    McpAnswer,
    McpError,
    McpNotification,
    McpRequest,
    read_answer,
    read_mcp_request,
    read_message,
)

VERSION = "io.modelcontextprotocol/protocolVersion"


def call(params: str, *, envelope: str = "") -> bytes:
    return (
        '{"jsonrpc":"2.0","id":1,"method":"tools/call"' + envelope + ',"params":' + params + "}"
    ).encode()


def refused(body: bytes) -> McpError:
    with pytest.raises(McpError) as caught:
        read_message(body)
    return caught.value


# Attack 1 of the research: a parser differential.
@pytest.mark.parametrize(
    "params",
    [
        '{"name":"search","name":"delete_all"}',
        '{"name":"search","\\u006eame":"delete_all"}',
        '{"name":"search","Name":"delete_all"}',
        '{"name":"search","NAME":"delete_all"}',
        '{"Name":"delete_all"}',
        '{"name":"search","Arguments":{"path":"/"}}',
        '{"name":"search","arguments":{"path":"a","path":"b"}}',
        '{"name":"search","arguments":{"path":"a","Path":"b"}}',
        '{"name":"search","arguments":{"deep":[{"path":"a","PATH":"b"}]}}',
        '{"name":"search","argument\\u017f":{}}',
        '{"name":"search","_Meta":{}}',
        '{"name":"search","_meta":{"progressToken":1,"ProgressToken":2}}',
    ],
)
def test_a_member_that_parsers_read_differently_is_refused(params: str) -> None:
    error = refused(call(params))
    assert error.number in (-32700, -32600)


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}',
        b'{"jsonrpc":"2.0","id":1,"ID":2,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{}}',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]',
        b"[]",
        b'"tools/list"',
        b'{"id":1,"method":"tools/list"}',
        b'{"jsonrpc":2.0,"id":1,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":[1],"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":99999999999999999999,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"method":7}',
        b'{"jsonrpc":"2.0","id":1,"method":""}',
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","result":{}}',
        b'{"jsonrpc":"2.0","result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":[]}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}',
        b'{"jsonrpc":"2.0","id":1,"error":"no"}',
        b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"notifications/cancelled","params":{"requestId":2}}',
    ],
)
def test_an_envelope_that_is_not_exactly_json_rpc_is_refused(body: bytes) -> None:
    assert refused(body).number in (-32700, -32600)


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ("[]", "/params"),
        ("{}", "/params/name"),
        ('{"name":7}', "/params/name"),
        ('{"name":"x","arguments":[]}', "/params/arguments"),
        ('{"name":"x","_meta":[]}', "/params/_meta"),
        ('{"name":"x","_meta":{"progressToken":1.5}}', "/params/_meta/progressToken"),
        (
            f'{{"name":"x","_meta":{{"{VERSION}":7}}}}',
            f"/params/_meta/{VERSION.replace('/', '~1')}",
        ),
        ('{"name":"x","_meta":{"traceparent":[]}}', "/params/_meta/traceparent"),
        ('{"name":"' + "x" * 2000 + '"}', "/params/name"),
    ],
)
def test_params_of_the_wrong_kind_are_refused_with_their_place(params: str, where: str) -> None:
    error = refused(call(params))
    assert (error.number, error.where, error.id) == (-32602, where, 1)


def test_the_id_is_told_back_with_whatever_was_wrong_after_it() -> None:
    assert refused(b'{"jsonrpc":"1.0","id":"a","method":"ping"}').id == "a"


def test_a_message_that_is_too_large_or_too_deep_is_refused() -> None:
    assert refused(call('{"name":"x","arguments":' + '{"a":' * 60 + "1" + "}" * 60 + "}"))
    with pytest.raises(McpError, match="bytes"):
        read_message(call('{"name":"x"}'), bytes_max=20)


def test_a_request_keeps_only_the_members_that_its_method_takes() -> None:
    body = call('{"name":"x","arguments":{"A":1},"task":{"ttl":1},"extra":2,"_meta":{"a/b":1}}')
    request = read_mcp_request(body)
    assert request.params == {"name": "x", "arguments": {"A": 1}}
    assert (request.name, request.arguments, request.target) == ("x", {"A": 1}, "x")


def test_an_unknown_method_is_read_so_that_it_can_be_refused_by_name() -> None:
    request = read_mcp_request(b'{"jsonrpc":"2.0","id":1,"method":"evil/do","params":{"x":1}}')
    assert request.known is None
    assert request.params == {"x": 1}


def test_an_empty_cursor_is_a_cursor() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":""}}'
    assert read_mcp_request(body).cursor == ""


def test_an_answer_may_hold_members_that_differ_in_case_since_it_may_hold_anything() -> None:
    answer = read_answer(b'{"jsonrpc":"2.0","id":1,"result":{"polish":1,"Polish":2}}')
    assert answer.result == {"polish": 1, "Polish": 2}


def test_an_error_without_an_id_is_an_answer() -> None:
    body = b'{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}'
    assert read_answer(body).id is None
    with pytest.raises(McpError):
        read_mcp_request(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "x"]), json_values))
def test_whatever_comes_is_a_message_or_a_clear_refusal(value: JsonObject) -> None:
    for body in (json.dumps(value).encode(), json.dumps({**value, "jsonrpc": "2.0"}).encode()):
        with contextlib.suppress(McpError):
            assert isinstance(read_message(body), McpRequest | McpNotification | McpAnswer)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_nothing_but_our_own_error_is_raised(body: bytes) -> None:
    with pytest.raises(McpError):
        read_message(body)
