"""Which upstream a call goes to: weights, zones, priorities, sessions, hedges."""

import asyncio
from collections import Counter

ZONES = """
holdfast: 1
name: zones
nodes:
  desk: {type: service, description: Asks.}
  reviewer: {type: ai:llm, description: Answers.}
  near:
    type: ai:llm
    description: In the same zone as the desk.
    controls: {upstream: {url: "http://127.0.0.1:9001/v1", model: m}}
  far:
    type: ai:llm
    description: Elsewhere.
    controls: {upstream: {url: "http://127.0.0.1:9002/v1", model: m}}
  here: {type: system, description: A zone.}
  there: {type: system, description: Another zone.}
relationships:
  - {id: made-of, composed-of: {container: reviewer, nodes: [near, far]}}
  - {id: in-here, deployed-in: {container: here, nodes: [desk, near]}}
  - {id: in-there, deployed-in: {container: there, nodes: [far]}}
  - {id: desk-asks, connects: [desk, reviewer]}
"""


def weighted(two_upstreams, one, two):
    text = two_upstreams("routing: {by: weighted}")
    return text.replace("model: m1}", f"model: m1, {one}}}").replace(
        "model: m2}", f"model: m2, {two}}}"
    )


def test_weights_are_honoured(kit, two_upstreams):
    async def scenario(world):
        one = await world.serve(9001, kit.whole())
        two = await world.serve(9002, kit.whole())
        for _ in range(400):
            await world.ask()
        return len(one.requests), len(two.requests)

    one, two = kit.run(weighted(two_upstreams, "weight: 3", "weight: 1"), scenario)
    assert 250 < one < 350
    assert one + two == 400


def test_a_lower_priority_is_used_only_when_the_higher_is_out(kit, two_upstreams):
    async def scenario(world):
        one = await world.serve(9001, *[kit.whole()] * 10, kit.cut())
        two = await world.serve(9002, kit.whole())
        for _ in range(10):
            await world.ask()
        before = len(two.requests)
        heards = [await world.ask() for _ in range(10)]
        return before, heards, one, two

    before, heards, _, two = kit.run(
        weighted(two_upstreams, "priority: 0", "priority: 1"), scenario
    )
    assert before == 0
    assert {heard.status for heard in heards} == {200}
    assert len(two.requests) == 10


def test_the_own_zone_is_preferred_and_the_other_takes_over(kit):
    async def scenario(world):
        near = await world.serve(9001, kit.whole())
        far = await world.serve(9002, kit.whole())
        for _ in range(20):
            await world.ask()
        used = len(near.requests), len(far.requests)
        await world.servers[0].drain(within_s=0)
        heards = [await world.ask() for _ in range(20)]
        return used, heards, far

    used, heards, far = kit.run(ZONES, scenario)
    assert used == (20, 0)
    assert {heard.status for heard in heards} == {200}
    assert len(far.requests) == 20


def test_a_session_stays_where_it_is(kit, two_upstreams):
    async def scenario(world):
        await world.serve(9001, kit.whole("one"))
        await world.serve(9002, kit.whole("two"))
        seen = {}
        for session in range(20):
            answers = {
                (await world.ask(headers=[("x-session-id", f"s{session}")])).body for _ in range(5)
            }
            seen[session] = answers
        return seen

    seen = kit.run(two_upstreams("routing: {by: session, session_header: x-session-id}"), scenario)
    assert all(len(answers) == 1 for answers in seen.values())
    assert len(set().union(*seen.values())) == 2


def test_the_slow_one_is_asked_less(kit, two_upstreams):
    async def scenario(world):
        one = await world.serve(9001, kit.whole(after_s=1.0))
        two = await world.serve(9002, kit.whole(after_s=0.05))
        tasks = []
        for _ in range(400):
            tasks.append(world.group.create_task(world.ask()))
            await asyncio.sleep(0.02)
        for task in tasks:
            await task
        return len(one.requests), len(two.requests)

    one, two = kit.run(two_upstreams(), scenario)
    assert one < two / 4


def test_the_cheapest_is_asked_first(kit, two_upstreams):
    async def scenario(world):
        one = await world.serve(9001, kit.whole())
        two = await world.serve(9002, kit.whole())
        for _ in range(10):
            await world.ask()
        return len(one.requests), len(two.requests)

    text = two_upstreams(
        "routing: {by: cheapest}",
        one=", price: {input: 2, output: 6}",
        two=", price: {input: 0.5, output: 1.5}",
    )
    assert kit.run(text, scenario) == (0, 10)


def hedged(two_upstreams):
    return two_upstreams("hedge: {percentile: 90, share: 1}, retries: {share: 1}")


def test_a_slow_first_token_is_hedged_and_the_faster_answer_wins(kit, two_upstreams):
    async def scenario(world):
        turns = Counter()

        def play(name):
            async def answers(request, exchange):
                turns["all"] += 1
                slow = turns["all"] > 60 and turns["all"] % 2
                await asyncio.sleep(30 if slow else 0.05)
                if exchange.busy:
                    exchange.respond(200, (kit.JSON,), kit.answer(name))

            return answers

        await world.serve(9001, play("one"))
        await world.serve(9002, play("two"))
        for _ in range(60):
            await world.ask()
        heards = [await world.ask() for _ in range(10)]
        return heards, world.counters(), world.records(), world

    heards, counters, records, world = kit.run(hedged(two_upstreams), scenario)
    assert {heard.status for heard in heards} == {200}
    assert max(heard.took_s for heard in heards) < 1
    assert counters["hedges"] > 0
    assert counters["hedges_won"] > 0
    assert max(record.attempts for record in records) == 2
    assert all(seen.in_flight == 0 for seen in world.gateway.seen_upstreams())


def test_hedges_stay_within_their_share(kit, two_upstreams):
    async def scenario(world):
        count = 0

        async def answers(request, exchange):
            nonlocal count
            count += 1
            await asyncio.sleep(0.05 if count < 100 else 2)
            if exchange.busy:
                exchange.respond(200, (kit.JSON,), kit.answer())

        await world.serve(9001, answers)
        await world.serve(9002, answers)
        for _ in range(100):
            await world.ask()
        await world.ask_many(100)
        return world.counters()

    text = two_upstreams("hedge: {percentile: 90, share: 0.05}")
    assert 0 < kit.run(text, scenario)["hedges"] <= 200 * 0.05 + 1


def test_a_stream_is_hedged_before_its_first_token_only(kit, two_upstreams):
    async def scenario(world):
        turns = 0

        async def answers(request, exchange):
            nonlocal turns
            turns += 1
            if turns <= 60:
                exchange.start(200, (kit.SSE,))
                exchange.write(kit.piece("a"))
                exchange.write(kit.DONE)
                exchange.end()
                return
            exchange.start(200, (kit.SSE,))
            exchange.write(kit.piece("a"))
            await asyncio.sleep(3)
            if exchange.busy:
                exchange.write(kit.DONE)
                exchange.end()

        await world.serve(9001, answers)
        await world.serve(9002, answers)
        for _ in range(60):
            await world.ask(kit.chat(stream=True))
        before = turns
        heard = await world.ask(kit.chat(stream=True))
        return heard, turns - before

    heard, asked = kit.run(hedged(two_upstreams), scenario)
    assert heard.body == kit.piece("a") + kit.DONE
    assert asked == 1
