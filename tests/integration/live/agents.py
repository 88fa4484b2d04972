"""Callers with identities of their own: WITs, proofs, sessions and mandates, made by hand."""

import json
import ssl
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from holdfast.identity import SigningKey, gateway_name, issuer_name
from holdfast.identity.authority import Allowance, Authority
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import Holder, MandateIssuer, Terms, grant_to_service
from holdfast.identity.proofs import Grant, Request, open_grant, sign_by_session
from holdfast.identity.wimse import make_wpt
from holdfast.world.real import SystemClock, SystemEntropy
from live.calls import Answer, chat_body
from live.instance import Home

DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
CLOCK, ENTROPY = SystemClock(), SystemEntropy()


class Agent:
    """One agent: its node, its key, its WIT, and the requests it makes by hand."""

    def __init__(self, home: Home, node: str, *, kind: str = "service") -> None:
        self.home = home
        self.node = node
        self.kind = kind
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
        more: Mapping[bytes, bytes] | None = None,
    ) -> Answer:
        """With a proof for this very request; ``more`` are further header fields."""
        body = chat_body() if body is None else body
        proven = self.proven(body, path=path, mandate=mandate, key=key, more=more)
        return send(self.home.url, path, body, proven)

    def proven(
        self,
        body: bytes,
        *,
        path: str = "/v1/chat/completions",
        mandate: bytes | None = None,
        key: SigningKey | None = None,
        more: Mapping[bytes, bytes] | None = None,
    ) -> Mapping[bytes, bytes]:
        """The header fields of one request, its proof among them."""
        asked = self.request(body, path, {**self.headers(mandate), **(more or {})})
        wpt = make_wpt(
            key or self.key, asked, wit=self.wit, now=CLOCK.now(), entropy=ENTROPY
        ).encode()
        return {**asked.headers, b"workload-proof-token": wpt}

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


def root(
    home: Home,
    agent: Agent,
    *,
    tokens: int | None = None,
    depth: int = 2,
    audience: str | None = None,
    authority: Sequence[Authority] = (),
) -> bytes:
    """A mandate of the issuer for an agent: to ask the model that is limited."""
    found, now = issuer(home), CLOCK.now()
    authority = authority or [asks("limited", tokens=tokens)]
    return grant_to_service(
        MandateIssuer(iss=issuer_name(DOMAIN), key=found.token_key(now)),
        Holder(agent=f"{NAME}/{agent.kind}/{agent.node}", key=agent.key.public),
        terms=Terms(audience=audience or gateway_name(DOMAIN, TENANT), ttl_s=300, depth=depth),
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
