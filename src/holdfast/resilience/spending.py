"""Budgets, the worker's side: reserve before a call, settle after it, out of leases it holds.

A call reserves the most it can cost on every account it counts against, all or nothing, and is
settled at what it did cost. As long as the worker's leases suffice nobody is asked; otherwise the
call waits for the keeper (`treasury`), which alone knows what remains. Since a lease is taken off
the budget before the worker has it, no number of workers can spend more than the limit together.

Escrow counters: O'Neil, "The escrow transactional method" (ACM TODS 11(4), 1986).
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec

from holdfast.core import Instant
from holdfast.resilience.leases import (
    LEASE_WAIT_S,
    NOTHING,
    Allotment,
    Amounts,
    Lease,
    LeaseDenied,
    LeaseGranted,
    LeaseRecalled,
    LeaseReturned,
    LeaseShort,
    LeaseToKeeper,
    LeaseToWorker,
    LeaseWanted,
    Unit,
)
from holdfast.resilience.purse import Purse, Reservation, fits, reserve_in

WAITERS_MAX = 10_000
"""Calls of one worker that may wait for leases at once; one more is refused as unavailable."""
LOOK_S = 0.5
"""How often purses are looked through: what is spent is told, what lies idle is given back."""


class Short(msgspec.Struct, frozen=True):
    """Refused: of ``unit`` only ``left`` remains on ``account``, until ``resets_at`` (microseconds
    of wall time). Rule ``budget.exhausted``."""

    account: str
    unit: Unit
    left: int
    limit: int
    resets_at: int


class Unavailable(msgspec.Struct, frozen=True):
    """Refused: the keeper could not be asked in time. Rule ``budget.unavailable``."""


Answer: TypeAlias = Reservation | Short | Unavailable


class Spending(Protocol):
    """What the path of a call needs of budgets. ``accounts`` are distinct, in any fixed order."""

    def take(
        self, accounts: tuple[str, ...], amounts: Amounts, *, wall: Instant
    ) -> Reservation | None:
        """Reserve out of what this worker holds, or None: then ``reserve`` asks the keeper."""
        ...

    def reserve(
        self,
        accounts: tuple[str, ...],
        amounts: Amounts,
        then: Callable[[Answer], None],
        *,
        wall: Instant,
        now: float,
        allotments: tuple[Allotment, ...] = (),
    ) -> None:
        """Reserve; ``then`` is called once, before this returns or within ``LEASE_WAIT_S``.

        ``allotments`` are those of the accounts that no blueprint declares; they stand last.

        Who no longer wants the reservation when it comes settles it with ``NOTHING``.
        """
        ...

    def settle(self, reservation: Reservation, actual: Amounts) -> Amounts | None:
        """The call has cost ``actual``; what it cost beyond its reservation, None when nothing.

        Settling again changes nothing. A call whose cost is unknown settles at what it reserved.
        """
        ...


class _Waiter(msgspec.Struct, frozen=True):
    amounts: Amounts
    then: Callable[[Answer], None]
    since: float


class _Route:
    """One combination of accounts: its purses, and the calls that wait for more in them.

    ``asked`` of the waiters, the first, joined before the question under way left: its answer is
    no news to those behind them. ``paced``: the next question waits for the tick, so that calls
    against an exhausted budget do not become as many questions.
    """

    __slots__ = (
        "accounts",
        "allotments",
        "asked",
        "asked_at",
        "paced",
        "purses",
        "ticket",
        "total",
        "waiters",
    )

    def __init__(self, accounts: tuple[str, ...]) -> None:
        assert len(set(accounts)) == len(accounts), "an account would be charged twice"
        self.accounts = accounts
        self.allotments: tuple[Allotment, ...] = ()
        self.purses: tuple[Purse, ...] | None = None
        self.waiters: deque[_Waiter] = deque()
        self.total = NOTHING
        self.ticket = 0
        self.asked = 0
        self.asked_at = 0.0
        self.paced = False

    def push(self, waiter: _Waiter) -> None:
        self.waiters.append(waiter)
        self.total += waiter.amounts

    def pop(self) -> _Waiter:
        waiter = self.waiters.popleft()
        self.total -= waiter.amounts
        self.asked = max(self.asked - 1, 0)
        return waiter

    def push_back(self, waiters: list[_Waiter]) -> None:
        """Into the first places again, in their order."""
        for waiter in reversed(waiters):
            self.waiters.appendleft(waiter)
            self.total += waiter.amounts


class Purses:
    """One worker's budgets; a ``Spending``. ``send`` tells the keeper; what the keeper says goes to
    ``heard``, never from inside ``send``. ``tick`` wants to be called every 50 ms or so."""

    def __init__(self, send: Callable[[LeaseToKeeper], None]) -> None:
        self._send = send
        self._purses: dict[str, Purse] = {}
        self._old: dict[int, list[Purse]] = {}
        self._routes: dict[tuple[str, ...], _Route] = {}
        self._busy: dict[tuple[str, ...], _Route] = {}
        self._tickets: dict[int, _Route] = {}
        self._last_ticket = 0
        self._look_at = 0.0
        self.waiting = 0
        self.overdrafts = 0

    # -- Spending -----------------------------------------------------------------------------

    def take(
        self, accounts: tuple[str, ...], amounts: Amounts, *, wall: Instant
    ) -> Reservation | None:
        route = self._routes.get(accounts)
        if route is None or route.purses is None:
            return None
        purses = route.purses
        calls, tokens, money = amounts.calls, amounts.tokens, amounts.money_nano
        for purse in purses:
            if (
                purse.calls < calls
                or purse.tokens < tokens
                or purse.money < money
                or not purse.starts <= wall < purse.ends
            ):
                return None
        return reserve_in(purses, amounts)

    def reserve(
        self,
        accounts: tuple[str, ...],
        amounts: Amounts,
        then: Callable[[Answer], None],
        *,
        wall: Instant,
        now: float,
        allotments: tuple[Allotment, ...] = (),
    ) -> None:
        reservation = self.take(accounts, amounts, wall=wall)
        if reservation is not None:
            then(reservation)
            return
        route = self._routes.get(accounts)
        if route is None:
            route = self._routes[accounts] = _Route(accounts)
        # Another route may have brought a purse that this one lacks or has an old one of.
        self._resolve(route)
        reservation = self.take(accounts, amounts, wall=wall)
        if reservation is not None:
            then(reservation)
        elif self.waiting >= WAITERS_MAX:
            then(Unavailable())
        else:
            self.waiting += 1
            self._busy[accounts] = route
            route.allotments = allotments
            route.push(_Waiter(amounts, then, now))
            self._ask(route, now)

    def settle(self, reservation: Reservation, actual: Amounts) -> Amounts | None:
        purses, held = reservation.purses, reservation.amounts
        reservation.purses = ()
        calls = held.calls - actual.calls
        tokens = held.tokens - actual.tokens
        money = held.money_nano - actual.money_nano
        if calls < 0 or tokens < 0 or money < 0:
            return self._settle_over(purses, held, actual)
        for purse in purses:
            purse.under_way -= 1
            purse.calls += calls
            purse.tokens += tokens
            purse.money += money
            purse.spent_calls += actual.calls
            purse.spent_tokens += actual.tokens
            purse.spent_money += actual.money_nano
        return None

    # -- the keeper's word --------------------------------------------------------------------

    def heard(self, message: LeaseToWorker, *, wall: Instant, now: float) -> None:
        """What the keeper said, in the order it said it."""
        match message:
            case LeaseGranted():
                self._granted(message, now)
            case LeaseShort():
                self._short(message, wall)
            case LeaseDenied():
                self._denied(message)
            case LeaseRecalled():
                self._recalled(message)

    def tick(self, *, now: float) -> None:
        """Refuse who waited too long, ask what was paced, and every ``LOOK_S`` tell and return."""
        for route in tuple(self._busy.values()):
            self._tend(route, now)
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for purse in self._purses.values():
            self._tell(purse.report(purse.surplus()))
        for purse in [purse for purses in self._old.values() for purse in purses]:
            self._tell(purse.report(purse.free()))
        self._forget()

    def close(self) -> None:
        """No call begins any more: refuse who waits, give everything back that is not under way."""
        for route in tuple(self._busy.values()):
            self._refuse([route.pop() for _ in tuple(route.waiters)], Unavailable())
        for purse in (*self._purses.values(), *(p for ps in self._old.values() for p in ps)):
            purse.ends = 0
            self._tell(purse.report(purse.free()))

    # -----------------------------------------------------------------------------------------

    def _resolve(self, route: _Route) -> None:
        purses = tuple(self._purses[name] for name in route.accounts if name in self._purses)
        route.purses = purses if len(purses) == len(route.accounts) else None

    def _ask(self, route: _Route, now: float) -> None:
        if route.ticket or route.paced or not route.waiters:
            return
        self._last_ticket += 1
        route.ticket, route.asked, route.asked_at = self._last_ticket, len(route.waiters), now
        self._tickets[route.ticket] = route
        must = route.waiters[0].amounts
        more = route.total - must
        self._send(LeaseWanted(route.ticket, route.accounts, must, more, route.allotments))

    def _answered(self, ticket: int) -> tuple[_Route | None, int]:
        """The route whose question this was, and how many waiters the answer is for."""
        route = self._tickets.pop(ticket, None)
        if route is None:
            return None, 0
        asked = route.asked
        route.ticket = route.asked = 0
        return route, asked

    def _granted(self, message: LeaseGranted, now: float) -> None:
        for lease in message.leases:
            self._put(lease)
        accounts = tuple(lease.account for lease in message.leases)
        self._answered(message.ticket)
        route = self._routes.get(accounts)
        if route is None:
            return
        self._resolve(route)
        served: list[tuple[_Waiter, Reservation]] = []
        # The period is not looked at: who waited for this lease may spend it, though it ended on
        # the way here.
        while route.waiters and route.purses and fits(route.purses, route.waiters[0].amounts):
            waiter = route.pop()
            served.append((waiter, reserve_in(route.purses, waiter.amounts)))
        self.waiting -= len(served)
        self._ask(route, now)
        for waiter, reservation in served:
            waiter.then(reservation)

    def _short(self, message: LeaseShort, wall: Instant) -> None:
        route, asked = self._answered(message.ticket)
        if route is None:
            return
        route.paced = True
        refused: list[_Waiter] = []
        kept: list[_Waiter] = []
        served: list[tuple[_Waiter, Reservation]] = []
        for waiter in [route.pop() for _ in range(asked)]:
            # Calls that ended meanwhile may have left enough behind.
            reservation = self.take(route.accounts, waiter.amounts, wall=wall)
            if reservation is not None:
                served.append((waiter, reservation))
            elif waiter.amounts.of(message.unit) > message.left:
                refused.append(waiter)
            else:
                kept.append(waiter)
        route.push_back(kept)
        self.waiting -= len(served)
        for waiter, reservation in served:
            waiter.then(reservation)
        short = Short(message.account, message.unit, message.left, message.limit, message.resets_at)
        self._refuse(refused, short)

    def _denied(self, message: LeaseDenied) -> None:
        route, asked = self._answered(message.ticket)
        if route is not None:
            route.paced = True
            self._refuse([route.pop() for _ in range(asked)], Unavailable())

    def _recalled(self, message: LeaseRecalled) -> None:
        """Shut the purse, so that the keeper's view holds until it grants anew."""
        purses = list(self._old.get(message.book, ()))
        purses += [purse for purse in self._purses.values() if purse.book == message.book]
        spent = returned = over = NOTHING
        for purse in purses:
            purse.ends = 0
            part = purse.report(purse.free())
            spent, returned, over = spent + part.spent, returned + part.returned, over + part.over
        self._send(LeaseReturned(message.book, spent, returned, over, message.recall))

    def _put(self, lease: Lease) -> None:
        purse = self._purses.get(lease.account)
        if purse is None or not purse.matches(lease):
            if purse is not None:
                purse.ends = 0
                self._old.setdefault(purse.book, []).append(purse)
            purse = self._purses[lease.account] = Purse(lease)
        purse.put(lease)

    def _settle_over(
        self, purses: tuple[Purse, ...], held: Amounts, actual: Amounts
    ) -> Amounts | None:
        within = actual.least(held)
        over = actual - within
        self.settle(Reservation(purses, held), within)
        for purse in purses:
            purse.overdraw(over)
            # At once: the keeper must not grant what is already gone.
            self._tell(purse.report(NOTHING))
        self.overdrafts += bool(purses)
        return over if purses else None

    def _tend(self, route: _Route, now: float) -> None:
        expired: list[_Waiter] = []
        while route.waiters and now - route.waiters[0].since >= LEASE_WAIT_S:
            expired.append(route.pop())
        if route.ticket and now - route.asked_at >= LEASE_WAIT_S:
            # The answer is lost; should it come after all, a grant still fills the purses.
            self._answered(route.ticket)
        route.paced = False
        self._ask(route, now)
        if not route.waiters and not route.ticket:
            del self._busy[route.accounts]
        self._refuse(expired, Unavailable())

    def _refuse(self, waiters: list[_Waiter], answer: Answer) -> None:
        self.waiting -= len(waiters)
        for waiter in waiters:
            waiter.then(answer)

    def _tell(self, message: LeaseReturned) -> None:
        if message.spent or message.returned or message.over:
            self._send(message)

    def _forget(self) -> None:
        """Purses that are done with, and routes that lack one: accounts come and go, by reload and
        with each mandate, and a route is quickly made again."""
        for book, purses in tuple(self._old.items()):
            kept = [purse for purse in purses if purse.under_way]
            if kept:
                self._old[book] = kept
            else:
                del self._old[book]
        for account, purse in tuple(self._purses.items()):
            if not purse.under_way and not purse.free():
                purse.ends = 0  # a route may still hold it
                del self._purses[account]
        for accounts in tuple(self._routes):
            if accounts not in self._busy and not self._purses.keys() >= set(accounts):
                del self._routes[accounts]
