"""Traces over HTTP: what is answered, in which encoding, and what comes of it."""

import gzip
import json
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from holdfast.app.trace_desk import TraceDesk
from holdfast.audit import NoLogError
from holdfast.blueprint import load
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.loops.drift import BODY_BYTES_MAX, Gathering
from holdfast.loops.drift.intake import INFLATED_BYTES_MAX
from holdfast.world.sim import SimStore

JSON = {"content-type": "application/json"}
WIRE = {"content-type": "application/x-protobuf"}


class NoLog:
    def recent(self, limit, *, before=None):
        raise NoLogError("there is no log here yet")


def request_of(now: int, *, shift_us: int = 0) -> bytes:
    def span(key, parent, kind, at):
        return {"traceId": "aa", "spanId": key, "parentSpanId": parent, "kind": kind,
                "startTimeUnixNano": str((at + shift_us) * 1_000)}  # fmt: skip

    def group(service, *spans):
        name = {"key": "service.name", "value": {"stringValue": service}}
        return {"resource": {"attributes": [name]}, "scopeSpans": [{"spans": list(spans)}]}

    groups = [group("cart", span("01", "", 3, now)), group("web", span("02", "01", 2, now + 1))]
    return json.dumps({"resourceSpans": groups}).encode()


@pytest.fixture
def stand(shop):
    store = SimStore()
    clock = SimpleNamespace(now=lambda: shop.now, monotonic=lambda: 0.0)
    blueprint = load(shop.text, source="shop.yaml", read=str)
    desk = TraceDesk(store, NoLog(), clock=clock, blueprint=lambda: blueprint)
    view = SimpleNamespace(blueprint=lambda: blueprint, log=None)
    app = make_app(view, version="9", windows=Windows(drift=desk, traces=desk))
    yield SimpleNamespace(desk=desk, client=TestClient(app, base_url="http://localhost"), view=view)
    store.close()


def test_spans_that_are_sent_become_findings(shop, stand):
    reply = stand.client.post("/v1/traces", content=request_of(shop.now), headers=JSON)
    assert (reply.status_code, reply.json()) == (200, {})
    stand.desk.flush(everything=True)
    said = stand.client.get("/api/drift").json()
    assert {"source": "cart", "target": "web", "declared": False, "seen": 1,
            "reading": "undeclared"} in said["rows"]  # fmt: skip


def test_a_packed_request_is_unpacked(shop, stand):
    packed = gzip.compress(request_of(shop.now))
    headers = JSON | {"content-encoding": "gzip"}
    assert stand.client.post("/v1/traces", content=packed, headers=headers).status_code == 200


def test_spans_of_another_time_are_refused_by_number(shop, stand):
    old = request_of(shop.now, shift_us=-8 * shop.day)
    said = stand.client.post("/v1/traces", content=old, headers=JSON).json()
    assert said["partialSuccess"]["rejectedSpans"] == "2"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b'{"resourceSpans":' + b"[" * 5_000 + b"]" * 5_000 + b"}", JSON, 400),
        (b'{"other":' + b"[" * 5_000 + b"]" * 5_000 + b"}", JSON, 400),
        (b"\xff\xff", WIRE, 400),
        (b"{}", JSON | {"content-encoding": "gzip"}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", JSON | {"content-encoding": "br"}, 415),
        (b" " * (BODY_BYTES_MAX + 1), JSON, 413),
        (gzip.compress(b" " * (INFLATED_BYTES_MAX + 1)), JSON | {"content-encoding": "gzip"}, 413),
    ],
)
def test_what_cannot_be_taken_is_told_in_the_encoding_it_came_in(stand, content, headers, status):
    reply = stand.client.post("/v1/traces", content=content, headers=headers)
    assert reply.status_code == status
    is_wire = headers["content-type"] == WIRE["content-type"]
    assert reply.headers["content-type"] == (headers if is_wire else JSON)["content-type"]
    if is_wire:
        assert reply.content[:2] == b"\x08\x03"  # google.rpc.Status, INVALID_ARGUMENT
    else:
        assert reply.json()["message"]


def test_an_empty_message_in_protocol_buffers_is_answered_by_one(stand):
    reply = stand.client.post("/v1/traces", content=b"", headers=WIRE)
    assert (reply.status_code, reply.content) == (200, b"")


def test_a_desk_that_is_full_asks_to_come_again(shop, stand):
    stand.desk._gathering = Gathering(spans_max=2)
    first = stand.client.post("/v1/traces", content=request_of(shop.now), headers=JSON)
    second = stand.client.post("/v1/traces", content=request_of(shop.now), headers=JSON)
    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["retry-after"]) > 0


def test_a_page_in_a_browser_cannot_send_traces(shop, stand):
    headers = JSON | {"origin": "https://elsewhere.example"}
    reply = stand.client.post("/v1/traces", content=request_of(shop.now), headers=headers)
    assert reply.status_code == 403


def test_nothing_is_taken_unless_it_was_asked_for(shop, stand):
    app = make_app(stand.view, version="9", windows=Windows(drift=stand.desk))
    client = TestClient(app, base_url="http://localhost")
    assert client.post("/v1/traces", content=request_of(shop.now), headers=JSON).status_code == 404
