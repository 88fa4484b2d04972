"""The control API: what it answers, and how it says that it cannot."""

import json

import msgspec
import pytest
from starlette.testclient import TestClient

from holdfast.audit import Proof, decode_record, encode_record
from holdfast.core import HoldfastError
from holdfast.faces import WaitingCall, errors
from holdfast.faces.errors import STATUSES, FacesError, status_of
from holdfast.faces.service import make_app


def error_of(response) -> dict[str, str]:
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "fix"}
    return body["error"]


def client_of(system) -> TestClient:
    return TestClient(make_app(system, version="9.9.9"), base_url="http://localhost")


def test_healthz_answers_whatever_troubles_the_system(system, client):
    system.reason = "worker 0 is not ready"
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_alarms_tell_the_calls_that_were_begun_and_have_no_outcome(client):
    at = "2026-09-21T14:13:20.000000Z"
    assert client.get("/api/alarms").json() == {
        "alarms": [
            {"call": "01LOST", "event": "intent", "at": at, "index": 7},
            {"call": "01GONE", "event": "intent", "at": at, "index": None},
        ]
    }


def test_readyz_says_why_calls_cannot_be_taken(system, client):
    assert client.get("/readyz").json() == {"status": "ready", "reason": None}
    system.reason = "worker 0 is not ready"
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "not-ready", "reason": "worker 0 is not ready"}


def test_the_blueprint_is_told_whole(system, client):
    body = client.get("/api/blueprint").json()
    assert [node["id"] for node in body["nodes"]] == list(system.declared.nodes)
    assert [r["id"] for r in body["relationships"]] == [r.id for r in system.declared.relationships]
    connects = next(r for r in body["relationships"] if r["id"] == "desk-asks-reviewer")
    assert connects["source"] == "review-desk"
    assert connects["destinations"] == ["clause-reviewer"]
    assert connects["timeouts"]["total_s"] > 0


def test_calls_under_way_and_ended_are_told_apart(system, client):
    body = client.get("/api/calls", params={"limit": 3}).json()
    assert [c["id"] for c in body["in_flight"]] == [c.call for c in system.in_flight]
    assert [c["id"] for c in body["recent"]] == [c.call for c in system.recent[:3]]
    assert body["in_flight"][0]["outcome"] is None
    assert [s["progress"] for s in body["recent"][1]["stages"]][:3] == [
        "passed",
        "passed",
        "refused",
    ]


def test_a_limit_outside_its_bounds_is_said_to_be(client):
    response = client.get("/api/calls", params={"limit": 0})
    assert response.status_code == 422
    assert error_of(response)["code"] == "faces.request-invalid"


def test_a_call_has_its_exact_records(system, client):
    call = system.recent[0]
    body = client.get(f"/api/calls/{call.call}").json()
    (record,) = body["records"]
    assert record["index"] == 12
    assert not record["pending"]
    assert encode_record(decode_record(record["entry"].encode())) == record["entry"].encode()
    assert record["record"].items() >= json.loads(record["entry"]).items()


def test_a_record_that_no_checkpoint_covers_is_pending_and_has_no_proof_yet(system, client, fakes):
    call = fakes.seen(1)
    system.write(fakes.record_of(call))
    (record,) = client.get(f"/api/calls/{call.call}").json()["records"]
    assert record["pending"]
    assert record["index"] is None
    response = client.get(f"/api/calls/{call.call}/proof")
    assert response.status_code == 409
    assert error_of(response)["code"] == "faces.proof-pending"


def test_an_unknown_call_is_not_found_and_the_answer_says_where_ids_come_from(client):
    for path in ("/api/calls/01J0000000000000000000000A", "/api/calls/nonsense/proof"):
        response = client.get(path)
        assert response.status_code == 404
        assert error_of(response)["code"] == "faces.call-unknown"
        assert "x-request-id" in error_of(response)["fix"]


def test_a_proof_holds_without_the_server(system, client, fakes):
    body = client.get(f"/api/calls/{system.recent[3].call}/proof").json()
    (given,) = body["proofs"]
    proof = Proof.parse(given["text"])
    checkpoint = proof.verify(given["entry"].encode(), body["vkey"])
    assert checkpoint.size == 13
    assert [each.hex() for each in proof.hashes] == given["hashes"]
    assert body["vkey"] == fakes.vkey


def test_a_streamed_call_has_a_proof_for_each_record(system, client, fakes):
    call = fakes.seen(2)
    system.write(
        fakes.record_of(call, event="opened", outcome="open"),
        fakes.record_of(call, event="closed"),
    )
    system.integrate()
    body = client.get(f"/api/calls/{call.call}/proof").json()
    assert [proof["index"] for proof in body["proofs"]] == [13, 14]


def test_an_entry_and_its_proof_can_be_had_as_files(client, fakes):
    entry = client.get("/api/log/7").content
    proof = Proof.parse(client.get("/api/log/7/proof").text)
    assert proof.verify(entry, fakes.vkey).size == 13


def test_an_entry_past_the_end_is_not_found(client):
    response = client.get("/api/log/13/proof")
    assert response.status_code == 404
    assert error_of(response)["code"] == "audit.entry-unknown"


def test_the_head_of_the_log_is_told_with_its_key(client, fakes):
    body = client.get("/api/log").json()
    assert body["size"] == 13
    assert len(bytes.fromhex(body["root"])) == 32
    assert body["checkpoint"].startswith("holdfast.example/log\n13\n")
    assert body["vkey"] == fakes.vkey


def test_a_log_that_is_not_there_yet_is_unavailable(fakes):
    response = client_of(fakes.FakeSystem()).get("/api/log")
    assert response.status_code == 503
    assert error_of(response)["code"] == "audit.no-log"


def test_a_damaged_log_is_never_passed_off_as_sound(system, client):
    system.damage()
    response = client.get("/api/log")
    assert response.status_code == 500
    assert error_of(response)["code"].startswith("audit.")


def test_live_streams_the_system_as_json(system, client):
    system.close()
    with client.stream("GET", "/api/live", params={"limit": 2}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        body = b"".join(response.iter_bytes()).decode()
    first = json.loads(body.split("\n\n")[0].removeprefix("data: "))
    assert first["totals"]["calls"] == system.totals.calls
    assert len(first["recent"]) == 2
    assert len(first["workers"]) == 4


def test_live_says_once_what_a_change_said(system, client):
    system.close()
    body = client.get("/api/live").text
    assert all(line.startswith("data: {") for line in body.strip().split("\n\n"))


def test_upstreams_are_told_with_the_nodes_they_answer_for(system, client):
    body = client.get("/api/upstreams").json()
    assert [each["state"] for each in body["upstreams"]] == [u.state for u in system.upstreams]
    assert body["upstreams"][0]["first_token_ms"] == system.upstreams[0].first_token_ms
    first, second = body["nodes"]
    assert (first["node"], first["queued"], first["retries"]) == ("clause-reviewer", 2, 41)
    assert (second["shed"], second["cache_misses"]) == (0, 0)


def test_budgets_are_told_with_the_instant_at_which_they_reset(system, client):
    body = client.get("/api/budgets").json()
    assert [each["account"] for each in body["budgets"]] == [b.account for b in system.budgets]
    assert body["budgets"][0]["resets_at"].startswith("2026-11-22T00:00:00")


def test_live_tells_what_upstreams_and_budgets_tell(system, client):
    system.close()
    body = client.get("/api/live").text
    first = json.loads(body.split("\n\n")[0].removeprefix("data: "))
    upstreams, budgets = client.get("/api/upstreams").json(), client.get("/api/budgets").json()
    assert (first["nodes"], first["upstreams"]) == (upstreams["nodes"], upstreams["upstreams"])
    assert first["budgets"] == budgets["budgets"]


def test_an_unknown_path_or_method_has_the_shape_of_every_error(client):
    missing, changing = client.get("/nowhere"), client.post("/api/calls")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "faces.path-unknown")
    assert (changing.status_code, error_of(changing)["code"]) == (405, "faces.method-refused")


def test_a_fault_of_ours_tells_nothing_of_its_inside(system, app):
    system.declared = None
    client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
    response = client.get("/api/blueprint")
    assert (response.status_code, error_of(response)["code"]) == (500, "faces.failed")
    assert "NoneType" not in response.text


def test_every_error_of_the_faces_has_its_own_row_and_code():
    own = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, FacesError) and each is not FacesError
    ]
    rows = [kind for kind, _ in STATUSES]
    assert [each for each in own if each not in rows] == []
    assert len({each.code for each in own}) == len(own)
    assert all(each.code.startswith(("faces.", "entry.", "console.")) for each in own)
    assert status_of(HoldfastError("anything")) == 500


def test_no_row_of_the_error_table_hides_a_later_one():
    for i, (kind, _) in enumerate(STATUSES):
        assert not any(issubclass(kind, earlier) for earlier, _ in STATUSES[:i])


@pytest.mark.parametrize("path", ["/api/calls", "/api/live", "/", "/fragments/calls"])
def test_no_answer_carries_what_anybody_said(path, system, client):
    system.close()
    text = client.get(path).text
    assert "hmac-sha256" not in text


def test_records_carry_digests_and_never_text():
    names = {field.name for field in msgspec.structs.fields(_record_type())}
    assert not names & {"message", "messages", "content", "text", "body"}


def _record_type():
    from holdfast.audit import CallRecord

    return CallRecord


def waiting(tool="pay"):
    return WaitingCall(
        call="01KAAAAAAAAAAAAAAAAAAAAAAA",
        groups=("owners",),
        principal="spiffe://holdfast.local/t/t/agent/clerk",
        on_behalf_of="user:x:ann",
        action="call",
        callee="bank",
        tool=tool,
        relationship="clerk-pays",
        policies=("payments-need-an-owner",),
        since=1_795_000_000_000_000,
        until=1_795_000_300_000_000,
    )


def test_what_waits_for_a_person_is_told_and_nothing_of_what_was_said(system, client):
    system.approvals = (waiting(),)
    (one,) = client.get("/api/approvals").json()["approvals"]
    assert (one["groups"], one["callee"], one["tool"]) == (["owners"], "bank", "pay")
    assert "content" not in one
    assert one["until"] > one["since"]


def test_the_console_tells_the_command_that_decides_and_decides_nothing(system, client):
    system.approvals = (waiting(tool="<b>pay</b>"),)
    html = client.get("/approvals/fragments/held").text
    assert "holdfast approvals show 01KAAAAAAAAAAAAAAAAAAAAAAA" in html
    assert "<b>pay" not in html
    assert "<form" not in html
    assert client.post("/api/approvals").status_code == 405
