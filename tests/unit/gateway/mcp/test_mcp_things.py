"""Resources, prompts, completion, and requests that go round several times."""

import pytest

RESOURCES = [{"uri": "doc://one", "name": "one"}]
TEMPLATES = [{"uriTemplate": "doc://{name}/page", "name": "page"}]
PROMPTS = [{"name": "sum", "arguments": [{"name": "of", "required": True}]}]


def full(mcp, **more):
    return mcp.Tools(resources=RESOURCES, templates=TEMPLATES, prompts=PROMPTS, **more)


def test_everything_is_shown_under_its_server(mcp):
    async def scenario(world):
        client = world.client()
        lists = ("resources/list", "resources/templates/list", "prompts/list")
        return [await client.ask(method) for method in lists]

    resources, templates, prompts = mcp.run(scenario, docs=full(mcp))
    assert [r["uri"] for r in resources.result["resources"]] == ["docs+doc://one"]
    assert [t["uriTemplate"] for t in templates.result["resourceTemplates"]] == [
        "docs+doc://{name}/page"
    ]
    assert [p["name"] for p in prompts.result["prompts"]] == ["docs__sum"]


@pytest.mark.parametrize("uri", ["doc://one", "doc://any/page"])
def test_a_resource_is_read_by_its_qualified_uri_and_answers_by_it(uri, mcp):
    docs = full(mcp)

    async def scenario(world):
        return await world.client().ask("resources/read", {"uri": f"docs+{uri}"}), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.result["contents"] == [{"uri": f"docs+{uri}", "text": "read"}]
    assert docs.of("resources/read")[0]["params"]["uri"] == uri
    assert (records[-1].action, records[-1].tool, records[-1].event) == ("read", uri, "call")


@pytest.mark.parametrize(
    "uri", ["doc://one", "docs+doc://two", "docs+doc://a/b/page", "docs+doc://../page", "x+y:z"]
)
def test_what_no_approved_resource_or_template_covers_is_not_read(uri, mcp):
    docs = full(mcp)

    async def scenario(world):
        return await world.client().ask("resources/read", {"uri": uri})

    heard = mcp.run(scenario, docs=docs)
    assert (heard.error["code"], heard.code) == (-32602, "tool.unknown")
    assert docs.of("resources/read") == []


def test_a_prompt_is_got(mcp):
    docs = full(mcp)

    async def scenario(world):
        asked = {"name": "docs__sum", "arguments": {"of": "one"}}
        return await world.client().ask("prompts/get", asked), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.result["messages"] == []
    assert docs.of("prompts/get")[0]["params"]["name"] == "sum"
    assert records[-1].action == "prompt"


@pytest.mark.parametrize(
    ("ref", "own"),
    [
        ({"type": "ref/prompt", "name": "docs__sum"}, {"type": "ref/prompt", "name": "sum"}),
        (
            {"type": "ref/resource", "uri": "docs+doc://{name}/page"},
            {"type": "ref/resource", "uri": "doc://{name}/page"},
        ),
    ],
)
def test_a_completion_is_asked_of_the_server_it_is_about(ref, own, mcp):
    docs = full(mcp)

    async def scenario(world):
        asked = {"ref": ref, "argument": {"name": "of", "value": "o"}}
        return await world.client().ask("completion/complete", asked)

    heard = mcp.run(scenario, docs=docs)
    assert heard.result["completion"] == {"values": ["one"]}
    assert docs.of("completion/complete")[0]["params"]["ref"] == own


def test_one_server_s_view_has_its_own_names_and_no_others(mcp):
    docs = full(mcp)

    async def scenario(world):
        client = world.client(path="/mcp/docs")
        other = world.client(path="/mcp/bank")
        return (
            await client.ask("tools/list"),
            await client.call("look"),
            await client.ask("resources/read", {"uri": "doc://one"}),
            await other.ask("tools/list"),
            await other.call("look"),
        )

    listed, called, read, others, refused = mcp.run(scenario, docs=docs, bank=mcp.Tools())
    assert [t["name"] for t in listed.result["tools"]] == ["look", "write"]
    assert called.result["content"]
    assert read.result["contents"][0]["uri"] == "doc://one"
    assert others.result["tools"] == []
    assert refused.code == "relationship.undeclared"


def test_links_in_results_can_be_read_through_the_gateway(mcp):
    docs = full(mcp)
    blocks = [
        {"type": "resource_link", "uri": "doc://one", "name": "one"},
        {"type": "resource", "resource": {"uri": "doc://one", "text": "x"}},
    ]

    async def answer(message, exchange):
        docs.reply(exchange, message, {"content": blocks})

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__look")

    content = mcp.run(scenario, docs=docs).result["content"]
    assert (content[0]["uri"], content[1]["resource"]["uri"]) == ("docs+doc://one",) * 2


# -- round trips --------------------------------------------------------------------------------


def asking(docs, *, state="secret"):
    """Asks for a name, then answers with the state it got back."""

    async def answer(message, exchange):
        params = message["params"]
        if "inputResponses" not in params:
            requests = {"n": {"method": "elicitation/create", "params": {"message": "?"}}}
            result = {"resultType": "input_required", "inputRequests": requests}
            docs.reply(exchange, message, {**result, "requestState": state})
        else:
            text = {"type": "text", "text": params.get("requestState", "none")}
            docs.reply(exchange, message, {"content": [text]})

    return answer


def again(asked, **more):
    return {**asked, "inputResponses": {"n": {"action": "accept"}}, **more}


def test_a_server_may_ask_for_more_and_gets_its_own_state_back(mcp):
    docs = mcp.Tools()
    docs.answer = asking(docs)
    asked = {"name": "docs__look", "arguments": {}}

    async def scenario(world):
        client = world.client(capabilities={"elicitation": {}})
        first = await client.ask("tools/call", asked)
        state = first.result["requestState"]
        second = await client.ask("tools/call", again(asked, requestState=state))
        return first, second

    first, second = mcp.run(scenario, docs=docs)
    assert first.result["resultType"] == "input_required"
    assert first.result["requestState"] != "secret"
    assert second.result["content"][0]["text"] == "secret"
    meta = docs.of("tools/call")[0]["params"]["_meta"]
    assert meta[mcp.META + "clientCapabilities"] == {"elicitation": {}}


def test_another_s_state_or_another_call_s_or_one_that_was_touched_is_refused(mcp):
    docs = mcp.Tools()
    docs.answer = asking(docs)
    more = "- {id: other-uses-docs, connects: [other, docs]}"
    asked = {"name": "docs__look", "arguments": {}}

    async def scenario(world):
        agent, other = world.client(), world.client("other")
        state = (await agent.ask("tools/call", asked)).result["requestState"]
        write = {**asked, "name": "docs__write"}
        tried = [
            (other, asked, state),
            (agent, write, state),
            (agent, asked, state + "A"),
            (agent, asked, state[:-2] + "!!"),
            (agent, asked, "B" + state[1:]),
            (agent, asked, "secret"),
        ]
        return [
            await client.ask("tools/call", again(what, requestState=with_state))
            for client, what, with_state in tried
        ]

    heards = mcp.run(scenario, docs=docs, text=mcp.blueprint(more=more))
    assert {heard.code for heard in heards} == {"mcp.state"}
    assert len(docs.of("tools/call")) == 1


def test_a_client_that_cannot_be_asked_is_told_so(mcp):
    docs = mcp.Tools()
    docs.answer = asking(docs)

    async def scenario(world):
        return await world.client(revision=mcp.OLD).call("docs__look")

    heard = mcp.run(scenario, docs=docs)
    assert heard.error["code"] == -32603
