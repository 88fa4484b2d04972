"""Agents, their sessions, and what in a session deserves a look."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from holdfast.blueprint import load
from holdfast.core import Instant, ulid
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.faces.web.agents.authority import held_by
from holdfast.faces.web.agents.lanes import LEFT, WIDTH, lanes_of
from holdfast.faces.web.agents.patterns import REPEATS_MIN, ROUNDS_MIN, patterns
from holdfast.faces.web.agents.views import stuck_calls
from holdfast.history import Call, Traffic

NOW = 1_795_250_000_000_000
SECOND = 1_000_000
SYSTEM = """
holdfast: 1
name: readers
description: An agent reads.
nodes:
  reader:
    type: ai:agent
    description: Reads.
    facts: {bounds: {steps: 5, tokens: 1000, time_s: 60}}
  library:
    type: ai:mcp-server
    description: Books.
    controls: {upstream: {url: "http://127.0.0.1:1/mcp", dialect: mcp}}
  model: {type: ai:llm, description: Answers., controls: {upstream: {url: "http://127.0.0.1:1/v1", model: m}}}
relationships:
  - {id: reads, connects: [reader, library], protocol: HTTP, description: Reads., controls: {tools: {allow: [open, close]}}}
  - {id: asks, connects: [reader, model], protocol: HTTP, description: Asks.}
"""
BLUEPRINT = load(SYSTEM, source="blueprint.yaml", read=str)


def call(number: int, at_s: float = 0.0, **changes) -> Call:
    at = NOW + int(at_s * SECOND)
    fields = {
        "call": ulid(Instant(at), number.to_bytes(10, "big")),
        "index": number,
        "at": at,
        "principal": "spiffe://x/t/default/agent/other",
        "caller": "other",
        "callee": "model",
        "node": "model",
        "relationship": "asks",
        "action": "generate",
        "tool": None,
        "outcome": "answered",
        "rule": None,
        "status": 200,
        "duration_us": 100_000,
        "first_token_us": None,
        "tokens_in": 10,
        "tokens_out": 5,
        "cost": None,
        "attempts": 1,
        "fallback": None,
        "cached": False,
        "approver": None,
        "on_behalf_of": None,
        "trace": "0" * 32,
        "session": "s",
        "alike": number,
    }
    return Call(**fields | changes)


def found(calls, kind) -> list[str]:
    return [each.text for each in patterns(calls, BLUEPRINT) if each.kind == kind]


def test_the_same_question_again_and_again_is_told():
    asked = [call(n, n, alike=7) for n in range(REPEATS_MIN)]
    assert found(asked, "repeats") == ["asked model the same 3 times within ten minutes"]
    assert found(asked[:-1], "repeats") == []


def test_the_same_question_hours_apart_is_no_loop():
    assert found([call(n, n * 3600, alike=7) for n in range(9)], "repeats") == []


def test_an_answer_from_the_cache_asks_nobody():
    assert found([call(n, n, alike=7, cached=True) for n in range(9)], "repeats") == []


@given(period=st.integers(2, 4), rounds=st.integers(ROUNDS_MIN, 9), before=st.integers(0, 5))
def test_a_circle_is_told_with_its_rounds(period, rounds, before):
    keys = [100 + n for n in range(before)] + [n % period for n in range(period * rounds)]
    told = found([call(n, n, alike=key) for n, key in enumerate(keys)], "circles")
    assert [re.match(r"went round (\d+) times", text)[1] for text in told] == [str(rounds)]


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=40))
def test_questions_that_all_differ_are_no_circle_and_no_repeats(keys):
    calls = [call(n, n, alike=key) for n, key in enumerate(keys)]
    assert not found(calls, "circles")
    assert not found(calls, "repeats")


def test_nothing_is_said_of_calls_that_said_nothing():
    assert patterns([call(n, n, alike=None) for n in range(12)], BLUEPRINT) == ()


def test_a_run_past_the_bounds_that_the_blueprint_declares_is_told():
    calls = [call(n, n, caller="reader") for n in range(6)]
    assert found(calls, "past its bounds") == ["6 steps; the blueprint says that a run ends at 5"]
    assert found([call(n, n) for n in range(6)], "past its bounds") == []


@pytest.mark.parametrize("outcome", ["refused", "failed"])
def test_an_end_that_was_no_answer_is_told(outcome):
    calls = [call(1, 0), call(2, 1, outcome=outcome, rule="some.rule")]
    assert found(calls, "ended badly") == [
        f"its last call, model, was {outcome} (some.rule); nothing followed"
    ]
    assert found([*calls, call(3, 2)], "ended badly") == []


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.integers(0, 10**8), st.sampled_from("abc")),
        min_size=1,
        max_size=30,
    )
)
def test_lanes_keep_the_order_of_time_and_stay_within_the_drawing(spans):
    spans.sort()
    calls = [
        call(n, 0, at=NOW + at, duration_us=took, caller=who)
        for n, (at, took, who) in enumerate(spans)
    ]
    drawn = lanes_of(calls)
    xs = [bar.x for bar in drawn.bars]
    assert xs == sorted(xs)
    assert all(bar.x >= LEFT and bar.x + bar.width <= WIDTH + 20 for bar in drawn.bars)
    assert [lane.name for lane in drawn.lanes] == list(dict.fromkeys(who for _, _, who in spans))


def test_a_long_wait_is_cut_short_and_says_how_long_it_was():
    drawn = lanes_of([call(1, 0), call(2, 3600)])
    assert [gap.text for gap in drawn.gaps] == ["60.0 min"]
    assert drawn.bars[1].width > 100


def test_authority_that_was_never_used_is_named():
    traffic = (
        Traffic(
            caller="reader",
            callee="library",
            relationship="reads",
            calls=3,
            answered=3,
            refused=0,
            failed=0,
            cancelled=0,
            tokens_in=0,
            tokens_out=0,
            cost=0,
            p50_us=None,
            p95_us=None,
            p99_us=None,
            first_token_p95_us=None,
        ),
    )
    held = held_by("reader", BLUEPRINT, traffic, {("reads", "open"): (NOW, "01")})
    assert [(each.relationship, each.is_used, each.unused) for each in held] == [
        ("reads", True, ("close",)),
        ("asks", False, ()),
    ]


def test_a_call_is_stuck_after_a_minute_or_three_times_what_is_usual(fakes):
    system = fakes.FakeSystem()
    system.in_flight = (fakes.in_flight(10),)  # one second
    assert stuck_calls(system.live(), {}) == {}
    system.in_flight = (fakes.in_flight(1200),)  # two minutes
    assert list(stuck_calls(system.live(), {})) == ["review-desk"]
    usual = {("review-desk", "clause-reviewer"): 50 * SECOND}
    assert stuck_calls(system.live(), usual) == {}


def test_an_agent_that_did_nothing_is_there_and_teaches(fakes):
    system = fakes.FakeSystem()
    app = make_app(system, version="9", windows=Windows(history=system.history))
    client = TestClient(app, base_url="http://localhost")
    assert "Summary writer" in client.get("/agents").text
    page = client.get("/agents/summary-writer").text
    assert "writer-asks-reviewer (never called)" in page


def test_a_session_tells_every_call_and_leads_to_each(system, client, fakes):
    told = [fakes.record_of(fakes.seen(n), session="contract-17") for n in (9, 8, 7)]
    system.history.tell(*told)
    assert "/agents/sessions/contract-17" in client.get("/agents").text
    page = client.get("/agents/sessions/contract-17").text
    assert all(f'href="/calls/{record.call}"' in page for record in told)


@pytest.mark.parametrize("path", ["/agents/nobody", "/agents/sessions/none"])
def test_what_is_not_there_is_said_to_people_and_to_programs(path, client):
    page = client.get(path, headers={"accept": "text/html"})
    assert (page.status_code, "This cannot be shown" in page.text) == (404, True)
    assert client.get(path).json()["error"]["code"] == "faces.not-there"


def test_the_list_is_a_fragment_of_its_page(client):
    fragment = client.get("/agents/fragments/list").text
    assert re.sub(r"\s+", " ", fragment) in re.sub(r"\s+", " ", client.get("/agents").text)
