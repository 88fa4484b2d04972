"""Answers kept: the same request of the same scope, only where the blueprint says so."""

import asyncio

import pytest

TWO_CALLERS = """
holdfast: 1
name: small
nodes:
  desk: {{type: service, description: Asks.}}
  till: {{type: service, description: Asks too.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:9001/v1", model: m}}
      {cache}
relationships:
  - {{id: desk-asks, connects: [desk, reviewer]}}
  - {{id: till-asks, connects: [till, reviewer]}}
"""


def asked_by_both(kit, cache):
    async def scenario(world):
        upstream = await world.serve(9001, kit.whole("yes"))
        heards = [await world.ask(caller=name) for name in ("desk", "desk", "till")]
        return heards, upstream, world.records(), world.counters()

    return kit.run(TWO_CALLERS.format(cache=cache), scenario)


def test_without_the_control_nothing_is_kept(kit):
    _, upstream, records, _ = asked_by_both(kit, "")
    assert len(upstream.requests) == 3
    assert [record.cached for record in records] == [False] * 3


@pytest.mark.parametrize(("scope", "asked"), [("tenant", 1), ("caller", 2), ("relationship", 2)])
def test_an_answer_is_shared_within_its_scope_only(scope, asked, kit):
    heards, upstream, records, counters = asked_by_both(kit, f"cache: {{scope: {scope}}}")
    assert len(upstream.requests) == asked
    assert {heard.body for heard in heards} == {kit.answer("yes")}
    assert heards[1].headers[b"x-cache"] == b"hit"
    assert counters["cache_hits"] == 3 - asked
    hit = records[1]
    assert (hit.cached, hit.outcome, hit.attempts, hit.upstream) == (True, "answered", 0, None)
    assert hit.answer == records[0].answer
    assert len({heard.headers[b"x-request-id"] for heard in heards}) == 3


def test_another_body_is_another_question(kit):
    async def scenario(world):
        upstream = await world.serve(9001, kit.whole())
        await world.ask(kit.chat(temperature=0))
        await world.ask(kit.chat(temperature=1))
        return upstream

    assert len(kit.run(TWO_CALLERS.format(cache="cache: {}"), scenario).requests) == 2


def test_an_answer_dies_with_its_time(kit):
    async def scenario(world):
        upstream = await world.serve(9001, kit.whole())
        await world.ask()
        await asyncio.sleep(11)
        await world.ask()
        return upstream

    text = TWO_CALLERS.format(cache="cache: {ttl_s: 10}")
    assert len(kit.run(text, scenario).requests) == 2


def test_errors_are_not_kept(kit):
    async def scenario(world):
        await world.serve(9001, kit.status(400), kit.whole())
        return await world.ask(), await world.ask()

    first, second = kit.run(TWO_CALLERS.format(cache="cache: {}"), scenario)
    assert (first.status, second.status) == (400, 200)


def test_a_stream_is_given_again_as_a_stream(kit):
    async def scenario(world):
        upstream = await world.serve(9001, kit.stream(kit.piece("a"), kit.piece("b", ends="stop")))
        first = await world.ask(kit.chat(stream=True))
        return first, await world.ask(kit.chat(stream=True)), upstream

    first, second, upstream = kit.run(TWO_CALLERS.format(cache="cache: {}"), scenario)
    assert first.body == second.body == kit.piece("a") + kit.piece("b", ends="stop") + kit.DONE
    assert second.headers[b"content-type"] == b"text/event-stream"
    assert len(upstream.requests) == 1


def test_a_broken_stream_is_not_kept(kit):
    async def scenario(world):
        await world.serve(9001, kit.stream(kit.piece("a"), ends=False), kit.stream(kit.piece("a")))
        first = await world.ask(kit.chat(stream=True))
        return first, await world.ask(kit.chat(stream=True))

    first, second = kit.run(TWO_CALLERS.format(cache="cache: {}"), scenario)
    assert b"error" in first.body
    assert second.body == kit.piece("a") + kit.DONE


def test_policy_is_asked_before_an_answer_is_given_again(kit):
    text = TWO_CALLERS.format(cache="cache: {}") + "policies: [no-till.cedar]\n"
    rule = (
        '@id("no-till")\nforbid (principal, action, resource) '
        'when { principal == Holdfast::Service::"till" };'
    )

    async def scenario(world):
        await world.serve(9001, kit.whole())
        await world.ask(caller="desk")
        return await world.ask(caller="till")

    heard = kit.run(text, scenario, policies={"no-till.cedar": rule})
    assert (heard.status, heard.code) == (403, "policy.denied")


def says(kit, body):
    """A play: a plain answer of status 200."""

    async def play(request, exchange):
        exchange.respond(200, (kit.JSON,), body)

    return play


def asked_twice(kit, play, **fields):
    """How often the node is asked when somebody asks the same twice."""

    async def scenario(world):
        upstream = await world.serve(9001, play)
        heards = [await world.ask(kit.chat(**fields)) for _ in range(2)]
        assert [heard.status for heard in heards] == [200, 200]
        return len(upstream.requests)

    return kit.run(TWO_CALLERS.format(cache="cache: {}"), scenario)


@pytest.mark.parametrize(
    ("reason", "asked"),
    [("stop", 1), ("tool_calls", 1), ("length", 2), ("content_filter", 2), ("error", 2), (None, 2)],
)
def test_only_an_answer_that_ended_of_itself_is_kept(reason, asked, kit):
    assert asked_twice(kit, says(kit, kit.answer("yes", ends=reason))) == asked
    stream = kit.stream(kit.piece("a"), kit.piece("b", ends=reason))
    assert asked_twice(kit, stream, stream=True) == asked


def test_an_error_inside_a_good_status_is_not_kept(kit):
    error = b'{"error": {"message": "trouble"}, "choices": [{"index": 0, "finish_reason": "stop"}]}'
    assert asked_twice(kit, says(kit, error)) == 2
    stream = kit.stream(kit.piece("a", ends="stop"), b"data: " + error + b"\n\n")
    assert asked_twice(kit, stream, stream=True) == 2


def test_what_cannot_be_read_is_not_kept(kit):
    assert asked_twice(kit, says(kit, kit.answer()[:-5])) == 2
    assert asked_twice(kit, says(kit, b"")) == 2


def test_a_stream_without_its_terminal_event_is_not_kept(kit):
    async def play(request, exchange):
        exchange.start(200, (kit.SSE,))
        exchange.write(kit.piece("a", ends="stop"))
        exchange.end()

    assert asked_twice(kit, play, stream=True) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_of_another_node_is_not_kept_for_the_asked_one(stream, kit, with_fallback):
    def play(text):
        return kit.stream(kit.piece(text, ends="stop")) if stream else kit.whole(text)

    async def scenario(world):
        await world.serve(9001, kit.cut(), play("own"))
        await world.serve(9002, play("spare"))
        return [(await world.ask(kit.chat(stream=stream))).body for _ in range(2)]

    once = "retries: {attempts: 1}"
    text = with_fallback().replace(once, f"{once}\n      cache: {{}}")
    first, second = kit.run(text, scenario)
    assert b"spare" in first
    assert b"own" in second
