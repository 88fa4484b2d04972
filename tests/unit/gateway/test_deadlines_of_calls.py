"""One budget of time for the whole call, handed on; and the waits inside it."""

import asyncio

import pytest


def test_what_is_left_of_the_time_is_handed_on(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.status(503, (b"retry-after", b"2")), kit.whole())
        await world.ask(headers=[("x-request-timeout-ms", "10000")])
        return [int(r.headers[b"x-request-timeout-ms"]) for r in upstream.requests]

    first, second = kit.run(one_upstream(), scenario)
    assert first <= 10_000
    assert second <= first - 2_000


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1.5", "999999999"])
def test_an_unreadable_time_limit_is_refused(value, kit, one_upstream):
    async def scenario(world):
        return await world.ask(headers=[("x-request-timeout-ms", value)])

    heard = kit.run(one_upstream(), scenario)
    assert (heard.status, heard.code) == (400, "request.timeout-header")


def test_the_callers_own_limit_ends_the_call(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.silent())
        heard = await world.ask(headers=[("x-request-timeout-ms", "1500")])
        return heard, world

    heard, world = kit.run(one_upstream(), scenario)
    assert (heard.status, heard.code) == (504, "deadline.passed")
    assert 1.4 < heard.took_s < 1.7
    assert world.gateway.seen_upstreams()[0].in_flight == 0


def test_the_callers_limit_never_lengthens_the_blueprints(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.silent())
        return await world.ask(headers=[("x-request-timeout-ms", "60000")])

    heard = kit.run(one_upstream("timeouts: {total_s: 2}"), scenario)
    assert (heard.status, heard.code) == (504, "upstream.timeout")
    assert heard.took_s < 2.5


def test_a_stream_whose_head_comes_but_no_token_has_run_out_of_time(kit, one_upstream):
    async def head_only(request, exchange):
        exchange.start(200, (kit.SSE,))

    async def scenario(world):
        await world.serve(9001, head_only)
        return await world.ask(kit.chat(stream=True))

    text = one_upstream("timeouts: {first_byte_s: 1}\n      retries: {attempts: 1}")
    heard = kit.run(text, scenario)
    assert (heard.status, heard.code) == (504, "upstream.timeout")


def test_silence_between_tokens_ends_a_stream_with_an_error(kit, one_upstream):
    async def stops(request, exchange):
        exchange.start(200, (kit.SSE,))
        exchange.write(kit.piece("a"))

    async def scenario(world):
        await world.serve(9001, stops)
        return await world.ask(kit.chat(stream=True))

    heard = kit.run(one_upstream("timeouts: {idle_s: 1}"), scenario)
    assert heard.body.startswith(kit.piece("a"))
    assert b'"upstream.timeout"' in heard.body
    assert heard.took_s < 2


def test_tries_fallbacks_and_waits_share_one_limit(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.silent())
        await world.serve(9002, kit.silent())
        return await world.ask(headers=[("x-request-timeout-ms", "2000")])

    text = with_fallback().replace("model: m1}", "model: m1}\n      timeouts: {first_byte_s: 1}")
    heard = kit.run(text, scenario)
    assert (heard.status, heard.code) == (504, "deadline.passed")
    assert heard.took_s < 2.2


def test_nothing_is_left_under_way_after_the_deadline(kit, two_upstreams):
    async def scenario(world):
        await world.serve(9001, kit.silent())
        await world.serve(9002, kit.silent())
        await world.ask_many(20)
        await asyncio.sleep(1)
        return [seen.in_flight for seen in world.gateway.seen_upstreams()]

    assert kit.run(two_upstreams("timeouts: {total_s: 2}"), scenario) == [0, 0]


def test_the_deadline_ends_a_wait_between_two_tries_too(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.status(500))
        return await world.ask(headers=[("x-request-timeout-ms", "300")])

    text = one_upstream("retries: {attempts: 3, backoff_s: 1, backoff_s_max: 1}")
    for seed in range(1, 6):
        heard = kit.run(text, scenario, seed=seed)
        assert heard.took_s < 0.5
        assert heard.status in (500, 504)
