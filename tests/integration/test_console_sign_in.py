"""The console's door, as people go through it: a link, a provider, a token; and what they do inside."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from live import DEADLINE_S, Home, ScriptedUpstream, chat, eventually
from test_approvals import Calling, one_waiting
from test_login import PEOPLE, Browser, Provider

pytestmark = pytest.mark.slow

BLUEPRINT = """\
holdfast: 1
name: guarded
description: Some calls wait for a person.
policies: [held.cedar]
nodes:
  agent: {{type: ai:agent, description: Asks.}}
  reviewer:
    type: ai:llm
    description: Answers anybody.
    controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1"}}}}
  judge:
    type: ai:llm
    description: Answers once a person said yes.
    controls: {{upstream: {{url: "http://127.0.0.1:{port}/v1", model: reviewer}}}}
relationships:
  - {{id: agent-reviewer, connects: [agent, reviewer]}}
  - {{id: agent-judge, connects: [agent, judge]}}
console: {{roles: {{approver: [risk], operator: [audit]}}}}
"""
HELD = """\
@id("judged")
@require_approval("risk")
permit (principal, action, resource == Holdfast::Model::"judge");
"""


class Guest:
    """Somebody at the console. Keeps its cookie itself: HTTP clients, unlike browsers, send a secure
    one over https only, on the machine itself too."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.jar: dict[str, str] = {}
        self.client = httpx.Client(
            base_url=home.instance.console, trust_env=False, timeout=DEADLINE_S
        )

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"cookie": self.cookie} if self.jar else {}
        if method != "GET" and self.jar:
            me = self.client.get("/api/console/me", headers=headers)
            headers["x-csrf-token"] = me.json().get("csrf", "") if me.status_code == 200 else ""
        answer = self.client.request(method, path, headers=headers, **more)
        for each in answer.headers.get_list("set-cookie"):
            name, _, value = each.partition(";")[0].partition("=")
            self.jar[name] = value
        self.jar = {name: value for name, value in self.jar.items() if value}
        return answer

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def by_link(self, link: str) -> httpx.Response:
        token = urlsplit(link).query.removeprefix("token=")
        return self.ask("POST", "/sign-in", data={"token": token})

    def at_provider(self, provider: Provider, user: str) -> httpx.Response:
        sent = self.ask("GET", f"/sign-in/begin?issuer={provider.issuer}")
        assert sent.status_code == 303
        theirs = Browser()
        with theirs.client:
            back = urlsplit(theirs.sign_in(sent.headers["location"], user=user))
        assert (back.netloc, back.path) == (
            urlsplit(str(self.client.base_url)).netloc,
            "/sign-in/callback",
        )
        return self.ask("GET", f"{back.path}?{back.query}")


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream, provider: Provider
) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("guarded"), upstream.port) as home:
        text = BLUEPRINT.format(port=upstream.port) + PEOPLE.format(issuer=provider.issuer)
        home.blueprint.write_text(text)
        (home.folder / "held.cedar").write_text(HELD)
        (home.folder / "client-secret").write_text("not much of a secret\n")
        home.up(is_open=False)
        home.make_keys("agent")
        yield home


@pytest.fixture
def guest(guarded: Home) -> Iterator[Guest]:
    made = Guest(guarded)
    with made.client:
        yield made


def changes(home: Home) -> list[tuple[str, str]]:
    """The kinds of the changes in the log, and who made them."""
    found: list[tuple[str, str]] = []
    for path in sorted((home.data / "log" / "tile" / "entries").rglob("*")):
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace")
            parts = text.split('{"at":')
            for part in parts:
                if '"change":"' in part and '"kind":"' in part:
                    kind = part.partition('"kind":"')[2].partition('"')[0]
                    by = part.partition('"by":"')[2].partition('"')[0]
                    found.append((kind, by))
    return found


def test_a_link_lets_in_once_to_do_what_commands_do_and_the_log_has_it(
    guarded: Home, guest: Guest
) -> None:
    assert guest.ask("GET", "/api/calls").status_code == 401
    assert guest.ask("GET", "/healthz").status_code == 200
    link = json.loads(guarded.instance.out.read_text().partition("\n")[0])["sign_in"]
    assert guest.by_link(link).status_code == 303
    me = guest.ask("GET", "/api/console/me").json()
    assert me["way"] == "link"
    assert "administer" in me["can"]
    thief = Guest(guarded)
    with thief.client:
        assert thief.by_link(link).status_code == 403
    assert chat(guarded.url, guarded.keys["agent"]).status == 200
    form = {"kind": "agent", "subject": "agent", "reason": "it went astray"}
    done = guest.ask("POST", "/api/revocations", json=form)
    assert done.status_code == 200, done.text
    assert chat(guarded.url, guarded.keys["agent"]).status in (401, 403)
    (made,) = guest.ask("GET", "/api/revocations").json()["revocations"]
    assert (made["by"], made["reason"]) == (me["principal"], "it went astray")
    lifted = guest.ask("POST", f"/api/revocations/{made['id']}/lift", json={"reason": "mended"})
    assert lifted.status_code == 200
    assert chat(guarded.url, guarded.keys["agent"]).status == 200
    kept = dict(guest.jar)
    assert guest.ask("POST", "/sign-out").status_code == 303
    assert guest.jar == {}
    guest.jar = kept
    assert guest.ask("GET", "/api/calls").status_code == 401

    def told() -> bool:
        seen = {kind for kind, by in changes(guarded) if by == me["principal"]}
        return {"person.signed-in", "revocation.made", "revocation.lifted"} <= seen and (
            "person.signed-out" in seen
        )

    eventually(told, "coming, acting and going are in the log")
    # The link stands in the line that printed it, and nowhere else.
    secret = urlsplit(link).query.removeprefix("token=")
    assert guarded.instance.said().count(secret) == 1
    assert not any(value in guarded.instance.said() for value in kept.values())


def test_a_person_of_the_group_signs_in_at_the_provider_and_decides(
    guarded: Home, guest: Guest, provider: Provider
) -> None:
    calling = Calling(guarded, mark="console-yes")
    call = one_waiting(guarded)["call"]
    admin = Guest(guarded)
    with admin.client:
        admin.by_link(guarded.tell("console")["sign_in"])
        word = {"decision": "yes", "reason": "looks right"}
        refused = admin.ask("POST", f"/api/approvals/{call}", json=word)
        # A provider is declared, so it knows who is in which group; a link does not.
        assert refused.json()["error"]["code"] == "approval.group"
    assert guest.at_provider(provider, "alice").status_code == 303
    me = guest.ask("GET", "/api/console/me").json()
    assert (me["name"], me["groups"]) == ("Alice", ["audit", "risk"])
    assert set(me["can"]) == {"view", "operate", "approve"}
    page = guest.ask("GET", "/approvals").text
    assert "judge" in page
    assert "file the finding" in page
    form = {"yes": call, "reason": "looks right", "csrf": me["csrf"]}
    assert guest.ask("POST", "/approvals/decide", data=form).headers["location"] == (
        "/approvals?done=yes"
    )
    assert calling.end().status == 200
    (record,) = guarded.records(call)
    assert record["approver"] == me["principal"]
    assert guest.ask("GET", "/api/console/sessions").status_code == 403
    sessions = guarded.tell("console", "sessions")["sessions"]
    mine = [each["id"] for each in sessions if each["principal"] == me["principal"]]
    assert mine  # one at least: other tests sign her in too
    for session in mine:
        guarded.tell("console", "end", session)
    assert guest.ask("GET", "/api/calls").status_code == 401


def test_a_person_without_a_role_stays_outside(
    guarded: Home, guest: Guest, provider: Provider
) -> None:
    answer = guest.at_provider(provider, "mallory")
    assert answer.status_code == 403
    assert "entry.no-role" in answer.text
    assert guest.ask("GET", "/api/calls").status_code == 401


def test_a_revoked_person_is_out_at_once(guarded: Home, guest: Guest, provider: Provider) -> None:
    guest.at_provider(provider, "alice")
    principal = guest.ask("GET", "/api/console/me").json()["principal"]
    made = guarded.tell("revoke", "principal", principal, "--reason", "left")
    assert guest.ask("GET", "/api/calls").status_code == 401
    assert guest.at_provider(provider, "alice").status_code == 403
    guarded.tell("revoke", "undo", made["revocation"]["id"], "--reason", "came back")
    assert guest.at_provider(provider, "alice").status_code == 303


def test_a_program_is_let_in_by_its_token_until_it_is_revoked(guarded: Home) -> None:
    made = guarded.tell("console", "token", "--role", "viewer", "--name", "prometheus")
    headers = {"authorization": f"Bearer {made['token']}"}
    with httpx.Client(
        base_url=guarded.instance.console, trust_env=False, headers=headers
    ) as client:
        assert "holdfast_calls_total" in client.get("/metrics").text
        assert client.post("/api/restart", json={"reason": "r"}).status_code == 403
        (known,) = guarded.tell("console", "tokens")["tokens"]
        assert known["name"] == "prometheus"
        assert made["token"] not in json.dumps(known)
        guarded.tell("console", "revoke", known["id"])
        assert client.get("/metrics").status_code == 401
