"""Allotments: what trees of delegations spend together, over workers, crashes and restarts."""

from collections import defaultdict
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from holdfast.blueprint import Budget
from holdfast.core import Instant
from holdfast.resilience.allotments import (
    ALLOTMENTS_MAX,
    ALLOTMENTS_PER_ROOT_MAX,
    Allotments,
)
from holdfast.resilience.leases import (
    NOTHING,
    UNITS,
    UNLIMITED,
    Allotment,
    Amounts,
    LeaseDenied,
    LeaseGranted,
    LeaseShort,
    LeaseToKeeper,
    LeaseToWorker,
    LeaseWanted,
)
from holdfast.resilience.purse import Reservation
from holdfast.resilience.spending import Answer, Purses, Unavailable
from holdfast.resilience.treasury import Changes, Order, SavedBook, Treasury

NOON = Instant(1_780_315_200_000_000)
SECOND = 1_000_000
END = NOON + 600 * SECOND
TENANT = {"tenant": Budget(per="hour", calls=60)}


def allotment(name="mandate:a", calls=UNLIMITED, tokens=UNLIMITED, ends=END, root="a"):
    return Allotment(name, Amounts(calls, tokens, UNLIMITED), ends, root)


def want(ticket, *allotments, must=None):
    named = tuple(each.account for each in allotments)
    return LeaseWanted(ticket, named, must or Amounts(1, 10, 0), NOTHING, allotments)


# -- one by one -------------------------------------------------------------------------------


def test_an_account_that_nobody_declares_is_denied():
    orders = Treasury().wanted(0, LeaseWanted(1, ("mandate:a",), Amounts(1), NOTHING), wall=NOON)
    assert orders == [(0, LeaseDenied(1))]


def test_a_declared_account_is_granted_up_to_what_was_declared_and_no_further():
    treasury = Treasury()
    [(_, granted)] = treasury.wanted(0, want(1, allotment(tokens=10)), wall=NOON)
    assert isinstance(granted, LeaseGranted)
    [lease] = granted.leases
    assert (lease.amounts.tokens, lease.amounts.calls, lease.ends) == (10, UNLIMITED, END)
    [(_, _recalled)] = treasury.wanted(1, want(2, allotment(tokens=10)), wall=NOON)
    [(_, short)] = treasury.gone(0, wall=NOON)
    assert isinstance(short, LeaseShort)
    assert (short.left, short.limit, short.resets_at) == (0, 10, END)


@pytest.mark.parametrize(
    "other",
    [
        allotment(tokens=11),
        allotment(tokens=9),
        allotment(tokens=10, calls=5),
        allotment(tokens=10, ends=END + 1),
        allotment(tokens=10, root="b"),
    ],
)
def test_who_declares_otherwise_later_is_denied_also_after_a_restart(other):
    treasury = Treasury()
    treasury.wanted(0, want(1, allotment(tokens=10), must=Amounts(1, 1, 0)), wall=NOON)
    assert treasury.wanted(1, want(2, other), wall=NOON) == [(1, LeaseDenied(2))]
    again = Treasury(treasury.changes().books)
    assert again.wanted(1, want(3, other), wall=NOON) == [(1, LeaseDenied(3))]


def test_no_declaration_changes_a_budget_of_the_blueprint():
    treasury = Treasury()
    treasury.declare({"tenant": Budget(per="day", tokens=10)}, wall=NOON)
    ask = want(1, allotment("tenant", tokens=1_000), must=Amounts(1, 11, 0))
    [(_, short)] = treasury.wanted(0, ask, wall=NOON)
    assert isinstance(short, LeaseShort)
    assert short.limit == 10


def test_a_restart_refills_nothing():
    treasury = Treasury()
    treasury.wanted(0, want(1, allotment(tokens=10)), wall=NOON)
    again = Treasury(treasury.changes().books)
    [(_, short)] = again.wanted(0, want(2, allotment(tokens=10)), wall=NOON)
    assert isinstance(short, LeaseShort)


def test_what_has_ended_is_forgotten_and_never_begins_anew():
    treasury = Treasury()
    treasury.wanted(0, want(1, allotment(tokens=10)), wall=NOON)
    [saved] = treasury.changes().books
    later = allotment("mandate:b", tokens=10, ends=END + SECOND, root="b")
    treasury.wanted(0, want(2, later), wall=Instant(END))
    changes = treasury.changes()
    assert saved.book in changes.dropped
    assert not treasury._by_account.keys() & {"mandate:a"}
    assert "mandate:a" not in treasury._paces
    # A clock that is set back lets nobody in again.
    for wall in (Instant(END), NOON):
        denied = treasury.wanted(0, want(3, allotment(tokens=10)), wall=wall)
        assert denied == [(0, LeaseDenied(3))]


def test_a_reload_forgets_no_allotment():
    treasury = Treasury()
    treasury.wanted(0, want(1, allotment(tokens=10)), wall=NOON)
    treasury.declare(TENANT, wall=NOON)
    treasury.gone(0, wall=NOON)
    [(_, short)] = treasury.wanted(1, want(2, allotment(tokens=10)), wall=NOON)
    assert isinstance(short, LeaseShort)


def test_allotments_are_not_among_the_budgets_that_watchers_see():
    treasury = Treasury()
    treasury.declare(TENANT, wall=NOON)
    treasury.wanted(0, want(1, allotment(tokens=10)), wall=NOON)
    assert {row.account for row in treasury.seen(wall=NOON)} == {"tenant"}


def test_one_root_has_a_bounded_number_of_accounts_and_takes_none_from_others():
    held = Allotments()
    for number in range(ALLOTMENTS_PER_ROOT_MAX):
        assert held.open(allotment(f"mandate:{number}"), wall=NOON)
    assert not held.open(allotment("mandate:more"), wall=NOON)
    assert held.open(allotment("mandate:0"), wall=NOON)
    assert held.open(allotment("mandate:more", root="b"), wall=NOON)
    assert len(held.close_ended(Instant(END))) == ALLOTMENTS_PER_ROOT_MAX + 1
    assert held.open(allotment("mandate:more", ends=END + 1), wall=Instant(END))


def test_all_roots_together_have_a_bounded_number_of_accounts():
    held = Allotments(
        allotment(f"mandate:{number}", root=str(number)) for number in range(ALLOTMENTS_MAX)
    )
    assert not held.open(allotment("mandate:more", root="more"), wall=NOON)


def test_a_worker_forgets_what_mandates_it_no_longer_sees():
    """The tenant's purse stays in use; the routes of mandates that are gone do not pile up."""
    treasury, sent = Treasury(), list[LeaseToKeeper]()
    treasury.declare(TENANT, wall=NOON)
    purses = Purses(sent.append)

    def call(number):
        own = allotment(f"mandate:{number}", calls=5, root=str(number))
        answers = list[Answer]()
        accounts = ("tenant", own.account)
        purses.reserve(accounts, Amounts(1), answers.append, wall=NOON, now=0.0, allotments=(own,))
        carry()
        [reservation] = answers
        assert isinstance(reservation, Reservation)
        purses.settle(reservation, Amounts(1))

    def carry():
        while sent:
            message = sent.pop(0)
            orders = (
                treasury.wanted(0, message, wall=NOON)
                if isinstance(message, LeaseWanted)
                else treasury.returned(0, message, wall=NOON)
            )
            for _, order in orders:
                purses.heard(order, wall=NOON, now=0.0)

    under_way = list[Answer]()
    purses.reserve(("tenant",), Amounts(1), under_way.append, wall=NOON, now=0.0)
    carry()
    for number in range(20):
        call(number)
    for step in range(1, 6):
        purses.tick(now=float(step))
        carry()
    assert [*purses._purses] == ["tenant"]
    assert [*purses._routes] == [("tenant",)]


# -- trees of delegations ---------------------------------------------------------------------


@dataclass
class Node:
    """One mandate: whom it is below, and what it may spend itself (None: as its parent says)."""

    path: "tuple[Node, ...]"
    limits: Amounts
    own: Allotment | None
    spent: list[int] = field(default_factory=lambda: [0, 0, 0])

    @property
    def chain(self):
        return (*self.path, self)

    @property
    def payers(self):
        return tuple(node.own for node in self.chain if node.own is not None)

    @property
    def accounts(self):
        return ("tenant", *(each.account for each in self.payers))


@dataclass
class Call:
    node: Node
    amounts: Amounts
    asked_at: int
    answer: Answer | None = None
    is_settled: bool = False


@dataclass
class Worker:
    serial: int
    to_keeper: list[LeaseToKeeper] = field(default_factory=list)
    to_worker: list[LeaseToWorker] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self):
        self.purses = Purses(self.to_keeper.append)


LIMITS = st.tuples(
    st.one_of(st.none(), st.integers(1, 8)),
    st.one_of(st.none(), st.integers(0, 120)),
    st.one_of(st.none(), st.integers(0, 900)),
)
WORKERS = st.integers(0, 2)


class DelegationMachine(RuleBasedStateMachine):
    """Whatever is delegated to whom, and whichever worker is asked: nobody's calls, with all that
    came of theirs, cost more than they were allowed."""

    def __init__(self):
        super().__init__()
        self.wall, self.now, self.serial = NOON, 0.0, 0
        self.nodes = list[Node]()
        self.disk = dict[int, SavedBook]()
        self.orphans = list[Worker]()
        self._start()

    def _start(self):
        self.started = self.wall
        self.treasury = Treasury(self.disk.values())
        self.orders: list[Order] = self.treasury.declare(TENANT, wall=self.wall)
        self.workers = [self._worker() for _ in range(3)]

    def _worker(self):
        self.serial += 1
        return Worker(self.serial)

    # -- mandates -----------------------------------------------------------------------------

    @rule(limits=LIMITS, seconds=st.sampled_from([60, 600]))
    def a_root_is_granted(self, limits, seconds):
        self._add((), limits, self.wall + seconds * SECOND)

    @precondition(lambda self: self.nodes)
    @rule(limits=LIMITS, which=st.integers(0), seconds=st.sampled_from([5, 600]))
    def a_part_is_delegated(self, limits, which, seconds):
        parent = self.nodes[which % len(self.nodes)]
        if len(parent.chain) < 5:
            self._add(parent.chain, limits, self.wall + seconds * SECOND)

    def _add(self, path, limits, ends):
        above = path[-1].limits if path else Amounts(UNLIMITED, UNLIMITED, UNLIMITED)
        within = Amounts(*(UNLIMITED if each is None else each for each in limits)).least(above)
        root = path[0].own.root if path and path[0].own else f"r{len(self.nodes)}"
        is_limited = any(within.of(unit) < UNLIMITED for unit in UNITS)
        name = f"mandate:{len(self.nodes)}"
        own = Allotment(name, within, ends, root) if is_limited else None
        self.nodes.append(Node(path, within, own))

    # -- calls --------------------------------------------------------------------------------

    @precondition(lambda self: self.nodes)
    @rule(index=WORKERS, which=st.integers(0), tokens=st.integers(0, 40), money=st.integers(0, 300))
    def a_call_asks(self, index, which, tokens, money):
        node, worker = self.nodes[which % len(self.nodes)], self.workers[index]
        call = Call(node, Amounts(1, tokens, money), self.wall)
        worker.calls.append(call)

        def then(answer):
            assert call.answer is None
            call.answer = answer

        worker.purses.reserve(
            node.accounts,
            call.amounts,
            then,
            wall=self.wall,
            now=self.now,
            allotments=node.payers,
        )

    def _open_calls(self):
        return [
            (worker, call)
            for worker in (*self.workers, *self.orphans)
            for call in worker.calls
            if isinstance(call.answer, Reservation) and not call.is_settled
        ]

    @precondition(lambda self: self._open_calls())
    @rule(which=st.integers(0), share=st.integers(0, 4))
    def a_call_ends(self, which, share):
        calls = self._open_calls()
        worker, call = calls[which % len(calls)]
        bound = call.amounts
        cost = Amounts(share > 0, bound.tokens * share // 4, bound.money_nano * share // 4)
        self._settle(worker, call, cost)

    def _settle(self, worker, call, cost):
        call.is_settled = True
        for node in call.node.chain:
            for index, unit in enumerate(UNITS):
                node.spent[index] += cost.of(unit)
        worker.purses.settle(call.answer, cost)

    # -- time, wires, crashes -----------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.05, 0.6]))
    def workers_tick(self, seconds):
        self.now += seconds
        for worker in (*self.workers, *self.orphans):
            worker.purses.tick(now=self.now)

    @rule(seconds=st.sampled_from([1, 7, 70, 650, -30]))
    def the_wall_clock_moves(self, seconds):
        # A keeper that starts anew knows of no end before its start.
        self.wall = Instant(max(self.wall + seconds * SECOND, self.started))

    @rule(index=WORKERS)
    def messages_arrive(self, index):
        worker = self.workers[index]
        while self._hear(worker):
            pass
        self.the_keeper_saves_and_tells()
        while worker.to_worker:
            worker.purses.heard(worker.to_worker.pop(0), wall=self.wall, now=self.now)

    @rule(index=WORKERS)
    def one_message_arrives(self, index):
        self._hear(self.workers[index])

    def _hear(self, worker):
        if not worker.to_keeper:
            return False
        message = worker.to_keeper.pop(0)
        if isinstance(message, LeaseWanted):
            self.orders += self.treasury.wanted(worker.serial, message, wall=self.wall)
        else:
            self.orders += self.treasury.returned(worker.serial, message, wall=self.wall)
        return True

    @rule()
    def the_keeper_saves_and_tells(self):
        changes = self.treasury.changes()
        self._write(changes)
        self._tell(self.orders)

    @rule()
    def the_disk_is_full(self):
        changes = self.treasury.changes()
        if changes.urgent:
            self.orders = self.treasury.withdraw(self.orders, changes)
        self._tell(self.orders)

    def _write(self, changes: Changes):
        self.disk.update((saved.book, saved) for saved in changes.books)
        for number in changes.dropped:
            self.disk.pop(number, None)

    def _tell(self, orders):
        self.orders = []
        for serial, message in orders:
            for worker in self.workers:
                if worker.serial == serial:
                    worker.to_worker.append(message)

    @rule(index=WORKERS)
    def a_worker_dies(self, index):
        worker = self.workers[index]
        for call in worker.calls:
            if isinstance(call.answer, Reservation) and not call.is_settled:
                self._settle(worker, call, call.amounts)
        self.orders += self.treasury.gone(worker.serial, wall=self.wall)
        self.workers[index] = self._worker()

    @rule()
    def the_keeper_dies(self):
        for worker in self.workers:
            worker.to_keeper.clear()
            worker.to_worker.clear()
        self.orphans += self.workers
        self._start()

    # -- what must hold -----------------------------------------------------------------------

    @invariant()
    def nobody_spends_more_than_any_they_hold_it_from(self):
        reserved = defaultdict(lambda: [0, 0, 0])
        for _, call in self._open_calls():
            for node in call.node.chain:
                for index, unit in enumerate(UNITS):
                    reserved[id(node)][index] += call.amounts.of(unit)
        for node in self.nodes:
            for index, unit in enumerate(UNITS):
                limit = node.limits.of(unit)
                assert limit == UNLIMITED or node.spent[index] + reserved[id(node)][index] <= limit

    @invariant()
    def what_is_kept_is_bounded_by_what_is_open(self):
        open_accounts = self.treasury._allotments._open
        for account, books in self.treasury._by_account.items():
            assert account == "tenant" or account in open_accounts
            assert account == "tenant" or len(books) == 1

    def _is_busy(self, worker):
        return worker.purses.waiting or worker.to_keeper or worker.to_worker

    def teardown(self):
        """When every call has ended, what was not spent can be had again, by whoever is left."""
        for _ in range(200):
            for index in range(3):
                self.messages_arrive(index)
            self.workers_tick(0.3)
            if not any(self._is_busy(worker) for worker in self.workers):
                break
        for worker in self.workers:
            assert not worker.purses.waiting
            for call in worker.calls:
                if isinstance(call.answer, Reservation) and not call.is_settled:
                    self._settle(worker, call, NOTHING)
            worker.purses.close()
            while self._hear(worker):
                pass
        for book in self.treasury._books.values():
            assert not book.leased


DelegationMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestDelegationsHold = DelegationMachine.TestCase


def test_an_unanswered_call_is_refused_as_unavailable_when_its_mandate_has_ended():
    treasury, sent, answers = Treasury(), list[LeaseToKeeper](), list[Answer]()
    purses = Purses(sent.append)
    own = allotment(calls=5)
    purses.reserve(
        (own.account,), Amounts(1), answers.append, wall=NOON, now=0.0, allotments=(own,)
    )
    [ask] = sent
    assert isinstance(ask, LeaseWanted)
    [(_, denied)] = treasury.wanted(0, ask, wall=Instant(END))
    purses.heard(denied, wall=Instant(END), now=0.0)
    assert answers == [Unavailable()]
