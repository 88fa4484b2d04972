"""Signing in: what opens a session, how long, and what the log is told."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.faces import Deed
from holdfast.faces.entry.entrance import NOTES_BURST, TRIES_BURST
from holdfast.faces.entry.sessions import ABSOLUTE_S, IDLE_S, SESSIONS_MAX
from holdfast.faces.entry.tickets import TICKET_S, TICKETS_MAX

ANN = "user:here:ann"


@pytest.fixture
def ticket(house, people):
    house.access.can[ANN] = people.ADMIN
    return house.entrance.tickets.issue(ANN)


def who(browser):
    """The principal whom a browser is signed in as, None for nobody."""
    answer = browser.get("/api/console/me")
    return answer.json()["principal"] if answer.status_code == 200 else None


def test_a_link_that_is_only_looked_at_is_not_spent(house, ticket):
    browser = house.browser()
    for _ in range(3):
        page = browser.get("/sign-in", params={"token": ticket})
        assert page.status_code == 200
        assert f'value="{ticket}"' in page.text
        assert "set-cookie" not in page.headers
    answer = browser.post("/sign-in", data={"token": ticket, "next": "/calls?rule=a"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls?rule=a")
    assert who(browser) == ANN


def test_a_link_opens_one_session_and_no_second(house, ticket):
    assert house.browser().post("/sign-in", data={"token": ticket}).status_code == 303
    again = house.browser().post("/sign-in", data={"token": ticket})
    assert again.status_code == 403
    assert "entry.sign-in-refused" in again.text
    assert "set-cookie" not in again.headers


def test_a_link_is_good_for_ten_minutes(house, ticket):
    house.clock.turn(TICKET_S)
    assert house.browser().post("/sign-in", data={"token": ticket}).status_code == 403


def test_of_too_many_open_links_the_oldest_ends(house, ticket):
    for _ in range(TICKETS_MAX):
        house.entrance.tickets.issue(ANN)
    assert house.browser().post("/sign-in", data={"token": ticket}).status_code == 403


def test_the_cookie_is_kept_from_scripts_other_hosts_and_plain_connections(house, people, ticket):
    answer = house.browser().post("/sign-in", data={"token": ticket})
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{people.COOKIE}=")
    assert people.COOKIE.startswith("__Host-")
    assert set(attributes) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}


def test_nothing_that_is_kept_opens_a_session(house, ticket):
    browser = house.browser()
    browser.post("/sign-in", data={"token": ticket})
    secret = next(iter(browser.cookies.values()))
    kept = repr(vars(house.entrance.sessions)) + repr(vars(house.entrance.tickets))
    assert secret not in kept
    assert ticket not in kept


def test_signing_in_anew_ends_the_session_before(house, people):
    browser = house.signed_in(ANN)
    before = next(iter(browser.cookies.values()))
    data = {"token": house.entrance.tickets.issue(ANN)}
    assert browser.post("/sign-in", data=data).status_code == 303
    other = house.browser()
    other.cookies.set(people.COOKIE, before)
    assert who(other) is None
    assert who(browser) == ANN


@pytest.mark.parametrize(("looks", "step"), [(1, IDLE_S), (50, IDLE_S / 2)])
def test_a_session_ends_when_it_is_idle_and_in_any_case_after_twelve_hours(house, looks, step):
    browser = house.signed_in(ANN)
    passed = 0.0
    for _ in range(looks):
        house.clock.turn(step)
        passed += step
        assert (who(browser) == ANN) == (step < IDLE_S and passed < ABSOLUTE_S)


def test_signing_out_ends_the_session_and_takes_the_cookie(house, people):
    browser = house.signed_in(ANN)
    secret = next(iter(browser.cookies.values()))
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    thief = house.browser()
    thief.cookies.set(people.COOKIE, secret)
    assert who(thief) is None


def test_of_too_many_sessions_the_one_that_was_idle_longest_ends(house, people):
    first, second = house.signed_in(ANN), house.signed_in(ANN)
    house.clock.turn(1)
    assert who(first) == ANN
    comer = house.providers.comer
    for _ in range(SESSIONS_MAX - 1):
        house.entrance.sessions.open(comer, address="a")
    assert who(first) == ANN
    assert who(second) is None


def test_whoever_has_no_role_gets_no_session(house):
    browser = house.browser()
    answer = browser.post("/sign-in", data={"token": house.entrance.tickets.issue("user:here:eve")})
    assert answer.status_code == 403
    assert "entry.no-role" in answer.text
    assert "set-cookie" not in answer.headers


def test_whoever_loses_every_right_loses_the_session(house):
    browser = house.signed_in(ANN)
    house.access.can[ANN] = frozenset()
    assert who(browser) is None
    house.access.can[ANN] = frozenset(Deed)
    assert who(browser) is None


def test_the_log_is_told_of_coming_and_going(house):
    browser = house.signed_in(ANN)
    house.browser().post("/sign-in", data={"token": "x" * 43})
    browser.post("/sign-out")
    assert house.chronicler.notes == [
        ("person.signed-in", ANN, ANN, "from testclient by a one-time link"),
        ("person.sign-in-failed", "address:testclient", "nobody", "entry.sign-in-refused"),
        ("person.signed-out", ANN, ANN, ""),
    ]


def test_nobody_fills_the_log_with_failures(people, system):
    house = people.House(system)
    tries = NOTES_BURST + TRIES_BURST
    for number in range(tries):
        house.clock.turn(6)  # as fast as one address may try
        assert house.browser().post("/sign-in", data={"token": f"{number}"}).status_code == 403
    assert NOTES_BURST <= len(house.chronicler.notes) < tries
    house.clock.turn(3_600)
    house.browser().post("/sign-in", data={"token": "x"})
    said = [reason for *_, reason in house.chronicler.notes]
    left_out = sum(int(found[1]) for each in said if (found := re.search(r"; (\d+) more", each)))
    assert len(said) + left_out == tries + 1


def test_a_sign_in_that_the_log_cannot_be_told_of_does_not_happen(house, ticket):
    house.chronicler.is_full = True
    browser = house.browser()
    assert browser.post("/sign-in", data={"token": ticket}).status_code == 500
    house.chronicler.is_full = False
    assert who(browser) is None


# -- at a provider -----------------------------------------------------------------------------------


def begun(browser, people, after="/agents"):
    """The state of a login that the browser has begun."""
    answer = browser.get("/sign-in/begin", params={"issuer": people.ISSUER, "next": after})
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{people.HOME}/sign-in/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    return asked["state"][0]


@pytest.fixture
def ann(house, people):
    house.access.can["user:idp:ann"] = people.ADMIN


def test_a_person_comes_back_from_the_provider_to_where_they_were_going(house, people, ann):
    browser = house.browser()
    state = begun(browser, people)
    answer = browser.get("/sign-in/callback", params={"state": state, "code": "c"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/agents")
    assert who(browser) == "user:idp:ann"
    assert browser.get("/api/console/me").json()["groups"] == ["owners"]


def test_a_login_is_finished_once_and_only_by_the_browser_that_began_it(house, people, ann):
    browser, other = house.browser(), house.browser()
    state = begun(browser, people)
    answer = {"state": state, "code": "c"}
    assert other.get("/sign-in/callback", params=answer).status_code == 403
    assert who(other) is None
    assert browser.get("/sign-in/callback", params=answer).status_code == 303
    assert browser.get("/sign-in/callback", params=answer).status_code == 403


def test_an_answer_to_another_login_is_refused_and_spoils_nothing(house, people, ann):
    browser = house.browser()
    state = begun(browser, people)
    answer = browser.get("/sign-in/callback", params={"state": "other", "code": "c"})
    assert answer.status_code == 403
    assert "login.state" in answer.text
    assert who(browser) is None
    assert browser.get("/sign-in/callback", params={"state": state, "code": "c"}).status_code == 303


def test_a_login_that_took_too_long_is_over(house, people, ann):
    browser = house.browser()
    state = begun(browser, people)
    house.clock.turn(601)
    assert browser.get("/sign-in/callback", params={"state": state, "code": "c"}).status_code == 403


def test_the_way_to_a_provider_leads_over_the_consoles_own_name(people, system):
    house = people.House(system, origin="https://console.example")
    answer = house.browser().get("/sign-in/begin", params={"issuer": people.ISSUER})
    assert answer.headers["location"].startswith("https://console.example/sign-in/begin?issuer=")
