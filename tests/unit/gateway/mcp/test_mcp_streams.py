"""Notifications before the answer, taking requests back, listening for changes."""

import asyncio

import msgspec
import pytest

from holdfast.registry import Pins


def event(message):
    return b"event: message\ndata: " + msgspec.json.encode(message) + b"\n\n"


def progress(message, step):
    token = message["params"]["_meta"]["progressToken"]
    params = {"progressToken": token, "progress": step}
    return event({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})


def result(message, value=None):
    value = value or {"content": [{"type": "text", "text": "done"}]}
    return event({"jsonrpc": "2.0", "id": message["id"], "result": value})


def slowly(mcp, *, steps=3, ends=True):
    async def answer(message, exchange):
        exchange.start(200, (mcp.SSE,))
        exchange.write(b": hello\n\nid: 1\ndata:\n\n")
        for step in range(steps):
            await asyncio.sleep(0.5)
            if not exchange.busy:
                return
            exchange.write(progress(message, step))
        await asyncio.sleep(0.5)
        if ends and exchange.busy:
            exchange.end(result(message))
        elif exchange.busy:
            exchange.end()

    return answer


@pytest.mark.parametrize("revision", ["NEW", "OLD"])
def test_progress_comes_under_the_client_s_own_token(revision, mcp):
    docs = mcp.Tools(answer=slowly(mcp))

    async def scenario(world):
        client = world.client(revision=getattr(mcp, revision))
        return await client.call("docs__look", meta={"progressToken": "mine"}), world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.is_stream
    assert [m["params"] for m in heard.messages[:-1]] == [
        {"progressToken": "mine", "progress": n} for n in range(3)
    ]
    assert heard.result["content"][0]["text"] == "done"
    assert heard.headers[b"x-accel-buffering"] == b"no"
    assert [(r.event, r.outcome) for r in records] == [("call", "answered")]


def test_who_did_not_ask_for_progress_gets_one_object(mcp):
    docs = mcp.Tools()

    async def answer(message, exchange):
        message["params"]["_meta"]["progressToken"] = message["id"]
        await slowly(mcp)(message, exchange)

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__look")

    heard = mcp.run(scenario, docs=docs)
    assert not heard.is_stream
    assert heard.result["content"][0]["text"] == "done"


def test_who_reads_no_events_gets_one_object(mcp):
    docs = mcp.Tools()

    async def answer(message, exchange):
        assert "progressToken" not in message["params"]["_meta"]
        docs.reply(exchange, message, {"content": []})

    docs.answer = answer

    async def scenario(world):
        meta = {"progressToken": "mine"}
        return await world.client().call("docs__look", meta=meta, accept="application/json")

    assert mcp.run(scenario, docs=docs).result["content"] == []


def test_progress_of_another_s_request_is_not_passed_on(mcp):
    docs = mcp.Tools()

    async def answer(message, exchange):
        exchange.start(200, (mcp.SSE,))
        other = {"params": {"_meta": {"progressToken": message["id"] + 1}}}
        exchange.write(progress(other, 1))
        exchange.end(result(message))

    docs.answer = answer

    async def scenario(world):
        return await world.client().call("docs__look", meta={"progressToken": 7})

    heard = mcp.run(scenario, docs=docs)
    assert len(heard.messages) == 1


@pytest.mark.parametrize("steps", [0, 2])
def test_a_stream_that_ends_without_an_answer_is_a_failure_that_says_so(steps, mcp):
    docs = mcp.Tools(answer=slowly(mcp, steps=steps, ends=False))

    async def scenario(world):
        heard = await world.client().call("docs__look", meta={"progressToken": 1})
        return heard, world.records()

    heard, records = mcp.run(scenario, docs=docs)
    assert heard.code == "upstream.reset"
    assert heard.messages[-1]["id"] == 1
    assert [(r.event, r.outcome) for r in records] == [("call", "failed")]


def test_progress_keeps_a_long_call_alive_and_silence_ends_it(mcp):
    docs = mcp.Tools(answer=slowly(mcp, steps=20))
    quiet = mcp.Tools(answer=slowly(mcp, steps=1))

    async def silent(message, exchange):
        exchange.start(200, (mcp.SSE,))
        exchange.write(progress(message, 1))

    quiet.answer = silent
    text = mcp.blueprint(link="timeouts: {first_byte_s: 1, idle_s: 1}")

    async def scenario(world):
        return await world.client().call("docs__look", meta={"progressToken": 1})

    assert mcp.run(scenario, docs=docs, text=text).result["content"]
    assert mcp.run(scenario, docs=quiet, text=text).code == "upstream.timeout"


def test_log_messages_reach_who_asked_for_them_with_their_source(mcp):
    docs = mcp.Tools()

    async def answer(message, exchange):
        exchange.start(200, (mcp.SSE,))
        note = {"method": "notifications/message", "params": {"level": "info", "data": "hi"}}
        exchange.write(event({"jsonrpc": "2.0", **note}))
        exchange.end(result(message))

    docs.answer = answer
    level = {mcp.META + "logLevel": "info"}

    async def scenario(world):
        client = world.client()
        return await client.call("docs__look", meta=level), await client.call("docs__look")

    asked, unasked = mcp.run(scenario, docs=docs)
    assert asked.messages[0]["params"] == {"level": "info", "data": "hi", "logger": "docs"}
    assert len(unasked.messages) == 1


# -- taking back --------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["NEW", "OLD"])
@pytest.mark.parametrize("steps", [0, 50])
def test_a_server_is_told_when_the_caller_leaves(server, steps, mcp):
    docs = mcp.Tools(revision=getattr(mcp, server), answer=slowly(mcp, steps=steps or 1))
    if not steps:

        async def never(message, exchange):
            await asyncio.sleep(0)

        docs.answer = never

    async def scenario(world):
        meta = {"progressToken": 1}
        await world.client().call("docs__look", meta=meta, leave_after_s=2.2)
        await asyncio.sleep(1)
        return world.records()

    records = mcp.run(scenario, docs=docs)
    assert [m["method"] for m in docs.gone] == ["tools/call"]
    assert records[-1].outcome == "cancelled"
    cancels = [t for t in docs.told if t["method"] == "notifications/cancelled"]
    wanted = [docs.of("tools/call")[0]["id"]] if server == "OLD" else []
    assert [c["params"]["requestId"] for c in cancels] == wanted


def test_a_request_of_2025_is_taken_back_by_its_own_client_only(mcp):
    docs = mcp.Tools()
    more = "- {id: other-uses-docs, connects: [other, docs]}"

    async def never(message, exchange):
        await asyncio.sleep(0)

    docs.answer = never

    async def hello(client):
        heard = await client.ask("initialize", {"protocolVersion": mcp.OLD})
        client.session = heard.headers[b"mcp-session-id"].decode()
        return client

    async def scenario(world):
        mine = await hello(world.client(revision=mcp.OLD))
        twin = await hello(world.client(revision=mcp.OLD))
        thief = await hello(world.client("other", revision=mcp.OLD))
        call = asyncio.ensure_future(mine.call("docs__look"))
        await asyncio.sleep(1)
        for client in (twin, thief):
            await client.tell("notifications/cancelled", {"requestId": mine.last})
        await asyncio.sleep(1)
        before = list(docs.gone)
        await mine.tell("notifications/cancelled", {"requestId": mine.last})
        return before, await call, world.records()

    before, heard, records = mcp.run(scenario, docs=docs, text=mcp.blueprint(more=more))
    assert before == []
    assert heard.code == "call.cancelled"
    assert [m["method"] for m in docs.gone] == ["tools/call"]
    assert records[-1].outcome == "cancelled"


# -- listening ----------------------------------------------------------------------------------


def test_who_listens_hears_that_a_list_changed(mcp):
    docs = mcp.Tools()
    wanted = {"toolsListChanged": True, "resourceSubscriptions": ["x:y"]}

    async def scenario(world):
        client = world.client()
        task = asyncio.ensure_future(
            client.ask("subscriptions/listen", {"notifications": wanted}, leave_after_s=10)
        )
        await asyncio.sleep(1)
        world.gateway.replace_pins(Pins(docs.pins("docs")[:1]))
        return await task, world.records()

    heard, records = mcp.run(scenario, docs=docs)
    subscription = {mcp.META + "subscriptionId": 1}
    assert [m["method"] for m in heard.messages] == [
        "notifications/subscriptions/acknowledged",
        "notifications/tools/list_changed",
    ]
    assert heard.messages[0]["params"] == {
        "notifications": {"toolsListChanged": True},
        "_meta": subscription,
    }
    assert heard.messages[1]["params"] == {"_meta": subscription}
    assert records[-1].tool == "subscriptions/listen"


def test_a_drain_ends_listening_properly(mcp):
    async def scenario(world):
        client = world.client()
        listen = client.ask("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        task = asyncio.ensure_future(listen)
        await asyncio.sleep(1)
        began = world.loop.time()
        await world.gateway.drain(within_s=30)
        return await task, world.loop.time() - began

    heard, took_s = mcp.run(scenario, docs=mcp.Tools())
    assert heard.result["_meta"] == {mcp.META + "subscriptionId": 1, **_info(heard)}
    assert took_s < 1


def _info(heard):
    meta = heard.result["_meta"]
    return {k: v for k, v in meta.items() if k.endswith("serverInfo")}
