"""What a mandate says of tools: which, with what, and how often."""

import asyncio

import msgspec

from holdfast.identity import SigningKey, gateway_name, issuer_name
from holdfast.identity.authority import Allowance, ArgumentLimit, Authority
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import Holder, MandateIssuer, Terms, grant_to_service
from holdfast.identity.proofs import Request
from holdfast.identity.wimse import make_wpt
from holdfast.registry import Descriptor
from holdfast.resilience import LeaseReturned, Purses, Treasury
from holdfast.world.sim import SimEntropy

DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
ORIGIN = "http://127.0.0.1:8080"
ENTROPY = SimEntropy(7)
LOOK = {"properties": {"path": {"type": "string"}}}


def pinned(tool):
    return f"{tool['name']}@{Descriptor.of('tool', tool).digest.removeprefix('sha256:')}"


def may(*tools, actions=("call",), **more):
    return Authority(
        type="mcp_tool",
        locations=frozenset((f"{NAME}/tool/docs",)),
        actions=frozenset(actions),
        tools=frozenset(tools) or None,
        **more,
    )


class Holding:
    """An agent that calls tools under a mandate with these authorities."""

    def __init__(self, world, *authorities):
        self.world, now = world, world.clock.now()
        issuer = Issuer.found(DOMAIN, now=now, entropy=ENTROPY)
        world.gateway.identities.believe(issuer, tenant=TENANT, origins=(ORIGIN,))
        self.key, name = SigningKey.generate(ENTROPY), f"{NAME}/agent/agent"
        self.wit = issuer.issue_wit(name, self.key.public, now=now, entropy=ENTROPY).encode()
        self.mandate = grant_to_service(
            MandateIssuer(iss=issuer_name(DOMAIN), key=issuer.token_key(now)),
            Holder(agent=name, key=self.key.public),
            terms=Terms(audience=gateway_name(DOMAIN, TENANT), ttl_s=600),
            asked=authorities,
            widest=authorities,
            now=now,
            entropy=ENTROPY,
        )
        self.client = world.client()

    async def call(self, tool, **arguments):
        return await self.ask("tools/call", name=f"docs__{tool}", arguments=arguments)

    async def ask(self, method, **params):
        message = self.client.message(method, params)
        headers = {b"workload-identity-token": self.wit, b"holdfast-mandate": self.mandate}
        asked = Request(
            method="POST",
            target="/mcp",
            origins=(ORIGIN,),
            headers=headers,
            body=msgspec.json.encode(message),
        )
        now = self.world.clock.now()
        proof = make_wpt(self.key, asked, wit=self.wit, now=now, entropy=ENTROPY)
        return await self.client.send(
            message,
            authorization=None,
            workload_identity_token=self.wit.decode(),
            holdfast_mandate=self.mandate.decode(),
            workload_proof_token=proof,
        )


class Till:
    """A keeper and its one worker, without a wire between them."""

    def __init__(self):
        self.treasury, self.sent = Treasury(), []
        self.purses = Purses(self.sent.append)

    def take(self, accounts, amounts, *, wall):
        return self.purses.take(accounts, amounts, wall=wall)

    def reserve(self, accounts, amounts, then, *, wall, now, allotments=()):
        self.purses.tick(now=now)
        self.purses.reserve(accounts, amounts, then, wall=wall, now=now, allotments=allotments)
        while self.sent:
            message = self.sent.pop(0)
            is_part = isinstance(message, LeaseReturned)
            hear = self.treasury.returned if is_part else self.treasury.wanted
            for _, order in hear(0, message, wall=wall):
                self.purses.heard(order, wall=wall, now=now)

    def settle(self, reservation, actual):
        return self.purses.settle(reservation, actual)


def run(mcp, authorities, scenario, *, controls=""):
    async def main(world):
        return await scenario(Holding(world, *authorities))

    docs = mcp.Tools(
        tools=[mcp.tool("look", **LOOK), mcp.tool("write")],
        resources=[{"uri": "file:///a", "name": "a"}],
    )
    text = mcp.blueprint(controls=controls)
    return mcp.run(main, docs=docs, text=text, spending=Till()), docs


def told(heard):
    return None if "error" not in heard.messages[-1] else heard.code


def test_a_tool_is_called_as_often_as_the_mandate_says_and_no_more(mcp):
    async def scenario(agent):
        return await asyncio.gather(*[agent.call("look") for _ in range(5)])

    heards, docs = run(mcp, [may("look", max=Allowance(calls=3))], scenario)
    codes = [told(each) for each in heards]
    assert (codes.count(None), codes.count("authority.exhausted")) == (3, 2)
    assert len(docs.of("tools/call")) == 3


def test_a_tool_that_the_mandate_does_not_name_is_not_called(mcp):
    async def scenario(agent):
        return [told(await agent.call(name)) for name in ("look", "write")]

    codes, docs = run(mcp, [may("look")], scenario)
    assert codes == [None, "authority.exceeded"]
    assert len(docs.of("tools/call")) == 1


def test_a_tool_is_named_as_it_was_approved(mcp):
    async def scenario(agent):
        return told(await agent.call("look"))

    tool = mcp.tool("look", **LOOK)
    assert run(mcp, [may(pinned(tool))], scenario)[0] is None
    other = {**tool, "description": "Does something else."}
    assert run(mcp, [may(pinned(other))], scenario)[0] == "authority.exceeded"


def test_arguments_are_held_to_the_mandates_limits(mcp):
    async def scenario(agent):
        paths = ({"path": "/docs/a"}, {"path": "/docs/../etc"}, {})
        return [told(await agent.call("look", **arguments)) for arguments in paths]

    limited = may("look", args=(("path", ArgumentLimit(prefix="/docs")),))
    codes, docs = run(mcp, [limited], scenario)
    assert codes == [None, "authority.exceeded", "authority.exceeded"]
    assert len(docs.of("tools/call")) == 1


def test_a_resource_is_read_only_under_an_authority_that_allows_it(mcp):
    async def scenario(agent):
        return told(await agent.ask("resources/read", uri="docs+file:///a"))

    assert run(mcp, [may("look", actions=("call", "read"))], scenario)[0] == "authority.exceeded"
    assert run(mcp, [may(actions=("read",))], scenario)[0] is None


def test_a_limit_of_money_needs_a_price_of_the_server(mcp):
    async def scenario(agent):
        return told(await agent.call("look"))

    paid = [may("look", max=Allowance(usd_micro=5))]
    assert run(mcp, paid, scenario)[0] == "authority.unpriced"
    free = "price: {input: 0, output: 0}"
    assert run(mcp, paid, scenario, controls=free)[0] is None
