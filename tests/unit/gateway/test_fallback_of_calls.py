"""Fallback: only to declared nodes, only when nothing else is left, with the seam on record."""

import msgspec


def test_a_call_falls_back_when_its_callee_cannot_answer(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.status(500))
        spare = await world.serve(9002, kit.whole("spare"))
        return await world.ask(), spare, world.records(), world.counters()

    heard, spare, records, counters = kit.run(with_fallback(), scenario)
    assert heard.status == 200
    assert spare.bodies()[0]["model"] == "m2"
    [record] = records
    assert (record.resource, record.node, record.fallback) == (
        *("reviewer", "spare"),
        "desk-asks-spare",
    )
    assert (record.attempts, counters["fallbacks"]) == (2, 1)


def test_a_request_that_is_wrong_itself_does_not_fall_back(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.status(400))
        spare = await world.serve(9002, kit.whole())
        return await world.ask(), spare

    heard, spare = kit.run(with_fallback(), scenario)
    assert (heard.status, spare.requests) == (400, [])


def test_when_the_fallback_fails_too_the_last_answer_is_told(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.status(500))
        await world.serve(9002, kit.status(503, body=b'{"error":{"message":"full"}}'))
        return await world.ask()

    heard = kit.run(with_fallback(), scenario)
    assert (heard.status, heard.json["error"]["message"]) == (503, "full")


def test_policy_is_asked_again_for_the_fallback(kit, with_fallback):
    text = with_fallback() + "policies: [no-spare.cedar]\n"
    rule = (
        '@id("no-spare")\nforbid (principal, action, resource) '
        'when { resource == Holdfast::Model::"spare" };'
    )

    async def scenario(world):
        await world.serve(9001, kit.status(500))
        spare = await world.serve(9002, kit.whole())
        return await world.ask(), spare

    heard, spare = kit.run(text, scenario, policies={"no-spare.cedar": rule})
    assert (heard.status, spare.requests) == (500, [])


def test_a_stream_goes_on_at_the_fallback_after_its_first_token(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("Once "), kit.piece("upon "), ends=False))
        spare = await world.serve(9002, kit.stream(kit.piece("a time")))
        heard = await world.ask(kit.chat(stream=True))
        return heard, spare, world.records(), world.counters("spare")

    heard, spare, records, counters = kit.run(with_fallback(", after_first_token: true"), scenario)
    first = kit.piece("Once ") + kit.piece("upon ")
    assert heard.body == first + kit.piece("a time") + kit.DONE
    assert spare.bodies()[0]["messages"][-1] == {"role": "assistant", "content": "Once upon "}
    closed = records[-1]
    assert (closed.event, closed.outcome, closed.node) == ("closed", "answered", "spare")
    assert closed.seams == (len(first),)
    assert counters["seams"] == 1


def test_without_leave_to_continue_a_broken_stream_ends_honestly(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("Once "), ends=False))
        spare = await world.serve(9002, kit.stream(kit.piece("a time")))
        return await world.ask(kit.chat(stream=True)), spare

    heard, spare = kit.run(with_fallback(), scenario)
    assert heard.body.startswith(kit.piece("Once "))
    assert b'"upstream.reset"' in heard.body
    assert spare.requests == []


def test_a_stream_of_tool_calls_is_never_continued_by_another(kit, with_fallback):
    delta = {"tool_calls": [{"index": 0, "function": {"name": "pay"}}]}
    event = {"choices": [{"index": 0, "delta": delta}]}
    tool = b"data: " + msgspec.json.encode(event) + b"\n\n"

    async def scenario(world):
        await world.serve(9001, kit.stream(tool, ends=False))
        spare = await world.serve(9002, kit.stream(kit.piece("a time")))
        return await world.ask(kit.chat(stream=True)), spare

    heard, spare = kit.run(with_fallback(", after_first_token: true"), scenario)
    assert b'"error"' in heard.body
    assert spare.requests == []


def test_an_event_cut_in_two_is_not_given_away_before_the_seam(kit, with_fallback):
    half = kit.piece("never seen")[:-7]

    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("Once "), half, ends=False))
        await world.serve(9002, kit.stream(kit.piece("more")))
        return await world.ask(kit.chat(stream=True))

    heard = kit.run(with_fallback(", after_first_token: true"), scenario)
    assert heard.body == kit.piece("Once ") + kit.piece("more") + kit.DONE


def test_a_continuation_that_fails_too_ends_with_an_error(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("Once "), ends=False))
        await world.serve(9002, kit.status(500))
        return await world.ask(kit.chat(stream=True)), world.records()

    heard, records = kit.run(with_fallback(", after_first_token: true"), scenario)
    assert heard.body.startswith(kit.piece("Once ") + b'data: {"error"')
    assert records[-1].outcome == "failed"


def test_a_caller_who_leaves_between_two_models_ends_the_call(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("Once "), ends=False))
        await world.serve(9002, kit.silent())
        await world.ask(kit.chat(stream=True), leave_after_s=1)
        return world

    world = kit.run(with_fallback(", after_first_token: true"), scenario)
    assert world.records()[-1].outcome == "cancelled"
    assert all(seen.in_flight == 0 for seen in world.gateway.seen_upstreams())


def test_a_bulkhead_that_is_full_is_no_reason_to_fall_back(kit, with_fallback):
    text = with_fallback().replace(
        "{id: desk-asks, connects: [desk, reviewer]}",
        "{id: desk-asks, connects: [desk, reviewer], controls: {bulkhead: {calls: 1}}}",
    )

    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=1))
        spare = await world.serve(9002, kit.whole())
        return await world.ask_many(2), spare

    heards, spare = kit.run(text, scenario)
    assert sorted(heard.status for heard in heards) == [200, 429]
    assert spare.requests == []


def test_the_bulkhead_of_the_fallback_holds_for_those_who_fall_back(kit, with_fallback):
    text = with_fallback().replace(
        "{id: desk-asks-spare, connects: [desk, spare]}",
        "{id: desk-asks-spare, connects: [desk, spare], controls: {bulkhead: {calls: 1}}}",
    )

    async def scenario(world):
        await world.serve(9001, kit.status(500))
        spare = await world.serve(9002, kit.whole(after_s=1))
        return await world.ask_many(2), spare, await world.ask()

    heards, spare, later = kit.run(text, scenario)
    assert sorted(heard.status for heard in heards) == [200, 500]
    assert (later.status, len(spare.requests)) == (200, 2)
