"""What mandates allow in amounts, on real processes: over both workers, through restarts and crashes."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from live import Home, chat_body
from live.agents import CLOCK, ENTROPY, NAME, Agent, root

from holdfast.identity.authority import Allowance, Authority
from holdfast.identity.mandates import delegate

pytestmark = pytest.mark.slow

TOKENS_A_CALL = 21
"""What the scripted upstream says each answer cost."""

BLUEPRINT = """\
holdfast: 1
name: tested
description: Callers with mandates.
nodes:
  desk: {{type: service, description: Holds a mandate.}}
  clerk: {{type: service, description: Is given parts of it.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1"}}
      limits: {{max_tokens: 50}}
relationships:
  - {{id: desk-reviewer, connects: [desk, reviewer], protocol: HTTP, description: Asks.}}
  - {{id: clerk-reviewer, connects: [clerk, reviewer], protocol: HTTP, description: Asks.}}
"""


def up(home: Home) -> None:
    home.blueprint.write_text(BLUEPRINT.format(port=home.upstream_port))
    home.up("--workers", "2")


def may(calls: int | None = None, tokens: int | None = None) -> Authority:
    return Authority(
        type="llm",
        locations=frozenset((f"{NAME}/model/reviewer",)),
        actions=frozenset(("generate",)),
        max=Allowance(calls=calls, tokens=tokens),
    )


def given(holder: Agent, chain: bytes, to: Agent, allowed: Authority) -> bytes:
    return delegate(
        chain,
        holder.key,
        to=f"{NAME}/service/{to.node}",
        key=to.key.public,
        authority=[allowed],
        ttl_s=200,
        now=CLOCK.now(),
        entropy=ENTROPY,
    )


def many(asking: list[tuple[Agent, bytes]]) -> Counter[tuple[int, str | None]]:
    """All at once, each over a connection of its own; what became of them."""

    def one(each: tuple[Agent, bytes]) -> tuple[int, str | None]:
        agent, mandate = each
        answer = agent.ask(chat_body(), mandate=mandate)
        return answer.status, answer.rule

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(one, asking))


def test_both_workers_together_keep_to_what_a_mandate_allows(home: Home) -> None:
    up(home)
    desk = Agent(home, "desk")
    mandate = root(home, desk, authority=[may(calls=10)])
    assert many([(desk, mandate)] * 30) == {(200, None): 10, (403, "authority.exhausted"): 20}
    assert many([(desk, root(home, desk, authority=[may(calls=1)]))]) == {(200, None): 1}


def test_all_that_is_delegated_comes_out_of_the_root_as_well(home: Home) -> None:
    up(home)
    desk, clerk = Agent(home, "desk"), Agent(home, "clerk")
    chain = root(home, desk, authority=[may(calls=8)])
    links = [given(desk, chain, clerk, may(calls=3)) for _ in range(4)]
    asking = [(clerk, link) for link in links for _ in range(5)]
    assert many(asking)[200, None] == 8
    refused = desk.ask(chat_body(), mandate=chain)
    assert (refused.status, refused.rule) == (403, "authority.exhausted")
    assert f"the mandate of {NAME}/service/desk (0 of 8)" in refused.json()["error"]["message"]


def test_what_calls_did_not_cost_is_spent_by_later_ones(home: Home) -> None:
    """The bound of one call is far above its cost."""
    up(home)
    desk = Agent(home, "desk")
    mandate = root(home, desk, authority=[may(tokens=60 * TOKENS_A_CALL)])
    assert sum(desk.ask(chat_body(), mandate=mandate).status == 200 for _ in range(40)) == 40


def test_neither_a_restart_nor_a_power_cut_refills_a_mandate(home: Home) -> None:
    up(home)
    desk = Agent(home, "desk")
    mandate = root(home, desk, authority=[may(calls=12)])
    assert many([(desk, mandate)] * 4) == {(200, None): 4}
    assert home.instance.stop() == 0
    home.up("--workers", "2")
    assert many([(desk, mandate)] * 4) == {(200, None): 4}
    home.instance.kill()
    home.up("--workers", "2")
    assert many([(desk, mandate)] * 12)[200, None] <= 4
    refused = desk.ask(chat_body(), mandate=mandate)
    assert (refused.status, refused.rule) == (403, "authority.exhausted")
