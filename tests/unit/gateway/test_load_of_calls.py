"""Room, queues, bulkheads, breakers, rate limits: who goes, who waits, who is told to come back."""

import asyncio

import pytest

ONE_AT_A_TIME = "concurrency: {{calls_start: 1, calls_max: 1, queue: {queue}, queue_s: {queue_s}}}"


def at_once(queue=10, queue_s=5):
    return ONE_AT_A_TIME.format(queue=queue, queue_s=queue_s)


def test_calls_beyond_the_limit_wait_their_turn(kit, one_upstream):
    most = 0

    async def counted(request, exchange):
        nonlocal most
        counted.inside += 1
        most = max(most, counted.inside)
        await asyncio.sleep(0.1)
        counted.inside -= 1
        exchange.respond(200, (kit.JSON,), kit.answer())

    counted.inside = 0

    async def scenario(world):
        await world.serve(9001, counted)
        return await world.ask_many(5)

    heards = kit.run(one_upstream(at_once()), scenario)
    assert [heard.status for heard in heards] == [200] * 5
    assert most == 1


def test_a_full_queue_refuses_and_says_when_to_come_again(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=1))
        return await world.ask_many(6), world.records()

    heards, records = kit.run(one_upstream(at_once(queue=2)), scenario)
    refused = [heard for heard in heards if heard.status != 200]
    assert len(refused) == 3
    assert {heard.code for heard in refused} <= {"queue.full", "queue.timeout"}
    assert {heard.status for heard in refused} == {503}
    assert sum(record.outcome == "refused" for record in records) == 3


def test_a_wait_in_the_queue_is_bounded(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=5))
        return await world.ask_many(2)

    heards = kit.run(one_upstream(at_once(queue_s=1)), scenario)
    [late] = [heard for heard in heards if heard.status != 200]
    assert (late.status, late.code) == (503, "queue.timeout")
    assert late.took_s < 1.5


def test_a_caller_who_leaves_the_queue_takes_no_turn(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.whole(after_s=1))
        first = world.group.create_task(world.ask())
        await asyncio.sleep(0.1)
        await world.ask(leave_after_s=0.2)
        assert (await world.ask()).status == 200
        assert (await first).status == 200
        return upstream

    assert len(kit.run(one_upstream(at_once()), scenario).requests) == 2


def test_the_dear_go_first_and_the_cheap_give_way(kit):
    text = """
holdfast: 1
name: small
nodes:
  desk: {type: service, description: Asks.}
  batch: {type: service, description: Asks without hurry.}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {url: "http://127.0.0.1:9001/v1", model: m}
      concurrency: {calls_start: 1, calls_max: 1, queue: 2}
relationships:
  - {id: desk-asks, connects: [desk, reviewer], controls: {criticality: critical}}
  - {id: batch-asks, connects: [batch, reviewer], controls: {criticality: sheddable}}
"""

    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=0.2))
        first = world.group.create_task(world.ask(caller="batch"))
        await asyncio.sleep(0.05)
        cheap = world.group.create_task(world.ask_many(2, caller="batch"))
        await asyncio.sleep(0.05)
        dear = await world.ask_many(2, caller="desk")
        return dear, await cheap, await first

    dear, cheap, first = kit.run(text, scenario)
    assert [heard.status for heard in dear] == [200, 200]
    assert [heard.status for heard in cheap] == [503, 503]
    assert first.status == 200


def test_a_bulkhead_keeps_its_number(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=0.5))
        heards = await world.ask_many(5)
        return heards, await world.ask()

    heards, later = kit.run(one_upstream(link="bulkhead: {calls: 2}"), scenario)
    assert sorted(heard.status for heard in heards) == [200, 200, 429, 429, 429]
    assert {h.code for h in heards if h.status == 429} == {"bulkhead.full"}
    assert later.status == 200


def test_a_bulkhead_is_left_however_a_call_ends(kit, one_upstream):
    async def scenario(world):
        plays = [kit.cut(), kit.status(400), kit.stream(kit.piece("a"), ends=False), kit.silent()]
        await world.serve(9001, *plays, kit.whole())
        for _ in range(2):
            await world.ask()
        await world.ask(kit.chat(stream=True))
        await world.ask(leave_after_s=0.5)
        return await world.ask()

    text = one_upstream("retries: {attempts: 1}", link="bulkhead: {calls: 1}")
    assert kit.run(text, scenario).status == 200


def test_an_open_breaker_stops_asking_and_a_probe_closes_it(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, *[kit.cut()] * 3, kit.whole())
        for _ in range(3):
            await world.ask()
        state = world.gateway.seen_upstreams()[0].state
        await asyncio.sleep(1)
        heard = await world.ask()
        return upstream, state, heard, world.gateway.seen_upstreams()[0].state

    text = one_upstream("retries: {attempts: 1}\n      breaker: {failures: 3}")
    upstream, state, heard, after = kit.run(text, scenario)
    assert (state, heard.status, after) == ("open", 200, "up")
    assert len(upstream.requests) == 4


def test_while_every_upstream_is_out_for_long_calls_are_refused_at_once(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(9001, kit.cut())
        for _ in range(3):
            await world.ask()
        return await world.ask(), upstream

    text = one_upstream("retries: {attempts: 1}\n      breaker: {failures: 3, open_s: 30}")
    heard, upstream = kit.run(text, scenario)
    assert (heard.status, heard.code) == (503, "upstream.open")
    assert int(heard.headers[b"retry-after"]) <= 30
    assert len(upstream.requests) == 3


def test_a_rate_limited_upstream_is_left_alone_for_as_long_as_it_said(kit, one_upstream):
    async def scenario(world):
        upstream = await world.serve(
            9001, kit.status(429, (b"retry-after", b"20")), kit.whole("later")
        )
        first, second = await world.ask(), await world.ask()
        await asyncio.sleep(20)
        return first, second, await world.ask(), upstream

    first, second, third, upstream = kit.run(one_upstream("retries: {attempts: 1}"), scenario)
    assert (first.status, second.status, second.code) == (429, 429, "upstream.rate-limited")
    assert int(second.headers[b"retry-after"]) <= 20
    assert third.status == 200
    assert len(upstream.requests) == 2


def test_a_rate_limited_upstream_leaves_its_calls_to_the_other(kit, two_upstreams):
    async def scenario(world):
        await world.serve(9001, kit.status(429, (b"retry-after", b"60")))
        await world.serve(9002, kit.whole())
        return [await world.ask() for _ in range(10)]

    assert {heard.status for heard in kit.run(two_upstreams(), scenario)} == {200}


@pytest.mark.parametrize("is_well", [True, False])
def test_a_health_check_takes_an_upstream_out_and_brings_it_back(is_well, kit, two_upstreams):
    async def scenario(world):
        async def checked(request, exchange):
            if request.method == b"GET":
                exchange.respond(200 if is_well else 503, (), b"")
            else:
                exchange.respond(200, (kit.JSON,), kit.answer("one"))

        await world.serve(9001, checked)
        two = await world.serve(9002, kit.whole("two"))
        await asyncio.sleep(10)
        states = {seen.upstream: seen.state for seen in world.gateway.seen_upstreams()}
        for _ in range(20):
            assert (await world.ask()).status == 200
        return states, two

    text = two_upstreams(one=", health: {path: /health, every_s: 1}")
    states, two = kit.run(text, scenario)
    assert states == {"one": "up" if is_well else "down", "two": "up"}
    assert (len(two.requests) == 20) is not is_well


def test_what_another_worker_learnt_counts_here_too(kit, two_upstreams):
    async def scenario(world):
        from holdfast.gateway import News

        one = await world.serve(9001, kit.whole())
        await world.serve(9002, kit.whole())
        world.gateway.hear(News("reviewer", "one", "resting", 5.0))
        for _ in range(10):
            await world.ask()
        return one

    assert kit.run(two_upstreams(), scenario).requests == []


def test_the_others_are_told_when_a_breaker_opens_and_closes(kit, one_upstream):
    told = []

    async def scenario(world):
        world.gateway.on_news = told.append
        await world.serve(9001, *[kit.cut()] * 3, kit.whole())
        for _ in range(3):
            await world.ask()
        await asyncio.sleep(1)
        await world.ask()

    kit.run(one_upstream("retries: {attempts: 1}\n      breaker: {failures: 3}"), scenario)
    assert [news.kind for news in told] == ["open", "closed"]
