"""What is told of a call: by the conventions' names, each value once, content never."""

import pytest
from otlp_things import (
    AT,
    SENT,
    SPAN,
    TRACE,
    attributes,
    change,
    events,
    failed,
    metrics,
    record,
    refused,
    spans,
    streamed,
    told,
    tool_call,
)

from holdfast.audit import encode_record
from holdfast.core import trace_of
from holdfast.telemetry.otlp import Signal

SERVER, CLIENT, ERROR = 2, 3, 2


def test_a_model_s_call_is_a_server_s_span_and_below_it_a_client_s():
    call = record(trace=SENT, session="s-1")
    ids = trace_of(call.call, SENT)
    server, client = spans(told(call))
    assert (server.kind, server.name) == (SERVER, "POST /v1/chat/completions")
    assert (client.kind, client.name) == (CLIENT, "chat gpt-9")
    assert {server.trace_id.hex(), client.trace_id.hex()} == {TRACE}
    assert (server.span_id.hex(), server.parent_span_id.hex()) == (ids.server, SPAN)
    assert (client.span_id.hex(), client.parent_span_id.hex()) == (ids.client, ids.server)
    assert (server.flags, client.flags) == (0x301, 0x101)
    assert server.start_time_unix_nano == call.at * 1000
    assert client.start_time_unix_nano == (call.at + 50) * 1000
    assert server.end_time_unix_nano == client.end_time_unix_nano == (call.at + 900_000) * 1000
    said = attributes(client)
    assert said == {
        "gen_ai.agent.name": "planner",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-9",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 45,
        "holdfast.attempts": 1,
        "holdfast.callee": "reviewer",
        "holdfast.caller": "planner",
        "holdfast.cost": 150_000,
        "holdfast.relationship": "planner-asks",
        "server.address": "api.openai.com",
        "server.port": 443,
        "url.scheme": "https",
    }


def test_a_call_of_no_trace_is_the_root_of_its_own():
    call = record()
    server, _ = spans(told(call))
    assert server.trace_id.hex() == trace_of(call.call, None).trace
    assert server.parent_span_id == b""
    assert server.flags == 0x101


def test_a_stream_says_when_it_began():
    said = attributes(spans(told(streamed()))[1])
    assert said["gen_ai.request.stream"] is True
    assert said["gen_ai.response.time_to_first_chunk"] == pytest.approx(0.3)


def test_a_tool_s_call_is_told_as_mcp_has_it():
    server, client = spans(told(tool_call()))
    assert server.name == client.name == "tools/call search"
    said = attributes(client)
    assert (said["mcp.method.name"], said["gen_ai.tool.name"]) == ("tools/call", "search")
    assert said["gen_ai.operation.name"] == "execute_tool"
    assert (said["server.address"], said["server.port"]) == ("10.0.0.7", 9001)
    assert "gen_ai.provider.name" not in said
    assert attributes(server)["mcp.method.name"] == "tools/call"
    assert "gen_ai.operation.name" not in attributes(server)


@pytest.mark.parametrize(
    ("action", "tool", "name"),
    [
        ("read", "file:///a", "resources/read"),
        ("prompt", "greet", "prompts/get greet"),
        ("list", "tools/list", "tools/list"),
    ],
)
def test_other_mcp_requests_are_named_by_their_method(action, tool, name):
    assert [span.name for span in spans(told(tool_call(action=action, tool=tool)))] == [name] * 2


def test_a_resource_s_name_is_on_its_own_span_only():
    server, client = spans(told(tool_call(action="read", tool="file:///a")))
    assert attributes(client)["mcp.resource.uri"] == "file:///a"
    assert "mcp.resource.uri" not in attributes(server)


def test_a_program_has_no_address():
    said = attributes(spans(told(tool_call(upstream="docs")))[1])
    assert not {"server.address", "server.port", "url.scheme"} & set(said)


@pytest.mark.parametrize("upstream", ["http://[::1", "http://x:99999/", "://", "http:///x", ""])
def test_an_upstream_that_is_no_url_is_left_out(upstream):
    assert "server.address" not in attributes(spans(told(record(upstream=upstream)))[1])


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.anthropic.com", "anthropic"),
        ("mine.openai.azure.com", "azure.ai.openai"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("europe-west4-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("notapi.groq.com", "openai"),
        ("models.internal", "openai"),
    ],
)
def test_a_provider_is_known_by_its_host(host, provider):
    said = attributes(spans(told(record(upstream=f"https://{host}/v1")))[1])
    assert said["gen_ai.provider.name"] == provider


def test_a_refused_call_has_one_span_and_an_event_with_its_rule():
    fed = told(refused())
    (span,) = spans(fed)
    said = attributes(span)
    assert (said["holdfast.outcome"], said["holdfast.rule"]) == ("refused", "policy.denied")
    assert said["http.response.status_code"] == 403
    assert span.status.code == 0  # the caller's mistake is no error of the server's
    (event,) = events(fed)
    assert (event.event_name, event.severity_text) == ("holdfast.call.refused", "WARN")
    assert event.body.string_value == "refused by policy.denied: policy forbids the call"
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert attributes(event)["holdfast.rule"] == "policy.denied"


def test_a_failed_call_is_an_error_on_both_spans():
    fed = told(failed())
    server, client = spans(fed)
    assert server.status.code == client.status.code == ERROR
    assert attributes(server)["error.type"] == attributes(client)["error.type"]
    assert attributes(client)["error.type"] == "upstream.timeout"
    assert events(fed)[0].event_name == "holdfast.call.failed"


def test_an_error_that_the_upstream_answered_is_the_client_span_s():
    server, client = spans(told(record(status=429)))
    assert (server.status.code, client.status.code) == (0, ERROR)
    assert attributes(client)["error.type"] == "429"


def test_a_fallback_is_told_by_the_relationship_that_was_taken():
    server, client = spans(told(record(fallback="planner-spare", node="spare")))
    assert attributes(client)["holdfast.relationship"] == "planner-spare"
    assert attributes(client)["holdfast.callee"] == "spare"
    assert attributes(server)["holdfast.fallback"] == "planner-spare"


def test_a_call_begun_is_told_when_it_has_ended():
    fed = told(record(event="opened", outcome="open"), record(event="intent", outcome="open"))
    assert len(spans(fed)) == 0
    assert metrics(fed) == {}


def test_a_change_is_an_event_without_the_reason_somebody_gave():
    fed = told(change())
    (event,) = events(fed)
    assert event.event_name == "holdfast.change"
    assert event.time_unix_nano == AT * 1000
    assert attributes(event) == {
        "holdfast.change.by": "ann",
        "holdfast.change.kind": "revocation.made",
        "holdfast.change.subject": "planner",
        "holdfast.log.index": 0,
    }
    assert b"SECRET" not in event.SerializeToString()


def test_no_digest_of_what_was_said_is_told():
    fed = told(streamed(arguments="hmac-sha256:cc"), failed(2), tool_call(3))
    found = b"".join(fed.backlogs[Signal.TRACES].take(100, 10**9))
    assert b"hmac-sha256" in encode_record(streamed())
    assert b"hmac-sha256" not in found


def test_what_is_old_was_told_by_an_earlier_process():
    from otlp_things import feed

    from holdfast.history import Heard

    fed = feed()
    fed.hear([Heard(0, record(), is_old=True), Heard(1, change(), is_old=True)])
    assert (len(spans(fed)), len(events(fed)), metrics(fed)) == (0, 0, {})


def test_a_signal_that_is_not_wanted_is_not_queued():
    fed = told(refused(), change(), signals=(Signal.METRICS,))
    assert fed.backlogs == {}
    assert "holdfast.calls" in metrics(fed)
