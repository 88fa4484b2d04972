"""Budgets, case by case: who asks when, what comes back, what is told."""

import pytest

from holdfast.blueprint import Budget
from holdfast.core import Instant
from holdfast.resilience.leases import (
    LEASE_WAIT_S,
    NOTHING,
    Amounts,
    LeaseDenied,
    LeaseToKeeper,
    LeaseWanted,
)
from holdfast.resilience.purse import Reservation
from holdfast.resilience.spending import LOOK_S, WAITERS_MAX, Answer, Purses, Short, Unavailable
from holdfast.resilience.treasury import Order, Treasury

NOON = Instant(1_780_315_200_000_000)  # 2026-06-01T12:00:00Z
MINUTE = 60_000_000
CALL = Amounts(1, 10, 0)
A = ("node:a",)


class House:
    """A keeper and its workers on wires that carry at once, unless told to hold."""

    def __init__(self, budgets: dict[str, Budget], *, workers: int = 2) -> None:
        self.wall = NOON
        self.now = 0.0
        self.treasury = Treasury()
        self.orders: list[Order] = self.treasury.declare(budgets, wall=NOON)
        self.sent: list[list[LeaseToKeeper]] = [[] for _ in range(workers)]
        self.purses = [Purses(wire.append) for wire in self.sent]
        self.questions = 0

    def ask(self, worker: int, amounts: Amounts, accounts: tuple[str, ...] = A) -> list[Answer]:
        answers: list[Answer] = []
        self.purses[worker].reserve(accounts, amounts, answers.append, wall=self.wall, now=self.now)
        return answers

    def paid(self, worker: int, amounts: Amounts, accounts: tuple[str, ...] = A) -> Answer:
        answers = self.ask(worker, amounts, accounts)
        self.carry()
        (answer,) = answers
        return answer

    def carry(self) -> None:
        while self.orders or any(self.sent):
            for worker in range(len(self.sent)):
                self.hear(worker)
            self.tell()

    def hear(self, worker: int) -> None:
        while self.sent[worker]:
            message = self.sent[worker].pop(0)
            if isinstance(message, LeaseWanted):
                self.questions += 1
                self.orders += self.treasury.wanted(worker, message, wall=self.wall)
            else:
                self.orders += self.treasury.returned(worker, message, wall=self.wall)

    def tell(self) -> None:
        orders, self.orders = self.orders, []
        for worker, message in orders:
            self.purses[worker].heard(message, wall=self.wall, now=self.now)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.wall = Instant(self.wall + round(seconds * 1_000_000))
        for purses in self.purses:
            purses.tick(now=self.now)
        self.carry()

    def stands(self, account: str = "node:a", unit: str = "tokens") -> tuple[int, int]:
        (seen,) = (
            row
            for row in self.treasury.seen(wall=self.wall)
            if (row.account, row.unit) == (account, unit)
        )
        return seen.spent, seen.reserved


def held(answer: Answer) -> Reservation:
    assert isinstance(answer, Reservation)
    return answer


def daily(**limits: int) -> Budget:
    return Budget(per="day", **limits)


# -- the worker's side ------------------------------------------------------------------------


def test_a_lease_that_suffices_is_spent_without_a_question() -> None:
    house = House({"node:a": daily(tokens=1_000)})
    house.paid(0, CALL)
    assert house.questions == 1
    taken = house.purses[0].take(A, CALL, wall=NOON)
    assert taken is not None
    assert not house.sent[0]


def test_all_accounts_or_none() -> None:
    house = House({"node:a": daily(tokens=1_000), "tenant": daily(tokens=15)})
    both = ("tenant", "node:a")
    held(house.paid(0, CALL, both))
    short = house.paid(1, CALL, both)
    assert isinstance(short, Short)
    assert (short.account, short.unit, short.left, short.limit) == ("tenant", "tokens", 5, 15)
    house.tick(0.1)
    for _ in range(3):
        house.tick(LOOK_S)
    assert house.stands("node:a") == (0, 10)


def test_what_a_call_did_not_cost_is_there_for_the_next() -> None:
    house = House({"node:a": daily(tokens=10)})
    first = held(house.paid(0, CALL))
    assert isinstance(house.paid(1, CALL), Short)
    house.purses[0].settle(first, Amounts(1, 4, 0))
    house.tick(0.1)
    held(house.paid(1, Amounts(1, 6, 0)))
    assert house.stands() == (4, 6)


def test_a_call_is_settled_once() -> None:
    house = House({"node:a": daily(calls=10, tokens=100)})
    call = held(house.paid(0, CALL))
    house.purses[0].settle(call, CALL)
    assert house.purses[0].settle(call, CALL) is None
    house.tick(LOOK_S)
    assert house.stands(unit="calls")[0] == 1
    assert house.stands(unit="tokens")[0] == 10


def test_calls_that_wait_together_are_one_question() -> None:
    house = House({"node:a": daily(tokens=1_000)})
    answers = [house.ask(0, CALL) for _ in range(50)]
    house.carry()
    assert all(isinstance(answer, Reservation) for (answer,) in answers)
    assert house.questions <= 2


def test_against_an_exhausted_budget_questions_are_paced() -> None:
    house = House({"node:a": daily(calls=1)})
    held(house.paid(0, Amounts(1)))
    assert isinstance(house.paid(0, Amounts(1)), Short)
    asked = house.questions
    answers = [house.ask(0, Amounts(1)) for _ in range(50)]
    house.carry()
    assert house.questions == asked
    house.tick(0.05)
    assert all(isinstance(answer, Short) for (answer,) in answers)
    assert house.questions == asked + 1


def test_a_refusal_is_no_news_to_who_asked_after_it() -> None:
    house = House({"node:a": daily(tokens=10)})
    first = held(house.paid(0, CALL))
    early = house.ask(1, CALL)
    house.hear(1)
    house.tell()  # recalled from worker 0, which holds nothing idle
    house.hear(0)
    house.purses[0].settle(first, NOTHING)
    late = house.ask(1, CALL)
    house.tell()
    assert isinstance(early[0], Short)
    assert late == []
    house.tick(0.05)
    held(late[0])


def test_what_is_too_much_for_one_call_may_do_for_the_next() -> None:
    house = House({"node:a": daily(tokens=50)})
    first, large, small = house.ask(0, CALL), house.ask(0, Amounts(1, 60, 0)), house.ask(0, CALL)
    house.carry()
    held(first[0])
    assert isinstance(large[0], Short)
    assert small == []
    house.tick(0.05)
    held(small[0])


def test_without_the_keepers_word_a_call_is_refused_in_time() -> None:
    house = House({"node:a": daily(tokens=100)})
    answers = house.ask(0, CALL)
    house.purses[0].tick(now=LEASE_WAIT_S - 0.01)
    assert answers == []
    house.purses[0].tick(now=LEASE_WAIT_S)
    assert answers == [Unavailable()]
    assert house.purses[0].waiting == 0


def test_a_question_whose_answer_is_lost_is_asked_again() -> None:
    house = House({"node:a": daily(tokens=100)})
    house.ask(0, CALL)
    house.sent[0].clear()
    house.now = LEASE_WAIT_S / 2
    later = house.ask(0, CALL)
    house.tick(LEASE_WAIT_S / 2)
    held(later[0])


def test_a_keeper_that_denies_is_not_waited_for() -> None:
    house = House({"node:a": daily(tokens=100)})
    assert house.paid(0, CALL, ("node:unheard-of",)) == Unavailable()


def test_calls_that_wait_are_bounded() -> None:
    purses = Purses(lambda _message: None)
    answers: list[Answer] = []
    for _ in range(WAITERS_MAX + 1):
        purses.reserve(A, CALL, answers.append, wall=NOON, now=0.0)
    assert answers == [Unavailable()]


def test_an_account_cannot_be_charged_twice_by_one_call() -> None:
    with pytest.raises(AssertionError):
        House({"node:a": daily(calls=9)}).paid(0, CALL, ("node:a", "node:a"))


def test_what_lies_idle_is_given_back_within_a_second() -> None:
    house = House({"node:a": daily(tokens=1_000)})
    call = held(house.paid(0, CALL))
    assert house.stands()[1] > 10
    house.purses[0].settle(call, CALL)
    house.tick(LOOK_S)
    house.tick(LOOK_S)
    assert house.stands() == (10, 0)


def test_a_worker_in_use_does_not_hoard_what_it_once_needed() -> None:
    house = House({"node:a": daily(tokens=1_000_000)})
    for _ in range(2_000):
        house.purses[0].settle(held(house.paid(0, CALL)), CALL)
    assert house.stands()[1] > 1_000
    for _ in range(20):
        house.tick(LOOK_S)
        house.purses[0].settle(held(house.paid(0, CALL)), CALL)
    assert house.stands()[1] < 512


def test_a_worker_that_stops_gives_everything_back() -> None:
    house = House({"node:a": daily(tokens=1_000)})
    call = held(house.paid(0, CALL))
    waiting = house.ask(1, Amounts(1, 5_000, 0))
    house.purses[0].settle(call, Amounts(1, 3, 0))
    for purses in house.purses:
        purses.close()
    house.carry()
    assert house.stands() == (3, 0)
    assert waiting == [Unavailable()]


# -- the keeper's side ------------------------------------------------------------------------


def test_nobody_is_refused_while_another_holds_enough_idle() -> None:
    house = House({"node:a": daily(tokens=100)})
    held(house.paid(0, CALL))
    assert house.stands()[1] > 10
    held(house.paid(1, Amounts(1, 90, 0)))
    assert isinstance(house.paid(1, Amounts(1, 1, 0)), Short)


def test_what_lies_idle_is_called_back_from_every_worker() -> None:
    house = House({"node:a": daily(tokens=100)}, workers=3)
    for worker in (0, 1):
        held(house.paid(worker, CALL))
    assert house.stands()[1] == 40
    held(house.paid(2, Amounts(1, 80, 0)))


def test_while_one_waits_for_what_is_called_back_nobody_leases_ahead() -> None:
    house = House({"node:a": daily(tokens=100)}, workers=3)
    held(house.paid(0, Amounts(1, 50, 0)))
    assert house.stands()[1] == 75
    large = house.ask(1, Amounts(1, 40, 0))
    house.hear(1)
    small = house.ask(2, CALL)
    house.hear(2)
    assert house.stands()[1] == 85
    house.carry()
    held(small[0])
    held(large[0])


def test_a_grant_that_was_never_saved_never_happened() -> None:
    house = House({"node:a": daily(tokens=100)})
    answers = house.ask(0, CALL)
    house.hear(0)
    unsaved = house.treasury.changes()
    assert unsaved.urgent
    house.orders = house.treasury.withdraw(house.orders, unsaved)
    assert [type(message) for _, message in house.orders] == [LeaseDenied]
    house.tell()
    assert answers == [Unavailable()]
    assert house.stands() == (0, 0)
    assert [book.committed for book in house.treasury.changes().books] == [NOTHING]


def test_a_grant_is_denied_to_a_worker_that_died_before_it_was_saved() -> None:
    house = House({"node:a": daily(tokens=100)})
    house.ask(0, CALL)
    house.hear(0)
    orders, unsaved = house.orders, house.treasury.changes()
    house.treasury.gone(0, wall=NOON)
    house.treasury.withdraw(orders, unsaved)
    spent, reserved = house.stands()
    assert reserved == 0
    assert spent >= 10


def test_a_worker_that_dies_has_spent_what_it_held() -> None:
    house = House({"node:a": daily(tokens=100)})
    held(house.paid(0, CALL))
    _, reserved = house.stands()
    house.treasury.gone(0, wall=NOON)
    assert house.stands() == (reserved, 0)


def test_nobody_waits_for_the_word_of_a_worker_that_died() -> None:
    house = House({"node:a": daily(tokens=20)})
    held(house.paid(0, CALL))
    waiting = house.ask(1, CALL)
    house.hear(1)
    house.orders.clear()  # the recall never reaches worker 0
    house.orders += house.treasury.gone(0, wall=NOON)
    house.tell()
    assert isinstance(waiting[0], Short)


def test_a_keeper_that_starts_again_knows_what_was_leased() -> None:
    budgets = {"node:a": daily(tokens=100)}
    house = House(budgets)
    held(house.paid(0, CALL))
    _, reserved = house.stands()
    house.treasury = Treasury(house.treasury.changes().books)
    house.treasury.declare(budgets, wall=NOON)
    assert house.stands() == (reserved, 0)


def test_what_is_spent_beyond_the_bound_is_told_and_counted() -> None:
    house = House({"node:a": daily(calls=5, tokens=100)})
    call = held(house.paid(0, CALL))
    assert house.purses[0].settle(call, Amounts(1, 95, 0)) == Amounts(0, 85, 0)
    assert house.purses[0].overdrafts == 1
    house.carry()
    seen = {row.unit: row for row in house.treasury.seen(wall=NOON)}
    assert (seen["tokens"].spent, seen["tokens"].overdrawn) == (95, 85)
    assert seen["calls"].overdrawn == 0
    changes = house.treasury.changes()
    assert changes.urgent
    assert changes.books[0].overdrawn == Amounts(0, 85, 0)
    assert isinstance(house.paid(1, CALL), Short)


def test_who_needs_none_of_what_is_overdrawn_may_go() -> None:
    house = House({"node:a": daily(calls=5, tokens=10)})
    house.purses[0].settle(held(house.paid(0, CALL)), Amounts(1, 95, 0))
    house.carry()
    held(house.paid(0, Amounts(1)))
    assert isinstance(house.paid(0, Amounts(1, 1, 0)), Short)


def test_a_soft_limit_is_told_and_refuses_nothing() -> None:
    house = House({"node:a": Budget(per="day", tokens=20, soft=0.5)})
    for expected in (True, True):
        house.purses[0].settle(held(house.paid(0, CALL)), CALL)
        house.tick(LOOK_S)
        assert [row.soft_exceeded for row in house.treasury.seen(wall=NOON)] == [expected]
    assert isinstance(house.paid(0, CALL), Short)


def test_a_unit_without_a_limit_is_not_counted() -> None:
    house = House({"node:a": daily(calls=3)})
    for _ in range(3):
        house.purses[0].settle(held(house.paid(0, Amounts(1, 10**9, 10**12))), Amounts(1, 7, 7))
    house.tick(LOOK_S)
    assert [(row.unit, row.spent) for row in house.treasury.seen(wall=NOON)] == [("calls", 3)]
    assert isinstance(house.paid(0, CALL), Short)


# -- periods ----------------------------------------------------------------------------------


def test_a_new_period_begins_with_the_whole_limit() -> None:
    house = House({"node:a": Budget(per="minute", tokens=10)})
    held(house.paid(0, CALL))
    short = house.paid(1, CALL)
    assert isinstance(short, Short)
    assert short.resets_at == NOON + MINUTE
    house.tick(0.1)
    house.wall = Instant(NOON + MINUTE)
    held(house.paid(1, CALL))


def test_a_lease_ends_with_its_period() -> None:
    house = House({"node:a": Budget(per="minute", tokens=1_000)})
    held(house.paid(0, CALL))
    assert house.purses[0].take(A, CALL, wall=Instant(NOON + MINUTE - 1)) is not None
    assert house.purses[0].take(A, CALL, wall=Instant(NOON + MINUTE)) is None
    assert house.purses[0].take(A, CALL, wall=Instant(NOON - 1)) is None


def test_a_call_settles_against_the_period_it_began_in() -> None:
    house = House({"node:a": Budget(per="minute", tokens=100)})
    began = house.wall
    old = held(house.paid(0, CALL))
    house.wall = Instant(NOON + MINUTE)
    new = held(house.paid(0, CALL))
    house.tick(LOOK_S)
    house.tick(LOOK_S)
    house.purses[0].settle(old, CALL)
    house.purses[0].settle(new, Amounts(1, 1, 0))
    house.tick(LOOK_S)
    assert not house.purses[0]._old
    assert house.stands()[0] == 1
    house.wall = began
    assert house.stands()[0] == 10


def test_a_clock_set_back_finds_the_period_as_it_was_left() -> None:
    house = House({"node:a": Budget(per="minute", tokens=10)})
    house.purses[0].settle(held(house.paid(0, CALL)), CALL)
    house.tick(LOOK_S)
    house.wall = Instant(NOON + MINUTE)
    house.purses[0].settle(held(house.paid(0, CALL)), CALL)
    house.wall = NOON
    assert isinstance(house.paid(1, CALL), Short)


# -- reload -----------------------------------------------------------------------------------


def test_what_was_spent_stays_spent_under_a_new_limit() -> None:
    house = House({"node:a": daily(tokens=100)})
    house.purses[0].settle(held(house.paid(0, Amounts(1, 60, 0))), Amounts(1, 60, 0))
    house.orders += house.treasury.declare({"node:a": daily(tokens=70)}, wall=NOON)
    house.carry()
    assert house.stands() == (60, 0)
    assert isinstance(house.paid(0, Amounts(1, 11, 0)), Short)
    house.tick(0.05)
    held(house.paid(1, Amounts(1, 10, 0)))


def test_a_unit_that_is_limited_from_now_on_is_counted_from_now_on() -> None:
    house = House({"node:a": daily(calls=100)})
    under_way = held(house.paid(0, CALL))
    house.orders += house.treasury.declare({"node:a": daily(calls=100, tokens=15)}, wall=NOON)
    house.carry()
    house.purses[0].settle(under_way, NOTHING)
    held(house.paid(0, CALL))
    assert isinstance(house.paid(0, CALL), Short)
    assert house.stands() == (0, 10)


def test_what_was_leased_under_former_limits_is_called_back_too() -> None:
    house = House({"node:a": daily(calls=2)})
    under_way = held(house.paid(0, CALL))
    house.orders += house.treasury.declare({"node:a": daily(calls=2, tokens=100)}, wall=NOON)
    house.carry()
    held(house.paid(0, CALL))
    house.purses[0].settle(under_way, NOTHING)
    held(house.paid(1, CALL))


def test_budgets_that_are_no_more_are_forgotten_when_their_period_ends() -> None:
    house = House({"node:a": daily(tokens=100)})
    house.purses[0].settle(held(house.paid(0, CALL)), CALL)
    house.treasury.declare({}, wall=NOON)
    assert house.treasury.changes().dropped == ()
    house.treasury.declare({}, wall=Instant(NOON + 2 * 86_400_000_000))
    assert house.treasury.changes().dropped == (1,)
