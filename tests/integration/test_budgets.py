"""Budgets on real processes: over every worker, through crashes and restarts, told with a time."""

import json
import os
import signal
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from live import Answer, Home, KeptConnection, chat, eventually

pytestmark = pytest.mark.slow

TOKENS_A_CALL = 21
"""What the scripted upstream says each answer cost."""
ROOM = 2_000
"""More tokens than the bound of any one call here."""

BLUEPRINT = """\
holdfast: 1
name: tested
description: Callers with budgets.
{tenant}
nodes:
  desk:
    type: service
    description: Has a budget.
    controls: {{{desk}}}
  clerk: {{type: service, description: Has none of its own.}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:{port}/v1"}}
      limits: {{max_tokens: 50}}
      price: {{input: 1, output: 2}}
relationships:
  - {{id: desk-reviewer, connects: [desk, reviewer], protocol: HTTP, description: Asks.}}
  - {{id: clerk-reviewer, connects: [clerk, reviewer], protocol: HTTP, description: Asks.}}
"""


def write(home: Home, *, tenant: str = "", desk: str = "") -> None:
    home.blueprint.write_text(BLUEPRINT.format(port=home.upstream_port, tenant=tenant, desk=desk))


def up(home: Home, workers: int = 2) -> None:
    home.up("--workers", str(workers))
    if not home.keys:
        home.make_keys("desk", "clerk")


def many(home: Home, count: int, *, caller: str = "desk") -> Counter[tuple[int, str | None]]:
    """So many calls at once, each over a connection of its own; what became of them."""

    def one(_number: int) -> tuple[int, str | None]:
        answer = chat(home.url, home.keys[caller])
        return answer.status, answer.rule

    with ThreadPoolExecutor(16) as pool:
        return Counter(pool.map(one, range(count)))


def refusal(answer: Answer) -> tuple[int, str | None, int]:
    return answer.status, answer.rule, int(answer.headers["retry-after"])


def standing(home: Home, account: str, unit: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{home.instance.console}/api/budgets", timeout=30) as answer:
        rows = json.load(answer)["budgets"]
    (row,) = (row for row in rows if (row["account"], row["unit"]) == (account, unit))
    return row


def test_all_workers_together_never_spend_more_than_the_budget(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 25}")
    up(home, workers=2)
    ended = many(home, 60)
    assert ended == {(200, None): 25, (429, "budget.exhausted"): 35}


def test_a_budget_counts_only_its_own_calls(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 1}")
    up(home)
    assert chat(home.url, home.keys["desk"]).status == 200
    assert chat(home.url, home.keys["desk"]).rule == "budget.exhausted"
    assert chat(home.url, home.keys["clerk"]).status == 200


def test_a_call_counts_against_every_budget_it_comes_under(home: Home) -> None:
    write(home, tenant="budget: {per: month, calls: 3}", desk="budget: {per: month, calls: 2}")
    up(home)
    assert many(home, 4) == {(200, None): 2, (429, "budget.exhausted"): 2}
    assert many(home, 4, caller="clerk") == {(200, None): 1, (429, "budget.exhausted"): 3}


def test_a_refusal_says_when_the_period_ends(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 1}")
    up(home)
    chat(home.url, home.keys["desk"])
    status, rule, seconds = refusal(chat(home.url, home.keys["desk"]))
    assert (status, rule) == (429, "budget.exhausted")
    assert 0 <= seconds <= 31 * 86_400


def test_what_a_call_did_not_cost_pays_for_the_next_on_any_worker(home: Home) -> None:
    """The bound of one call is far above its cost: with give-backs, and only with them, many fit."""
    write(home, desk=f"budget: {{per: month, tokens: {ROOM}}}")
    up(home)
    answers = [chat(home.url, home.keys["desk"]) for _ in range(40)]
    assert {answer.status for answer in answers} == {200}
    spent = eventually(
        lambda: (row := standing(home, "node:desk", "tokens"))["reserved"] == 0 and row["spent"],
        "idle leases are returned",
    )
    assert spent == 40 * TOKENS_A_CALL


def test_what_was_spent_stays_spent_over_a_restart_and_no_more(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 10}")
    up(home)
    assert many(home, 4) == {(200, None): 4}
    assert home.instance.stop() == 0
    up(home)
    assert many(home, 10) == {(200, None): 6, (429, "budget.exhausted"): 4}


def test_after_a_power_cut_the_budget_still_holds(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 20}")
    up(home)
    before = many(home, 8)[200, None]
    home.instance.kill()
    up(home)
    assert before + many(home, 40)[200, None] <= 20


def test_a_worker_that_dies_takes_no_more_than_its_lease_with_it(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 200}")
    up(home)
    before = many(home, 20)[200, None]
    os.kill(home.instance.workers()[0], signal.SIGKILL)
    eventually(lambda: home.instance.has_logged("worker.replaced"), "the worker is replaced")
    # A call may meet the dying worker; the budget is what is looked at.
    kept = KeptConnection(home.url, home.keys["desk"])
    try:
        after = sum(kept.ask().status == 200 for _ in range(200))
    finally:
        kept.close()
    assert before + after <= 200
    assert before + after >= 100


def test_a_raised_limit_holds_at_once_and_what_was_spent_stays_spent(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 2}")
    up(home)
    assert many(home, 4) == {(200, None): 2, (429, "budget.exhausted"): 2}
    write(home, desk="budget: {per: month, calls: 5}")
    home.instance.process.send_signal(signal.SIGHUP)
    eventually(lambda: home.instance.has_logged("reload.adopted"), "the reload")
    assert many(home, 8) == {(200, None): 3, (429, "budget.exhausted"): 5}


def test_money_is_counted_by_the_price_of_the_node_that_answered(home: Home) -> None:
    write(home, desk="budget: {per: month, money: 1}")
    up(home, workers=1)
    assert chat(home.url, home.keys["desk"]).status == 200
    row = eventually(
        lambda: (row := standing(home, "node:desk", "money"))["reserved"] == 0 and row,
        "idle leases are returned",
    )
    assert row["spent"] == 9 * 1_000 + 12 * 2_000
    assert row["limit"] == 1_000_000_000


def test_a_soft_limit_is_said_once(home: Home) -> None:
    write(home, desk="budget: {per: month, calls: 10, soft: 0.5}")
    up(home)
    many(home, 8)
    eventually(lambda: home.instance.has_logged("budget.soft-exceeded"), "the event")
    assert many(home, 1) == {(200, None): 1}
