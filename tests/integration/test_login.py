"""People log in at a real OpenID Connect provider and grant mandates; strangers' answers count for
nothing. The provider and Holdfast are processes of their own; the browser is an HTTP client."""

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from live import DEADLINE_S, Home, eventually
from live.instance import COMMAND

pytestmark = pytest.mark.slow

PEOPLE = """\
people:
  - issuer: "{issuer}"
    client_id: holdfast-test
    client_secret: file:client-secret
    groups_claim: teams
"""
AGENT = """\
nodes:
  analyst: {{type: ai:agent, description: Acts for people.}}
  helper: {{type: ai:agent, description: Helps the analyst.}}
"""
AUTHORITY = [
    {
        "type": "mcp_tool",
        "locations": ["https://docs.example/mcp"],
        "actions": ["call", "read"],
        "tools": ["find", "list"],
        "max": {"calls": 50},
    }
]
WIDEST = [
    {
        "type": "mcp_tool",
        "locations": ["https://docs.example/mcp"],
        "actions": ["call"],
        "tools": ["find"],
        "max": {"calls": 10},
    }
]


class Provider:
    """A provider with one user, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "provider.log"
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        user = json.dumps({"sub": "alice", "name": "Alice", "teams": ["risk", "audit"]})
        words = ["-m", "oidc_provider_mock", "-p", str(self.port), "-n", "true"]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", *words, "--user-claims", user],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
            )

    def __enter__(self) -> Self:
        eventually(self._answers, "the provider answers")
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()

    def was_asked(self, path: str) -> bool:
        return path in self.log.read_text()

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.issuer}/jwks", trust_env=False).status_code == 200
        return False


class Browser:
    """Somebody's browser: keeps cookies, and stops at redirects so that a test can look."""

    def __init__(self) -> None:
        self.client = httpx.Client(trust_env=False, timeout=DEADLINE_S)

    def begin(self, url: str) -> str:
        """Open the address that the command printed; where the browser is sent."""
        answer = self.client.get(url)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def sign_in(self, url: str, user: str = "alice", **form: str) -> str:
        """At the provider; where it sends the browser back to."""
        answer = self.client.post(url, data={"sub": user, **form})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def come_back(self, url: str) -> int:
        return self.client.get(url).status_code


class LoginCommand:
    """``holdfast login`` under way."""

    def __init__(self, home: Home, *options: str) -> None:
        command = [str(COMMAND), "login", "--no-browser", "--json", "--data", str(home.data)]
        self.process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home.folder,
            env={**os.environ, "XDG_STATE_HOME": str(home.folder / "state")},
        )
        self.url: str = self._line()["open"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.communicate()

    def is_waiting(self) -> bool:
        return self.process.poll() is None

    def end(self) -> dict[str, Any]:
        """What it printed last, when it has ended."""
        out, _ = self.process.communicate(timeout=DEADLINE_S)
        return json.loads(out.splitlines()[-1])

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def browsers() -> Iterator[Callable[[], Browser]]:
    """Makes browsers; all are closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def make() -> Browser:
            browser = Browser()
            stack.callback(browser.client.close)
            return browser

        yield make


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tmp_path_factory.mktemp("provider")) as running:
        yield running


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Home]:
    """An instance whose blueprint trusts the provider. Its port for calls is not used."""
    folder = tmp_path_factory.mktemp("login")
    with Home(folder, 9) as home:
        text = home.blueprint.read_text() + PEOPLE.format(issuer=provider.issuer)
        home.blueprint.write_text(text.replace("nodes:\n", AGENT.format(), 1))
        (folder / "client-secret").write_text("not much of a secret\n")
        (folder / "widest.json").write_text(json.dumps(WIDEST))
        home.up()
        words = ("--org", "Org", "--contact", "a@b.example", "--tier", "1")
        home.tell("passport", "create", "analyst", *words, "--max-mandate", "widest.json")
        for node in ("analyst", "helper"):
            home.tell("identity", "issue", node, "--key", f"{node}.pem", "--new")
        yield home


def log_in(home: Home) -> dict[str, Any]:
    browser = Browser()
    with LoginCommand(home) as command, browser.client:
        assert browser.come_back(browser.sign_in(browser.begin(command.url))) == 200
        return command.end()["person"]


def test_a_person_logs_in_and_is_known_by_issuer_and_subject(
    logged: Home, provider: Provider
) -> None:
    person = log_in(logged)
    assert person["principal"].startswith("user:")
    assert person["principal"].endswith(":alice")
    assert (person["issuer"], person["name"]) == (provider.issuer, "Alice")
    assert person["groups"] == ["audit", "risk"]
    assert logged.tell("whoami")["person"] == person
    session = logged.data / "keys" / "person-session"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    logged.tell("logout")
    gone = logged.run("whoami", "--data", str(logged.data), "--json")
    assert (gone.code, gone.json()["error"]["code"]) == (1, "login.none")


def test_the_browser_is_asked_for_pkce_state_nonce_and_an_exact_address(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    with LoginCommand(logged) as one, LoginCommand(logged) as two:
        asked = [parse_qs(urlsplit(browsers().begin(each.url)).query) for each in (one, two)]
        ports = [urlsplit(each.url).port for each in (one, two)]
    for given, port in zip(asked, ports, strict=True):
        assert given["response_type"] == ["code"]
        assert given["code_challenge_method"] == ["S256"]
        assert given["redirect_uri"] == [f"http://127.0.0.1:{port}/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


def test_attack_10_a_login_that_another_browser_began_cannot_be_finished_here(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    """The attacker begins a login and has the victim's browser finish it (CVE-2026-27124)."""
    with LoginCommand(logged) as command:
        attacker, victim = browsers(), browsers()
        passed_on = attacker.begin(command.url)
        back = victim.sign_in(passed_on)
        assert victim.come_back(back) == 403
        assert victim.client.get(command.url).status_code == 403  # it begins once, in one browser
        assert command.is_waiting()
        # Nothing was spoiled: the browser that began it can finish it.
        assert attacker.come_back(attacker.sign_in(passed_on)) == 200
        assert command.end()["person"]["name"] == "Alice"


def test_attack_10_an_answer_of_the_attackers_own_login_is_not_taken(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    """The attacker's code, carried into the victim's login: the victim would act as the attacker."""
    with LoginCommand(logged) as mine, LoginCommand(logged) as theirs:
        attacker, victim = browsers(), browsers()
        mine_url = victim.begin(mine.url)
        stolen = urlsplit(attacker.sign_in(attacker.begin(theirs.url), user="mallory"))
        here = urlsplit(mine.url).netloc
        assert victim.come_back(f"http://{here}/callback?{stolen.query}") == 403
        assert mine.is_waiting()
        assert victim.come_back(victim.sign_in(mine_url)) == 200
        assert mine.end()["person"]["principal"].endswith(":alice")


@pytest.mark.parametrize("iss", ["https://other.example", ""])
def test_attack_11_an_answer_of_another_provider_is_not_redeemed(
    logged: Home, provider: Provider, iss: str, browsers: Callable[[], Browser]
) -> None:
    """Mix-up (RFC 9207): the code must not be sent to a token endpoint."""
    before = provider.log.read_text().count("POST /oauth2/token")
    with LoginCommand(logged) as command:
        browser = browsers()
        back = browser.sign_in(browser.begin(command.url))
        assert browser.come_back(f"{back}&iss={iss}") == 403
        assert command.end()["error"]["code"] == "login.issuer-mismatch"
        assert command.process.returncode == 1
    assert provider.log.read_text().count("POST /oauth2/token") == before


def test_an_answer_that_names_its_own_provider_is_taken(
    logged: Home, provider: Provider, browsers: Callable[[], Browser]
) -> None:
    with LoginCommand(logged) as command:
        browser = browsers()
        back = browser.sign_in(browser.begin(command.url))
        assert browser.come_back(f"{back}&iss={provider.issuer}") == 200
        assert "person" in command.end()


def test_a_parameter_that_stands_twice_is_not_taken(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    with LoginCommand(logged) as command:
        browser = browsers()
        back = browser.sign_in(browser.begin(command.url))
        assert browser.come_back(f"{back}&code=other") == 403
        assert command.is_waiting()


def test_the_address_answers_to_no_other_name_and_to_nothing_else(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    with LoginCommand(logged) as command:
        parts = urlsplit(command.url)
        plain = f"http://{parts.netloc}"
        client = browsers().client
        for host in ("localhost", f"localhost:{parts.port}", "evil.example"):
            assert client.get(command.url, headers={"host": host}).status_code == 403
        assert client.get(f"{plain}/begin/guess").status_code == 404
        assert client.get(f"{plain}/callback?code=a&state=b").status_code == 403
        assert client.post(command.url).status_code == 405
        assert browsers().begin(command.url)


def test_who_refuses_at_the_provider_is_not_logged_in(
    logged: Home, browsers: Callable[[], Browser]
) -> None:
    with LoginCommand(logged) as command:
        browser = browsers()
        sent = browser.begin(command.url)
        back = browser.sign_in(sent, action="deny")
        state = parse_qs(urlsplit(sent).query)["state"][0]
        # This provider leaves the state out of its refusal: alone it is nobody's answer.
        assert browser.come_back(back) == 403
        assert command.is_waiting()
        assert browser.come_back(f"{back}&state={state}") == 403
        assert command.end()["error"]["code"] == "login.denied"


def test_a_provider_that_the_blueprint_does_not_name_is_not_asked(logged: Home) -> None:
    words = ("login", "--no-browser", "--json", "--data", str(logged.data))
    refused = logged.run(*words, "--issuer", "https://other.example")
    assert refused.json()["error"]["code"] == "login.failed"


def grant(home: Home, *words: str, authority: Any = None) -> dict[str, Any]:
    told = json.dumps(AUTHORITY if authority is None else authority)
    return home.tell("mandate", *words, "--authority", told)


def test_a_logged_in_person_grants_the_meet_and_the_log_has_it(logged: Home) -> None:
    principal = log_in(logged)["principal"]
    words = ("grant", "analyst", "--key", "analyst.pem", "--ttl", "5m", "--why", "quarterly review")
    made = grant(logged, *words)
    shown = made["shown"]
    assert shown["principal"] == principal
    assert shown["authorization_details"] == WIDEST
    assert shown["audience"] == "spiffe://holdfast.local/t/default/gateway"
    entry = logged.tell("audit", "show", made["change"])["records"][0]["record"]
    assert (entry["kind"], entry["by"]) == ("mandate.granted", principal)
    assert entry["subject"] == f"{shown['holder']}#{shown['txn']}"
    assert entry["reason"] == "quarterly review"
    file = logged.folder / "root.jwt"
    file.write_text(made["mandate"] + "\n")
    assert logged.tell("mandate", "show", str(file)) == shown


def test_a_service_grant_is_the_agents_own_and_needs_its_key(logged: Home) -> None:
    wit = logged.folder / "analyst.wit"
    issued = logged.tell("identity", "issue", "analyst", "--key", "analyst.pem")
    wit.write_text(issued["wit"])
    made = grant(logged, "service", "analyst", "--identity", str(wit))
    assert made["shown"]["principal"] == made["shown"]["holder"]
    assert made["shown"]["hops"][0]["key"] == issued["thumbprint"]
    other = logged.tell("identity", "issue", "helper", "--key", "helper.pem")
    wit.write_text(other["wit"])
    told = ("--authority", json.dumps(WIDEST), "--data", str(logged.data), "--json")
    foreign = logged.run("mandate", "service", "analyst", "--identity", str(wit), *told)
    assert foreign.json()["error"]["code"] == "mandate.input-invalid"
    keyless = logged.run("mandate", "service", "analyst", *told)
    assert keyless.json()["error"]["code"] == "mandate.input-invalid"
    unknown = logged.run("mandate", "service", "helper", "--key", "helper.pem", *told)
    assert unknown.json()["error"]["code"] == "passport.unknown"


def test_a_holder_delegates_offline_and_never_more_than_it_holds(logged: Home) -> None:
    made = grant(logged, "service", "analyst", "--key", "analyst.pem", "--ttl", "300")
    root, chain = logged.folder / "root.jwt", logged.folder / "chain.jwt"
    root.write_text(made["mandate"])
    words = ["mandate", "delegate", str(root), "--holder-key", "analyst.pem", "--to-key"]
    words += ["helper.pem", "--to", "spiffe://holdfast.local/t/default/agent/helper", "--json"]
    wide = [{**WIDEST[0], "tools": ["find", "delete"], "max": {"calls": 3}}]
    told = logged.run(*words, "--authority", json.dumps(wide), "--why", "clauses", check=True)
    chain.write_text(told.json()["mandate"])
    shown = logged.tell("mandate", "show", str(chain))
    assert shown["holder"].endswith("/agent/helper")
    assert shown["authorization_details"] == [{**WIDEST[0], "max": {"calls": 3}}]
    assert [hop["why"] for hop in shown["hops"]] == [None, "clauses"]
    nothing = [{**WIDEST[0], "tools": ["delete"]}]
    none = logged.run(*words, "--authority", json.dumps(nothing))
    assert none.json()["error"]["code"] == "identity.mandate-empty"
    logged.tell("revoke", "mandate", made["shown"]["txn"])
    dead = logged.run("mandate", "show", str(chain), "--data", str(logged.data), "--json")
    assert dead.json()["error"]["code"] == "identity.mandate-revoked"


def test_who_is_revoked_grants_nothing_more(logged: Home) -> None:
    principal = log_in(logged)["principal"]
    done = logged.tell("revoke", "principal", principal)
    told = ("--authority", json.dumps(WIDEST), "--data", str(logged.data), "--json")
    refused = logged.run("mandate", "grant", "analyst", "--key", "analyst.pem", *told)
    assert refused.json()["error"]["code"] == "identity.mandate-revoked"
    logged.tell("revoke", "undo", done["revocation"]["id"])
    logged.tell("logout")
    nobody = logged.run("mandate", "grant", "analyst", "--key", "analyst.pem", *told)
    assert nobody.json()["error"]["code"] == "login.none"
