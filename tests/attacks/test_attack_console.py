"""The console's door: cookies that others put there, pages elsewhere, links that are used twice, guesses.

On the real application with made-up people around it: `tests/unit/faces/fake_people.py`.
"""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import pytest

FACES = Path(__file__).parents[1] / "unit" / "faces"
VICTIM, EVE = "user:here:ann", "user:here:eve"
FORM = {"kind": "tenant", "subject": "default", "reason": "r"}
HTML = {"accept": "text/html"}


def _loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, FACES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def people() -> Any:
    return _loaded("fake_people").people


@pytest.fixture(scope="module")
def lasting_house(people: Any) -> Any:
    return people.House(_loaded("fake_system").fakes.busy_system())


@pytest.fixture
def house(lasting_house: Any) -> Any:
    lasting_house.a_week_later()
    return lasting_house


def secret_of(browser: Any) -> str:
    return next(iter(browser.cookies.values()))


def who(house: Any, cookie: str) -> str | None:
    answer = house.browser().get("/api/console/me", headers={"cookie": cookie})
    return answer.json()["principal"] if answer.status_code == 200 else None


def test_attack_21_a_cookie_that_a_page_beside_ours_has_put_there_counts_for_nothing(
    house: Any, people: Any
) -> None:
    """Cookie tossing: browsers send both; whichever is meant, neither is taken."""
    victim, eve = secret_of(house.signed_in(VICTIM)), secret_of(house.signed_in(EVE))
    name = people.COOKIE
    assert who(house, f"{name}={victim}") == VICTIM
    for tossed in (f"{name}={eve}; {name}={victim}", f"{name}={victim}; {name}={eve}"):
        assert who(house, tossed) is None
    # Without the prefix a subdomain or plain http could have set it.
    assert who(house, f"holdfast={victim}") is None
    assert who(house, f"{name.lower()}={victim}") is None


def test_attack_22_a_session_that_was_planted_before_is_not_the_one_that_is_signed_in(
    house: Any, people: Any
) -> None:
    """Session fixation: the secret changes at every sign-in, and one of the attacker's making is
    nobody's."""
    planted = "A" * 43
    browser = house.browser()
    browser.cookies.set(people.COOKIE, planted, domain="localhost.local", path="/")
    house.access.can[VICTIM] = people.ADMIN
    answer = browser.post(
        "/sign-in",
        data={"token": house.entrance.tickets.issue(VICTIM)},
        headers={"cookie": f"{people.COOKIE}={planted}"},
    )
    given = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert given != planted
    assert who(house, f"{people.COOKIE}={planted}") is None
    assert who(house, f"{people.COOKIE}={given}") == VICTIM


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost.evil.example"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
        {},
    ],
)
@pytest.mark.parametrize("kind", ["form", "text", "json"])
def test_attack_23_a_page_elsewhere_changes_nothing_with_the_victims_cookie(
    headers: dict[str, str], kind: str, house: Any
) -> None:
    """CSRF: such a page may send forms and plain text, with the cookie, and cannot read our pages."""
    browser = house.signed_in(VICTIM)
    del browser.headers["x-csrf-token"]
    body: dict[str, Any] = {"json": FORM}
    if kind == "form":
        body = {"data": FORM}
    if kind == "text":
        body = {"content": '{"kind":"tenant","subject":"default","reason":"r"}'}
        headers = {**headers, "content-type": "text/plain"}
    for path in ("/api/revocations", "/acts/revoke", "/sign-out", "/api/console/tokens"):
        assert browser.post(path, headers=headers, **body).status_code == 403
    assert house.acting.done == []
    assert len(house.entrance.sessions.list()) == 1


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%5cevil.example/..//evil.example",
        "/\n//evil.example",
        "javascript:alert(1)",
        "/sign-out",
    ],
)
def test_attack_24_signing_in_leads_to_no_page_elsewhere(
    after: str, house: Any, people: Any
) -> None:
    """Open redirect."""
    house.access.can[VICTIM] = people.ADMIN
    browser = house.browser()
    data = {"token": house.entrance.tickets.issue(VICTIM), "next": after}
    landed = browser.post("/sign-in", data=data).headers["location"]
    assert landed.startswith("/")
    assert not landed.startswith(("//", "/\\", "/sign-"))
    page = browser.get("/sign-in", params={"next": after}, headers=HTML).text
    assert 'href="javascript' not in page
    assert 'href="//' not in page
    assert 'href="https://evil' not in page


def test_attack_25_a_link_that_was_used_is_worth_nothing_and_stands_in_no_log(
    house: Any, people: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    house.access.can[VICTIM] = people.ADMIN
    token = house.entrance.tickets.issue(VICTIM)
    browser = house.browser()
    page = browser.get("/sign-in", params={"token": token}, headers=HTML)
    # Nothing that the page loads or links to hears of the address that it stands at.
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "http" not in page.text.replace("http-equiv", "").partition("<main")[2]
    assert browser.post("/sign-in", data={"token": token}).status_code == 303
    for _ in range(3):
        assert house.browser().post("/sign-in", data={"token": token}).status_code == 403
    printed = capsys.readouterr()
    # The client of this test tells of its own requests; nothing of ours may.
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert token not in repr([each.getMessage() for each in ours]) + printed.out + printed.err
    assert token not in repr(house.chronicler.notes)


def test_attack_26_guesses_are_few_and_one_who_guesses_shuts_nobody_else_out(
    house: Any, people: Any
) -> None:
    """Brute force of links and tokens from one address: refused after a few, right ones too."""
    house.access.can[VICTIM] = people.ADMIN
    token = house.entrance.tickets.issue(VICTIM)
    tried = [house.browser().post("/sign-in", data={"token": f"{n:043}"}) for n in range(30)]
    statuses = [each.status_code for each in tried]
    assert statuses.count(403) <= 10
    assert set(statuses[10:]) == {429}
    assert int(tried[-1].headers["retry-after"]) >= 1
    assert house.browser().post("/sign-in", data={"token": token}).status_code == 429
    bearer = {"authorization": "Bearer guess"}
    assert house.browser().get("/metrics", headers=bearer).status_code == 429
    # Whoever is inside stays inside, and the link is good still for whoever waits.
    assert house.browser().get("/healthz").status_code == 200
    house.clock.turn(60)
    assert house.browser().post("/sign-in", data={"token": token}).status_code == 303


def test_attack_27_a_role_is_not_had_by_asking_for_it(house: Any) -> None:
    """Fields, headers and paths that other consoles have believed."""
    viewer = house.signed_in(EVE, can={"view"})
    claims = {"x-forwarded-user": VICTIM, "x-remote-user": VICTIM, "x-original-url": "/healthz"}
    form = {**FORM, "role": "admin", "can": ["operate"], "principal": VICTIM}
    for path in (
        "/api/revocations",
        "/api/revocations/",
        "//api/revocations",
        "/api/../api/revocations",
        "/api/%72evocations",
        "/healthz/../api/revocations",
        "/static/../api/revocations",
        "/API/revocations",
        "/sign-in/../api/revocations",
    ):
        for method in ("POST", "PUT", "PATCH"):
            answer = viewer.request(method, f"https://localhost{path}", json=form, headers=claims)
            assert answer.status_code in (403, 404, 405), (method, path, answer.status_code)
    override = {"x-http-method-override": "POST"}
    assert viewer.get("/api/revocations", headers=override).status_code != 200
    assert house.acting.done == []
