"""A call that is over leaves no object behind for the collector to find."""

import gc

import pytest

from holdfast.gateway import sending


@pytest.mark.parametrize(
    "play",
    ["whole", "error", "cut", "stream", "broken stream", "refused"],
)
def test_a_call_that_is_over_is_gone_without_the_collector(play, kit, one_upstream):
    plays = {
        "whole": kit.whole(),
        "error": kit.status(500),
        "cut": kit.cut(),
        "stream": kit.stream(kit.piece("a")),
        "broken stream": kit.stream(kit.piece("a"), ends=False),
        "refused": kit.status(429),
    }

    async def scenario(world):
        await world.serve(9001, plays[play])
        for _ in range(3):
            await world.ask(kit.chat(stream="stream" in play))
        return calls() - before

    gc.collect()
    gc.disable()
    # What other tests left, a simulation that ended by a fault say, is not looked at here.
    before = calls()
    try:
        left = kit.run(one_upstream("retries: {attempts: 2, backoff_s: 0.01}"), scenario)
    finally:
        gc.enable()
    assert left == set()


def calls():
    kinds = sending.Sending | sending.Attempt
    return {id(each) for each in gc.get_objects() if isinstance(each, kinds)}
