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


OPENS = "retries: {attempts: 1}\n      breaker: {failures: 3}"
HURRIED = "timeouts: {first_byte_s: 5}"


async def opened(world, kit, *then):
    """An upstream whose breaker has just opened, and how it goes on."""
    upstream = await world.serve(9001, *[kit.cut()] * 3, *then)
    for _ in range(3):
        await world.ask()
    assert world.gateway.seen_upstreams()[0].state == "open"
    return upstream


def test_while_a_probe_hangs_no_other_is_sent_and_nobody_waits_long_for_it(kit, one_upstream):
    async def scenario(world):
        upstream = await opened(world, kit, kit.silent())
        await asyncio.sleep(1)
        probe = world.group.create_task(world.ask())
        heards = []
        for _ in range(16):
            await asyncio.sleep(0.25)
            heards.append(await world.ask())
        return upstream, heards, await probe

    upstream, heards, probe = kit.run(one_upstream(f"{OPENS}\n      {HURRIED}"), scenario)
    assert len(upstream.requests) == 4
    assert probe.code == "upstream.timeout"
    assert {heard.code for heard in heards} == {"upstream.open"}
    assert max(heard.took_s for heard in heards) < 1.2
    assert max(heard.took_s for heard in heards[4:]) < 0.1


def test_while_nobody_knows_whether_the_trouble_lasts_calls_wait_for_the_first_probe(
    kit, one_upstream
):
    async def scenario(world):
        await opened(world, kit, kit.whole())
        return await world.ask_many(10)

    heards = kit.run(one_upstream(OPENS), scenario)
    assert {heard.status for heard in heards} == {200}
    assert max(heard.took_s for heard in heards) < 1


def test_once_a_probe_has_failed_those_who_waited_go_and_nobody_waits_any_more(kit, one_upstream):
    async def scenario(world):
        upstream = await opened(world, kit, kit.cut())
        waited = await world.ask_many(10)
        later = [await world.ask() for _ in range(3)]
        return upstream, waited, later

    upstream, waited, later = kit.run(one_upstream(OPENS), scenario)
    assert len(upstream.requests) == 4
    assert sorted(heard.code for heard in waited) == ["upstream.open"] * 9 + ["upstream.reset"]
    assert max(heard.took_s for heard in waited) < 0.7
    assert all(b"retry-after" in heard.headers for heard in later)
    assert max(heard.took_s for heard in later) < 0.1


def test_who_has_a_fallback_goes_there_when_the_probe_fails(kit, with_fallback):
    async def scenario(world):
        await world.serve(9001, kit.cut())
        await world.serve(9002, kit.whole("spare"))
        await world.ask_many(5)
        return await world.ask_many(10), await world.ask()

    waited, later = kit.run(with_fallback(), scenario)
    assert {heard.body for heard in [*waited, later]} == {kit.answer("spare")}
    assert max(heard.took_s for heard in waited) < 0.7
    assert later.took_s < 0.1


def test_where_one_is_ejected_and_the_other_down_nobody_waits(kit, two_upstreams):
    async def scenario(world):
        from holdfast.gateway import News

        await world.serve(9001, kit.whole())
        world.gateway.hear(News("reviewer", "one", "ejected", 20.0))
        world.gateway.hear(News("reviewer", "two", "down", 0.0))
        return await world.ask()

    heard = kit.run(two_upstreams(), scenario)
    assert (heard.status, heard.code, heard.headers[b"retry-after"]) == (
        503,
        "upstream.open",
        b"20",
    )
    assert heard.took_s < 0.1


def test_who_is_looked_at_in_the_queue_and_finds_no_room_waits_no_longer_for_it(kit, one_upstream):
    async def scenario(world):
        await world.serve(9001, kit.whole(after_s=10))
        large = kit.chat(max_tokens=1000)
        first = world.group.create_task(world.ask(large))
        await asyncio.sleep(0.1)
        return await world.ask(large), await first

    text = one_upstream("concurrency: {tokens: 1500, queue_s: 1}")
    second, first = kit.run(text, scenario)
    assert (first.status, second.code) == (200, "queue.timeout")
    assert second.took_s < 1.5


@pytest.mark.parametrize("by", ["least-loaded", "weighted"])
def test_a_member_that_hangs_is_hardly_asked_while_another_answers(by, kit, two_upstreams):
    async def scenario(world):
        one = await world.serve(9001, kit.silent())
        await world.serve(9002, kit.whole())
        await world.ask_many(20)
        await asyncio.sleep(10)
        before = len(one.requests)
        for _ in range(200):
            world.group.create_task(world.ask())
            await asyncio.sleep(0.5)
        await asyncio.sleep(10)
        return len(one.requests) - before

    controls = f"routing: {{by: {by}}}, {HURRIED}, retries: {{attempts: 1}}"
    assert kit.run(two_upstreams(controls), scenario) <= 10


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
