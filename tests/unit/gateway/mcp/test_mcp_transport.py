"""The endpoint itself: methods, origins, versions, headers, sessions, errors (MCP 2026-07-28 and
2025-11-25, Streamable HTTP; the attacks are those of the gateway's threat model)."""

import msgspec
import pytest

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{%b,"_meta":%b}}'


def run(mcp, scenario, **how):
    docs = mcp.Tools()
    return mcp.run(lambda world: scenario(world, docs), docs=docs, **how)


@pytest.mark.parametrize("verb", ["GET", "DELETE", "PUT"])
def test_only_post_is_served(verb, mcp):
    async def scenario(world, docs):
        return await world.client().send(b"", verb=verb)

    heard = run(mcp, scenario)
    assert (heard.status, heard.headers[b"allow"]) == (405, b"POST")


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": "http://evil.example.com"},
        {"origin": "https://evil.example.com:8080"},
        {"origin": "null"},
        {"host": "evil.example.com", "origin": "http://127.0.0.1:8080"},
        {"host": "evil.example.com", "origin": "http://evil.example.com"},
    ],
)
def test_a_foreign_page_is_turned_away(fields, mcp):
    async def scenario(world, docs):
        return await world.client().ask("tools/list", **fields), world.records()

    heard, records = run(mcp, scenario)
    assert heard.status == 403
    assert records[-1].rule in ("request.origin", "request.host")


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:9"])
def test_a_page_of_this_machine_may_ask(origin, mcp):
    async def scenario(world, docs):
        return await world.client().ask("tools/list", origin=origin)

    assert run(mcp, scenario).status == 200


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "identity.missing"),
        ("Bearer hf_wrong", "identity.unknown"),
        ("Basic x", "identity.missing"),
    ],
)
def test_nobody_without_a_key_is_told_anything(authorization, code, mcp):
    async def scenario(world, docs):
        client = world.client()
        return [
            await client.ask(method, authorization=authorization)
            for method in ("server/discover", "tools/list", "subscriptions/listen")
        ] + [await client.call("docs__look", authorization=authorization)]

    heards = run(mcp, scenario)
    # The last two lack params or are calls: whatever they are, none is answered.
    for heard in (heards[0], heards[1], heards[3]):
        assert (heard.status, heard.code) == (401, code)
        challenge = heard.headers[b"www-authenticate"].decode()
        assert challenge.startswith("Bearer ")
        where = "http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{where}"' in challenge


@pytest.mark.parametrize("suffix", ["", "/mcp"])
def test_where_tokens_come_from_is_told_to_everybody(suffix, mcp):
    async def scenario(world, docs):
        client = world.client(path="/.well-known/oauth-protected-resource" + suffix)
        return await client.send(b"", verb="GET", authorization=None)

    heard = run(mcp, scenario)
    document = msgspec.json.decode(heard.body)
    assert document["resource"] == "http://127.0.0.1:8080/mcp"
    assert document["bearer_methods_supported"] == ["header"]


def test_a_version_nobody_speaks_is_answered_with_those_spoken(mcp):
    async def scenario(world, docs):
        client = world.client()
        meta = {mcp.META + "protocolVersion": "1900-01-01"}
        return await client.ask("tools/list", meta=meta, **{"mcp-protocol-version": "1900-01-01"})

    heard = run(mcp, scenario)
    assert (heard.status, heard.error["code"]) == (400, -32022)
    assert heard.error["data"]["supported"] == [mcp.NEW, mcp.OLD]
    assert heard.error["data"]["code"] == "mcp.version"


@pytest.mark.parametrize(
    "fields",
    [
        {"mcp_method": "tools/list"},
        {"mcp_method": None},
        {"mcp_method": "TOOLS/CALL"},
        {"mcp_name": "docs__write"},
        {"mcp_name": None},
        {"mcp_name": "=?base64?!!!?="},
        {"mcp_protocol_version": "2025-11-25"},
        {"mcp_protocol_version": None},
    ],
)
def test_headers_that_say_otherwise_than_the_body_are_refused(fields, mcp):
    async def scenario(world, docs):
        return await world.client().call("docs__look", **fields), docs

    heard, docs = run(mcp, scenario)
    assert (heard.status, heard.error["code"]) == (400, -32020)
    assert docs.of("tools/call") == []


@pytest.mark.parametrize(
    "members",
    [
        b'"name":"docs__look","Name":"docs__write"',
        b'"name":"docs__look","name":"docs__write"',
        b'"name":"docs__look","arguments":{"a":1,"a":2}',
        b'"name":"docs__look","arguments":{"a":1,"A":2}',
        b'"name":"docs__look","\\u006eame":"docs__write"',
    ],
)
def test_what_two_parsers_could_read_differently_is_refused_before_anything_is_asked(members, mcp):
    meta = msgspec.json.encode(
        {mcp.META + "protocolVersion": mcp.NEW, mcp.META + "clientCapabilities": {}}
    )

    async def scenario(world, docs):
        body = CALL % (members, meta)
        client = world.client()
        fields = {"mcp_method": "tools/call", "mcp_name": "docs__look"}
        return await client.send(body, **fields), docs, world.records()

    heard, docs, records = run(mcp, scenario)
    assert heard.status == 400
    assert docs.of("tools/call") == []
    assert (records[-1].rule, records[-1].principal) == ("mcp.message", None)


@pytest.mark.parametrize("body", [b"", b"[]", b"[{}]", b"{", b'"x"', b"\xff", b'{"id":1}'])
def test_what_is_no_message_is_refused(body, mcp):
    async def scenario(world, docs):
        return await world.client().send(body)

    assert run(mcp, scenario).status == 400


def test_the_upstream_gets_our_own_bytes_and_none_of_the_client_s_headers(mcp):
    async def scenario(world, docs):
        meta = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        await world.client().call(
            "docs__look", {"a": 1}, meta={**meta, "evil/x": 1, "progressToken": "t"}, x_evil="1"
        )
        return docs

    docs = run(mcp, scenario)
    message, (_, fields) = docs.of("tools/call")[0], docs.heads[-1]
    assert b"authorization" not in fields
    assert b"x-evil" not in fields
    meta = message["params"]["_meta"]
    assert meta[mcp.META + "clientInfo"]["name"] == "holdfast"
    assert "evil/x" not in meta
    assert meta["progressToken"] == message["id"]
    assert meta["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c")


def test_two_clients_with_one_id_each_get_their_own_answer(mcp):
    """Answers never cross: towards servers the ids are ours."""
    import asyncio

    docs = mcp.Tools()

    async def later(message, exchange):
        which = message["params"]["arguments"]["which"]
        await asyncio.sleep(1.0 / which)
        docs.reply(exchange, message, {"content": [{"type": "text", "text": str(which)}]})

    docs.answer = later

    async def scenario(world):
        calls = [world.client().call("docs__look", {"which": n}) for n in (1, 2, 3)]
        return await asyncio.gather(*calls)

    heards = mcp.run(scenario, docs=docs)
    assert [h.result["content"][0]["text"] for h in heards] == ["1", "2", "3"]
    assert {h.messages[-1]["id"] for h in heards} == {1}
    assert len({message["id"] for message in docs.of("tools/call")}) == 3


def test_an_answer_to_another_request_is_no_answer(mcp):
    docs = mcp.Tools()

    async def crossed(message, exchange):
        docs.reply(exchange, {"id": message["id"] + 1}, {"content": []})

    docs.answer = crossed

    async def scenario(world):
        return await world.client().call("docs__look")

    assert mcp.run(scenario, docs=docs).code == "upstream.protocol"


# -- sessions -----------------------------------------------------------------------------------


def test_a_client_of_2025_needs_no_session_and_gets_one_that_is_its_own(mcp):
    docs = mcp.Tools()
    more = "- {id: other-uses-docs, connects: [other, docs]}"

    async def scenario(world):
        agent = world.client(revision=mcp.OLD)
        hello = await agent.ask("initialize", {"protocolVersion": mcp.OLD, "capabilities": {}})
        agent.session = hello.headers[b"mcp-session-id"].decode()
        noted = await agent.tell("notifications/initialized")
        own = await agent.call("docs__look")
        without = await world.client(revision=mcp.OLD).call("docs__look")
        thief = world.client("other", revision=mcp.OLD, session=agent.session)
        stolen = await thief.call("docs__look")
        forged = await world.client(revision=mcp.OLD, session="A" * 34).call("docs__look")
        return hello, noted, own, without, stolen, forged

    heard = mcp.run(scenario, docs=docs, text=mcp.blueprint(more=more))
    hello, noted, own, without, stolen, forged = heard
    assert hello.result["protocolVersion"] == mcp.OLD
    assert (noted.status, noted.body) == (202, b"")
    assert own.result["content"]
    assert without.result["content"]
    assert [(h.status, h.code) for h in (stolen, forged)] == [(404, "mcp.session")] * 2


def test_each_principal_has_a_session_of_its_own_at_a_server_of_2025(mcp):
    docs = mcp.Tools(revision=mcp.OLD)
    more = "- {id: other-uses-docs, connects: [other, docs]}"

    async def scenario(world):
        for caller in ("agent", "other", "agent"):
            await world.client(caller).call("docs__look")

    mcp.run(scenario, docs=docs, text=mcp.blueprint(more=more))
    sessions = [
        fields[b"mcp-session-id"]
        for message, fields in docs.posts
        if message["method"] == "tools/call"
    ]
    assert len(sessions) == 3
    assert sessions[0] == sessions[2] != sessions[1]


def test_a_session_that_the_server_ended_is_opened_anew(mcp):
    docs = mcp.Tools(revision=mcp.OLD)
    ended = []

    async def answer(message, exchange):
        if not ended:
            ended.append(message)
            exchange.respond(404, (mcp.JSON,), b'{"error":"no such session"}')
        else:
            docs.reply(exchange, message, {"content": []})

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__write")

    assert mcp.run(scenario, docs=docs).result["content"] == []
    assert len(docs.of("tools/call")) == 2


# -- methods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "method", "status"),
    [
        ("NEW", "nonsense", 404),
        ("NEW", "ping", 404),
        ("NEW", "initialize", 404),
        ("NEW", "resources/subscribe", 404),
        ("OLD", "nonsense", 200),
        ("OLD", "server/discover", 200),
        ("OLD", "resources/subscribe", 200),
        ("NEW", "sampling/createMessage", 404),
    ],
)
def test_a_method_that_is_none_of_the_revision_s_is_not_found(revision, method, status, mcp):
    async def scenario(world, docs):
        client = world.client(revision=getattr(mcp, revision))
        return await client.ask(method, {"uri": "x:y"})

    heard = run(mcp, scenario)
    assert (heard.status, heard.error["code"]) == (status, -32601)


def test_discovery_tells_revisions_and_what_there_is(mcp):
    async def scenario(world, docs):
        return await world.client().ask("server/discover")

    result = run(mcp, scenario).result
    assert result["supportedVersions"] == [mcp.NEW, mcp.OLD]
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert (result["resultType"], result["cacheScope"], result["ttlMs"]) == (
        "complete",
        "private",
        0,
    )


def test_a_ping_of_2025_is_answered(mcp):
    async def scenario(world, docs):
        return await world.client(revision=mcp.OLD).ask("ping")

    assert run(mcp, scenario).result == {}
