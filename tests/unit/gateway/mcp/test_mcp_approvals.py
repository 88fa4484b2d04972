"""A tool that needs a person's yes is not called before it, and its client is told that it waits."""

import asyncio

import msgspec
import pytest

from holdfast.gateway import Verdict
from holdfast.identity import SigningKey, gateway_name, issuer_name
from holdfast.identity.authority import Authority
from holdfast.identity.issuer import Issuer
from holdfast.identity.mandates import Holder, MandateIssuer, Terms, grant_to_service
from holdfast.identity.proofs import Request
from holdfast.identity.wimse import make_wpt
from holdfast.registry import Pins
from holdfast.world.sim import SimEntropy

ANN = "user:idp:ann"
DOMAIN, TENANT = "holdfast.local", "default"
NAME = f"spiffe://{DOMAIN}/t/{TENANT}"
ORIGIN = "http://127.0.0.1:8080"
ENTROPY = SimEntropy(7)
RULE = (
    '@id("write-needs-an-owner")\n@require_approval("owners")\n'
    'permit (principal, action == Holdfast::Action::"call", resource)\n'
    'when { context has tool && context.tool == "write" };'
)
REDACT = '@id("no-mail")\n@redact("email")\npermit (principal, action, resource);'


def run(mcp, scenario, docs, rule=RULE):
    text = mcp.blueprint() + "policies: [asks.cedar]\n"

    async def main(world):
        world.asked, world.over = [], []
        world.gateway.watch_approvals(on_asked=world.asked.append, on_over=world.over.append)
        world.say = lambda yes: world.gateway.hear_verdict(
            Verdict(call=world.asked[-1].call, is_yes=yes, by=ANN)
        )
        return await scenario(world)

    return mcp.run(main, docs=docs, text=text, policies={"asks.cedar": rule})


async def begun(world, call):
    task = world.group.create_task(call)
    async with asyncio.timeout(30):
        while not world.asked:
            await asyncio.sleep(0.01)
    return task


def progress(message, step):
    token = message["params"]["_meta"]["progressToken"]
    params = {"progressToken": token, "progress": step}
    body = {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
    return b"event: message\ndata: " + msgspec.json.encode(body) + b"\n\n"


@pytest.mark.parametrize("revision", ["NEW", "OLD"])
def test_a_tool_is_called_after_the_yes_and_its_intent(revision, mcp):
    docs = mcp.Tools()

    async def scenario(world):
        client = world.client(revision=getattr(mcp, revision))
        task = await begun(world, client.call("docs__write", {"text": "a@b.example"}))
        await asyncio.sleep(20)
        before = len(docs.of("tools/call"))
        world.say(True)
        return before, await task, world.asked[0], world.records()

    before, heard, question, records = run(mcp, scenario, docs)
    assert before == 0
    assert heard.result["content"][0]["text"] == "done"
    assert not heard.is_stream
    assert (question.tool, question.callee, question.action) == ("write", "docs", "call")
    assert msgspec.json.decode(question.content) == {"arguments": {"text": "a@b.example"}}
    assert [(r.event, r.approver, r.tool) for r in records] == [("call", ANN, "write")]


def test_other_tools_wait_for_nobody(mcp):
    async def scenario(world):
        return await world.client().call("docs__look"), world.asked

    heard, asked = run(mcp, scenario, mcp.Tools())
    assert heard.result["content"][0]["text"] == "done"
    assert asked == []


def test_a_client_that_takes_progress_is_told_that_its_call_waits(mcp):
    async def answer(message, exchange):
        exchange.start(200, (mcp.SSE,))
        exchange.write(progress(message, 0))
        exchange.write(progress(message, 1))
        body = {"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}}
        exchange.end(b"event: message\ndata: " + msgspec.json.encode(body) + b"\n\n")

    async def scenario(world):
        call = world.client().call("docs__write", meta={"progressToken": "mine"})
        task = await begun(world, call)
        await asyncio.sleep(12)
        world.say(True)
        return await task, world.records()

    heard, records = run(mcp, scenario, mcp.Tools(answer=answer))
    told = [m["params"] for m in heard.messages[:-1]]
    values = [each["progress"] for each in told]
    assert heard.is_stream
    assert {each["progressToken"] for each in told} == {"mine"}
    assert "owners" in told[0]["message"]
    assert values == sorted(set(values))
    assert values[-2:] == [0, 1]
    assert len(values) == 5
    assert "content" in heard.result
    assert [(r.event, r.outcome, r.approver) for r in records] == [("closed", "answered", ANN)]


@pytest.mark.parametrize("tells", [False, True])
@pytest.mark.parametrize("how", ["no", "time"])
def test_a_refusal_reaches_the_client_whatever_it_was_told(tells, how, mcp):
    docs = mcp.Tools()
    meta = {"progressToken": 7} if tells else None

    async def scenario(world):
        task = await begun(world, world.client().call("docs__write", meta=meta))
        await asyncio.sleep(1)
        if how == "no":
            world.say(False)
        return await task, world.records()

    heard, records = run(mcp, scenario, docs)
    assert heard.is_stream == tells
    assert heard.code == ("approval.denied" if how == "no" else "approval.timeout")
    assert docs.of("tools/call") == []
    assert [(r.event, r.outcome) for r in records] == [("closed" if tells else "call", "refused")]


@pytest.mark.parametrize("tells", [False, True])
def test_a_call_that_is_taken_back_asks_nobody_any_more(tells, mcp):
    docs = mcp.Tools()
    meta = {"progressToken": 7} if tells else None

    async def scenario(world):
        client = world.client()
        task = await begun(world, client.call("docs__write", meta=meta))
        await asyncio.sleep(1)
        await client.tell("notifications/cancelled", {"requestId": 1})
        heard = await task
        world.say(True)
        await asyncio.sleep(1)
        return heard, world.over, world.records()

    heard, over, records = run(mcp, scenario, docs)
    assert len(over) == 1
    assert docs.of("tools/call") == []
    assert [(r.outcome, r.rule) for r in records] == [("cancelled", "call.cancelled")]
    assert heard.failure is None


@pytest.mark.parametrize("tells", [False, True])
def test_a_yes_is_for_the_tool_as_it_was_shown(tells, mcp):
    docs = mcp.Tools()
    meta = {"progressToken": 7} if tells else None

    async def scenario(world):
        task = await begun(world, world.client().call("docs__write", meta=meta))
        await asyncio.sleep(1)
        world.gateway.replace_pins(Pins([]))
        world.say(True)
        return await task

    heard = run(mcp, scenario, docs)
    assert heard.code == "tool.unapproved"
    assert docs.of("tools/call") == []


def test_a_yes_is_for_the_description_that_was_approved_then(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        task = await begun(world, world.client().call("docs__write"))
        docs.tools = [mcp.tool("look"), mcp.tool("write", title="Writes, and more")]
        world.gateway.replace_pins(Pins(docs.pins("docs")))
        await asyncio.sleep(100)
        world.say(True)
        return await task

    heard = run(mcp, scenario, docs)
    assert heard.code == "approval.interrupted"
    assert docs.of("tools/call") == []


def test_what_is_to_be_redacted_never_reaches_the_server(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        words = {"to": ["bob@example.com"], "text": "from ann@example.com"}
        return await world.client().call("docs__write", words), world.records()

    heard, records = run(mcp, scenario, docs, rule=REDACT)
    (sent,) = docs.of("tools/call")
    assert sent["params"]["arguments"] == {"to": ["[email]"], "text": "from [email]"}
    assert records[0].obligations == ("redact:email",)
    assert "content" in heard.result


def test_what_is_to_be_redacted_and_stands_in_a_name_is_refused(mcp):
    docs = mcp.Tools(templates=[{"uriTemplate": "mail://{who}", "name": "mail"}])

    async def scenario(world):
        client = world.client()
        fine = await client.ask("resources/read", {"uri": "docs+mail://bob"})
        refused = await client.ask("resources/read", {"uri": "docs+mail://bob@example.com"})
        return fine, refused

    fine, refused = run(mcp, scenario, docs, rule=REDACT)
    assert "contents" in fine.result
    assert refused.code == "obligation.redact"
    assert len(docs.of("resources/read")) == 1


async def call_under_mandate(world, *, ttl_s):
    """A tool's call of an agent that proves itself and holds a mandate."""
    now, identities = world.clock.now(), world.gateway.identities
    issuer = Issuer.found(DOMAIN, now=now, entropy=ENTROPY)
    identities.believe(issuer, tenant=TENANT, origins=(ORIGIN,))
    key, name = SigningKey.generate(ENTROPY), f"{NAME}/agent/agent"
    wit = issuer.issue_wit(name, key.public, now=now, entropy=ENTROPY).encode()
    authority = Authority(
        type="mcp_tool",
        locations=frozenset((f"{NAME}/tool/docs",)),
        actions=frozenset(("call",)),
        tools=None,
    )
    mandate = grant_to_service(
        MandateIssuer(iss=issuer_name(DOMAIN), key=issuer.token_key(now)),
        Holder(agent=name, key=key.public),
        terms=Terms(audience=gateway_name(DOMAIN, TENANT), ttl_s=ttl_s),
        asked=[authority],
        widest=[authority],
        now=now,
        entropy=ENTROPY,
    )
    client = world.client()
    message = client.message("tools/call", {"name": "docs__write", "arguments": {}})
    fields = {b"workload-identity-token": wit, b"holdfast-mandate": mandate}
    asked = Request(
        method="POST",
        target="/mcp",
        origins=(ORIGIN,),
        headers=fields,
        body=msgspec.json.encode(message),
    )
    proof = make_wpt(key, asked, wit=wit, now=now, entropy=ENTROPY)
    return await client.send(
        message,
        authorization=None,
        workload_identity_token=wit.decode(),
        holdfast_mandate=mandate.decode(),
        workload_proof_token=proof,
    )


@pytest.mark.parametrize(("ttl_s", "code"), [(600, None), (60, "identity.token-expired")])
def test_a_mandate_must_still_hold_when_somebody_says_yes(ttl_s, code, mcp):
    docs = mcp.Tools()

    async def scenario(world):
        task = await begun(world, call_under_mandate(world, ttl_s=ttl_s))
        await asyncio.sleep(100)
        world.say(True)
        return await task, world.asked[0]

    heard, question = run(mcp, scenario, docs)
    assert question.chain
    assert question.on_behalf_of == question.chain[0]
    if code is None:
        assert "content" in heard.result
    else:
        assert heard.code == code
        assert docs.of("tools/call") == []
