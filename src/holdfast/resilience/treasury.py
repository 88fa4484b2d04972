"""Budgets, the keeper's side: what remains of each, and who holds which part of it.

For every account and period: ``spent + leased <= limit``, always, except for what an upstream
reported beyond the bound that was reserved, which is counted as ``overdrawn``. A worker that is
gone has spent all it held. When too little remains for a call, what lies idle at workers is called
back before anyone is told that the budget is exhausted.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from holdfast.blueprint import Budget
from holdfast.core import Instant
from holdfast.resilience.allotments import Allotments
from holdfast.resilience.leases import (
    NOTHING,
    UNITS,
    UNLIMITED,
    Allotment,
    Amounts,
    Lease,
    LeaseDenied,
    LeaseGranted,
    LeaseRecalled,
    LeaseReturned,
    LeaseShort,
    LeaseToWorker,
    LeaseWanted,
    Span,
    Standing,
    Unit,
    limits_of,
    period_of,
)

BOOKS_KEPT = 8
"""Periods of one account that are remembered: calls that began long ago still settle, and a wall
clock that is set back finds the period it comes back to."""
AHEAD_MAX = 1_024
"""At most so many calls' worth is leased ahead of demand."""
HURRY_US = 250_000
"""Who asks again this soon gets twice as much ahead; who takes four times as long, half."""

Order: TypeAlias = tuple[int, LeaseToWorker]
"""A worker, and what to tell it."""


class SavedBook(msgspec.Struct, frozen=True):
    """One account in one period, as it must be found after a crash: ``committed`` is what was
    spent or leased; nobody is left who could return any of it. ``allotment`` is what was declared
    of the account, where no blueprint says it."""

    book: int
    account: str
    per: Span
    starts: int
    ends: int
    committed: Amounts
    overdrawn: Amounts
    allotment: Allotment | None = None


class Changes(msgspec.Struct, frozen=True):
    """What to make durable. ``urgent``: before any order given so far leaves."""

    books: tuple[SavedBook, ...]
    dropped: tuple[int, ...]
    urgent: bool


class _Book:
    """One account in one period."""

    __slots__ = (
        "account",
        "allotment",
        "ends",
        "leased",
        "number",
        "overdrawn",
        "per",
        "spent",
        "starts",
    )

    def __init__(self, saved: SavedBook) -> None:
        self.number = saved.book
        self.account = saved.account
        self.per: Span = saved.per
        self.allotment = saved.allotment
        self.starts = saved.starts
        self.ends = saved.ends
        self.spent = saved.committed
        self.overdrawn = saved.overdrawn
        self.leased: dict[int, Amounts] = {}

    def out(self) -> Amounts:
        """What workers hold."""
        return sum(self.leased.values(), NOTHING)

    def grow(self, worker: int, by: Amounts) -> None:
        """So much more is with that worker."""
        if by:
            self.leased[worker] = self.leased.get(worker, NOTHING) + by

    def shrink(self, worker: int, by: Amounts) -> None:
        """So much is no longer with that worker."""
        left = self.leased.pop(worker, NOTHING) - by
        assert NOTHING.exceeds(left) is None, "more came back than was leased"
        if left:
            self.leased[worker] = left

    def saved(self) -> SavedBook:
        return SavedBook(
            self.number,
            self.account,
            self.per,
            self.starts,
            self.ends,
            self.spent + self.out(),
            self.overdrawn,
            self.allotment,
        )


class _Pending:
    """A question that waits until what lies idle has come back."""

    __slots__ = ("ask", "awaited", "recalled", "worker")

    def __init__(self, worker: int, ask: LeaseWanted) -> None:
        self.worker = worker
        self.ask = ask
        self.recalled: set[int] = set()
        self.awaited: set[tuple[int, int]] = set()


class _Pace(msgspec.Struct):
    at: int
    calls: int


class Treasury:
    """All budgets of an instance. What a method returns is to be told to workers, in this order,
    once ``changes`` so far are durable; then what they answer is to be handed in, in order."""

    def __init__(self, saved: Iterable[SavedBook] = ()) -> None:
        self._budgets: dict[str, Budget] = {}
        self._books: dict[int, _Book] = {}
        self._by_account: dict[str, list[_Book]] = {}
        for row in sorted(saved, key=lambda row: row.book):
            self._keep(_Book(row))
        kept = [book.allotment for book in self._books.values() if book.allotment is not None]
        self._allotments = Allotments(kept)
        self._last_book = max(self._books, default=0)
        self._last_recall = 0
        self._pending: dict[tuple[int, tuple[str, ...]], _Pending] = {}
        # By the last account: allotments stand last, and the last of a chain ends first.
        self._paces: dict[str, dict[tuple[int, tuple[str, ...]], _Pace]] = {}
        self._workers: set[int] = set()
        self._dirty: dict[int, None] = {}
        self._dropped: list[int] = []
        self._urgent = False

    def declare(self, budgets: Mapping[str, Budget], *, wall: Instant) -> list[Order]:
        """From now on these hold, and no others. What was spent in a period stays spent; leases
        under other limits are called back."""
        changed = [name for name in self._budgets if budgets.get(name) != self._budgets[name]]
        self._budgets = dict(budgets)
        orders: list[Order] = []
        for book in [book for name in changed for book in self._by_account.get(name, ())]:
            orders += [order for order, _ in self._recall(book)]
        self._tidy(wall)
        for book in tuple(self._books.values()):
            is_gone = book.account not in budgets and book.allotment is None
            if is_gone and book.ends <= wall:
                self._drop(book)
        return orders + self._review(wall)

    def wanted(self, worker: int, ask: LeaseWanted, *, wall: Instant) -> list[Order]:
        """A worker asks for leases. Who asks anew for the same accounts no longer waits."""
        self._workers.add(worker)
        if ask.allotments:
            self._tidy(wall)
            for allotment in ask.allotments:
                if not self._allotments.open(allotment, wall=wall):
                    self._pending.pop((worker, ask.accounts), None)
                    return [(worker, LeaseDenied(ask.ticket))]
        pending = _Pending(worker, ask)
        self._pending[worker, ask.accounts] = pending
        return self._judge(pending, wall)

    def returned(self, worker: int, part: LeaseReturned, *, wall: Instant) -> list[Order]:
        """A worker tells what became of a part of a lease."""
        book = self._books.get(part.book)
        if book is not None:
            book.shrink(worker, part.spent + part.returned)
            book.spent += part.spent + part.over
            book.overdrawn += part.over
            self._touch(book, urgent=bool(part.over))
        for pending in self._pending.values():
            pending.awaited.discard((worker, part.recall))
        return self._review(wall)

    def gone(self, worker: int, *, wall: Instant) -> list[Order]:
        """A worker's process has ended: nobody knows what it spent, so it spent all it held."""
        self._workers.discard(worker)
        for book in self._books.values():
            book.spent += book.leased.pop(worker, NOTHING)
        for key in [key for key in self._pending if key[0] == worker]:
            del self._pending[key]
        for paces in self._paces.values():
            for key in [key for key in paces if key[0] == worker]:
                del paces[key]
        for pending in self._pending.values():
            pending.awaited = {who for who in pending.awaited if who[0] != worker}
        return self._review(wall)

    @property
    def is_urgent(self) -> bool:
        """Whether orders given since the last ``changes`` must not leave before those are saved."""
        return self._urgent

    def changes(self) -> Changes:
        """What changed since the last call of this; a caller that fails to save it must see to it
        that no grant leaves (``withdraw``)."""
        books = tuple(self._books[number].saved() for number in self._dirty)
        changes = Changes(books, tuple(self._dropped), self._urgent)
        self._dirty, self._dropped, self._urgent = {}, [], False
        return changes

    def withdraw(self, orders: Iterable[Order], unsaved: Changes) -> list[Order]:
        """The disk does not take it: grants among ``orders`` never happened, but are denied."""
        told: list[Order] = []
        for worker, message in orders:
            if isinstance(message, LeaseGranted):
                for lease in message.leases:
                    self._take_back(worker, lease)
                told.append((worker, LeaseDenied(message.ticket)))
            else:
                told.append((worker, message))
        self._dirty.update((saved.book, None) for saved in unsaved.books)
        self._dirty = {number: None for number in self._dirty if number in self._books}
        self._dropped += unsaved.dropped
        self._urgent = self._urgent or unsaved.urgent
        return told

    def seen(self, *, wall: Instant) -> list[Standing]:
        """How every budget stands in the period that runs, unit by unit. Allotments are not told:
        they are as many as there are mandates."""
        return [
            _seen(account, budget, unit, book=self._find(account, wall), wall=wall)
            for account, budget in self._budgets.items()
            for unit in UNITS
            if limits_of(budget).of(unit) < UNLIMITED
        ]

    # -----------------------------------------------------------------------------------------

    def _review(self, wall: Instant) -> list[Order]:
        """Something has changed: can a question that waits be answered now?"""
        return [
            order
            for pending in tuple(self._pending.values())
            for order in self._judge(pending, wall)
        ]

    def _judge(self, pending: _Pending, wall: Instant) -> list[Order]:
        ask, worker = pending.ask, pending.worker
        if not all(self._is_known(account) for account in ask.accounts):
            del self._pending[worker, ask.accounts]
            return [(worker, LeaseDenied(ask.ticket))]
        books = [self._open(account, wall) for account in ask.accounts]
        short = [book for book in books if ask.must.exceeds(self._left(book)) is not None]
        orders: list[Order] = []
        for book in short:
            if book.number not in pending.recalled:
                pending.recalled.add(book.number)
                for order, awaited in self._recall(book):
                    orders.append(order)
                    pending.awaited.add(awaited)
        if short and pending.awaited:
            return orders
        del self._pending[worker, ask.accounts]
        return [self._refusal(pending, short[0]) if short else self._grant(pending, books, wall)]

    def _recall(self, book: _Book) -> list[tuple[Order, tuple[int, int]]]:
        """From every worker that holds any of it, and by which number each will answer."""
        self._last_recall += 1
        recall = LeaseRecalled(book.number, self._last_recall)
        return [((worker, recall), (worker, self._last_recall)) for worker in book.leased]

    def _refusal(self, pending: _Pending, book: _Book) -> Order:
        left = self._left(book)
        unit = pending.ask.must.exceeds(left)
        assert unit is not None
        limit = self._limits(book.account).of(unit)
        return pending.worker, LeaseShort(
            pending.ask.ticket, book.account, unit, left.of(unit), limit, book.ends
        )

    def _grant(self, pending: _Pending, books: list[_Book], wall: Instant) -> Order:
        worker, ask = pending.worker, pending.ask
        contested = self._contested(ask.accounts)
        ahead = 0 if contested else self._ahead(worker, ask.accounts, wall)
        leases: list[Lease] = []
        for book in books:
            limits = self._limits(book.account)
            amounts = ask.must
            if not contested:
                amounts += _beyond(ask, self._left(book) - ask.must, ahead, len(self._workers))
            counted = _counted(amounts, limits)
            book.grow(worker, counted)
            self._touch(book, urgent=True)
            shown = _uncounted(counted, limits)
            leases.append(Lease(book.account, book.number, book.starts, book.ends, shown))
        return worker, LeaseGranted(ask.ticket, tuple(leases))

    def _contested(self, accounts: tuple[str, ...]) -> bool:
        """Whether another question waits for any of these: then nobody gets more than it must
        have, or what lies idle with one would be missing to the other."""
        return any(not set(accounts).isdisjoint(key[1]) for key in self._pending)

    def _ahead(self, worker: int, accounts: tuple[str, ...], wall: Instant) -> int:
        """How many calls' worth to lease beyond what is asked: about a second's traffic."""
        paces = self._paces.setdefault(accounts[-1], {})
        pace = paces.get((worker, accounts))
        if pace is None:
            pace = paces[worker, accounts] = _Pace(wall, 1)
            return pace.calls
        if abs(wall - pace.at) < HURRY_US:
            pace.calls = min(pace.calls * 2, AHEAD_MAX)
        elif abs(wall - pace.at) > 4 * HURRY_US:
            pace.calls = max(pace.calls // 2, 1)
        pace.at = wall
        return pace.calls

    def _left(self, book: _Book) -> Amounts:
        """Never less than nothing: who needs none of a unit that is overdrawn may go."""
        left = self._limits(book.account) - book.spent - book.out()
        return Amounts(max(left.calls, 0), max(left.tokens, 0), max(left.money_nano, 0))

    def _is_known(self, account: str) -> bool:
        return account in self._budgets or self._allotments.find(account) is not None

    def _limits(self, account: str) -> Amounts:
        budget = self._budgets.get(account)
        if budget is not None:
            return limits_of(budget)
        allotment = self._allotments.find(account)
        assert allotment is not None, "only what is known is asked for"
        return allotment.limits

    def _span(self, account: str, wall: Instant) -> tuple[Span, int, int]:
        """What an account's limit holds for now, with its begin and end."""
        budget = self._budgets.get(account)
        if budget is not None:
            return budget.per, *period_of(budget.per, wall)
        allotment = self._allotments.find(account)
        return "once", 0, allotment.ends if allotment is not None else 0

    def _find(self, account: str, wall: Instant) -> _Book | None:
        per, starts, _ = self._span(account, wall)
        for book in reversed(self._by_account.get(account, [])):
            if book.starts == starts and book.per == per:
                return book
        return None

    def _open(self, account: str, wall: Instant) -> _Book:
        book = self._find(account, wall)
        if book is None:
            self._last_book += 1
            per, starts, ends = self._span(account, wall)
            allotment = self._allotments.find(account) if per == "once" else None
            row = SavedBook(
                self._last_book, account, per, starts, ends, NOTHING, NOTHING, allotment
            )
            book = _Book(row)
            self._keep(book)
        return book

    def _tidy(self, wall: Instant) -> None:
        """Forget what has ended for good: nobody will be let in with it any more."""
        for account in self._allotments.close_ended(wall):
            self._paces.pop(account, None)
            for book in tuple(self._by_account.get(account, ())):
                self._drop(book)

    def _keep(self, book: _Book) -> None:
        self._books[book.number] = book
        books = self._by_account.setdefault(book.account, [])
        books.append(book)
        if len(books) > BOOKS_KEPT:
            self._drop(books[0])

    def _drop(self, book: _Book) -> None:
        del self._books[book.number]
        books = self._by_account[book.account]
        books.remove(book)
        if not books:
            del self._by_account[book.account]
        self._dirty.pop(book.number, None)
        self._dropped.append(book.number)

    def _take_back(self, worker: int, lease: Lease) -> None:
        book = self._books.get(lease.book)
        # Of a worker that is gone since, all was counted as spent: too much, but never too little.
        if book is not None and worker in book.leased:
            book.shrink(worker, _counted(lease.amounts, lease.amounts))

    def _touch(self, book: _Book, *, urgent: bool) -> None:
        self._dirty[book.number] = None
        self._urgent = self._urgent or urgent


def _beyond(ask: LeaseWanted, spare: Amounts, ahead: int, workers: int) -> Amounts:
    """What is leased beyond ``must``: what waits behind it, and a little ahead of demand, of which
    one worker never gets more than its share of half of what remains."""
    more = ask.more.least(spare)
    rest = spare - more
    share = 2 * workers
    return more + Amounts(
        min(ask.must.calls * ahead, rest.calls // share),
        min(ask.must.tokens * ahead, rest.tokens // share),
        min(ask.must.money_nano * ahead, rest.money_nano // share),
    )


def _counted(amounts: Amounts, limits: Amounts) -> Amounts:
    """Without the units that have no limit."""
    return Amounts(
        amounts.calls if limits.calls < UNLIMITED else 0,
        amounts.tokens if limits.tokens < UNLIMITED else 0,
        amounts.money_nano if limits.money_nano < UNLIMITED else 0,
    )


def _uncounted(amounts: Amounts, limits: Amounts) -> Amounts:
    """With ``UNLIMITED`` for the units that have no limit."""
    return Amounts(
        amounts.calls if limits.calls < UNLIMITED else UNLIMITED,
        amounts.tokens if limits.tokens < UNLIMITED else UNLIMITED,
        amounts.money_nano if limits.money_nano < UNLIMITED else UNLIMITED,
    )


def _seen(
    account: str, budget: Budget, unit: Unit, *, book: _Book | None, wall: Instant
) -> Standing:
    limit = limits_of(budget).of(unit)
    spent = book.spent.of(unit) if book is not None else 0
    return Standing(
        account=account,
        unit=unit,
        per=budget.per,
        limit=limit,
        spent=spent,
        reserved=book.out().of(unit) if book is not None else 0,
        soft_exceeded=spent >= budget.soft * limit,
        overdrawn=book.overdrawn.of(unit) if book is not None else 0,
        resets_at=book.ends if book is not None else period_of(budget.per, wall)[1],
    )
