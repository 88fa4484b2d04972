"""OpenTelemetry of a running instance, as a collector on the network gets it."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from live import Home, chat_body, eventually
from live.calls import post
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """Takes what is sent; the first request of all it cannot take now."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.turned_away = 0
        self.lock = threading.Lock()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        with self.lock:
            if not self.turned_away:
                self.turned_away = 1
                return 503
            request = KINDS[path].FromString(gzip.decompress(body))
            self.requests.append((path, headers, request))
            return 200

    def spans(self) -> list[Any]:
        with self.lock:
            return [
                span
                for path, _, request in self.requests
                if path == "/v1/traces"
                for group in request.resource_spans
                for scope in group.scope_spans
                for span in scope.spans
            ]

    def resources(self) -> list[dict[str, str]]:
        groups = [
            group
            for _, _, request in self.requests
            for field in ("resource_spans", "resource_metrics", "resource_logs")
            for group in getattr(request, field, ())
        ]
        return [
            {pair.key: pair.value.string_value for pair in group.resource.attributes}
            for group in groups
        ]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, int]]:
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = kept.take(self.path, headers, body)
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("retry-after", "0")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's own name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept, server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_collector_gets_the_spans_metrics_and_events_of_every_call(home: Home, collector):
    kept, port = collector
    secret = home.folder / "token"
    secret.write_text("Bearer t-1\n")
    options = ["--otlp", f"http://127.0.0.1:{port}", "--otlp-header", f"authorization=@{secret}"]
    instance = home.up(*options)
    home.make_keys("desk")
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "x-session-id": "s-1"}
    answered = post(home.url, chat_body("MARKED WORDS"), key=home.keys["desk"], headers=headers)
    refused = post(home.url, chat_body(model="other"), key=home.keys["desk"])
    assert (answered.status, refused.status) == (200, 403)
    eventually(lambda: len(kept.spans()) == 3, "three spans arrived")
    server, client = (span for span in kept.spans() if span.trace_id.hex() == TRACE)
    assert (server.parent_span_id.hex(), client.parent_span_id) == (SPAN, server.span_id)
    assert client.name == "chat reviewer"
    assert instance.stop() == 0
    assert {path for path, _, _ in kept.requests} == set(KINDS)
    assert {headers["authorization"] for _, headers, _ in kept.requests} == {"Bearer t-1"}
    for resource in kept.resources():
        assert (resource["service.name"], resource["holdfast.system"]) == ("holdfast", "tested")
    sent = b"".join(request.SerializeToString() for _, _, request in kept.requests)
    assert b"MARKED" not in sent
    assert home.keys["desk"].encode() not in sent
    (event,) = (
        each
        for path, _, request in kept.requests
        if path == "/v1/logs"
        for each in request.resource_logs[0].scope_logs[0].log_records
        if each.event_name == "holdfast.call.refused"
    )
    assert event.body.string_value.startswith("refused by ")
    assert kept.turned_away
    assert "t-1" not in instance.said()
