"""Trace context and sessions over MCP: in `_meta` and in header fields alike."""

import pytest

from holdfast.core import trace_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{'1' * 32}-{SPAN}-00"


def called(mcp, *, meta=None, **fields):
    """What the server was told, in `_meta` and in header fields, and the record."""
    docs = mcp.Tools()

    async def scenario(world):
        await world.client().call("docs__look", {"a": 1}, meta=meta, **fields)
        return world.records()

    record = mcp.run(scenario, docs=docs)[-1]
    return docs.of("tools/call")[-1]["params"]["_meta"], docs.heads[-1][1], record


def test_a_server_is_told_our_span_in_both_places(mcp):
    meta, fields, record = called(mcp, meta={"traceparent": SENT, "tracestate": "a=1"})
    ids = trace_of(record.call, record.trace)
    assert record.trace == SENT
    assert meta["traceparent"] == f"00-{TRACE}-{ids.client}-01"
    assert fields[b"traceparent"].decode() == meta["traceparent"]
    assert meta["tracestate"] == fields[b"tracestate"].decode() == "a=1"


def test_the_request_s_header_counts_where_the_message_says_nothing(mcp):
    _, fields, record = called(mcp, traceparent=SENT, tracestate="b=2")
    assert record.trace == SENT
    assert fields[b"tracestate"] == b"b=2"


def test_the_message_is_heard_before_its_request(mcp):
    meta, _, record = called(mcp, meta={"traceparent": SENT}, traceparent=OTHER, tracestate="b=2")
    assert record.trace == SENT
    assert "tracestate" not in meta


def test_a_call_without_a_trace_begins_one(mcp):
    meta, _, record = called(mcp)
    assert record.trace is None
    assert meta["traceparent"].startswith(f"00-{trace_of(record.call, None).trace}-")


@pytest.mark.parametrize("sent", ["nonsense", SENT.upper(), SENT + "\u00e9"])
def test_a_malformed_trace_counts_as_none(mcp, sent):
    meta, fields, record = called(mcp, meta={"traceparent": sent, "tracestate": "a=1"})
    assert record.trace is None
    assert "tracestate" not in meta
    assert b"tracestate" not in fields


def test_a_state_that_is_no_header_text_ends_here(mcp):
    meta, fields, record = called(mcp, meta={"traceparent": SENT, "tracestate": "a=1\r\nx: y"})
    assert record.trace == SENT
    assert "tracestate" not in meta
    assert b"x" not in fields


def test_the_session_is_the_message_s_or_the_request_s(mcp):
    assert called(mcp, meta={"holdfast/session": "m"}, x_session_id="h")[2].session == "m"
    assert called(mcp, x_session_id="h")[2].session == "h"
    assert called(mcp, meta={"holdfast/session": "\u00e9"})[2].session is None
    assert called(mcp)[2].session is None
