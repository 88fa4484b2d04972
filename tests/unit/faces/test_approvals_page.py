"""The approvals page: all that a person needs to decide, for those who decide; one form, one click."""

import asyncio
from types import SimpleNamespace

import pytest

from holdfast.core import Instant
from holdfast.faces import Deed, WaitingCall
from holdfast.faces.web.approvals.views import (
    CONTENT_SHOWN_MAX,
    HELD_MAX,
    decided_rows,
    held_view,
)
from holdfast.history import Moment

ANN = "user:here:ann"
CALL = "01KAAAAAAAAAAAAAAAAAAAAAAA"
SCRIPT = '<script>alert("x")</script>'
HTML = {"accept": "text/html"}


def waiting(call=CALL, **more):
    known = {
        "groups": ("owners",),
        "principal": "spiffe://holdfast.local/t/default/agent/clerk",
        "on_behalf_of": "user:idp:bob",
        "action": "call",
        "callee": "bank",
        "tool": "pay",
        "relationship": "clerk-pays",
        "policies": ("pays",),
        "since": 1_795_250_096_000_000,
        "until": 1_795_250_396_000_000,
    }
    return WaitingCall(call=call, **{**known, **more})


@pytest.fixture
def held(house, people):
    house.system.approvals = (waiting(),)
    house.acting.questions[CALL] = people.question(CALL, content=SCRIPT)
    return house


def test_whoever_decides_sees_all_that_is_known_and_none_of_it_as_markup(held):
    text = held.signed_in(ANN).get("/approvals", headers=HTML).text
    for word in ("clerk", "call bank / pay", "user:idp:bob", "payments are approved", "pays"):
        assert word in text
    assert SCRIPT not in text
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in text


@pytest.mark.parametrize("can", [{Deed.VIEW}, {Deed.VIEW, Deed.OPERATE, Deed.ADMINISTER}])
def test_whoever_does_not_decide_sees_that_it_waits_and_nothing_of_what_would_be_sent(can, held):
    browser = held.signed_in(ANN, can=can)
    for path in ("/approvals", "/approvals/fragments/held"):
        text = browser.get(path, headers=HTML).text
        assert "call bank / pay" in text
        assert "alert" not in text
        assert "payments are approved" not in text
        assert "<button" not in text.partition('id="held"')[2].partition("</div>")[0]


def test_without_anything_that_acts_the_page_names_the_command(people, system, client):
    system.approvals = (waiting(),)
    text = client.get("/approvals").text
    assert f"holdfast approvals show {CALL}" in text
    assert "<form" not in text


@pytest.mark.parametrize(
    ("button", "is_yes", "said"), [("yes", True, "goes on"), ("no", False, "refused")]
)
def test_one_click_decides_with_the_reason_and_the_name_of_whoever_clicked(
    button, is_yes, said, held
):
    browser = held.signed_in(ANN)
    mark = browser.headers.pop("x-csrf-token")
    assert f'name="csrf" value="{mark}"' in browser.get("/approvals", headers=HTML).text
    held.system.approvals = ()
    form = {button: CALL, "reason": " it is\nright ", "csrf": mark}
    answer = browser.post("/approvals/decide", data=form)
    assert answer.status_code == 303
    assert held.acting.done == [("decide", ANN, CALL, is_yes, "it is right")]
    assert said in browser.get(answer.headers["location"], headers=HTML).text


def test_enter_in_the_reason_decides_about_no_call(held):
    text = held.signed_in(ANN).get("/approvals", headers=HTML).text
    form = text.partition('<form id="decide"')[2]
    # Browsers press the form's first button on Enter, and none where that is disabled.
    assert form.partition("<button")[2].startswith(" disabled hidden>")


def test_a_yes_that_is_not_the_last_says_so(held):
    browser = held.signed_in(ANN)
    answer = browser.post("/approvals/decide", data={"yes": CALL, "reason": "r"})
    assert answer.headers["location"] == "/approvals?done=waits"


@pytest.mark.parametrize(
    "form",
    [
        {"yes": CALL},
        {"yes": CALL, "reason": "  "},
        {"yes": CALL, "reason": "r" * 501},
        {"reason": "r"},
        {"yes": CALL, "no": CALL, "reason": "r"},
        {"yes": "", "reason": "r"},
    ],
)
def test_a_form_without_a_reason_or_a_clear_word_decides_nothing(form, held):
    answer = held.signed_in(ANN).post("/approvals/decide", data=form)
    assert answer.status_code == 422
    assert held.acting.done == []


def test_what_no_longer_waits_is_told_on_a_page(held):
    browser = held.signed_in(ANN)
    form = {"yes": "01GONE", "reason": "r"}
    answer = browser.post("/approvals/decide", data=form, headers=HTML)
    assert answer.status_code == 404
    assert "approval.unknown" in answer.text
    assert "<html" in answer.text


def test_every_page_tells_how_many_calls_wait(held):
    text = held.signed_in(ANN, can={Deed.VIEW}).get("/", headers=HTML).text
    assert '<span class="count-badge">1<span class="unseen"> waiting</span></span>' in text


def test_the_stream_of_those_who_only_look_is_another_than_of_those_who_decide(people, system):
    house = people.House(system)
    house.system.approvals = (waiting(),)
    house.acting.questions[CALL] = people.question(CALL, content="secret-content")
    cookies = []
    for can in ({Deed.VIEW, Deed.APPROVE}, {Deed.VIEW}):
        browser = house.signed_in(f"user:here:{len(can)}", can=can)
        cookies.append(f"{people.COOKIE}={next(iter(browser.cookies.values()))}")

    async def both():
        return [await first_event(house.app, cookie) for cookie in cookies]

    decides, looks = asyncio.run(both())
    assert "secret-content" in decides
    assert "secret-content" not in looks
    assert "call bank / pay" in looks
    assert "csrf" not in decides + looks


async def first_event(app, cookie):
    """The first event of the page's stream."""
    got = asyncio.get_running_loop().create_future()
    asked = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not asked:
            await got
            return {"type": "http.disconnect"}
        return asked.pop()

    async def send(message):
        if message["type"] == "http.response.body" and message["body"] and not got.done():
            got.set_result(message["body"].decode())

    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/approvals/changes",
        "raw_path": b"/approvals/changes",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("testclient", 1),
        "server": ("localhost", 443),
    }
    async with asyncio.timeout(20):
        await app(scope, receive, send)
    return got.result()


# -- pure ----------------------------------------------------------------------------------------------


def live(approvals, now=1_795_250_096_000_000):
    return SimpleNamespace(approvals=approvals, at=now)


@pytest.mark.parametrize(
    ("left_s", "told", "is_urgent"),
    [
        (300, "about 5 min left", False),
        (121, "about 2 min left", False),
        (119, "less than 120 s left", False),
        (59, "less than 60 s left", True),
        (3, "less than 10 s left", True),
        (-5, "less than 10 s left", True),
    ],
)
def test_the_time_left_is_told_in_steps(left_s, told, is_urgent):
    now = 1_795_250_396_000_000 - left_s * 1_000_000
    (row,) = held_view(live((waiting(),), now), {}, may_decide=False, may_act=True).rows
    assert (row.left, row.is_urgent) == (told, is_urgent)


def test_long_lists_and_long_content_are_bounded_and_say_so(people):
    many = tuple(waiting(f"01K{number:023}") for number in range(HELD_MAX + 7))
    questions = {many[0].call: people.question(many[0].call, content="x" * 9_999, content_bytes=12)}
    view = held_view(live(many), questions, may_decide=True, may_act=True)
    assert (len(view.rows), view.more) == (HELD_MAX, 7)
    assert view.rows[0].asked is not None
    assert len(view.rows[0].asked.content) == CONTENT_SHOWN_MAX
    assert view.rows[0].asked.rest == "The whole request has 12 bytes."


def test_decisions_of_before_come_from_the_history():
    def moment(kind):
        return Moment(at=Instant(1_795_250_096_000_000), kind=kind, subject=CALL, text="t", by=ANN)

    rows = decided_rows(map(moment, ("approval.given", "approval.denied", "approval.asked")))
    assert [(row.is_yes, row.call, row.by) for row in rows] == [
        (True, CALL, ANN),
        (False, CALL, ANN),
    ]
