"""OTLP in both encodings, and the other formats: what is read, what is refused."""

import contextlib
import json

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.loops.drift import (
    TracesError,
    read_jaeger,
    read_nezha,
    read_otlp_json,
    read_otlp_wire,
)

F = descriptor_pb2.FieldDescriptorProto
SHAPES = {
    "Request": [("resource_spans", 1, "ResourceSpans", True)],
    "ResourceSpans": [("resource", 1, "Resource", False), ("scope_spans", 2, "ScopeSpans", True)],
    "Resource": [("attributes", 1, "KeyValue", True)],
    "ScopeSpans": [("spans", 2, "Span", True)],
    "Span": [
        ("trace_id", 1, F.TYPE_BYTES, False),
        ("span_id", 2, F.TYPE_BYTES, False),
        ("trace_state", 3, F.TYPE_STRING, False),
        ("parent_span_id", 4, F.TYPE_BYTES, False),
        ("name", 5, F.TYPE_STRING, False),
        ("kind", 6, F.TYPE_INT32, False),
        ("start", 7, F.TYPE_FIXED64, False),
        ("end", 8, F.TYPE_FIXED64, False),
        ("attributes", 9, "KeyValue", True),
        ("links", 13, "Link", True),
        ("flags", 16, F.TYPE_FIXED32, False),
    ],
    "Link": [("trace_id", 1, F.TYPE_BYTES, False), ("span_id", 2, F.TYPE_BYTES, False)],
    "KeyValue": [("key", 1, F.TYPE_STRING, False), ("value", 2, "AnyValue", False)],
    "AnyValue": [
        ("string_value", 1, F.TYPE_STRING, False),
        ("bool_value", 2, F.TYPE_BOOL, False),
        ("int_value", 3, F.TYPE_INT64, False),
        ("double_value", 4, F.TYPE_DOUBLE, False),
    ],
}


def _messages():
    file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", package="t", syntax="proto3")
    for name, fields in SHAPES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for field, number, kind, many in fields:
            made = message.field.add(name=field, number=number)
            made.label = F.LABEL_REPEATED if many else F.LABEL_OPTIONAL
            if isinstance(kind, str):
                made.type, made.type_name = F.TYPE_MESSAGE, f".t.{kind}"
            else:
                made.type = kind
            if name == "AnyValue":
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Request"))


REQUEST = _messages()
VALUES = st.one_of(
    st.text(max_size=8),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
SPANS = st.fixed_dictionaries(
    {
        "trace": st.binary(min_size=16, max_size=16),
        "id": st.binary(min_size=8, max_size=8),
        "parent": st.sampled_from([b"", b"12345678"]),
        "kind": st.integers(0, 5),
        "start": st.integers(0, 2**62),
        "attributes": st.dictionaries(
            st.sampled_from(["db.system", "db.system.name", "gen_ai.tool.name", "other"]), VALUES
        ),
    }
)


def _one(value) -> dict:
    match value:
        case bool():
            return {"bool_value": value}
        case int():
            return {"int_value": value}
        case float():
            return {"double_value": value}
    return {"string_value": value}


def _json_value(value) -> dict:
    (field, said), *_ = _one(value).items()
    name = {"bool_value": "boolValue", "int_value": "intValue", "double_value": "doubleValue"}
    return {name.get(field, "stringValue"): str(said) if field == "int_value" else said}


@settings(max_examples=40, deadline=None)
@given(st.lists(SPANS, max_size=3), st.text(min_size=1, max_size=9))
def test_both_encodings_say_the_same_as_the_protobuf_library_wrote(spans, service):
    request = REQUEST()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name", value={"string_value": service})
    scope = group.scope_spans.add()
    for each in spans:
        span = scope.spans.add(
            trace_id=each["trace"], span_id=each["id"], parent_span_id=each["parent"],
            kind=each["kind"], start=each["start"], end=each["start"], flags=7, name="n",
        )  # fmt: skip
        for key, value in each["attributes"].items():
            span.attributes.add(key=key, value=_one(value))
    said = {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": service}}]
                },
                "scopeSpans": [{"spans": [_as_json(each) for each in spans]}],
            }
        ]
    }
    wire = read_otlp_wire(request.SerializeToString())
    assert wire == read_otlp_json(json.dumps(said).encode())
    assert [span.id for span in wire] == [each["id"].hex() for each in spans]
    assert [span.start for span in wire] == [each["start"] // 1_000 for each in spans]


def _as_json(each) -> dict:
    return {
        "traceId": each["trace"].hex().upper(),
        "spanId": each["id"].hex(),
        "parentSpanId": each["parent"].hex(),
        "name": "n",
        "kind": each["kind"],
        "startTimeUnixNano": str(each["start"]),
        "endTimeUnixNano": each["start"],
        "attributes": [
            {"key": key, "value": _json_value(value)} for key, value in each["attributes"].items()
        ],
        "unknown": 1,
    }


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([read_otlp_wire, read_otlp_json, read_jaeger]))
def test_whatever_is_no_message_is_refused_with_our_error(data, read):
    with contextlib.suppress(TracesError):
        read(data)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_message_never_breaks_the_reader(data):
    request = REQUEST()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, start=5, kind=3)
    )
    span.attributes.add(key="server.port", value={"double_value": 1.5})
    whole = bytearray(request.SerializeToString())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(TracesError):
        read_otlp_wire(bytes(whole))


def test_older_names_are_brought_to_the_newest_which_goes_before_them():
    def span(*attributes):
        made = _as_json({"trace": b"t", "id": b"s", "parent": b"", "kind": 3, "start": 1,
                         "attributes": dict(attributes)})  # fmt: skip
        said = {"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}
        return read_otlp_json(json.dumps(said).encode())[0].attributes

    assert span(("gen_ai.system", "acme")) == {"gen_ai.provider.name": "acme"}
    for order in (1, -1):
        both = [("db.system", "old"), ("db.system.name", "new")][::order]
        assert span(*both) == {"db.system.name": "new"}


@pytest.mark.parametrize(
    ("state", "p"),
    [("ot=th:c", 0.25), ("x=1,ot=rv:1;th:8", 0.5), ("ot=th:0", 1.0), ("ot=th:zz", 0.1), ("", 0.1)],
)
def test_a_trace_says_how_likely_it_was_kept(state, p):
    made = {"traceId": "a", "spanId": "b", "traceState": state}
    said = {"resourceSpans": [{"scopeSpans": [{"spans": [made]}]}]}
    assert read_otlp_json(json.dumps(said).encode(), p=0.1)[0].p == pytest.approx(p)


def test_the_table_of_nezha_is_read_and_a_pod_is_its_workload():
    head = (
        "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
    )
    rows = ["t,1,root,web-6f6cfc45b-h5m2n,/,5000,9000,4", "t,2,1,db-0,get,6000,7000,1"]
    web, db = read_nezha("\n".join([head, *rows]))
    assert (web.parent, web.start, web.origin.identity) == ("", 5, "k8s=//web")
    assert (db.parent, db.origin.identity) == ("1", "k8s=//db")


@pytest.mark.parametrize("text", ["a,b\n", "", "TraceID,SpanID\nx,y"])
def test_a_table_with_other_columns_is_refused(text):
    with pytest.raises(TracesError):
        read_nezha(text)


def test_a_row_that_is_no_span_is_named_by_its_line():
    head = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano"
    with pytest.raises(TracesError, match="line 3"):
        read_nezha(f"{head}\nt,1,root,p,o,1,2\nt,2,root,p,o,soon,2")


def test_the_json_of_jaeger_is_read():
    said = {
        "data": [
            {
                "spans": [
                    {"traceID": "t", "spanID": "2", "startTime": 7, "duration": 3, "processID": "p1",
                     "references": [{"refType": "CHILD_OF", "traceID": "t", "spanID": "1"}],
                     "tags": [{"key": "span.kind", "value": "server"},
                              {"key": "peer.service", "value": "x"}]}
                ],
                "processes": {"p1": {"serviceName": "cart"}},
            }
        ]
    }  # fmt: skip
    (span,) = read_jaeger(json.dumps(said).encode())
    assert (span.parent, span.kind, span.end) == ("1", 2, 10)
    assert span.origin.identity == "service=/cart"
    assert span.attributes == {"service.peer.name": "x"}
