"""Records to tell of, and what was told, read back by OpenTelemetry's own classes."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from holdfast.audit import RECORD_VERSION, CallRecord, ChangeRecord
from holdfast.core import CallId, Instant, ulid
from holdfast.history import Heard
from holdfast.telemetry.otlp import Feed, Sampler, Signal, Source, Telling
from holdfast.telemetry.otlp.messages import Envelope

AT = 1_790_000_000_000_000
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{SPAN}-01"
ENVELOPE = Envelope(Source(resource={"service.name": "holdfast"}, version="1"))
REQUESTS = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}


def call_id(number: int = 1) -> CallId:
    return CallId(ulid(Instant(AT), sha256(str(number).encode()).digest()[:10]))


def record(number: int = 1, **changes: Any) -> CallRecord:
    """A model's call that was answered."""
    fields: dict[str, Any] = {
        "action": "generate",
        "answer": "hmac-sha256:aa",
        "at": AT + number,
        "attempts": 1,
        "blueprint": "sha256:b",
        "bundle": "sha256:p",
        "call": call_id(number),
        "cost": 150_000,
        "decision": "allow",
        "duration_us": 900_000,
        "event": "call",
        "node": "reviewer",
        "outcome": "answered",
        "policies": ("allow-all",),
        "principal": "spiffe://x.example/t/default/agent/planner",
        "prompt": "hmac-sha256:bb",
        "relationship": "planner-asks",
        "resource": "reviewer",
        "stages_us": (10, 20, 30, 40, 50, 800_000, 900_000),
        "status": 200,
        "tenant": "default",
        "tokens_in": 120,
        "tokens_out": 45,
        "upstream": "https://api.openai.com/v1",
        "v": RECORD_VERSION,
        "worker": 0,
    }
    return CallRecord(**(fields | changes))


def streamed(number: int = 1, **changes: Any) -> CallRecord:
    stages = (10, 20, 30, 40, 50, 300_050, 900_000)
    return record(number, event="closed", stages_us=stages, **changes)


def tool_call(number: int = 1, **changes: Any) -> CallRecord:
    fields = {
        "action": "call",
        "tool": "search",
        "resource": "desk",
        "node": "desk",
        "relationship": "planner-desk",
        "descriptor": "sha256:d",
        "arguments": "hmac-sha256:cc",
        "upstream": "http://10.0.0.7:9001/mcp",
        "tokens_in": None,
        "tokens_out": None,
        "cost": None,
    }
    return record(number, **(fields | changes))


def refused(number: int = 1, **changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "outcome": "refused",
        "decision": "refuse",
        "rule": "policy.denied",
        "status": 403,
        "attempts": 0,
        "node": None,
        "upstream": None,
        "tokens_in": None,
        "tokens_out": None,
        "cost": None,
        "answer": None,
        "stages_us": (10, 20, 30, 90),
        "duration_us": 90,
    }
    return record(number, **(fields | changes))


def failed(number: int = 1, **changes: Any) -> CallRecord:
    fields: dict[str, Any] = {"outcome": "failed", "rule": "upstream.timeout", "status": 504}
    return record(number, **({**fields, "tokens_in": None, "tokens_out": None} | changes))


def change(**changes: Any) -> ChangeRecord:
    fields: dict[str, Any] = {
        "at": AT,
        "by": "ann",
        "change": call_id(99),
        "kind": "revocation.made",
        "reason": "SECRET REASON",
        "subject": "planner",
        "v": 1,
    }
    return ChangeRecord(**(fields | changes))


def feed(share: float = 1.0, *, signals: Any = tuple(Signal), follows: bool = False) -> Feed:
    return Feed(
        Sampler(share, follows_callers=follows),
        Telling(model_of={"reviewer": "gpt-9"}.get, scheme="http"),
        meaning=lambda code: {"policy.denied": "policy forbids the call"}.get(code, ""),
        began=Instant(AT),
        signals=signals,
    )


def told(*records: CallRecord | ChangeRecord, **how: Any) -> Feed:
    """A feed that has heard of them."""
    fed = feed(**how)
    fed.hear([Heard(index, each) for index, each in enumerate(records)])
    return fed


def read(signal: Signal, items: list[bytes]) -> Any:
    """The scope's spans, metrics or log records."""
    request = REQUESTS[signal].FromString(ENVELOPE.request(items))
    (resource,) = getattr(request, f"resource_{'spans' if signal is Signal.TRACES else signal}")
    names = {Signal.TRACES: "spans", Signal.METRICS: "metrics", Signal.LOGS: "logs"}
    (scope,) = getattr(resource, f"scope_{names[signal]}")
    return getattr(scope, "log_records" if signal is Signal.LOGS else names[signal])


def spans(fed: Feed) -> Any:
    return read(Signal.TRACES, fed.backlogs[Signal.TRACES].take(10_000, 10**9))


def events(fed: Feed) -> Any:
    return read(Signal.LOGS, fed.backlogs[Signal.LOGS].take(10_000, 10**9))


def metrics(fed: Feed) -> Mapping[str, Any]:
    found = fed.metrics(Instant(AT + 10**6))
    return {metric.name: metric for metric in (read(Signal.METRICS, found) if found else ())}


def value(found: AnyValue) -> Any:
    kind = found.WhichOneof("value")
    assert kind is not None
    if kind == "array_value":
        return tuple(value(each) for each in found.array_value.values)
    return getattr(found, kind)


def attributes(found: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(found.attributes)
    names = [pair.key for pair in pairs]
    assert len(set(names)) == len(names)
    return {pair.key: value(pair.value) for pair in pairs}
