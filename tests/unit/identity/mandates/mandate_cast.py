"""Who plays in the tests of mandates: an issuer, an analyst's agent, a sub-agent, a clerk."""

from holdfast.core import Instant
from holdfast.identity import SigningKey
from holdfast.identity.authority import Allowance, ArgumentLimit, Authority, Classification
from holdfast.identity.mandates import (
    Holder,
    MandateIssuer,
    MandateVerifier,
    Terms,
    delegate,
    grant_by_consent,
)
from holdfast.identity.revocation import Held, RevocationSet
from holdfast.identity.wimse import Wit
from holdfast.world.sim import SimEntropy

AUDIENCE = "https://gateway.example/mcp"
DOCS = "https://docs.example/mcp"
MAIL = "https://mail.example/mcp"
ISS = "https://gateway.example"
PERSON = "user:3f2a:ada"
SECOND = 1_000_000
NOW = Instant(1_790_000_000 * SECOND)
FREE = RevocationSet()
BUILD = "sha256:" + "b" * 64
PIN = "a" * 64

entropy = SimEntropy(4)
KEYS = {
    name: SigningKey.generate(entropy) for name in ("issuer", "root", "mid", "leaf", "stranger")
}
ISSUER = MandateIssuer(iss=ISS, key=KEYS["issuer"])

WIDE = Authority(
    type="mcp_tool",
    locations=frozenset({DOCS, MAIL}),
    actions=frozenset({"call", "read"}),
    tools=frozenset({f"find@{PIN}", "send"}),
    args=(("path", ArgumentLimit(prefix="/docs/contracts")),),
    max=Allowance(calls=100, usd_micro=5_000),
    taint_max=2,
    data_max=Classification.confidential,
)
NARROW = Authority(
    type="mcp_tool",
    locations=frozenset({DOCS}),
    actions=frozenset({"call"}),
    tools=frozenset({f"find@{PIN}"}),
    args=(("path", ArgumentLimit(prefix="/docs/contracts/2026")),),
    max=Allowance(calls=10, usd_micro=500),
    taint_max=1,
    data_max=Classification.confidential,
)


def agent(name):
    return f"spiffe://hf.example/t/acme/agent/{name}"


def verifier(**settings):
    key = KEYS["issuer"].public
    return MandateVerifier(AUDIENCE, {ISS: {key.kid: key}}, **settings)


def root(*, authority=(WIDE,), ttl_s=600, depth=4, build=BUILD, now=NOW, key="root"):
    return grant_by_consent(
        ISSUER,
        Holder(agent=agent("root"), key=KEYS[key].public, build=build),
        principal=PERSON,
        terms=Terms(audience=AUDIENCE, ttl_s=ttl_s, depth=depth),
        asked=authority,
        consented=authority,
        widest=authority,
        now=now,
        entropy=entropy,
    )


def link(parent, holder, to, *, authority=(NARROW,), ttl_s=300, now=NOW, **more):
    return delegate(
        parent,
        KEYS[holder],
        to=agent(to),
        key=KEYS[to].public,
        authority=authority,
        ttl_s=ttl_s,
        now=now,
        entropy=entropy,
        **more,
    )


def chain(hops=3):
    """A chain of one to three tokens."""
    made = root()
    for holder, to in (("root", "mid"), ("mid", "leaf"))[: hops - 1]:
        made = link(made, holder, to, why=f"for {to}")
    return made


def revoking(kind, name):
    return RevocationSet([Held(id="r1", kind=kind, name=name, at=NOW)])


def wit(name, *, build=None, tier=None, ear=None, key=None):
    """A verified identity."""
    return Wit(
        subject=agent(name),
        key=KEYS[key or name].public,
        expires=Instant(NOW + 3600 * SECOND),
        issued=NOW,
        jti="w1",
        build=build,
        tier=tier,
        ear=ear,
        digest=b"\0" * 32,
    )
