"""The control API on who may act: passports, revocations, and the list that outsiders read."""

from holdfast.audit import Act
from holdfast.core import Instant
from holdfast.identity import PublicKey, SigningKey
from holdfast.identity.passports import PassportStore, read_application
from holdfast.identity.revocation import RevocationStore, read_status_list
from holdfast.world.real import SystemClock

KEY = SigningKey.from_seed(b"r" * 32)
AGENT = "spiffe://example.org/t/acme/agent/reviewer"


def act(name: str) -> Act:
    return Act(id=name, by="user:host:op", at=Instant(1_780_000_000_000_000), reason="a drill")


def add(rows, *agents: str) -> PassportStore:
    store = PassportStore(rows, public=KEY.public, key=KEY)
    for agent in agents:
        form = {
            "sub": agent,
            "controller": {"org": "Example Org", "contact": "ops@example.org"},
            "owner": "user:idp:alice",
            "risk_tier": 2,
        }
        store.create(read_application(form), act=act(f"create-{agent[-1]}"))
    return store


def test_passports_are_told_with_their_state(client, rows) -> None:
    assert client.get("/api/passports").json() == {"passports": []}
    store = add(rows, AGENT)
    store.step(AGENT, "suspend", act=act("2"))
    [told] = client.get("/api/passports").json()["passports"]
    assert (told["sub"], told["status"], told["risk_tier"]) == (AGENT, "suspended", 2)
    assert told["controller"] == "Example Org"


def test_revocations_are_told_with_what_each_worker_knows(client, rows, system) -> None:
    RevocationStore(rows).revoke("tenant", "acme", act=act("1"))
    told = client.get("/api/revocations").json()
    assert [(each["kind"], each["subject"]) for each in told["revocations"]] == [("tenant", "acme")]
    assert [each["worker"] for each in told["workers"]] == [w.worker for w in system.workers]
    assert {each["freshness"] for each in told["workers"]} == {"fresh"}


def test_the_status_list_says_of_every_passport_what_outsiders_need(client, rows) -> None:
    store = add(rows, AGENT + "-a", AGENT + "-b", AGENT + "-c")
    store.step(AGENT + "-b", "suspend", act=act("5"))
    store.step(AGENT + "-c", "revoke", act=act("6"))
    answer = client.get("/api/status-list")
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    key = PublicKey.from_jwk(KEY.public.jwk())
    now = SystemClock().now()
    found = read_status_list(answer.text, key, uri="http://localhost/api/status-list", now=now)
    places = {kept.passport.sub[-1]: kept.passport.place for kept in store.list()}
    assert {name: found.status(place) for name, place in places.items()} == {"a": 0, "b": 2, "c": 1}
