"""Budgets held against a model: workers, a keeper with a disk, wires between them, and crashes."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.blueprint import Budget
from holdfast.core import Instant
from holdfast.resilience.leases import (
    UNITS,
    UNLIMITED,
    Amounts,
    LeaseReturned,
    LeaseToKeeper,
    LeaseToWorker,
    LeaseWanted,
    limits_of,
    period_of,
)
from holdfast.resilience.purse import Reservation
from holdfast.resilience.spending import Answer, Purses, Short, Unavailable
from holdfast.resilience.treasury import Changes, Order, SavedBook, Treasury

BUDGETS = {
    "tenant": Budget(per="hour", tokens=200, money_micro=1),
    "node:a": Budget(per="minute", calls=6, tokens=100),
    "node:b": Budget(per="day", calls=9),
    "node:c": Budget(per="month", calls=12, tokens=300, money_micro=2),
}
LIMITS = {account: limits_of(budget) for account, budget in BUDGETS.items()}
ACCOUNTS = st.sampled_from(
    [("node:b",), ("tenant", "node:a"), ("tenant", "node:c"), ("tenant", "node:a", "node:b")]
)
WORKERS = st.integers(0, 2)
NOON = 1_780_000_000_000_000

Totals = dict[str, list[int]]


def totals() -> Totals:
    return defaultdict(lambda: [0, 0, 0])


def add(totals: Totals, accounts: tuple[str, ...], amounts: Amounts) -> None:
    for account in accounts:
        for index, unit in enumerate(UNITS):
            totals[account][index] += amounts.of(unit)


@dataclass
class Call:
    """One call that asked to be paid for, and what was so when it asked."""

    accounts: tuple[str, ...]
    amounts: Amounts
    taken: Totals
    periods: dict[str, int]
    answer: Answer | None = None
    is_settled: bool = False


@dataclass
class Worker:
    """A worker process: its purses, and the wires to and from the keeper."""

    serial: int
    to_keeper: list[LeaseToKeeper] = field(default_factory=list)
    to_worker: list[LeaseToWorker] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.purses = Purses(self.to_keeper.append)


class BudgetMachine(RuleBasedStateMachine):
    """What a period's calls cost never exceeds its limit; what is left is never refused."""

    def __init__(self) -> None:
        super().__init__()
        self.wall = NOON
        self.now = 0.0
        self.serial = 0
        self.disk: dict[int, SavedBook] = {}
        self.spent: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        self.orphans: list[Worker] = []
        # Counted up for ever: what was asked for, what was lost in crashes or overdrawn.
        self.tried, self.lost = totals(), totals()
        # Whether an answer was given for want of one: then leases may lie where nobody waits.
        self.is_blurred = False
        self._start()

    def _start(self) -> None:
        self.treasury = Treasury(self.disk.values())
        self.orders: list[Order] = self.treasury.declare(BUDGETS, wall=Instant(self.wall))
        self.workers = [self._worker() for _ in range(3)]

    def _worker(self) -> Worker:
        self.serial += 1
        return Worker(self.serial)

    # -- calls --------------------------------------------------------------------------------

    @rule(
        index=WORKERS,
        accounts=ACCOUNTS,
        tokens=st.integers(0, 60),
        money=st.integers(0, 400),
    )
    def a_call_asks(self, index: int, accounts: tuple[str, ...], tokens: int, money: int) -> None:
        self._ask(self.workers[index], accounts, Amounts(1, tokens, money))

    def _ask(self, worker: Worker, accounts: tuple[str, ...], amounts: Amounts) -> Call:
        call = Call(accounts, amounts, self._taken(), self._periods())
        worker.calls.append(call)
        add(self.tried, accounts, amounts)
        worker.purses.reserve(
            accounts, amounts, self._then(call), wall=Instant(self.wall), now=self.now
        )
        return call

    def _then(self, call: Call) -> Callable[[Answer], None]:
        def then(answer: Answer) -> None:
            assert call.answer is None, "answered twice"
            call.answer = answer
            if isinstance(answer, Unavailable):
                self.is_blurred = True
            elif isinstance(answer, Short) and not self.is_blurred:
                self._check_refusal(call, answer)

        return then

    def _check_refusal(self, call: Call, short: Short) -> None:
        """What was free when it asked, and nobody else asked for since, would not have sufficed."""
        assert short.account in call.accounts
        if call.periods != self._periods():
            return
        unit = UNITS.index(short.unit)
        since = self.tried[short.account][unit] + self.lost[short.account][unit]
        others = since - call.taken[short.account][unit] - call.amounts.of(short.unit)
        left = LIMITS[short.account].of(short.unit) - others
        assert call.amounts.of(short.unit) > left, "refused although enough was left"

    def _taken(self) -> Totals:
        """Subtracted from ``tried`` and ``lost`` later, leaves what is taken in this moment, and
        what comes on top of it. Others that wait now are taken too: they asked first."""
        taken = totals()
        for account in BUDGETS:
            held = self._held(account)
            for unit in range(3):
                so_far = self.tried[account][unit] + self.lost[account][unit]
                taken[account][unit] = so_far - held[unit]
        return taken

    def _held(self, account: str) -> list[int]:
        """What is neither left with the keeper nor idle at a worker, of the running period."""
        held = [0, 0, 0]
        starts = self._periods()[account]
        for book in self.treasury._by_account.get(account, []):
            if book.starts == starts:
                held = [have + book.spent.of(unit) for have, unit in zip(held, UNITS, strict=True)]
        for worker in self.workers:
            for part in self._unreported(worker, account, starts):
                held = [have + part.of(unit) for have, unit in zip(held, UNITS, strict=True)]
        return held

    def _unreported(self, worker: Worker, account: str, starts: int) -> list[Amounts]:
        books = {b.number for b in self.treasury._by_account.get(account, []) if b.starts == starts}
        told = [m for m in worker.to_keeper if isinstance(m, LeaseReturned) and m.book in books]
        purses = [*worker.purses._purses.values()]
        purses += [purse for old in worker.purses._old.values() for purse in old]
        own = [
            purse._counted(purse.spent_calls, purse.spent_tokens, purse.spent_money)
            for purse in purses
            if purse.book in books
        ]
        under_way = [
            call.amounts
            for call in worker.calls
            if account in call.accounts and self._is_held(call, account, starts)
        ]
        return [m.spent + m.over for m in told] + own + under_way

    def _is_held(self, call: Call, account: str, starts: int) -> bool:
        if call.answer is None:
            return True
        return (
            isinstance(call.answer, Reservation)
            and not call.is_settled
            and any(p.account == account and p.starts == starts for p in call.answer.purses)
        )

    def _periods(self) -> dict[str, int]:
        return {
            name: period_of(budget.per, Instant(self.wall))[0] for name, budget in BUDGETS.items()
        }

    def _open_calls(self) -> list[tuple[Worker, Call]]:
        return [
            (worker, call)
            for worker in (*self.workers, *self.orphans)
            for call in worker.calls
            if isinstance(call.answer, Reservation) and not call.is_settled
        ]

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0), share=st.integers(0, 4))
    def a_call_ends(self, which: int, share: int) -> None:
        calls = self._open_calls()
        worker, call = calls[which % len(calls)]
        bound = call.amounts
        cost = Amounts(bound.calls, bound.tokens * share // 4, bound.money_nano * share // 4)
        self._settle(worker, call, cost)
        self._settle_again(worker, call, cost)

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0), excess=st.integers(1, 30))
    def an_upstream_reports_more_than_the_bound(self, which: int, excess: int) -> None:
        calls = self._open_calls()
        worker, call = calls[which % len(calls)]
        over = Amounts(0, excess, 0)
        if worker in self.workers:
            add(self.lost, call.accounts, over)
        assert self._settle(worker, call, call.amounts + over) == over

    def _settle(self, worker: Worker, call: Call, cost: Amounts) -> Amounts | None:
        assert isinstance(call.answer, Reservation)
        call.is_settled = True
        within = cost.least(call.amounts)
        for purse in call.answer.purses:
            for index, unit in enumerate(UNITS):
                self.spent[purse.account, purse.starts][index] += within.of(unit)
        return worker.purses.settle(call.answer, cost)

    def _settle_again(self, worker: Worker, call: Call, cost: Amounts) -> None:
        before = self._held(call.accounts[0])
        assert isinstance(call.answer, Reservation)
        worker.purses.settle(call.answer, cost)
        assert self._held(call.accounts[0]) == before

    # -- time and wires -----------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.2, 0.6]))
    def workers_tick(self, seconds: float) -> None:
        self.now += seconds
        for worker in (*self.workers, *self.orphans):
            worker.purses.tick(now=self.now)

    @rule(seconds=st.sampled_from([1, 20, 70, 3_600, 90_000, -30]))
    def the_wall_clock_moves(self, seconds: int) -> None:
        self.wall += seconds * 1_000_000

    @rule(index=WORKERS)
    def the_keeper_hears(self, index: int) -> None:
        self._hear(self.workers[index])

    def _hear(self, worker: Worker) -> bool:
        if not worker.to_keeper:
            return False
        message, wall = worker.to_keeper.pop(0), Instant(self.wall)
        if isinstance(message, LeaseWanted):
            self.orders += self.treasury.wanted(worker.serial, message, wall=wall)
        else:
            self.orders += self.treasury.returned(worker.serial, message, wall=wall)
        return True

    @rule(index=WORKERS)
    def a_worker_hears(self, index: int) -> None:
        self._listen(self.workers[index])

    def _listen(self, worker: Worker) -> bool:
        if not worker.to_worker:
            return False
        worker.purses.heard(worker.to_worker.pop(0), wall=Instant(self.wall), now=self.now)
        return True

    @rule()
    def the_keeper_saves_and_tells(self) -> None:
        self._write(self.treasury.changes())
        self._tell(self.orders)

    @rule()
    def the_disk_is_full(self) -> None:
        changes = self.treasury.changes()
        if changes.urgent:
            self.orders = self.treasury.withdraw(self.orders, changes)
        self._tell(self.orders)

    def _write(self, changes: Changes) -> None:
        self.disk.update((saved.book, saved) for saved in changes.books)
        for number in changes.dropped:
            self.disk.pop(number, None)

    def _tell(self, orders: list[Order]) -> None:
        self.orders = []
        for serial, message in orders:
            for worker in self.workers:
                if worker.serial == serial:
                    worker.to_worker.append(message)

    # -- crashes ------------------------------------------------------------------------------

    @rule(index=WORKERS, heard=st.integers(0, 3))
    def a_worker_dies(self, index: int, heard: int) -> None:
        worker = self.workers[index]
        for _ in range(heard):
            self._hear(worker)
        self._bury(worker)
        self.workers[index] = self._worker()

    def _bury(self, worker: Worker) -> None:
        """Whatever its calls cost, it is within what they reserved."""
        starts = self._periods()
        for account, budget in BUDGETS.items():
            for book in self.treasury._by_account.get(account, []):
                if book.starts == starts[account] and book.per == budget.per:
                    add(self.lost, (account,), book.leased.get(worker.serial, Amounts()))
        for call in worker.calls:
            if isinstance(call.answer, Reservation) and not call.is_settled:
                self._settle(worker, call, call.amounts)
        self.orders += self.treasury.gone(worker.serial, wall=Instant(self.wall))

    @rule()
    def the_keeper_dies(self) -> None:
        """Its workers go on with what they hold, unheard, until their calls have ended."""
        for worker in self.workers:
            worker.to_keeper.clear()
            worker.to_worker.clear()
        self.orphans += self.workers
        self._start()

    # -- what must hold -----------------------------------------------------------------------

    @invariant()
    def no_period_costs_more_than_its_limit(self) -> None:
        reserved: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        for _, call in self._open_calls():
            assert isinstance(call.answer, Reservation)
            for purse in call.answer.purses:
                for index, unit in enumerate(UNITS):
                    reserved[purse.account, purse.starts][index] += call.amounts.of(unit)
        for key in self.spent.keys() | reserved.keys():
            for index, unit in enumerate(UNITS):
                limit = LIMITS[key[0]].of(unit)
                assert limit == UNLIMITED or self.spent[key][index] + reserved[key][index] <= limit

    @invariant()
    def the_keeper_never_leases_more_than_there_is(self) -> None:
        for book in self.treasury._books.values():
            committed = book.spent + book.out() - book.overdrawn
            assert committed.exceeds(LIMITS[book.account]) is None

    @invariant()
    def every_queue_is_counted(self) -> None:
        for worker in self.workers:
            waiting = sum(call.answer is None for call in worker.calls)
            assert worker.purses.waiting == waiting

    @rule(index=WORKERS, accounts=ACCOUNTS, tokens=st.integers(0, 60), money=st.integers(0, 400))
    def a_call_alone_is_refused_only_for_want_of_money(
        self, index: int, accounts: tuple[str, ...], tokens: int, money: int
    ) -> None:
        """Nothing else happens: then the answer is exact."""
        self._settle_down()
        amounts = Amounts(1, tokens, money)
        left = {
            account: [
                max(LIMITS[account].of(unit) - held, 0)
                for unit, held in zip(UNITS, self._held(account), strict=True)
            ]
            for account in accounts
        }
        call = self._ask(self.workers[index], accounts, amounts)
        self._settle_down()
        is_enough = all(
            amounts.of(unit) <= have
            for account in accounts
            for unit, have in zip(UNITS, left[account], strict=True)
        )
        assert isinstance(call.answer, Reservation if is_enough else Short)

    def _settle_down(self) -> None:
        """Every message arrives, nobody waits any more."""
        for _ in range(500):
            moved = False
            for worker in self.workers:
                while self._hear(worker):
                    moved = True
            self.the_keeper_saves_and_tells()
            for worker in self.workers:
                while self._listen(worker):
                    moved = True
            if not moved and not any(worker.purses.waiting for worker in self.workers):
                break
            if not moved:
                self.workers_tick(0.001)
        else:
            raise AssertionError("questions and answers go on for ever")
        self.is_blurred = any(worker.purses._tickets for worker in self.workers)
        assert not self.treasury._pending

    def teardown(self) -> None:
        """When every call has ended, all that was not spent is the keeper's again."""
        self._settle_down()
        for worker, call in self._open_calls():
            self._settle(worker, call, Amounts(1, call.amounts.tokens // 2, 0))
        for worker in self.workers:
            worker.purses.close()
            while self._hear(worker):
                pass
        for book in self.treasury._books.values():
            assert not book.leased


BudgetMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestBudgetsHold = BudgetMachine.TestCase
