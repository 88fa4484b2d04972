"""The collector as `holdfast up` is told of it, and what goes to it over the wire."""

import gzip

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from holdfast.app.otlp import Collector, resource_of
from holdfast.app.otlp_plan import OtlpOptionError, OtlpWords, plan_otlp
from holdfast.blueprint import load
from holdfast.telemetry.otlp import ExportError, Signal
from holdfast.wire import Server
from holdfast.world.ports import Address
from holdfast.world.sim import SimClock, SimNetwork, simulate

HERE = Address(host="collector.example", port=4318)
URL = "http://collector.example:4318"
TEXT = """
holdfast: 1
name: shop
nodes:
  web: {type: service, description: Asks.}
"""


class Answering:
    """A collector that keeps what it was asked."""

    def __init__(self, status=200, headers=(), body=b""):
        self.answer = status, ((b"content-type", b"application/x-protobuf"), *headers), body
        self.requests = []

    def handle(self, request, exchange):
        self.requests.append(request)
        exchange.respond(*self.answer)


def post(plan, answering, body=b"x", *, times=1):
    async def main(loop):
        network = SimNetwork(loop)
        server = Server(answering, clock=SimClock(loop))
        if answering is not None:
            await server.start(network, sock=HERE)
        collector = Collector(plan, network=network, spawn=loop.create_task)
        try:
            return [await collector(Signal.TRACES, body) for _ in range(times)][-1]
        finally:
            collector.close()
            server.abort()

    return simulate(1, main)


def plan(environment=None, **words):
    return plan_otlp(OtlpWords(**words), environment or {})


def test_nothing_is_sent_where_nobody_says_where():
    assert plan() is None
    assert plan({"OTEL_EXPORTER_OTLP_ENDPOINT": "  "}) is None
    assert plan({"OTEL_SDK_DISABLED": "true"}, url=URL) is None


def test_a_request_is_as_otlp_over_http_has_it():
    answering = Answering(body=b"\x0a\x00", headers=((b"retry-after", b"3"),))
    found = plan(url=URL + "/api/otel/", headers=("authorization=Bearer s", "X-Scope=a b"))
    request = ExportTraceServiceRequest()
    request.resource_spans.add()
    answer = post(found, answering, gzip.compress(request.SerializeToString()), times=2)
    assert (answer.status, answer.retry_after, answer.body) == (200, "3", b"\x0a\x00")
    sent = answering.requests[0]
    assert (sent.method, sent.target) == (b"POST", b"/api/otel/v1/traces")
    assert sent.headers[b"host"] == b"collector.example:4318"
    assert sent.headers[b"content-type"] == b"application/x-protobuf"
    assert sent.headers[b"content-encoding"] == b"gzip"
    assert sent.headers[b"authorization"] == b"Bearer s"
    assert sent.headers[b"x-scope"] == b"a b"
    assert ExportTraceServiceRequest.FromString(gzip.decompress(sent.body)) == request


def test_a_collector_that_is_not_there_is_told():
    with pytest.raises(ExportError):
        post(plan(url=URL), None)


def test_an_answer_that_is_too_large_is_told():
    with pytest.raises(ExportError):
        post(plan(url=URL), Answering(body=b"x" * 100_000))


def test_the_standard_variables_are_read_and_the_command_line_goes_before_them(tmp_path):
    secret = tmp_path / "key"
    secret.write_text("Bearer t\n")
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://one.example/otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, Authorization=Bearer%20e",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=old,deployment.environment.name=prod",
        "OTEL_LOGS_EXPORTER": "none",
    }
    found = plan(environment)
    assert found is not None
    assert (found.site.address.tls, found.site.address.port) == (True, 443)
    assert dict(found.headers) == {"api-key": "a b", "authorization": "Bearer e"}
    assert (found.service, found.resource) == ("old", (("deployment.environment.name", "prod"),))
    assert found.signals == (Signal.TRACES, Signal.METRICS)
    named = plan(
        {**environment, "OTEL_SERVICE_NAME": "gate"},
        url=URL,
        headers=(f"authorization=@{secret}",),
        signals=("traces",),
    )
    assert named is not None
    assert dict(named.headers) == {"api-key": "a b", "authorization": "Bearer t"}
    assert (named.service, named.signals) == ("gate", (Signal.TRACES,))
    assert named.site.address.host == "collector.example"


def test_no_secret_is_in_what_is_shown_of_a_plan():
    assert "hidden" not in repr(plan(url=URL, headers=("authorization=hidden",)))


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ({"url": "collector:4318"}, {}),
        ({"url": "ftp://x"}, {}),
        ({"url": URL + "/?key=1"}, {}),
        ({"url": URL, "headers": ("name",)}, {}),
        ({"url": URL, "headers": ("name=",)}, {}),
        ({"url": URL, "headers": ("na me=x",)}, {}),
        ({"url": URL, "headers": ("name=a\r\nb: c",)}, {}),
        ({"url": URL, "headers": ("name=\u00e9",)}, {}),
        ({"url": URL, "headers": ("content-length=1",)}, {}),
        ({"url": URL, "headers": ("name=@/nowhere/at/all",)}, {}),
        ({"url": URL, "headers": tuple(f"n{n}=x" for n in range(40))}, {}),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": URL, "OTEL_EXPORTER_OTLP_HEADERS": "x"}),
        ({"url": URL}, {"OTEL_RESOURCE_ATTRIBUTES": "=x"}),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_starts(words, environment):
    with pytest.raises(OtlpOptionError):
        plan(environment, **words)


def test_the_resource_says_which_system_it_is_and_the_operator_has_the_last_word():
    blueprint = load(TEXT, source="holdfast.yaml", read=str)
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "holdfast.system=other,team=a"}
    found = plan(environment, url=URL)
    assert found is not None
    resource = resource_of(found, blueprint, instance="i")
    assert (resource["service.name"], resource["service.instance.id"]) == ("holdfast", "i")
    assert (resource["holdfast.system"], resource["team"]) == ("other", "a")
    assert resource["holdfast.tenant"] == "default"
