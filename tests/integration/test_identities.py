"""Callers with identities of their own, against a running instance: proven, demanded, revoked."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from live import Answer, Home, ScriptedUpstream, chat_body, post
from live.agents import CLOCK, ENTROPY, NAME, Agent, asks, issuer, root, send

from holdfast.core import Instant
from holdfast.identity import SigningKey
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import delegate

pytestmark = pytest.mark.slow

DEMANDS = """
  - id: desk-reviewer
    connects: [desk, reviewer]
    protocol: HTTP
    description: Asks, with proof.
    controls: {identity: {proofs: [wpt, session, mtls]}}
"""
MANDATED = """
  - id: desk-limited
    connects: [desk, limited]
    protocol: HTTP
    description: Asks, with a mandate.
    controls:
      identity: {mandate: true}
      limits: {request_bytes: 4KiB, answer_bytes: 8KiB, max_tokens: 10}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[Home]:
    with Home(tmp_path_factory.mktemp("identities"), upstream.port) as made:
        text = made.blueprint.read_text()
        for name, new in (("desk-reviewer", DEMANDS), ("desk-limited", MANDATED)):
            old = text[
                text.index(f"  - {{id: {name}")
                if name == "desk-reviewer"
                else text.index(f"  - id: {name}") :
            ]
            end = old.index("\n  - ", 5)
            text = text.replace(old[:end], new.strip("\n"))
        made.blueprint.write_text(text)
        made.up("--workers", "2")
        made.make_keys("desk", "clerk")
        yield made


@pytest.fixture(scope="module")
def desk(home: Home) -> Agent:
    return Agent(home, "desk")


@pytest.fixture(scope="module")
def clerk(home: Home) -> Agent:
    return Agent(home, "clerk")


def record_of(home: Home, answer: Answer) -> dict[str, Any]:
    return home.records(answer.call)[-1]


def test_an_agent_that_proves_its_key_is_answered_and_recorded_so(home: Home, desk: Agent) -> None:
    answer = desk.ask()
    assert answer.status == 200, answer.body
    record = record_of(home, answer)
    assert (record["principal"], record["proof"]) == (f"{NAME}/service/desk", "wpt")


def test_a_key_is_refused_where_the_relationship_forbids_bearers(home: Home) -> None:
    answer = post(home.url, chat_body(), key=home.keys["desk"])
    assert (answer.status, answer.rule) == (403, "demand.proof")
    other = post(home.url, chat_body(model="renamed"), key=home.keys["desk"])
    assert other.status == 200


def test_a_wit_without_a_proof_and_a_proof_by_another_key_are_refused(
    home: Home, desk: Agent, clerk: Agent
) -> None:
    bare = send(home.url, "/v1/chat/completions", chat_body(), desk.headers())
    assert (bare.status, bare.rule) == (401, "identity.proof-missing")
    stolen = desk.ask(key=clerk.key)
    assert (stolen.status, stolen.rule) == (401, "identity.token-signature")


def test_a_request_shows_one_identity_only(home: Home, desk: Agent) -> None:
    headers = {**desk.headers(), b"authorization": b"Bearer " + home.keys["desk"].encode()}
    answer = send(home.url, "/v1/chat/completions", chat_body(), headers)
    assert (answer.status, answer.rule) == (401, "identity.ambiguous")


def test_a_session_proves_many_requests_each_once(home: Home, desk: Agent) -> None:
    session = desk.open_session()
    bodies = [chat_body(f"question {n}") for n in range(5)]
    answers = [session.ask(body) for body in bodies]
    assert [answer.status for answer in answers] == [200] * 5, answers
    assert record_of(home, answers[0])["proof"] == "session"
    tampered = send(home.url, "/v1/chat/completions", chat_body("other"), session.signed(bodies[0]))
    assert tampered.status == 401


def test_a_captured_proof_is_of_no_use_at_any_worker(home: Home, desk: Agent) -> None:
    body = chat_body()
    proven = desk.proven(body)
    answers = [send(home.url, "/v1/chat/completions", body, proven) for _ in range(16)]
    assert [answer.status for answer in answers] == [200] + [401] * 15
    assert {answer.rule for answer in answers[1:]} == {"identity.proof-replayed"}


def test_a_mandate_is_demanded_and_lets_its_holder_do_what_it_says(home: Home, desk: Agent) -> None:
    without = desk.ask(chat_body(model="limited", max_tokens=5))
    assert (without.status, without.rule) == (403, "demand.mandate")
    answer = desk.ask(chat_body(model="limited", max_tokens=5), mandate=root(home, desk))
    assert answer.status == 200, answer.body
    record = record_of(home, answer)
    assert record["chain"] == [f"{NAME}/service/desk"]
    assert record["txn"]


def test_a_mandate_covers_nothing_that_it_does_not_name(home: Home, desk: Agent) -> None:
    other = desk.ask(chat_body(), mandate=root(home, desk))
    assert (other.status, other.rule) == (403, "authority.exceeded")
    dear = desk.ask(chat_body(model="limited", max_tokens=10), mandate=root(home, desk, tokens=5))
    assert (dear.status, dear.rule) == (403, "authority.exceeded")


def test_a_mandate_is_of_no_use_to_whoever_it_was_not_given_to(
    home: Home, desk: Agent, clerk: Agent
) -> None:
    answer = clerk.ask(chat_body(model="other"), mandate=root(home, desk))
    assert (answer.status, answer.rule) == (401, "identity.mandate-holder")


def test_what_is_delegated_names_everybody_it_came_through(
    home: Home, desk: Agent, clerk: Agent
) -> None:
    """The clerk may ask nobody here, so its call ends at the relationship: and says who sent it."""
    chain = delegate(
        root(home, desk),
        desk.key,
        to=f"{NAME}/service/clerk",
        key=clerk.key.public,
        authority=[asks("limited")],
        ttl_s=60,
        now=CLOCK.now(),
        entropy=ENTROPY,
        why="to look something up",
    )
    answer = clerk.ask(chat_body(model="limited", max_tokens=5), mandate=chain)
    assert (answer.status, answer.rule) == (403, "relationship.undeclared")
    assert record_of(home, answer)["chain"] == [f"{NAME}/service/desk", f"{NAME}/service/clerk"]


def test_no_upstream_ever_sees_an_identity(
    home: Home, desk: Agent, upstream: ScriptedUpstream
) -> None:
    scripted = {"mark": "identity-headers"}
    body = chat_body(model="limited", max_tokens=5, scripted=scripted)
    assert desk.ask(body, mandate=root(home, desk)).status == 200
    seen = upstream.seen("identity-headers").headers
    credentials = {
        *(b"workload-identity-token", b"workload-proof-token", b"holdfast-mandate"),
        *(b"authorization", b"dpop", b"signature", b"signature-input"),
    }
    assert not credentials & seen.keys()


def test_a_mandate_is_exchanged_for_a_token_that_only_its_holder_can_use(
    home: Home, desk: Agent
) -> None:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"{NAME}/model/limited",
    }
    body = urlencode(form).encode()
    answer = desk.ask(body, path="/identity/token", mandate=root(home, desk))
    assert answer.status == 200, answer.body
    made = answer.json()
    assert (made["token_type"], made["expires_in"] <= 300) == ("DPoP", True)
    bearer = send(
        home.url,
        "/v1/chat/completions",
        chat_body(model="limited", max_tokens=5),
        {
            b"content-type": b"application/json",
            b"authorization": b"Bearer " + made["access_token"].encode(),
        },
    )
    assert (bearer.status, bearer.rule) == (401, "identity.bearer-token")


def test_whoever_is_revoked_is_refused_by_every_worker(
    home: Home, upstream: ScriptedUpstream
) -> None:
    agent = Agent(home, "desk")
    session = agent.open_session()
    assert session.ask(chat_body("before")).status == 200
    thumbprint = agent.key.public.thumbprint
    home.tell("revoke", "key", thumbprint, "--reason", "lost")
    for n in range(8):  # new connections: both workers are asked
        answer = session.ask(chat_body(f"after {n}"))
        assert (answer.status, answer.rule) == (401, "identity.revoked")
        [record] = home.records(answer.call)
        assert record["principal"] == f"{NAME}/service/desk"


def test_a_caller_may_be_known_by_its_certificate_alone(
    tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with Home(tmp_path, upstream.port) as home:
        home.up()
        found, now = issuer(home), CLOCK.now()
        server, client = SigningKey.generate(ENTROPY), SigningKey.generate(ENTROPY)
        files = {
            "server": _pem(found, f"{NAME}/gateway/main", server, now, tmp_path / "server"),
            "client": _pem(found, f"{NAME}/service/desk", client, now, tmp_path / "client"),
        }
        roots = tmp_path / "roots.pem"
        roots.write_text(
            "".join(ssl.DER_cert_to_PEM_cert(der) for der in found.bundle().authorities)
        )
        home.instance.stop()
        home.up(
            *("--tls-certificate", str(files["server"][0]), "--tls-key", str(files["server"][1])),
            *("--tls-clients", str(roots)),
        )
        context = ssl.create_default_context(cafile=str(roots))
        context.load_cert_chain(*files["client"])
        json_type = {b"content-type": b"application/json"}
        answer = send(home.url, "/v1/chat/completions", chat_body(), json_type, context=context)
        assert answer.status == 200, answer.body
        record = record_of(home, answer)
        assert (record["principal"], record["proof"]) == (f"{NAME}/service/desk", "mtls")


def _pem(found: Issuer, name: str, key: SigningKey, now: Instant, path: Path) -> tuple[Path, Path]:
    der = found.issue_x509_svid(name, key.public, now=now, entropy=ENTROPY, hosts=("localhost",))
    certificate, private = path.with_suffix(".pem"), path.with_suffix(".key")
    certificate.write_text(ssl.DER_cert_to_PEM_cert(der))
    private.write_bytes(key.pem())
    return certificate, private
