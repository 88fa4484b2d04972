"""The keeper's budgets on its disk: durable before told, found again after any crash."""

import asyncio
from collections.abc import Coroutine

import pytest

from holdfast.app.treasury import BudgetStore, BudgetStoreError, Exchequer
from holdfast.blueprint import Blueprint, load
from holdfast.core import Instant
from holdfast.resilience.leases import (
    NOTHING,
    UNLIMITED,
    Allotment,
    Amounts,
    LeaseDenied,
    LeaseGranted,
    LeaseReturned,
    LeaseShort,
    LeaseToWorker,
    LeaseWanted,
)
from holdfast.resilience.treasury import Treasury
from holdfast.world.ports import WorldError
from holdfast.world.sim import SimStore

BLUEPRINT = """\
holdfast: 1
name: budgets
description: One caller, one model.
budget: {{per: day, tokens: {tokens}}}
nodes:
  desk: {{type: service, description: Asks., controls: {{budget: {{per: month, money: 2}}}}}}
  reviewer:
    type: ai:llm
    description: Answers.
    controls:
      upstream: {{url: "http://127.0.0.1:9/v1"}}
      limits: {{max_tokens: 10}}
      price: {{input: 1, output: 2}}
relationships:
  - {{id: desk-reviewer, connects: [desk, reviewer], protocol: HTTP, description: Asks.}}
"""
BOTH = ("tenant", "node:desk")


class FixedClock:
    """A ``Clock`` that stands."""

    def now(self) -> Instant:
        return Instant(1_780_315_200_000_000)

    def monotonic(self) -> float:
        return 0.0


class Disk:
    """A store that can be told to fail."""

    def __init__(self) -> None:
        self.is_full = False
        self.store = SimStore(before_write=self._check)

    def _check(self) -> None:
        if self.is_full:
            raise WorldError("the disk is full", fix="free some")

    def exchequer(self, tokens: int = 100) -> Exchequer:
        made = Exchequer(BudgetStore(self.store), FixedClock())
        made.adopt(blueprint(tokens))
        return made


def blueprint(tokens: int) -> Blueprint:
    text = BLUEPRINT.format(tokens=tokens)
    return load(text, source="holdfast.yaml", read=lambda name: name)


def want(ticket: int, tokens: int) -> LeaseWanted:
    return LeaseWanted(ticket, BOTH, Amounts(1, tokens, 1_000), NOTHING)


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


def stands(exchequer: Exchequer) -> dict[str, tuple[int, int, int]]:
    return {row.account: (row.limit, row.spent, row.reserved) for row in exchequer.seen()}


def test_a_grant_is_durable_before_it_is_told() -> None:
    disk = Disk()

    async def work() -> None:
        exchequer, told = disk.exchequer(), list[LeaseToWorker]()

        def tell(message: LeaseToWorker) -> None:
            told.append(message)
            committed = {row.account: row.committed for row in BudgetStore(disk.store).load()}
            assert committed["tenant"].tokens >= 60

        exchequer.hear(0, want(1, 60), tell=tell)
        assert told == []
        await exchequer.flush(save=False)
        assert [type(message) for message in told] == [LeaseGranted]

    run(work())


def test_after_a_crash_what_was_leased_counts_as_spent() -> None:
    disk = Disk()

    async def work() -> None:
        before = disk.exchequer()
        before.hear(0, want(1, 60), tell=lambda _message: None)
        await before.flush()
        _, _, reserved = stands(before)["tenant"]
        after = disk.exchequer()
        assert stands(after)["tenant"] == (100, reserved, 0)
        assert stands(after)["node:desk"][0] == 2_000_000_000

    run(work())


def test_after_an_orderly_stop_only_what_was_spent_is() -> None:
    disk = Disk()

    async def work() -> None:
        before, told = disk.exchequer(), list[LeaseToWorker]()
        before.hear(0, want(1, 60), tell=told.append)
        await before.flush()
        (granted,) = told
        assert isinstance(granted, LeaseGranted)
        for lease in granted.leases:
            spent = Amounts(0, 7, 0) if lease.account == "tenant" else Amounts(0, 0, 9)
            held = Amounts(0, lease.amounts.tokens, 0)
            if lease.account != "tenant":
                held = Amounts(0, 0, lease.amounts.money_nano)
            part = LeaseReturned(lease.book, spent, held - spent, NOTHING)
            before.hear(0, part, tell=told.append)
        before.gone(0)
        await before.flush()
        assert stands(disk.exchequer())["tenant"] == (100, 7, 0)
        assert stands(disk.exchequer())["node:desk"] == (2_000_000_000, 9, 0)

    run(work())


def test_a_disk_that_takes_no_grant_denies_it_and_takes_the_next() -> None:
    disk = Disk()

    async def work() -> None:
        exchequer, told = disk.exchequer(), list[LeaseToWorker]()
        disk.is_full = True
        exchequer.hear(0, want(1, 60), tell=told.append)
        await exchequer.flush(save=False)
        assert told == [LeaseDenied(1)]
        assert stands(exchequer)["tenant"] == (100, 0, 0)
        disk.is_full = False
        exchequer.hear(0, want(2, 60), tell=told.append)
        await exchequer.flush(save=False)
        assert isinstance(told[1], LeaseGranted)

    run(work())


def test_a_worker_that_is_gone_is_not_told() -> None:
    async def work() -> None:
        exchequer, told = Disk().exchequer(), list[LeaseToWorker]()
        exchequer.hear(0, want(1, 60), tell=told.append)
        exchequer.gone(0)
        await exchequer.flush()
        assert told == []
        assert stands(exchequer)["tenant"][1] >= 60

    run(work())


def test_until_a_blueprint_is_adopted_the_old_limits_hold() -> None:
    async def work() -> None:
        exchequer, told = Disk().exchequer(tokens=100), list[LeaseToWorker]()
        exchequer.prepare(blueprint(1_000))
        exchequer.hear(0, want(1, 101), tell=told.append)
        await exchequer.flush()
        assert isinstance(told[0], LeaseShort)
        exchequer.adopt(blueprint(1_000))
        exchequer.hear(0, want(2, 101), tell=told.append)
        await exchequer.flush()
        assert isinstance(told[1], LeaseGranted)

    run(work())


def test_what_a_mandate_allows_is_found_again_after_a_crash_and_gone_after_its_end() -> None:
    disk = Disk()
    ends = FixedClock().now() + 60_000_000
    own = Allotment("mandate:a", Amounts(5, UNLIMITED, 7_000), ends, "a")

    async def work() -> None:
        before, told = disk.exchequer(), list[LeaseToWorker]()
        ask = LeaseWanted(1, ("tenant", "mandate:a"), Amounts(5, 10, 0), NOTHING, (own,))
        before.hear(0, ask, tell=told.append)
        await before.flush()
        [saved] = [row for row in BudgetStore(disk.store).load() if row.allotment is not None]
        assert (saved.per, saved.allotment, saved.committed.calls) == ("once", own, 5)
        after = disk.exchequer()
        after.hear(1, LeaseWanted(1, ("mandate:a",), Amounts(1), NOTHING, (own,)), tell=told.append)
        await after.flush()
        granted, short = told
        assert isinstance(granted, LeaseGranted)
        assert isinstance(short, LeaseShort)
        assert (short.account, short.left, short.limit) == ("mandate:a", 0, 5)

    run(work())
    treasury = Treasury(BudgetStore(disk.store).load())
    treasury.declare({}, wall=Instant(ends))
    BudgetStore(disk.store).save(treasury.changes())
    assert all(row.allotment is None for row in BudgetStore(disk.store).load())


def test_a_row_of_another_shape_is_said_to_be_one() -> None:
    disk = Disk()
    store = BudgetStore(disk.store)
    with disk.store.transaction() as change:
        change.execute("insert into budgets values (1, 'a', 'fortnight', 0, 1, 0, 0, 0, 0, 0, 0)")
    with pytest.raises(BudgetStoreError):
        store.load()
