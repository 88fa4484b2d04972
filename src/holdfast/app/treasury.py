"""The keeper's budgets: the treasury, its table, and its way to the workers.

A grant leaves only after it is durable: whoever dies when, a budget is never spent twice.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import structlog

from holdfast.blueprint import Blueprint, Budget, Period
from holdfast.core import HoldfastError
from holdfast.gateway import BudgetSeen, accounts_of
from holdfast.resilience import (
    Allotment,
    Amounts,
    Changes,
    LeaseReturned,
    LeaseToKeeper,
    LeaseToWorker,
    Order,
    SavedBook,
    Standing,
    Treasury,
)
from holdfast.world.ports import Clock, Row, Store, Transaction, WorldError

SAVE_S = 1.0
"""How often is saved what no worker waits for."""

_TABLE = """
create table if not exists budgets (
  book integer primary key,
  account text not null,
  per text not null,
  starts integer not null,
  ends integer not null,
  calls integer not null,
  tokens integer not null,
  money_nano integer not null,
  over_calls integer not null,
  over_tokens integer not null,
  over_money_nano integer not null
) strict
"""
_COLUMNS = (
    "book, account, per, starts, ends, calls, tokens, money_nano, "
    "over_calls, over_tokens, over_money_nano"
)
_ALLOTMENTS_TABLE = """
create table if not exists allotments (
  book integer primary key,
  account text not null,
  root text not null,
  ends integer not null,
  calls_max integer not null,
  tokens_max integer not null,
  money_nano_max integer not null,
  calls integer not null,
  tokens integer not null,
  money_nano integer not null,
  over_calls integer not null,
  over_tokens integer not null,
  over_money_nano integer not null
) strict
"""
_ALLOTMENTS_COLUMNS = (
    "book, account, root, ends, calls_max, tokens_max, money_nano_max, calls, tokens, money_nano, "
    "over_calls, over_tokens, over_money_nano"
)
# What was declared never changes.
_SPENT = ", ".join(f"{name} = excluded.{name}" for name in _ALLOTMENTS_COLUMNS.split(", ")[7:])
_RENEWED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
_PERIODS: dict[str, Period] = {"minute": "minute", "hour": "hour", "day": "day", "month": "month"}

log = structlog.get_logger("holdfast.budgets")


class BudgetStoreError(HoldfastError):
    """What was spent so far cannot be read."""

    code = "app.budgets"


class BudgetStore:
    """The tables ``budgets`` and ``allotments``, which this module owns. Calls block."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.transaction() as change:
            change.execute(_TABLE)
            change.execute(_ALLOTMENTS_TABLE)

    def load(self) -> list[SavedBook]:
        """Every account and period that is remembered."""
        with self._store.snapshot() as view:
            budgets = view.query(f"select {_COLUMNS} from budgets")  # noqa: S608
            allotments = view.query(f"select {_ALLOTMENTS_COLUMNS} from allotments")  # noqa: S608
            return [*map(_saved, budgets), *map(_saved_allotment, allotments)]

    def save(self, changes: Changes) -> None:
        """One transaction. ``WorldError`` when the disk does not take it.

        A crash right after it leaves leases written that no worker ever got: the next start counts
        them as spent. A crash right before leaves the state before, and no grant has left.
        """
        with self._store.transaction() as change:
            _write(change, changes)


class Exchequer:
    """The treasury in service: hears workers, saves, tells workers; in that order, always."""

    def __init__(self, store: BudgetStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._treasury = Treasury(store.load())
        self._orders: list[Order] = []
        self._workers: dict[int, Callable[[LeaseToWorker], None]] = {}
        self._wake = asyncio.Event()
        self._saving = asyncio.Lock()
        self._is_stuck = False
        self._told: dict[tuple[str, str], tuple[int, bool, int]] = {}
        self._in_force: dict[str, Budget] = {}

    def prepare(self, blueprint: Blueprint) -> None:
        """This may be in force soon: its new accounts can be asked for, all else stays."""
        self._declare({**accounts_of(blueprint), **self._in_force})

    def adopt(self, blueprint: Blueprint) -> None:
        """This is in force everywhere: its budgets hold, and no others."""
        self._in_force = accounts_of(blueprint)
        self._declare(self._in_force)

    def hear(
        self, worker: int, message: LeaseToKeeper, *, tell: Callable[[LeaseToWorker], None]
    ) -> None:
        """A worker asks or returns; ``tell`` is the way back to it."""
        self._workers[worker] = tell
        wall = self._clock.now()
        if isinstance(message, LeaseReturned):
            self._orders += self._treasury.returned(worker, message, wall=wall)
        else:
            self._orders += self._treasury.wanted(worker, message, wall=wall)
        self._rouse()

    def gone(self, worker: int) -> None:
        """A worker has ended, one way or another."""
        self._workers.pop(worker, None)
        self._orders += self._treasury.gone(worker, wall=self._clock.now())
        self._rouse()

    def seen(self) -> tuple[BudgetSeen, ...]:
        """Every budget as a watcher sees it."""
        return tuple(_seen(row) for row in self._treasury.seen(wall=self._clock.now()))

    async def serve(self) -> None:
        """Save and tell, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVE_S):
                    await self._wake.wait()
            is_due = not self._wake.is_set()
            self._wake.clear()
            await self.flush(save=is_due)

    async def flush(self, *, save: bool = True) -> None:
        """Everything heard so far is durable where it must be, or ``save`` says so; then told."""
        # One at a time: what workers are told keeps its order.
        async with self._saving:
            orders, self._orders = self._orders, []
            if save or self._treasury.is_urgent:
                orders = await self._saved(orders)
            for worker, message in orders:
                if (tell := self._workers.get(worker)) is not None:
                    tell(message)
        if save:
            self._warn()

    def _declare(self, budgets: Mapping[str, Budget]) -> None:
        self._orders += self._treasury.declare(budgets, wall=self._clock.now())
        self._rouse()

    def _rouse(self) -> None:
        if self._orders or self._treasury.is_urgent:
            self._wake.set()

    async def _saved(self, orders: list[Order]) -> list[Order]:
        """What may be told after an attempt to save: grants only if it worked."""
        changes = self._treasury.changes()
        if not changes.books and not changes.dropped:
            return orders
        try:
            await asyncio.to_thread(self._store.save, changes)
        except WorldError as error:
            if not self._is_stuck:
                log.error("budgets.stuck", reason=str(error))
            self._is_stuck = True
            return self._treasury.withdraw(orders, changes)
        if self._is_stuck:
            log.info("budgets.recovered")
        self._is_stuck = False
        return orders

    def _warn(self) -> None:
        """Say once each what a person should know before callers do."""
        for row in self._treasury.seen(wall=self._clock.now()):
            key = (row.account, row.unit)
            period, was_soft, was_over = self._told.get(key, (0, False, 0))
            if period != row.resets_at:
                was_soft, was_over = False, 0
            if row.soft_exceeded and not was_soft:
                log.warning(
                    "budget.soft-exceeded",
                    account=row.account,
                    unit=row.unit,
                    spent=row.spent,
                    limit=row.limit,
                )
            if row.overdrawn > was_over:
                log.warning(
                    "budget.overdrawn",
                    account=row.account,
                    unit=row.unit,
                    by=row.overdrawn - was_over,
                )
            self._told[key] = (row.resets_at, row.soft_exceeded, row.overdrawn)


def _seen(row: Standing) -> BudgetSeen:
    return BudgetSeen(
        account=row.account,
        unit=row.unit,
        limit=row.limit,
        spent=row.spent,
        reserved=row.reserved,
        resets_at=row.resets_at,
        soft_exceeded=row.soft_exceeded,
        overdrawn=row.overdrawn,
    )


def _write(change: Transaction, changes: Changes) -> None:
    change.execute_many(
        f"insert into budgets ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
        f"on conflict (book) do update set {_RENEWED}",
        [
            (
                saved.book,
                saved.account,
                saved.per,
                saved.starts,
                saved.ends,
                *_row(saved.committed),
                *_row(saved.overdrawn),
            )
            for saved in changes.books
            if saved.allotment is None
        ],
    )
    marks = ", ".join("?" * 13)
    change.execute_many(
        f"insert into allotments ({_ALLOTMENTS_COLUMNS}) values ({marks}) "  # noqa: S608
        f"on conflict (book) do update set {_SPENT}",
        [
            (
                *(saved.book, saved.account, saved.allotment.root, saved.ends),
                *_row(saved.allotment.limits),
                *_row(saved.committed),
                *_row(saved.overdrawn),
            )
            for saved in changes.books
            if saved.allotment is not None
        ],
    )
    for table in ("budgets", "allotments"):
        change.execute_many(
            f"delete from {table} where book = ?",  # noqa: S608
            [(number,) for number in changes.dropped],
        )


def _row(amounts: Amounts) -> tuple[int, int, int]:
    return amounts.calls, amounts.tokens, amounts.money_nano


def _saved(row: Row) -> SavedBook:
    match row:
        case (
            int(book),
            str(account),
            str(per),
            int(starts),
            int(ends),
            int(calls),
            int(tokens),
            int(money),
            int(over_calls),
            int(over_tokens),
            int(over_money),
        ) if per in _PERIODS:
            return SavedBook(
                book,
                account,
                _PERIODS[per],
                starts,
                ends,
                Amounts(calls, tokens, money),
                Amounts(over_calls, over_tokens, over_money),
            )
        case _:
            raise _misshapen()


def _saved_allotment(row: Row) -> SavedBook:
    match row:
        case (
            int(book),
            str(account),
            str(root),
            int(ends),
            int(calls_max),
            int(tokens_max),
            int(money_max),
            int(calls),
            int(tokens),
            int(money),
            int(over_calls),
            int(over_tokens),
            int(over_money),
        ):
            limits = Amounts(calls_max, tokens_max, money_max)
            return SavedBook(
                book,
                account,
                "once",
                0,
                ends,
                Amounts(calls, tokens, money),
                Amounts(over_calls, over_tokens, over_money),
                Allotment(account, limits, ends, root),
            )
        case _:
            raise _misshapen()


def _misshapen() -> BudgetStoreError:
    return BudgetStoreError(
        "cannot read a budget: its row has another shape",
        fix="the database was changed by something else; restore it from a backup",
    )
