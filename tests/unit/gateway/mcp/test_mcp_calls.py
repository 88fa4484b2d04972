"""Calls of tools: who may, what goes to the server, what comes back, what is recorded."""

import asyncio

import msgspec
import pytest

from holdfast.identity import SigningKey
from holdfast.identity.revocation import Revocations
from holdfast.registry import Descriptor, Pin, Pins

TEXT = {"properties": {"path": {"type": "string"}}, "required": ["path"]}


def codes(records):
    return [(record.event, record.outcome, record.rule) for record in records]


@pytest.mark.parametrize("client", ["NEW", "OLD"])
@pytest.mark.parametrize("server", ["NEW", "OLD"])
def test_a_tool_is_called_whatever_the_revisions(client, server, mcp):
    docs = mcp.Tools(revision=getattr(mcp, server))

    async def scenario(world):
        agent = world.client(revision=getattr(mcp, client))
        listed = await agent.ask("tools/list")
        called = await agent.call("docs__look")
        return listed, called, world.records()

    listed, called, records = mcp.run(scenario, docs=docs)
    assert [t["name"] for t in listed.result["tools"]] == ["docs__look", "docs__write"]
    assert called.result["content"] == [{"type": "text", "text": "done"}]
    assert ("resultType" in called.result) == (client == "NEW")
    assert docs.of("tools/call")[0]["params"]["name"] == "look"
    assert [(r.action, r.tool, r.outcome) for r in records][-1] == ("call", "look", "answered")


def test_a_result_says_where_it_comes_from(mcp):
    docs = mcp.Tools()

    async def liar(message, exchange):
        meta = {"holdfast/source": {"server": "bank"}, "io.modelcontextprotocol/x": 1, "a/b": 2}
        docs.reply(exchange, message, {"content": [], "_meta": meta})

    docs.answer = liar

    async def scenario(world):
        return await world.client().call("docs__look")

    meta = mcp.run(scenario, docs=docs).result["_meta"]
    assert (meta["holdfast/source"]["server"], meta["holdfast/source"]["name"]) == ("docs", "look")
    assert meta["a/b"] == 2
    assert "io.modelcontextprotocol/x" not in meta


def test_the_record_names_tool_and_description_and_keeps_arguments_mute(mcp):
    docs = mcp.Tools(tools=[mcp.tool("look", properties=TEXT["properties"])])

    async def scenario(world):
        await world.client().call("docs__look", {"path": "/secret"})
        return world.records()[-1]

    record = mcp.run(scenario, docs=docs)
    digest = Descriptor.of("tool", docs.tools[0]).digest
    assert (record.tool, record.descriptor, record.resource) == ("look", digest, "docs")
    assert record.arguments.startswith("hmac-sha256:")
    assert b"secret" not in msgspec.json.encode(record)


def test_a_call_of_a_tool_is_recorded_before_it_is_sent(mcp):
    docs = mcp.Tools()
    events = []

    async def scenario(world):
        async def look(message, exchange):
            events.append("sent")
            docs.reply(exchange, message, {"content": []})

        docs.answer = look
        recorder = world.gateway._recorder  # what reaches the log, in its order
        submit = recorder.submit

        def noting(data, done):
            events.append(msgspec.json.decode(data)["event"])
            submit(data, done)

        recorder.submit = noting
        await world.client().call("docs__look")
        await world.client().ask("resources/list")

    mcp.run(scenario, docs=docs)
    assert events == ["intent", "sent", "call", "call"]


def test_what_nobody_approved_is_neither_shown_nor_called(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        agent = world.client()
        return await agent.ask("tools/list"), await agent.call("docs__look"), world.records()

    listed, called, records = mcp.run(scenario, docs=docs, approve=False)
    assert listed.result["tools"] == []
    assert called.code == "tool.unapproved"
    assert docs.of("tools/call") == []
    assert codes(records)[-1] == ("call", "refused", "tool.unapproved")


@pytest.mark.parametrize("part", ["description", "schema"])
def test_a_tool_that_changed_by_one_byte_is_refused_and_no_longer_shown(part, mcp):
    docs = mcp.Tools()

    async def scenario(world):
        agent = world.client()
        before = await agent.call("docs__look")
        if part == "description":
            docs.tools = [mcp.tool("look", description="Does look!"), mcp.tool("write")]
        else:
            docs.tools = [mcp.tool("look", properties={"x": {}}), mcp.tool("write")]
        await asyncio.sleep(90)
        return before, await agent.call("docs__look"), await agent.ask("tools/list")

    before, after, listed = mcp.run(scenario, docs=docs)
    assert before.result["content"]
    assert after.code == "tool.changed"
    assert [t["name"] for t in listed.result["tools"]] == ["docs__write"]
    assert len(docs.of("tools/call")) == 1


def test_what_its_keeper_knows_to_have_drifted_is_refused(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        pin = docs.pins("docs")[0]
        drifted = msgspec.structs.replace(pin, drifted="sha256:" + "0" * 64)
        world.gateway.replace_pins(Pins([drifted]))
        return await world.client().call("docs__look")

    assert mcp.run(scenario, docs=docs).code == "tool.changed"


def test_only_the_approved_copy_is_shown(mcp):
    docs = mcp.Tools(tools=[mcp.tool("look", title="Look", annotations={"readOnlyHint": True})])

    async def scenario(world):
        return await world.client().ask("tools/list")

    shown = mcp.run(scenario, docs=docs).result["tools"]
    assert shown == [{**docs.tools[0], "name": "docs__look"}]


def test_one_server_s_tool_does_not_shadow_another_s(mcp):
    docs, bank = mcp.Tools(), mcp.Tools()
    more = "- {id: agent-uses-bank, connects: [agent, bank]}"

    async def scenario(world):
        agent = world.client()
        listed = await agent.ask("tools/list")
        await agent.call("bank__look")
        return listed

    listed = mcp.run(scenario, docs=docs, bank=bank, text=mcp.blueprint(more=more))
    names = [t["name"] for t in listed.result["tools"]]
    assert names == ["bank__look", "bank__write", "docs__look", "docs__write"]
    assert (len(docs.of("tools/call")), len(bank.of("tools/call"))) == (0, 1)


def test_a_server_without_a_relationship_is_not_called(mcp):
    docs, bank = mcp.Tools(), mcp.Tools()

    async def scenario(world):
        return await world.client().call("bank__look"), world.records()

    called, records = mcp.run(scenario, docs=docs, bank=bank)
    assert called.code == "relationship.undeclared"
    assert bank.of("tools/call") == []
    assert records[-1].rule == "relationship.undeclared"


@pytest.mark.parametrize("name", ["look", "nobody__look", "docs__missing", "docs__", "__look"])
def test_a_name_that_is_nothing_is_an_unknown_tool(name, mcp):
    docs = mcp.Tools()

    async def scenario(world):
        return await world.client().call(name)

    heard = mcp.run(scenario, docs=docs)
    assert (heard.status, heard.error["code"], heard.code) == (200, -32602, "tool.unknown")


@pytest.mark.parametrize("control", ["deny: [look]", "allow: [write]"])
@pytest.mark.parametrize("where", ["controls", "link"])
def test_a_tool_that_the_blueprint_rules_out_is_neither_shown_nor_called(where, control, mcp):
    docs = mcp.Tools()
    text = mcp.blueprint(**{where: f"tools: {{{control}}}"})

    async def scenario(world):
        agent = world.client()
        return await agent.ask("tools/list"), await agent.call("docs__look")

    listed, called = mcp.run(scenario, docs=docs, text=text)
    assert [t["name"] for t in listed.result["tools"]] == ["docs__write"]
    assert called.code == "tool.undeclared"


def test_policy_knows_the_tool(mcp):
    docs = mcp.Tools()
    text = mcp.blueprint() + "policies: [p.cedar]\n"
    policy = """
    @id("no-writing")
    forbid (principal, action == Holdfast::Action::"call", resource)
    when { context has tool && context.tool == "write" };
    """

    async def scenario(world):
        agent = world.client()
        listed = await agent.ask("tools/list")
        return listed, await agent.call("docs__write"), await agent.call("docs__look")

    listed, refused, called = mcp.run(scenario, docs=docs, text=text, policies={"p.cedar": policy})
    assert [t["name"] for t in listed.result["tools"]] == ["docs__look"]
    assert refused.code == "policy.denied"
    assert called.result["content"]


@pytest.mark.parametrize(
    "arguments", [{}, {"path": 1}, {"path": "a", "more": {"deep": []}}, {"Path": "a"}]
)
def test_arguments_that_do_not_fit_never_reach_the_server(arguments, mcp):
    schema = {"type": "object", "additionalProperties": False, **TEXT}
    docs = mcp.Tools(tools=[{"name": "look", "inputSchema": schema}])

    async def scenario(world):
        return await world.client().call("docs__look", arguments), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert (heard.error["code"], heard.code) == (-32602, "tool.arguments")
    assert docs.of("tools/call") == []
    assert records[-1].call == heard.error["data"]["call"]


def test_a_call_that_may_act_is_not_sent_twice(mcp):
    """Its connection died over it: nobody knows what was done."""
    docs = mcp.Tools()

    async def cut(message, exchange):
        exchange.abort()

    docs.answer = cut

    async def scenario(world):
        agent = world.client()
        await agent.ask("tools/list")
        return await agent.call("docs__write"), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert len(docs.of("tools/call")) == 1
    assert heard.code == "upstream.reset"
    assert codes(records)[-1] == ("call", "failed", "upstream.reset")


def test_a_call_that_only_reads_is_tried_again(mcp):
    docs = mcp.Tools(tools=[mcp.tool("look", annotations={"readOnlyHint": True})])
    cuts = [True, True]

    async def cut(message, exchange):
        if cuts.pop() if cuts else False:
            exchange.abort()
        else:
            docs.reply(exchange, message, {"content": []})

    docs.answer = cut

    async def scenario(world):
        return await world.client().call("docs__look"), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.result["content"] == []
    assert len(docs.of("tools/call")) == 3
    assert records[-1].attempts == 2  # one of them over a connection that had been idle


def test_a_server_s_own_word_does_not_make_a_tool_harmless(mcp):
    """The blueprint says that it writes."""
    docs = mcp.Tools(tools=[mcp.tool("look", annotations={"readOnlyHint": True})])

    async def cut(message, exchange):
        exchange.abort()

    docs.answer = cut
    text = mcp.blueprint(controls="tools: {side_effects: write}")

    async def scenario(world):
        await world.client().call("docs__look")

    mcp.run(scenario, docs=docs, text=text)
    assert len(docs.of("tools/call")) == 1


def test_a_tool_has_its_own_time(mcp):
    docs = mcp.Tools()

    async def never(message, exchange):
        await asyncio.sleep(3600)

    docs.answer = never
    text = mcp.blueprint(controls="tools: {each: {look: {timeout_s: 2}}}")

    async def scenario(world):
        began = world.loop.time()
        heard = await world.client().call("docs__look")
        return heard, world.loop.time() - began

    heard, took_s = mcp.run(scenario, docs=docs, text=text)
    assert heard.code == "upstream.timeout"
    assert 2 <= took_s < 2.2


def test_a_result_that_is_too_large_is_no_result(mcp):
    docs = mcp.Tools()

    async def flood(message, exchange):
        docs.reply(exchange, message, {"content": [{"type": "text", "text": "x" * 9000}]})

    docs.answer = flood
    text = mcp.blueprint(link="limits: {answer_bytes: 4KiB}")

    async def scenario(world):
        return await world.client().call("docs__look")

    assert mcp.run(scenario, docs=docs, text=text).code == "limit.answer-bytes"


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"content": "text"},
        {"content": [{"type": "script"}]},
        {"content": [], "isError": "no"},
        {"content": [], "structuredContent": {"n": "one"}},
    ],
)
def test_an_answer_that_breaks_the_protocol_or_the_tool_s_schema_is_none(result, mcp):
    output = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    docs = mcp.Tools(tools=[mcp.tool("look", outputSchema=output)])

    async def answer(message, exchange):
        docs.reply(exchange, message, result)

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__look"), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.code == "mcp.answer"
    assert records[-1].outcome == "failed"


def test_a_tool_s_own_error_is_its_answer(mcp):
    docs = mcp.Tools()

    async def answer(message, exchange):
        docs.reply(exchange, message, {"content": [], "isError": True})

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__look"), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.result["isError"] is True
    assert records[-1].outcome == "answered"


def test_a_call_before_the_first_look_waits_for_it(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        return await world.client().call("docs__look")

    assert mcp.run(scenario, docs=docs, look=False).result["content"]


def test_a_server_that_could_not_be_looked_at_is_not_called(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        world.gateway.replace_pins(Pins(docs.pins("docs")))
        return await world.client().call("docs__look"), world.records()

    heard, records = mcp.run(scenario, look=False)
    assert heard.code == "tool.unseen"
    assert records[-1].rule == "tool.unseen"


def test_a_name_with_unusual_characters_is_callable_under_its_readable_form(mcp):
    docs = mcp.Tools(tools=[mcp.tool("look up/things")])

    async def scenario(world):
        agent = world.client()
        name = (await agent.ask("tools/list")).result["tools"][0]["name"]
        return name, await agent.call(name)

    name, heard = mcp.run(scenario, docs=docs)
    assert name.replace("_", "").replace("-", "").replace(".", "").isalnum()
    assert heard.result["content"]
    assert docs.of("tools/call")[0]["params"]["name"] == "look up/things"


def test_pages_hold_every_tool_once(mcp):
    docs = mcp.Tools(tools=[mcp.tool(f"t{n:03}") for n in range(450)])

    async def scenario(world):
        agent, names, cursor = world.client(), [], None
        while True:
            page = await agent.ask("tools/list", {"cursor": cursor} if cursor else {})
            names += [t["name"] for t in page.result["tools"]]
            cursor = page.result.get("nextCursor")
            if cursor is None:
                return names, await agent.ask("prompts/list", {"cursor": "bm9uc2Vuc2U"})

    names, wrong = mcp.run(scenario, docs=docs)
    assert names == [f"docs__t{n:03}" for n in range(450)]
    assert (wrong.error["code"], wrong.code) == (-32602, "mcp.params")


def pin_of(mcp, server, item):
    return Pin(server, Descriptor.of("tool", item), "approved", 0)


def test_nothing_acts_while_it_is_not_known_what_is_revoked(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        # A feed of which nothing was heard yet.
        world.gateway.identities.revocations = Revocations(
            SigningKey.generate(world.entropy).public
        )
        return await world.client().call("docs__write"), world.records()

    called, records = mcp.run(scenario, docs=docs)
    assert called.code == "authority.stale"
    assert codes(records)[-1] == ("call", "refused", "authority.stale")
    assert docs.of("tools/call") == []


def test_tools_of_a_server_that_demands_more_than_the_caller_shows_are_not_listed(mcp):
    docs = mcp.Tools()

    async def scenario(world):
        return await world.client().ask("tools/list")

    text = mcp.blueprint(link="identity: {proofs: [wpt, session]}")
    assert mcp.run(scenario, docs=docs, text=text).result["tools"] == []


def test_a_resource_that_is_not_there_is_named_in_the_error(mcp):
    async def scenario(world):
        return await world.client().ask("resources/read", {"uri": "docs+file:///gone"})

    refused = mcp.run(scenario, docs=mcp.Tools())
    assert refused.code == "tool.unknown"
    assert refused.error["data"]["uri"] == "docs+file:///gone"
