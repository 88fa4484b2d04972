"""What we write is ours: labelled, bounded, in the reader's revision."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core import Digest, JsonObject, NodeId
from holdfast.providers.mcp import (
    SOURCE,
    Fault,
    McpAnswerError,
    McpError,
    McpNotification,
    McpParamsError,
    Revision,
    Source,
    check_tool_result,
    label_result,
    page_of,
    qualified,
    read_listed,
    read_message,
    rewrite_progress,
    split_qualified,
    sse_event,
    write_fault,
    write_refusal,
    write_result,
)

NEW, OLD = Revision.V2026_07_28, Revision.V2025_11_25
FROM = Source(NodeId("docs"), "search", Digest("sha256:" + "0" * 64))


def test_a_result_says_where_it_came_from_and_servers_cannot_say_it_for_us() -> None:
    forged: JsonObject = {
        "content": [],
        "_meta": {
            "holdfast/source": {"server": "bank"},
            "Holdfast/Source": 1,
            "io.modelcontextprotocol/serverInfo": {"name": "x", "version": "1"},
            "vendor/kept": 1,
        },
    }
    labelled = label_result(forged, source=FROM)
    assert labelled["_meta"] == {
        "vendor/kept": 1,
        SOURCE: {"server": "docs", "name": "search", "descriptor": FROM.descriptor},
    }


def test_a_result_that_is_too_large_is_refused_not_cut() -> None:
    with pytest.raises(McpAnswerError, match="bytes"):
        label_result({"content": [{"type": "text", "text": "x" * 100}]}, source=FROM, bytes_max=99)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"content": {}},
        {"content": [1]},
        {"content": [{"type": "video"}]},
        {"content": [], "isError": "yes"},
        {"content": [], "resultType": "later"},
    ],
)
def test_a_result_that_the_protocol_does_not_know_is_refused(result: JsonObject) -> None:
    with pytest.raises(McpAnswerError):
        check_tool_result(result)


def test_a_client_of_the_older_revision_is_told_when_more_input_is_wanted() -> None:
    asks: JsonObject = {"resultType": "input_required", "requestState": "s"}
    check_tool_result(asks)
    assert json.loads(write_result(1, asks, revision=NEW))["result"] == asks
    with pytest.raises(McpError, match="input"):
        write_result(1, asks, revision=OLD)


@pytest.mark.parametrize("number", [-32020, -32021, -32022])
def test_what_an_upstream_says_of_our_headers_is_not_the_clients_business(number: int) -> None:
    for revision in (NEW, OLD):
        written = json.loads(write_fault(1, Fault(number, "no"), revision=revision))
        assert written["error"]["code"] == -32603


def test_a_refusal_is_an_answer_with_the_requests_own_id() -> None:
    with pytest.raises(McpError) as caught:
        read_message(b'{"jsonrpc":"2.0","id":"q","method":"tools/call","params":{}}')
    written = json.loads(write_refusal(caught.value))
    assert written["id"] == "q"
    assert written["error"]["code"] == -32602
    assert "name" in written["error"]["message"]


def test_progress_bears_the_clients_token_in_place_of_ours() -> None:
    note = read_message(
        b'{"jsonrpc":"2.0","method":"notifications/progress",'
        b'"params":{"progressToken":5,"progress":0.5,"evil":1}}'
    )
    assert isinstance(note, McpNotification)
    written = json.loads(rewrite_progress(note, token="client's"))
    assert written["params"] == {"progressToken": "client's", "progress": 0.5}


def test_a_message_is_one_event() -> None:
    event = sse_event(write_result(1, {"a": "x\n\ny"}, revision=NEW))
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1


# --- names ---


def test_usual_names_are_qualified_readably_and_come_apart_again() -> None:
    assert qualified(NodeId("docs"), "search.all_v2") == "docs__search.all_v2"
    assert split_qualified("docs__search__x") == ("docs", "search__x")
    assert split_qualified("search") is None
    assert split_qualified("__x") is None


ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
names = st.text(min_size=1, max_size=300)


@given(ids, names, ids, names)
def test_no_two_tools_share_a_name_and_every_name_is_one_that_clients_take(
    server: str, name: str, other_server: str, other: str
) -> None:
    one = qualified(NodeId(server), name)
    two = qualified(NodeId(other_server), other)
    assert (one == two) == ((server, name) == (other_server, other))
    assert len(one) <= 128
    assert one.isascii()
    assert all(c.isalnum() or c in "_-." for c in one)


# --- pages ---


@given(st.lists(st.integers(), max_size=30), st.integers(1, 7))
def test_pages_together_are_the_list(items: list[int], size: int) -> None:
    found: list[int] = []
    cursor: str | None = None
    while True:
        page, cursor = page_of(items, cursor, tag=b"t", size=size)
        found.extend(page)
        if cursor is None:
            break
    assert found == items


@pytest.mark.parametrize("cursor", ["", "!", "MTA", "eA", "\u20ac", "MTAuMDAwMDAwMDAwMDAwMDAwMA"])
def test_a_cursor_of_nobodys_is_refused(cursor: str) -> None:
    with pytest.raises(McpParamsError) as caught:
        page_of([1, 2, 3], cursor, tag=b"t")
    assert caught.value.number == -32602


def test_a_cursor_of_another_list_is_refused() -> None:
    _, cursor = page_of([1, 2, 3], None, tag=b"mine", size=1)
    assert cursor is not None
    with pytest.raises(McpParamsError):
        page_of([1, 2, 3], cursor, tag=b"theirs", size=1)


# --- lists of upstreams ---


def test_one_bad_description_does_not_take_the_others_away() -> None:
    schema: JsonObject = {"type": "object"}
    page = read_listed(
        "tool",
        {
            "tools": [
                {"name": "good", "inputSchema": schema},
                {"name": "good", "inputSchema": schema, "title": "again"},
                {"name": "bad", "inputSchema": {"$ref": "http://example.com"}},
                {"name": "worse"},
                7,
                {"name": "", "inputSchema": schema},
                {"name": "out", "inputSchema": schema, "outputSchema": {"type": 7}},
            ]
        },
    )
    assert [each.name for each in page.descriptors] == ["good"]
    assert len(page.faults) == 6
    assert page.next_cursor is None


@pytest.mark.parametrize("result", [{}, {"tools": {}}, {"tools": [1] * 1001}])
def test_an_answer_that_is_no_list_is_refused(result: JsonObject) -> None:
    with pytest.raises(McpAnswerError):
        read_listed("tool", result)
