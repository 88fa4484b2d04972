"""Callers with identities of their own, against a running instance: proven, demanded, revoked."""

import json
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from live import Answer, Home, ScriptedUpstream, chat_body, post

from holdfast.core import Instant
from holdfast.identity import Issuer, SigningKey, gateway_name, issuer_name, make_wpt
from holdfast.identity.authority import Allowance, Authority
from holdfast.identity.mandates import Holder, MandateIssuer, Terms, delegate, grant_to_service
from holdfast.identity.proofs import Grant, Request, open_grant, sign_by_session
from holdfast.world.real import SystemClock, SystemEntropy

pytestmark = pytest.mark.slow

DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
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
CLOCK, ENTROPY = SystemClock(), SystemEntropy()


class Agent:
    """One agent: its node, its key, its WIT, and the requests it makes by hand."""

    def __init__(self, home: Home, node: str) -> None:
        self.home = home
        self.node = node
        file = home.folder / f"{node}-{len(list(home.folder.iterdir()))}.pem"
        made = home.tell("identity", "issue", node, "--key", str(file), "--new")
        self.wit = made["wit"].encode()
        self.key = SigningKey.from_pem(file.read_bytes())

    def headers(self, mandate: bytes | None = None) -> dict[bytes, bytes]:
        headers = {b"content-type": b"application/json", b"workload-identity-token": self.wit}
        return headers if mandate is None else {**headers, b"holdfast-mandate": mandate}

    def request(self, body: bytes, path: str, headers: Mapping[bytes, bytes]) -> Request:
        return Request(
            method="POST", target=path, origins=(self.home.url,), headers=headers, body=body
        )

    def ask(
        self,
        body: bytes | None = None,
        *,
        path: str = "/v1/chat/completions",
        mandate: bytes | None = None,
        key: SigningKey | None = None,
    ) -> Answer:
        """With a proof for this very request."""
        body = chat_body() if body is None else body
        asked = self.request(body, path, self.headers(mandate))
        wpt = make_wpt(
            key or self.key, asked, wit=self.wit, now=CLOCK.now(), entropy=ENTROPY
        ).encode()
        return send(self.home.url, path, body, {**asked.headers, b"workload-proof-token": wpt})

    def open_session(self, mandate: bytes | None = None) -> "Session":
        ephemeral = SigningKey.generate(ENTROPY)
        body = json.dumps({"epk": ephemeral.public.jwk()}).encode()
        answer = self.ask(body, path="/identity/session", mandate=mandate)
        assert answer.status == 200, answer.body
        grant = Grant(**answer.json())
        return Session(self, grant.session, open_grant(grant, ephemeral), mandate)


class Session:
    def __init__(self, agent: Agent, name: str, secret: bytes, mandate: bytes | None) -> None:
        self.agent, self.name, self.secret, self.mandate = agent, name, secret, mandate

    def signed(self, body: bytes) -> Mapping[bytes, bytes]:
        asked = self.agent.request(body, "/v1/chat/completions", self.agent.headers(self.mandate))
        added = sign_by_session(self.secret, self.name, asked, now=CLOCK.now(), entropy=ENTROPY)
        return {**asked.headers, **added}

    def ask(self, body: bytes) -> Answer:
        return send(self.agent.home.url, "/v1/chat/completions", body, self.signed(body))


def send(
    url: str,
    path: str,
    body: bytes,
    headers: Mapping[bytes, bytes],
    *,
    context: ssl.SSLContext | None = None,
) -> Answer:
    at = urlsplit(url)
    if context is None:
        connection = HTTPConnection(at.hostname or "", at.port, timeout=30)
    else:
        connection = HTTPSConnection("localhost", at.port, timeout=30, context=context)
    try:
        fields = {name.decode(): value.decode() for name, value in headers.items()}
        connection.request("POST", path, body, fields)
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, headers=names, body=answer.read())
    finally:
        connection.close()


def issuer(home: Home) -> Issuer:
    return Issuer.decode((home.data / "keys" / "issuer.json").read_bytes())


def root(home: Home, agent: Agent, *, tokens: int | None = None, depth: int = 2) -> bytes:
    """A mandate of the issuer for an agent: to ask the model that is limited."""
    found, now = issuer(home), CLOCK.now()
    authority = [asks("limited", tokens=tokens)]
    return grant_to_service(
        MandateIssuer(iss=issuer_name(DOMAIN), key=found.token_key(now)),
        Holder(agent=f"{NAME}/service/{agent.node}", key=agent.key.public),
        terms=Terms(audience=gateway_name(DOMAIN, TENANT), ttl_s=300, depth=depth),
        asked=authority,
        widest=authority,
        now=now,
        entropy=ENTROPY,
    )


def asks(model: str, *, tokens: int | None = None) -> Authority:
    return Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/{model}",)),
        actions=frozenset(("generate",)),
        max=Allowance(tokens=tokens),
    )


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
