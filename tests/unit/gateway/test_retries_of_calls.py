"""Retries: where safe, within their budget, elsewhere first, never past the deadline."""

import asyncio

import pytest


def test_a_refused_connection_is_tried_again_elsewhere(kit, two_upstreams):
    async def scenario(world):
        two = await world.serve(9002, kit.whole("from two"))
        heards = [await world.ask() for _ in range(8)]
        return heards, two, world.records()

    heards, two, records = kit.run(two_upstreams(), scenario)
    assert {heard.status for heard in heards} == {200}
    assert len(two.requests) == 8
    assert {record.node for record in records} == {"two"}
    assert max(record.attempts for record in records) == 2


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504, 529])
def test_a_passing_error_is_tried_again(code, kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.status(code), kit.whole("second"))
        heard = await world.ask()
        return heard, world.records(), world.counters()

    heard, records, counters = kit.run(one_upstream(), scenario)
    assert (heard.status, counters["retries"]) == (200, 1)
    assert [(r.outcome, r.attempts) for r in records] == [("answered", 2)]


@pytest.mark.parametrize("code", [400, 401, 404, 422])
def test_an_error_about_the_request_itself_is_not_tried_again(code, kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(code, body=b'{"error":{"message":"bad"}}'))
        return await world.ask(), upstream

    heard, upstream = kit.run(one_upstream(), scenario)
    assert (heard.status, heard.json["error"]["message"]) == (code, "bad")
    assert len(upstream.requests) == 1


def test_a_client_is_told_not_to_retry_what_was_retried_here(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.status(500, body=b'{"error":{"message":"broken"}}'))
        return await world.ask()

    heard = kit.run(one_upstream("retries: {attempts: 3, backoff_s: 0.01}"), scenario)
    assert (heard.status, heard.headers[b"x-should-retry"]) == (500, b"false")
    assert heard.json["error"]["message"] == "broken"


def test_attempts_are_bounded(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.cut())
        heard = await world.ask()
        return heard, upstream, world.records()

    heard, upstream, records = kit.run(
        one_upstream("retries: {attempts: 2, backoff_s: 0.01}"), scenario
    )
    assert (heard.status, heard.code) == (502, "upstream.reset")
    assert len(upstream.requests) == 2
    assert records[0].attempts == 2


def test_retries_stay_within_their_share_of_traffic(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(500))
        for _ in range(300):
            await world.ask()
        return upstream, world.counters()

    text = one_upstream(
        "retries: {share: 0.1, per_s_min: 0, backoff_s: 0.001}\n"
        "      breaker: {failures: 100000, share: 1, calls_min: 100000}"
    )
    upstream, counters = kit.run(text, scenario)
    assert counters["retries_denied"] > 0
    assert len(upstream.requests) <= 300 * 1.1 + 12


def test_retry_after_is_obeyed(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.status(503, (b"retry-after", b"2")), kit.whole())
        return await world.ask()

    heard = kit.run(one_upstream(), scenario)
    assert heard.status == 200
    assert heard.took_s >= 2


def test_no_retry_begins_that_the_deadline_would_cut_off(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(503, (b"retry-after", b"20")), kit.whole())
        heard = await world.ask(headers=[("x-request-timeout-ms", "3000")])
        return heard, upstream

    heard, upstream = kit.run(one_upstream(), scenario)
    assert (heard.status, len(upstream.requests)) == (503, 1)
    assert heard.took_s < 3


def test_a_stream_that_dies_before_its_first_event_is_tried_again(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.stream(ends=False), kit.stream(kit.piece("a")))
        return await world.ask(kit.chat(stream=True))

    heard = kit.run(one_upstream(), scenario)
    assert heard.body == kit.piece("a") + kit.DONE


def test_a_stream_that_dies_after_its_first_event_is_not_begun_anew(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.stream(kit.piece("a"), ends=False))
        return await world.ask(kit.chat(stream=True)), upstream

    heard, upstream = kit.run(one_upstream(), scenario)
    assert heard.body.startswith(kit.piece("a"))
    assert b'"upstream.reset"' in heard.body
    assert len(upstream.requests) == 1


def test_a_callee_that_may_act_is_not_asked_twice_unless_the_caller_says_it_may_be(kit):
    text = """
holdfast: 1
name: small
nodes:
  desk: {type: service, description: Asks.}
  reviewer:
    type: ai:agent
    description: Acts.
    controls: {upstream: {url: "http://127.0.0.1:9001/v1", model: m}}
relationships:
  - {id: desk-asks, connects: [desk, reviewer]}
"""

    async def scenario(world):
        upstream = await world.serve(9001, kit.cut(), kit.cut(), kit.whole())
        first = await world.ask()
        second = await world.ask(headers=[("idempotency-key", "1")])
        return first, second, upstream

    first, second, upstream = kit.run(text, scenario)
    assert (first.status, second.status, len(upstream.requests)) == (502, 200, 3)


def test_a_caller_who_leaves_ends_the_tries(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(503, (b"retry-after", b"1")), kit.whole())
        await world.ask(leave_after_s=0.5)
        await asyncio.sleep(5)
        return upstream, world.records()

    upstream, records = kit.run(one_upstream(), scenario)
    assert len(upstream.requests) == 1
    assert [record.outcome for record in records] == ["cancelled"]


def test_a_callee_that_may_act_is_not_fallen_back_from_either(kit, with_fallback):
    text = with_fallback().replace(
        "type: ai:llm\n    description: Answers.", "type: ai:agent\n    description: Acts."
    )

    async def scenario(world):
        await world.serve(9001, kit.cut())
        spare = await world.serve(9002, kit.whole())
        return await world.ask(), spare

    heard, spare = kit.run(text, scenario)
    assert (heard.status, spare.requests) == (502, [])


def test_a_stream_cut_after_its_terminal_event_is_whole(kit, one_upstream):
    async def cut_after_done(request, exchange):
        exchange.start(200, (kit.SSE,))
        exchange.write(kit.piece("a") + kit.DONE)
        await asyncio.sleep(0.05)
        exchange.abort()

    async def scenario(world):
        await world.serve(9001, cut_after_done)
        return await world.ask(kit.chat(stream=True)), world.records()

    heard, records = kit.run(one_upstream(), scenario)
    assert heard.body == kit.piece("a") + kit.DONE
    assert records[-1].outcome == "answered"


def test_a_plain_answer_that_breaks_half_way_is_asked_for_again(kit, one_upstream):
    async def half(request, exchange):
        exchange.start(200, (kit.JSON,))
        exchange.write(kit.answer()[:20])
        await asyncio.sleep(0.05)
        exchange.abort()

    async def scenario(world):
        await world.serve(9001, half, kit.whole("whole"))
        return await world.ask(), world.records()

    heard, records = kit.run(one_upstream(), scenario)
    assert heard.body == kit.answer("whole")
    assert len(records[0].stages_us) == 7


def test_an_upstream_that_wants_long_peace_is_not_waited_for(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(429, (b"retry-after", b"60")), kit.whole())
        return await world.ask(), upstream

    heard, upstream = kit.run(one_upstream(), scenario)
    assert (heard.status, len(upstream.requests)) == (429, 1)
    assert heard.headers[b"retry-after"] == b"60"
    assert heard.took_s < 1


def test_many_calls_at_once_to_an_upstream_not_yet_heard_of_are_not_shed(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=1))
        return await world.ask_many(60)

    assert {heard.status for heard in kit.run(one_upstream(), scenario)} == {200}


def test_a_connection_that_died_idle_costs_a_model_s_call_no_retry(kit, one_upstream):
    """RFC 9112 section 9.3.1: asking a model twice does no harm, and nobody was at fault."""

    async def scenario(world):
        upstream = await world.serve(9001, kit.whole("one"), kit.cut(), kit.whole("two"))
        first = await world.ask()
        second = await world.ask()
        return first, second, upstream, world.records(), world.counters()

    first, second, upstream, records, counters = kit.run(one_upstream(), scenario)
    assert (first.status, second.status) == (200, 200)
    assert len(upstream.requests) == 3
    assert [record.attempts for record in records] == [1, 1]
    assert counters["retries"] == 0


def test_a_connection_that_dies_twice_is_a_failure_like_any_other(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole("one"), kit.cut(), kit.cut(), kit.whole("two"))
        await world.ask()
        return await world.ask(), world.records(), world.counters()

    heard, records, counters = kit.run(one_upstream(), scenario)
    assert heard.status == 200
    assert (records[1].attempts, counters["retries"]) == (2, 1)
