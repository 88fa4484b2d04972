"""The control API of the past: what is asked for is what is told, and nonsense is told to be that."""

from urllib.parse import quote

import pytest

from holdfast.core import Instant, rfc3339
from holdfast.history import Moment

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def got(client, path: str, **asked: object) -> dict:
    response = client.get(path, params=asked)
    assert response.status_code == 200, response.text
    return response.json()


def ids(reply: dict) -> list[str]:
    return [each["id"] for each in reply["calls"]]


def test_calls_are_found_by_who_called_what_and_how_it_ended(system, client):
    asked = {"caller": "summary-writer", "outcome": "failed", "rule": "upstream.timeout"}
    (found,) = got(client, "/api/history/calls", **asked)["calls"]
    assert (found["callee"], found["status"]) == ("clause-reviewer", 504)
    assert found["index"] is not None
    assert ids(got(client, "/api/history/calls", caller="nobody")) == []


def test_pages_go_back_and_forth_without_a_gap(system, client):
    everything = ids(got(client, "/api/history/calls"))
    first = got(client, "/api/history/calls", limit=5)
    second = got(client, "/api/history/calls", limit=5, before=first["more"])
    assert ids(first) + ids(second) == everything[:10]
    back = got(client, "/api/history/calls", limit=5, after=ids(second)[0])
    assert ids(back) == ids(first)
    assert got(client, "/api/history/calls", limit=500)["more"] is None


def test_times_are_of_the_calls_beginning_and_have_a_zone(system, client):
    newest = got(client, "/api/history/calls", limit=1)["calls"][0]["at"]
    since = got(client, "/api/history/calls", since=newest)
    until = got(client, "/api/history/calls", until=newest)
    assert len(ids(since)) == 1
    assert len(ids(until)) == len(ids(got(client, "/api/history/calls"))) - 1
    assert client.get("/api/history/calls", params={"since": "2026-01-01"}).status_code == 422


def test_a_trace_has_the_calls_that_brought_it(system, fakes, client):
    calls = [fakes.seen(n) for n in (1, 2)]
    system.write(*(fakes.record_of(each, trace=PARENT) for each in calls))
    reply = got(client, f"/api/traces/{TRACE.upper()}")
    assert (reply["trace"], ids(reply)) == (TRACE, [each.call for each in calls])
    begun = got(client, "/api/history/calls", caller="intake")["calls"][0]
    assert ids(got(client, f"/api/traces/{begun['trace']}")) == [begun["id"]]
    assert client.get("/api/traces/" + "0" * 32).status_code == 404
    assert client.get("/api/traces/none").status_code == 422


@pytest.mark.parametrize("name", ["talk-1", "tasks/7", "what? & why"])
def test_a_session_is_found_by_any_name(system, fakes, client, name):
    system.write(fakes.record_of(fakes.seen(1), session=name))
    (listed,) = got(client, "/api/sessions", agent="review-desk")["sessions"]
    assert got(client, f"/api/sessions/{quote(name)}") == listed
    assert (listed["session"], listed["calls"], listed["agents"]) == (name, 1, ["review-desk"])
    assert client.get("/api/sessions/another").status_code == 404


def test_traffic_and_series_tell_the_last_hour_where_no_time_is_given(system, client):
    calls = len(ids(got(client, "/api/history/calls")))
    assert sum(each["calls"] for each in got(client, "/api/traffic")["pairs"]) == calls
    points = got(client, "/api/series", measure="calls", step_s=600)["points"]
    assert sum(each["value"] for each in points) == calls
    long_ago = {"since": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}
    assert got(client, "/api/traffic", **long_ago)["pairs"] == []


def test_more_steps_than_a_series_has_are_refused(system, client):
    asked = {"measure": "calls", "since": "2001-01-01T00:00:00Z"}
    response = client.get("/api/series", params=asked)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "history.bad-query")


def test_moments_are_told_by_kind(system, fakes, client):
    at = fakes.now - 1
    system.history.note(
        Moment(at=at, kind="worker.gone", subject="worker 1", text=""),
        Moment(at=at, kind="upstream.open", subject="clause-reviewer", text="was up"),
    )
    (found,) = got(client, "/api/moments", kind="worker")["moments"]
    assert (found["kind"], found["at"]) == ("worker.gone", rfc3339(Instant(at)))


def test_how_far_the_history_reaches_is_told(system, client):
    reply = got(client, "/api/history")
    assert reply["calls"] == reply["upto"] == len(ids(got(client, "/api/history/calls")))
    assert reply["oldest"] == got(client, "/api/history/calls")["calls"][-1]["at"]
