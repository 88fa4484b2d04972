"""Budgets in the path of a call: reserved before, settled after, whatever happens between."""

import asyncio

from holdfast.resilience import Amounts, Reservation, Short, Unavailable

LIMIT = "limits: {max_tokens: 100}"


class Till:
    """A ``Spending`` with one sum of tokens for all."""

    def __init__(self, tokens, *, wait_s=0.0, is_mute=False):
        self.left = tokens
        self.open = {}
        self.settled = []
        self.wait_s = wait_s
        self.is_mute = is_mute

    def take(self, accounts, amounts, *, wall):
        if self.is_mute or amounts.tokens > self.left:
            return None
        self.left -= amounts.tokens
        reservation = Reservation((), amounts)
        self.open[id(reservation)] = reservation
        return reservation

    def reserve(self, accounts, amounts, then, *, wall, now, allotments=()):
        self.accounts = accounts
        if self.wait_s:
            loop = asyncio.get_running_loop()
            loop.call_later(self.wait_s, lambda: then(self._answer(accounts, amounts, wall)))
        else:
            then(self._answer(accounts, amounts, wall))

    def _answer(self, accounts, amounts, wall):
        if self.is_mute:
            return Unavailable()
        taken = self.take(accounts, amounts, wall=wall)
        return taken or Short(accounts[0], "tokens", self.left, 1000, wall + 60_000_000)

    def settle(self, reservation, actual):
        del self.open[id(reservation)]
        self.left += reservation.amounts.tokens - actual.tokens
        self.settled.append(actual)


def budgeted(one_upstream, controls="", link=""):
    return one_upstream(
        f"{LIMIT}\n      budget: {{per: day, tokens: 1000}}\n      {controls}", link
    )


def run(kit, text, till, *plays, bodies):
    async def scenario(world):
        upstream = await world.serve(9001, *plays)
        heards = [await world.ask(body) for body in bodies]
        return heards, upstream, world.records()

    result = kit.run(text, scenario, spending=till)
    assert till.open == {}, "a reservation was left open"
    return result


def test_a_call_costs_what_its_usage_says(kit, one_upstream):
    till = Till(1000)
    run(kit, budgeted(one_upstream), till, kit.whole(prompt=7, completion=5), bodies=[kit.chat()])
    assert (till.left, till.settled) == (988, [Amounts(1, 12, 0)])


def test_what_might_not_be_covered_is_not_begun(kit, one_upstream):
    till = Till(50)
    heards, upstream, records = run(
        kit, budgeted(one_upstream), till, kit.whole(), bodies=[kit.chat()]
    )
    [heard] = heards
    assert (heard.status, heard.code) == (429, "budget.exhausted")
    assert heard.headers[b"retry-after"] == b"60"
    assert (upstream.requests, till.left) == ([], 50)
    assert records[0].outcome == "refused"


def test_when_nobody_can_say_the_call_does_not_go(kit, one_upstream):
    heards, upstream, _ = run(
        kit, budgeted(one_upstream), Till(1000, is_mute=True), kit.whole(), bodies=[kit.chat()]
    )
    assert (heards[0].status, heards[0].code) == (503, "budget.unavailable")
    assert upstream.requests == []


def test_a_call_waits_for_its_lease(kit, one_upstream):
    heards, _, _ = run(
        kit, budgeted(one_upstream), Till(1000, wait_s=0.5), kit.whole(), bodies=[kit.chat()]
    )
    assert heards[0].status == 200
    assert heards[0].took_s > 0.5


def test_a_caller_who_leaves_while_waiting_pays_nothing(kit, one_upstream):
    till = Till(1000, wait_s=2)

    async def scenario(world):
        await world.serve(9001, kit.whole())
        await world.ask(leave_after_s=0.5)
        await asyncio.sleep(5)

    kit.run(budgeted(one_upstream), scenario, spending=till)
    assert (till.left, till.open) == (1000, {})


def test_a_stream_is_asked_for_its_usage_and_the_caller_sees_none_it_did_not_ask_for(
    kit, one_upstream
):
    till = Till(1000)
    pieces = kit.piece("a"), kit.usage_event(3, 4)
    heards, upstream, _ = run(
        kit, budgeted(one_upstream), till, kit.stream(*pieces), bodies=[kit.chat(stream=True)]
    )
    assert upstream.bodies()[0]["stream_options"] == {"include_usage": True}
    assert heards[0].body == kit.piece("a") + kit.DONE
    assert till.settled == [Amounts(1, 7, 0)]


def test_a_caller_who_asks_for_usage_gets_it(kit, one_upstream):
    body = kit.chat(stream=True, stream_options={"include_usage": True})
    pieces = kit.piece("a"), kit.usage_event(3, 4)
    heards, _, _ = run(kit, budgeted(one_upstream), Till(1000), kit.stream(*pieces), bodies=[body])
    assert heards[0].body == b"".join(pieces) + kit.DONE


def test_what_nobody_can_tell_costs_its_bound(kit, one_upstream):
    till = Till(1000)
    body = kit.chat(stream=True)
    run(
        kit,
        budgeted(one_upstream),
        till,
        kit.stream(kit.piece("a"), ends=False),
        bodies=[body],
    )
    assert till.settled == [Amounts(1, len(body) + 100, 0)]


def test_an_error_answer_costs_nothing(kit, one_upstream):
    till = Till(1000)
    run(kit, budgeted(one_upstream), till, kit.status(400), bodies=[kit.chat()])
    assert till.left == 1000


def test_a_further_attempt_needs_cover_of_its_own(kit, one_upstream):
    body = kit.chat()
    text = budgeted(one_upstream, "retries: {backoff_s: 0.01}")
    bound = len(body) + 100
    _, upstream, _ = run(kit, text, Till(bound + 50), kit.cut(), kit.whole(), bodies=[body])
    assert len(upstream.requests) == 1
    heards, upstream, _ = run(kit, text, Till(2 * bound), kit.cut(), kit.whole(), bodies=[body])
    assert (heards[0].status, len(upstream.requests)) == (200, 2)


def test_every_answer_of_several_is_covered(kit, one_upstream):
    till = Till(300)
    heards, _, _ = run(kit, budgeted(one_upstream), till, kit.whole(), bodies=[kit.chat(n=3)])
    assert heards[0].code == "budget.exhausted"


def test_a_call_counts_on_all_its_accounts(kit, one_upstream):
    text = budgeted(one_upstream, link="budget: {per: day, calls: 10}")
    text = text.replace(
        "description: Asks.", "description: Asks., controls: {budget: {per: hour, calls: 5}}"
    )
    till = Till(1000)
    run(kit, text + "budget: {per: month, calls: 100}\n", till, kit.whole(), bodies=[kit.chat()])
    assert set(till.accounts) == {"tenant", "node:desk", "relationship:desk-asks", "node:reviewer"}


def test_money_is_counted_at_the_price_of_who_answered(kit, one_upstream):
    text = one_upstream(
        f"{LIMIT}\n      price: {{input: 2, output: 10}}\n      budget: {{per: day, money: 5}}"
    )
    till = Till(1000)
    run(kit, text, till, kit.whole(prompt=100, completion=50), bodies=[kit.chat()])
    # 100 tokens at 2 a million and 50 at 10: 0.0007, in thousand-millionths.
    assert till.settled == [Amounts(1, 150, 700_000)]


def test_a_further_attempt_may_wait_for_its_cover(kit, one_upstream):
    class Asking(Till):
        """Whose leases never suffice: each reservation asks the keeper."""

        def take(self, accounts, amounts, *, wall):
            return None

        def _answer(self, accounts, amounts, wall):
            return Till.take(self, accounts, amounts, wall=wall) or Short("a", "tokens", 0, 1, wall)

    till = Asking(1000, wait_s=0.2)
    text = budgeted(one_upstream, "retries: {backoff_s: 0.01}")
    heards, upstream, _ = run(kit, text, till, kit.cut(), kit.whole(), bodies=[kit.chat()])
    assert (heards[0].status, len(upstream.requests)) == (200, 2)
    assert heards[0].took_s > 0.4


def test_however_many_attempts_it_takes_a_call_is_one_call(kit, one_upstream):
    till = Till(10_000)
    text = budgeted(one_upstream, "retries: {backoff_s: 0.01}")
    run(kit, text, till, kit.cut(), kit.whole(), bodies=[kit.chat()])
    assert [actual.calls for actual in till.settled] == [1, 0]


def test_a_call_whose_first_try_cost_nothing_is_one_call_too(kit, one_upstream):
    till = Till(10_000)
    text = budgeted(one_upstream, "retries: {backoff_s: 0.01}")
    run(kit, text, till, kit.status(500), kit.whole(), bodies=[kit.chat()])
    assert sum(actual.calls for actual in till.settled) == 1
