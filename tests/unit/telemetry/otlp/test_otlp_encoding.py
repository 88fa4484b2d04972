"""OTLP's bytes: what OpenTelemetry's own classes, and our own reader, read of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as TheirSpan
from otlp_things import ENVELOPE, attributes, failed, record, refused, streamed, told, tool_call

from holdfast.loops.drift import Form, Tally, observe_trace, read_otlp_wire
from holdfast.telemetry.otlp import Signal
from holdfast.telemetry.otlp.forms import Event, Span
from holdfast.telemetry.otlp.messages import encode_event, encode_span

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES = (
    TEXT
    | st.booleans()
    | INT64
    | st.floats(allow_nan=False)
    | st.lists(TEXT, max_size=3).map(tuple)
)
ATTRIBUTES = st.dictionaries(st.text("abc.", min_size=1, max_size=9), VALUES, max_size=6)
HEX = {
    bytes_: st.integers(1, 256**bytes_ - 1).map(f"{{:0{2 * bytes_}x}}".format) for bytes_ in (8, 16)
}
SPANS = st.builds(
    Span,
    trace=HEX[16],
    id=HEX[8],
    parent=st.none() | HEX[8],
    is_remote=st.booleans(),
    state=st.sampled_from(["", "ot=th:8"]),
    name=TEXT,
    kind=st.sampled_from([2, 3]),
    start=st.integers(0, 2**53),
    end=st.integers(0, 2**53),
    attributes=ATTRIBUTES,
    is_error=st.booleans(),
)


@given(SPANS)
def test_a_span_is_read_as_it_was_written(span):
    found = TheirSpan.FromString(encode_span(span))
    assert found.trace_id.hex() == span.trace
    assert found.span_id.hex() == span.id
    assert found.parent_span_id.hex() == (span.parent or "")
    assert found.trace_state == span.state
    assert (found.name, found.kind) == (span.name, span.kind)
    assert found.start_time_unix_nano == span.start * 1000
    assert found.end_time_unix_nano == span.end * 1000
    assert attributes(found) == span.attributes
    assert {name: type(value) for name, value in attributes(found).items()} == {
        name: type(value) for name, value in span.attributes.items()
    }
    assert (found.status.code == 2) is span.is_error
    assert found.flags == 0x101 | (0x200 if span.is_remote else 0)
    assert not found.FindInitializationErrors()


@given(
    st.builds(
        Event,
        at=st.integers(0, 2**53),
        name=TEXT,
        severity=st.sampled_from([9, 13, 17]),
        text=TEXT,
        attributes=ATTRIBUTES,
        trace=st.just("") | HEX[16],
        span=st.just("") | HEX[8],
    )
)
def test_an_event_is_read_as_it_was_written(event):
    found = LogRecord.FromString(encode_event(event))
    assert (found.event_name, found.body.string_value) == (event.name, event.text)
    assert found.severity_number == event.severity
    assert found.time_unix_nano == found.observed_time_unix_nano == event.at * 1000
    assert (found.trace_id.hex(), found.span_id.hex()) == (event.trace, event.span)
    assert attributes(found) == event.attributes


def test_nothing_that_is_sent_has_a_field_that_its_message_does_not_know():
    """Serialized again by OpenTelemetry's classes without what they do not know, it is the same."""
    fed = told(streamed(), tool_call(2), refused(3), failed(4))
    request = ENVELOPE.request(fed.backlogs[Signal.TRACES].take(100, 10**9))
    message = ExportTraceServiceRequest.FromString(request)
    message.DiscardUnknownFields()
    again = message.SerializeToString()
    assert len(again) == len(request)
    (group,) = message.resource_spans
    assert attributes(group.resource) == {"service.name": "holdfast"}
    assert (group.scope_spans[0].scope.name, group.scope_spans[0].scope.version) == (
        "holdfast",
        "1",
    )


def test_our_own_intake_reads_what_we_send_as_calls_of_the_same_pairs():
    called = [streamed(), tool_call(2), record(3, principal="spiffe://x/t/d/service/web")]
    fed = told(*called, refused(4))
    sent = read_otlp_wire(ENVELOPE.request(fed.backlogs[Signal.TRACES].take(100, 10**9)))
    tally = Tally()
    for trace in sorted({span.trace for span in sent}):
        observe_trace([span for span in sent if span.trace == trace], tally)
    met = {
        (each.source, each.target.split("\n")[0], each.form, each.model, each.tool)
        for _, each in tally.contacts
    }
    assert met == {
        ("node=planner", "node=reviewer", Form.MODEL, "gpt-9", None),
        ("node=planner", "node=desk", Form.TOOL, None, "search"),
        ("node=web", "node=reviewer", Form.MODEL, "gpt-9", None),
    }


@pytest.mark.parametrize("share", [0.5, 0.25, 1 / 3])
def test_our_own_intake_counts_back_what_was_not_sampled(share):
    fed = told(*[record(n) for n in range(2_000)], share=share)
    sent = read_otlp_wire(ENVELOPE.request(fed.backlogs[Signal.TRACES].take(10_000, 10**9)))
    kept = {span.trace: span.p for span in sent}
    assert sum(1 / p for p in kept.values()) == pytest.approx(2_000, rel=0.15)
