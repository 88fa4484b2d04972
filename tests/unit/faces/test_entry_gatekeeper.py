"""Who may ask for what: deny by default, by role, from our own pages, not too often."""

import asyncio
import re

import pytest
from starlette.routing import Mount, Route

from holdfast.faces import Deed
from holdfast.faces.entry import SAFE, is_named, needed
from holdfast.faces.entry.gatekeeper import POSTS_BURST

ANN = "user:here:ann"
CALL = "01KAAAAAAAAAAAAAAAAAAAAAAA"
OPEN = {
    "/healthz",
    "/readyz",
    "/sign-in",
    "/sign-in/begin",
    "/sign-in/callback",
    "/log/checkpoint",
    "/log/witnessed",
    "/log/witnessed/checkpoint",
    "/log/tile/{path:path}",
    "/log/witnessed/tile/{path:path}",
    "/api/status-list",
}
REVOKE = {"kind": "agent", "subject": "clerk", "reason": "seen"}


def routes(app):
    """Every method and path of the application, included routers' too."""
    for route in app.routes:
        if isinstance(route, Mount):
            continue
        if not isinstance(route, Route):
            yield from routes(route.original_router)
            continue
        for method in sorted(route.methods or ()):
            yield method, route.path


def filled(path):
    return re.sub(r"\{[^}]*\}", "x", path)


def test_whatever_is_not_named_open_asks_for_a_sign_in(house):
    browser = house.browser()
    shut = 0
    for method, path in routes(house.app):
        if path in OPEN and (method in SAFE or path == "/sign-in"):
            continue
        answer = browser.request(method, filled(path))
        assert answer.status_code == 401, (method, path)
        assert "holdfast" in answer.headers["www-authenticate"]
        shut += 1
    assert shut > 30


def test_what_changes_something_stands_in_the_table_of_deeds(house):
    for method, path in routes(house.app):
        if method not in SAFE:
            assert is_named(filled(path)), (method, path)


def test_a_path_that_nobody_thought_of_is_for_administrators():
    assert needed("POST", "/api/new") == Deed.ADMINISTER
    assert needed("PATCH", "/") == Deed.ADMINISTER
    assert needed("GET", "/new") == Deed.VIEW


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("/", "/sign-in"),
        ("/calls?rule=a%26b", "/sign-in?next=%2Fcalls%3Frule%3Da%2526b"),
        ("/agents/../calls", "/sign-in?next="),
        ("//evil.example/", "/sign-in"),
    ],
)
def test_a_person_is_led_to_the_sign_in_page_and_back(path, after, house):
    answer = house.browser().get(f"https://localhost{path}", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(after)


def test_a_script_of_a_page_hears_where_to_sign_in(house):
    headers = {"hx-request": "true", "accept": "text/html"}
    answer = house.browser().get("/fragments/totals", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_the_sign_in_page_tells_strangers_nothing_of_the_system(house, system):
    text = house.browser().get("/sign-in").text
    assert system.blueprint().name not in text
    assert "waiting" not in text


@pytest.mark.parametrize(
    ("can", "path", "form"),
    [
        ({Deed.OPERATE}, "/api/revocations", REVOKE),
        ({Deed.OPERATE}, "/api/revocations/01X/lift", {"reason": "r"}),
        ({Deed.OPERATE}, "/api/restart", {"reason": "r"}),
        ({Deed.APPROVE}, f"/api/approvals/{CALL}", {"decision": "yes", "reason": "r"}),
        ({Deed.ADMINISTER}, "/api/console/tokens", {"role": "viewer"}),
    ],
)
def test_each_deed_is_for_those_who_may_do_it_and_nobody_else(can, path, form, house, people):
    house.acting.questions[CALL] = people.question(CALL)
    others = frozenset(Deed) - can
    assert house.signed_in(ANN, can=others).post(path, json=form).status_code == 403
    assert house.acting.done == []
    assert house.signed_in("user:here:bea", can=can).post(path, json=form).status_code == 200
    assert [each[1] for each in house.acting.done] in (["user:here:bea"], [])


def test_what_would_be_sent_is_for_those_who_decide(house, people):
    house.acting.questions[CALL] = people.question(CALL)
    path = f"/api/approvals/{CALL}"
    assert house.signed_in(ANN, can={Deed.VIEW}).get(path).status_code == 403
    assert house.signed_in("user:here:b", can={Deed.APPROVE}).get(path).json()["tool"] == "pay"


def test_everybody_may_look_at_an_open_console_and_do_nothing(people, system):
    house = people.House(system, is_open=True)
    stranger = house.browser()
    assert stranger.get("/").status_code == 200
    assert stranger.get("/metrics").status_code == 200
    for path, form in (("/api/revocations", REVOKE), ("/api/restart", {"reason": "r"})):
        assert stranger.post(path, json=form).status_code == 401
    assert stranger.get(f"/api/approvals/{CALL}").status_code == 401
    assert stranger.get("/api/console/sessions").status_code == 401
    assert house.acting.done == []


# -- from our own pages --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "", "wrong", "é" * 10])
def test_a_change_without_the_mark_of_the_sessions_own_page_is_refused(given, house):
    browser = house.signed_in(ANN)
    del browser.headers["x-csrf-token"]
    headers = {} if given is None else {"x-csrf-token": given.encode()}
    answer = browser.post("/api/restart", json={"reason": "r"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "entry.forgery")
    fields = {"reason": "r", **({} if given is None else {"csrf": given})}
    assert browser.post("/acts/restart", data=fields).status_code == 403
    assert house.acting.done == []


def test_the_mark_of_another_session_counts_for_nothing(house):
    browser, other = house.signed_in(ANN), house.signed_in("user:here:eve")
    mark = other.headers["x-csrf-token"]
    answer = browser.post("/api/restart", json={"reason": "r"}, headers={"x-csrf-token": mark})
    assert answer.status_code == 403


def test_the_mark_may_stand_in_a_header_or_in_the_form(house):
    browser = house.signed_in(ANN)
    mark = browser.headers.pop("x-csrf-token")
    form = {"reason": "form", "csrf": mark, "next": "/agents"}
    answer = browser.post("/acts/restart", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents")
    browser.post("/api/restart", json={"reason": "header"}, headers={"x-csrf-token": mark})
    assert [each[2] for each in house.acting.done] == ["form", "header"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://localhost"},
        {"origin": "https://localhost", "sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
        {},
    ],
)
def test_a_page_of_ours_may_change_something(headers, house):
    browser = house.signed_in(ANN)
    answer = browser.post("/api/restart", json={"reason": "r"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "https://localhost:3000"},
        {"origin": "https://localhost:3000", "sec-fetch-site": "same-site"},
        {"origin": "null"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "https://localhost", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_origin_changes_nothing_even_with_the_mark(headers, house):
    browser = house.signed_in(ANN)
    answer = browser.post("/api/restart", json={"reason": "r"}, headers=headers)
    assert answer.status_code == 403
    assert house.acting.done == []


def test_the_name_behind_a_proxy_is_ours_and_no_other(people, system):
    house = people.House(system, origin="https://console.example")
    browser = house.signed_in(ANN)
    for host, status in (("console.example", 200), ("evil.example", 421)):
        answer = browser.get("/api/console/me", headers={"host": host})
        assert answer.status_code == status
    answer = browser.get("/healthz", headers={"host": "console.example"})
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


# -- programs ------------------------------------------------------------------------------------------


def test_a_program_shows_its_token_and_needs_no_mark(house):
    program = house.program(can={Deed.VIEW, Deed.OPERATE})
    assert program.get("/metrics").status_code == 200
    assert program.post("/api/restart", json={"reason": "r"}).status_code == 200


def test_a_program_gets_no_power_of_a_cookie(house):
    browser = house.signed_in(ANN)
    program = house.program(can={Deed.VIEW})
    browser.headers["authorization"] = program.headers["authorization"]
    assert browser.post("/api/restart", json={"reason": "r"}).status_code == 403
    browser.headers["authorization"] = "Bearer wrong"
    assert browser.get("/metrics").status_code == 401


@pytest.mark.parametrize("said", ["Bearer wrong", "Basic eDp5", "Bearer", "hfc_token"])
def test_a_token_that_is_none_opens_nothing_even_on_an_open_console(said, people, system):
    house = people.House(system, is_open=True)
    house.program(can=frozenset(Deed))
    browser = house.browser()
    assert browser.get("/metrics", headers={"authorization": said}).status_code == 401


# -- how often -----------------------------------------------------------------------------------------


def test_changes_of_one_session_are_counted_and_those_of_another_apart(house):
    browser = house.signed_in(ANN)
    answers = [browser.post("/api/restart", json={"reason": "r"}) for _ in range(POSTS_BURST + 1)]
    assert [each.status_code for each in answers] == [200] * POSTS_BURST + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    other = house.signed_in("user:here:bea")
    assert other.post("/api/restart", json={"reason": "r"}).status_code == 200
    house.clock.turn(2)
    assert browser.post("/api/restart", json={"reason": "r"}).status_code == 200


# -- streams -------------------------------------------------------------------------------------------


class Watcher:
    """A stream asked for over ASGI itself; ``over`` is set when it has ended."""

    def __init__(self, app, path, headers):
        self._app, self._path, self._headers = app, path, headers
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def watch(self):
        asked = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if not asked:
                await asyncio.Event().wait()
            return asked.pop()

        async def send(message):
            self.begun.set()

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost"), *self._headers],
            "client": ("testclient", 1),
            "server": ("localhost", 443),
        }
        await self._app(scope, receive, send)
        self.over.set()


@pytest.mark.parametrize("end", ["sign-out", "revoked", "other rights"])
def test_a_stream_ends_with_the_session_that_watches_it(end, system, people, monkeypatch):
    house = people.House(system)
    monkeypatch.setattr("holdfast.faces.entry.gatekeeper.STREAM_LOOK_S", 0.01)
    browser = house.signed_in(ANN)
    secret = next(iter(browser.cookies.values()))
    watcher = Watcher(house.app, "/api/live", [(b"cookie", f"{people.COOKIE}={secret}".encode())])

    async def main():
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(watcher.watch())
            await watcher.begun.wait()
            assert not watcher.over.is_set()
            if end == "sign-out":
                house.entrance.sessions.end(house.entrance.sessions.list()[0])
            else:
                house.access.can[ANN] = (
                    frozenset() if end == "revoked" else frozenset({Deed.APPROVE})
                )
            await watcher.over.wait()

    asyncio.run(main())
