"""A call's trace and session: taken from the caller, recorded, handed on."""

import pytest

from holdfast.core import trace_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-00"


def asked(kit, text, *headers):
    """What the upstream was sent, and the record."""

    async def scenario(world):
        upstream = await world.serve(9001, kit.whole())
        heard = await world.ask(headers=headers)
        return heard, upstream.requests[0].headers, world.records()[-1]

    heard, fields, record = kit.run(text, scenario)
    assert heard.status == 200
    return fields, record


def test_an_upstream_s_span_is_a_child_of_ours_in_the_caller_s_trace(kit, one_upstream):
    state = ("tracestate", "vendor=1,other=2")
    fields, record = asked(kit, one_upstream(), ("traceparent", SENT), state)
    ids = trace_of(record.call, record.trace)
    assert record.trace == SENT
    assert fields[b"traceparent"].decode() == f"00-{TRACE}-{ids.client}-00"
    assert fields[b"tracestate"] == b"vendor=1,other=2"


def test_a_call_without_a_trace_begins_one(kit, one_upstream):
    fields, record = asked(kit, one_upstream())
    ids = trace_of(record.call, None)
    assert record.trace is None
    assert fields[b"traceparent"].decode() == f"00-{ids.trace}-{ids.client}-01"
    assert b"tracestate" not in fields


@pytest.mark.parametrize("sent", ["nonsense", SENT.upper(), f"{SENT}, {SENT}"])
def test_a_malformed_trace_counts_as_none_and_takes_its_state_along(kit, one_upstream, sent):
    fields, record = asked(kit, one_upstream(), ("traceparent", sent), ("tracestate", "a=1"))
    assert record.trace is None
    assert fields[b"traceparent"].decode().startswith(f"00-{trace_of(record.call, None).trace}-")
    assert b"tracestate" not in fields


def test_two_traceparents_are_none(kit, one_upstream):
    _, record = asked(kit, one_upstream(), ("traceparent", SENT), ("traceparent", SENT))
    assert record.trace is None


def test_states_in_several_lines_are_one(kit, one_upstream):
    headers = (("traceparent", SENT), ("tracestate", "a=1"), ("tracestate", "b=2"))
    fields, _ = asked(kit, one_upstream(), *headers)
    assert fields[b"tracestate"] == b"a=1, b=2"


def test_retries_and_fallbacks_are_of_one_span(kit, with_fallback):
    async def scenario(world):
        first = await world.serve(9001, kit.status(500), kit.status(500))
        second = await world.serve(9002, kit.whole())
        await world.ask(headers=[("traceparent", SENT)])
        return [*first.requests, *second.requests], world.records()[-1]

    requests, record = kit.run(with_fallback(), scenario)
    assert len(requests) == record.attempts >= 2
    assert len({request.headers[b"traceparent"] for request in requests}) == 1


def test_a_refused_call_is_recorded_in_its_trace(kit, one_upstream):
    async def scenario(world):
        headers = [("traceparent", SENT), ("x-session-id", "s-1")]
        await world.ask(b"{}", headers=headers)
        await world.ask(b"not json", headers=headers)
        return world.records()

    records = kit.run(one_upstream(), scenario)
    assert [record.outcome for record in records] == ["refused", "refused"]
    assert {(record.trace, record.session) for record in records} == {(SENT, "s-1")}


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [("chat 42/b", "chat 42/b"), ("x" * 128, "x" * 128), ("x" * 129, None), ("caf\u00e9", None)],
)
def test_a_session_is_recorded_as_the_caller_names_it(kit, one_upstream, sent, recorded):
    _, record = asked(kit, one_upstream(), ("x-session-id", sent))
    assert record.session == recorded


def test_a_session_that_chooses_the_upstream_is_the_same_session(kit, two_upstreams):
    async def scenario(world):
        await world.serve(9001, kit.whole())
        await world.serve(9002, kit.whole())
        await world.ask(headers=[("x-chat", "c-7")])
        await world.ask(headers=[("x-chat", "c-7"), ("x-session-id", "s-1")])
        await world.ask()
        return [record.session for record in world.records()]

    text = two_upstreams("routing: {by: session, session_header: x-chat}")
    assert kit.run(text, scenario) == ["c-7", "s-1", None]


def test_a_call_costs_what_its_tokens_cost_at_the_node_that_answered(kit, one_upstream):
    text = one_upstream("price: {input: 2, output: 10}")
    _, record = asked(kit, text)
    assert (record.tokens_in, record.tokens_out) == (10, 5)
    assert record.cost == 10 * 2_000 + 5 * 10_000
    assert asked(kit, one_upstream())[1].cost is None
