"""The list of calls, one call, one trace: what is asked for is what is shown, and nothing else."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from holdfast.app.receipts import check
from holdfast.audit import CHANGE_FIELDS, RECORD_FIELDS, CallRecord, ChangeRecord, Trust
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.faces.stages import stages_of
from holdfast.faces.web.calls.asking import FIELDS, OUTCOMES, asked_of, place_of
from holdfast.faces.web.calls.listing import ROWS
from holdfast.faces.web.calls.one import LANE, one_view, stage_rows
from holdfast.gateway import RULES
from holdfast.history import HistoryError

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = PARENT[3:35]


def client_of(system, **windows) -> TestClient:
    given = {"history": system.history} | windows
    app = make_app(system, version="9.9.9", vkey=system.vkey, windows=Windows(**given))
    return TestClient(app, base_url="http://localhost", follow_redirects=False)


def rows(text: str) -> list[str]:
    return re.findall(r'<tr role="row" id="call-([^"]+)"', text)


def link(text: str, word: str) -> str | None:
    found = re.search(rf'<a class="button" href="([^"]+)"[^>]*>[^<]*{word}', text)
    return unescape(found[1]) if found else None


@pytest.fixture(scope="module")
def many(fakes):
    """Two pages and a half of calls of two callers. Shared: nobody changes it."""
    system = fakes.FakeSystem()
    numbers = range(2 * ROWS + ROWS // 2, 0, -1)
    calls = [(fakes.seen if number % 2 else fakes.undeclared)(number) for number in numbers]
    system.write(*map(fakes.record_of, calls))
    system.integrate()
    return system


@pytest.fixture(scope="module")
def pages(many):
    """A client of ``many``."""
    return client_of(many)


@pytest.fixture(scope="module")
def busy(fakes):
    """A busy system, nobody changes it, and its client."""
    system = fakes.busy_system()
    return system, client_of(system)


# -- what is asked --------------------------------------------------------------------------------


def test_a_link_asks_again_what_the_form_asked():
    words = {"caller": "a b&c", "outcome": "refused", "since": "2026-11-21T09:41", "tool": "é"}
    asked = asked_of(words)
    parts = urlsplit(asked.link())
    again = {name: found[0] for name, found in parse_qs(parts.query).items()}
    assert parts.path == "/calls"
    assert asked_of(again) == asked


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=40)))
def test_any_form_is_a_question_or_a_problem_that_names_its_field(words):
    asked = asked_of(words)
    for problem in asked.problems:
        assert problem.partition(":")[0] in words
    assert asked_of(dict(asked.words)) == asked


def test_times_of_the_form_are_read_as_utc():
    asked = asked_of({"since": "1970-01-01T00:01", "until": "1970-01-01T01:00+01:00"})
    assert (asked.query.since, asked.query.until) == (60_000_000, 0)


@pytest.mark.parametrize("field", ["since", "until", "trace", "before", "after", "outcome"])
def test_a_word_that_cannot_be_understood_is_said_and_left_out(field, pages):
    response = pages.get("/calls", params={field: "yesterday"})
    assert response.status_code == 200
    assert 'class="problem"' in response.text
    assert len(rows(response.text)) == ROWS


@pytest.mark.parametrize(
    ("pasted", "place"),
    [
        ("01M7YKWY2V0000000000000018", "/calls/01M7YKWY2V0000000000000018"),
        (" 01m7ykwy2v0000000000000018 ", "/calls/01M7YKWY2V0000000000000018"),
        (TRACE.upper(), f"/traces/{TRACE}"),
        (PARENT, f"/traces/{TRACE}"),
    ],
)
def test_a_pasted_id_leads_to_what_it_is_of(pasted, place, pages):
    response = pages.get("/calls", params={"find": pasted})
    assert (response.status_code, response.headers["location"]) == (303, place)


@pytest.mark.parametrize("pasted", ["review-desk", "0" * 32, "//evil.example/", "01M7\r\nx: y"])
def test_what_is_no_id_stays_on_the_list_and_is_told_so(pasted, pages):
    assert place_of(pasted) is None
    response = pages.get("/calls", params={"find": pasted})
    assert response.status_code == 200
    assert "neither the id of a call nor of a trace" in response.text


# -- the list -------------------------------------------------------------------------------------


def test_pages_follow_each_other_by_links_and_show_every_call_once(pages):
    client, shown, place = pages, [], "/calls"
    while place is not None:
        page = client.get(place).text
        shown += rows(page)
        place = link(page, "older")
    assert len(shown) == len(set(shown)) == 2 * ROWS + ROWS // 2
    assert shown == sorted(shown, reverse=True)


def test_newer_leads_back_to_the_page_before(pages):
    client = pages
    first = client.get("/calls").text
    second = client.get(link(first, "older")).text
    third = client.get(link(second, "older")).text
    assert rows(client.get(link(third, "newer")).text) == rows(second)
    assert rows(client.get(link(second, "newer")).text) == rows(first)
    assert link(first, "newer") is None
    assert link(third, "older") is None


def test_words_narrow_the_list_and_stay_in_the_links(pages):
    page = pages.get("/calls", params={"outcome": "refused", "caller": "intake"}).text
    assert len(rows(page)) == ROWS
    assert "✓" not in page.split('id="calls-found"')[1]
    assert "outcome=refused" in (link(page, "older") or "")
    assert "<option selected>refused</option>" in page


def test_a_caller_and_a_callee_lead_to_their_own_calls(pages):
    text = pages.get("/calls").text
    assert 'href="/calls?caller=review-desk"' in text
    assert 'href="/calls?callee=clause-reviewer"' in text


def test_calls_under_way_stand_first_and_those_not_in_the_history_yet_are_there(fakes):
    system = fakes.FakeSystem()
    system.write(fakes.record_of(fakes.seen(9)))
    system.integrate()
    system.in_flight = (fakes.in_flight(20),)
    system.recent = (fakes.seen(5), fakes.seen(9))
    page = client_of(system).get("/calls").text
    expected = [fakes.in_flight(20).call, fakes.seen(5).call, fakes.seen(9).call]
    assert rows(page) == expected
    assert "1 in flight" in page


def test_live_calls_show_only_where_they_fit_and_only_on_the_newest_page(fakes):
    system = fakes.FakeSystem()
    system.write(*(fakes.record_of(fakes.seen(n)) for n in range(2 * ROWS, 0, -1)))
    system.integrate()
    system.in_flight = (fakes.in_flight(9_999),)
    client = client_of(system)
    live = system.in_flight[0].call
    assert live in rows(client.get("/calls?caller=review-desk").text)
    for words in (
        "caller=intake",
        "outcome=answered",
        "tool=x",
        f"trace={TRACE}",
        "since=2027-01-01",
    ):
        assert live not in rows(client.get(f"/calls?{words}").text)
    second = link(client.get("/calls").text, "older")
    assert live not in rows(client.get(second).text)


def test_the_rows_have_their_own_address_and_are_part_of_the_page(pages):
    client = pages
    fragment = client.get("/calls/fragments/list?caller=intake").text
    assert fragment.startswith('<section id="calls-found"')
    squeeze = lambda text: re.sub(r"\s+", " ", text)  # noqa: E731
    assert squeeze(fragment) in squeeze(client.get("/calls?caller=intake").text)


def test_the_newest_page_follows_what_it_was_asked_for_and_older_ones_stand_still(fakes):
    system = fakes.FakeSystem()
    system.write(*(fakes.record_of(fakes.undeclared(n)) for n in range(2 * ROWS, 0, -1)))
    system.integrate()
    client = client_of(system)
    page = client.get("/calls?caller=intake").text
    assert 'hx-sse:connect="/calls/changes?caller=intake"' in page
    system.close()
    body = client.get("/calls/changes?caller=intake").text
    assert body.count('hx-target="#calls-found"') == 1
    assert "hx-sse:connect" not in client.get(link(page, "older") or "").text


def test_an_empty_list_says_what_would_be_there(fakes):
    system = fakes.FakeSystem()
    assert (
        "Every call that is made through Holdfast shows here"
        in client_of(system).get("/calls").text
    )
    assert "Nothing fits" in client_of(system).get("/calls?caller=nobody").text
    assert "No history is kept here" in client_of(system, history=None).get("/calls").text


def test_what_callers_write_is_text_on_every_page(fakes):
    system = fakes.FakeSystem()
    name = "<img src=x onerror=alert(1)>"
    call = fakes.seen(1, resource=name)
    system.write(fakes.record_of(call, session=name, tool=name))
    system.integrate()
    client = client_of(system)
    for place in ("/calls", f"/calls/{call.call}", "/log", "/log/0", f"/calls?callee={name}"):
        assert "<img" not in client.get(place).text, place


# -- one call -------------------------------------------------------------------------------------


def test_one_call_shows_its_states_its_decision_and_where_all_of_it_leads(fakes):
    system = fakes.FakeSystem()
    call = fakes.seen(3)
    system.write(
        fakes.record_of(
            call,
            approver="person:ada",
            attempts=3,
            chain=("spiffe://x/t/default/person/ada",),
            cost=1_250_000_000,
            fallback="desk-asks-writer",
            obligations=("redact",),
            policies=("declared", "office-hours"),
            session="chat 1/2",
            trace=PARENT,
            would_refuse=("strict",),
        )
    )
    system.integrate()
    text = client_of(system).get(f"/calls/{call.call}").text
    for found in (
        "declared, office-hours",
        "redact",
        "strict",
        "person:ada",
        "3: retries, hedges or fallbacks",
        "desk-asks-writer",
        "10 → 20",
        "1.25",
        'href="/agents/sessions/chat%201%2F2"',
        f'href="/traces/{TRACE}"',
        'href="/principals/review-desk"',
        'href="/principals/ada"',
        "holdfast policy explain blueprint.yaml --principal review-desk --action chat --resource",
        'href="/log/0"',
        system.vkey,
    ):
        assert found in text, found
    for stage in ("accept", "authenticate", "authorize", "guard", "route", "send", "write"):
        assert f'<span class="name">{stage}</span>' in text
    assert "812 ms" in text


def test_a_callee_named_in_shell_does_nothing_in_the_command_that_is_shown(fakes):
    record = fakes.record_of(fakes.seen(1, resource="x; rm -rf /"))
    entry = msgspec.structs.asdict(record)
    assert entry["resource"] == "x; rm -rf /"
    system = fakes.FakeSystem()
    system.write(record)
    system.integrate()
    view = one_view(system.log().find(record.call), vkey=None)
    assert view.explain is not None
    assert view.explain.endswith("--resource 'x; rm -rf /'")


def test_every_field_of_the_record_is_explained_and_every_explanation_is_of_a_field(fakes):
    assert set(RECORD_FIELDS) == {field.name for field in msgspec.structs.fields(CallRecord)}
    assert set(CHANGE_FIELDS) == {field.name for field in msgspec.structs.fields(ChangeRecord)}
    record = fakes.record_of(fakes.seen(1))
    system = fakes.FakeSystem()
    system.write(record)
    system.integrate()
    view = one_view(system.log().find(record.call), vkey=None)
    told = {row.name: msgspec.json.decode(row.value) for row in view.entries[0].fields}
    assert told == msgspec.json.decode(view.entries[0].text)


def test_a_refused_call_says_where_why_and_by_which_rule(busy, fakes):
    _, client = busy
    text = client.get(f"/calls/{fakes.undeclared(44).call}").text
    assert "Refused at authorize" in text
    assert 'href="/calls?rule=relationship.undeclared"' in text
    assert RULES["relationship.undeclared"].meaning in text


def test_a_call_under_way_is_shown_as_watchers_see_it(busy):
    system, client = busy
    text = client.get(f"/calls/{system.in_flight[0].call}").text
    assert "In send" in text
    assert "in flight" in text
    assert "verify.js" not in text


def test_a_stream_has_both_its_records_and_its_first_token(fakes):
    system = fakes.FakeSystem()
    call = fakes.seen(1)
    marks = (11, 16, 25, 27, 42, 250_000)
    system.write(
        fakes.record_of(call, event="opened", outcome="open", stages_us=marks),
        fakes.record_of(call, event="closed", stages_us=(*marks, 812_345)),
    )
    system.integrate()
    text = client_of(system).get(f"/calls/{call.call}").text
    assert "after 250 ms" in text
    assert text.count('data-verify="entry"') == 2


def test_a_call_that_was_begun_and_has_no_outcome_is_said_to_become_an_alarm(fakes):
    system = fakes.FakeSystem()
    call = fakes.seen(1)
    system.write(fakes.record_of(call, event="intent", outcome="open"))
    system.integrate()
    text = client_of(system).get(f"/calls/{call.call}").text
    assert "No outcome is recorded yet" in text


def test_a_record_without_a_checkpoint_has_no_proof_to_offer(fakes):
    system = fakes.FakeSystem()
    system.open_log()
    call = fakes.seen(1)
    system.write(fakes.record_of(call))
    text = client_of(system).get(f"/calls/{call.call}").text
    assert "not under a checkpoint yet" in text
    assert "data-verify" not in text


def test_the_proof_can_be_had_and_checked_without_scripts(busy):
    system, client = busy
    call = system.recent[0].call
    text = client.get(f"/calls/{call}").text
    name = f"{call}-12.tlog-proof"
    assert f'href="/api/log/12" download="{name}.entry"' in text
    assert f'href="/api/log/12/proof" download="{name}"' in text
    assert f"holdfast audit verify-receipt {name} --key {system.vkey}" in unescape(text)


def test_the_files_that_the_page_offers_are_what_its_command_checks(busy, tmp_path):
    system, client = busy
    text = unescape(client.get("/log/12").text)
    command = re.search(r"holdfast audit verify-receipt (\S+) --key (\S+?)<", text)
    assert command is not None
    for href, name in re.findall(r'href="([^"]+)" download="([^"]+)"', text):
        (tmp_path / name).write_bytes(client.get(href).content)
    checked = check(tmp_path / command[1], entry=None, trust=Trust.parse(command[2]))
    assert (checked.index, checked.size) == (12, system.log().checkpoint().size)


def test_an_unknown_call_or_trace_is_said_to_be_unknown(pages):
    for place in ("/calls/01M7YKWY2V0000000000000000", f"/traces/{TRACE}", "/traces/none"):
        response = pages.get(place, headers={"accept": "text/html"})
        assert response.status_code == 404
        assert "This cannot be shown" in response.text


def test_a_change_has_no_page_of_a_call_but_its_entry(fakes):
    system = fakes.FakeSystem()
    change = ChangeRecord(
        at=fakes.now, by="ada", change="01M7YKWY2V000000000000CHNG", kind="agent.revoked",
        reason="leaked", subject="agent:x", v=1,
    )  # fmt: skip
    system.write(change)
    system.integrate()
    client = client_of(system)
    response = client.get(f"/calls/{change.change}")
    assert (response.status_code, response.headers["location"]) == (303, "/log/0")
    assert "agent.revoked" in client.get("/log/0").text


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=9).map(sorted),
    st.sampled_from([*OUTCOMES, "open", None]),
)
def test_a_stage_is_drawn_within_its_lane(marks, outcome):
    found = stages_of(tuple(marks), outcome=outcome, rule=None)
    for row in stage_rows(found, total_us=marks[-1]):
        assert 0 <= row.x < LANE
        assert 0 <= row.width <= LANE


# -- one trace ------------------------------------------------------------------------------------


def test_a_trace_shows_all_of_its_calls_in_time(fakes):
    system = fakes.FakeSystem()
    calls = [fakes.seen(30), fakes.undeclared(20), fakes.seen(10)]
    system.write(*(fakes.record_of(call, trace=PARENT) for call in calls))
    system.write(fakes.record_of(fakes.seen(5)))
    system.integrate()
    text = client_of(system).get(f"/traces/{TRACE}").text
    assert re.findall(r'id="call-([^"]+)"', text) == [call.call for call in calls]
    starts = [int(x) for x in re.findall(r'<rect x="(\d+)" y="0" width', text)]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert f'href="/calls?trace={TRACE}">3<' in text
    assert "+2.00 s" in text


def test_a_call_that_brought_no_trace_is_a_trace_of_its_own(busy):
    system, client = busy
    call = system.recent[0].call
    trace = re.search(r'href="(/traces/[0-9a-f]{32})"', client.get(f"/calls/{call}").text)
    assert trace is not None
    assert re.findall(r'id="call-([^"]+)"', client.get(trace[1]).text) == [call]


class Unreadable:
    """A history on a disk that fails."""

    def calls(self, _query):
        raise HistoryError("the disk fails")


def test_where_the_history_cannot_be_read_live_calls_still_show(fakes):
    system = fakes.busy_system()
    text = client_of(system, history=Unreadable()).get("/calls").text
    assert "The history cannot be read" in text
    assert "the disk fails" in text
    assert system.in_flight[0].call in rows(text)
