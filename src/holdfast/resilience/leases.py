"""What keeper and workers say to each other of budgets, and the words they say it in.

A lease is a part of a budget that one worker may spend without asking again. Everything here is a
value; `spending` is the worker's side, `treasury` the keeper's.
"""

from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

from holdfast.blueprint import Budget, Period
from holdfast.core import Instant

LEASE_WAIT_S = 1.0
"""How long a call waits for the keeper's word before it is refused as unavailable."""
UNLIMITED = 1 << 62
"""Stands for "no limit in this unit" in a lease; more than any budget can say."""

_SECOND = 1_000_000
_FIXED: dict[Period, int] = {
    "minute": 60 * _SECOND,
    "hour": 3_600 * _SECOND,
    "day": 86_400 * _SECOND,
}
_MONTHS = 12

Span: TypeAlias = Period | Literal["once"]
"""How long an account's limit holds: a period of a budget, or the whole life of an allotment."""
Unit: TypeAlias = Literal["calls", "tokens", "money"]
"""What a budget counts in; money in billionths of the currency that prices are written in."""
UNITS: tuple[Unit, ...] = ("calls", "tokens", "money")


class Amounts(msgspec.Struct, frozen=True, gc=False):
    """So much of each unit. Money in nano: a price of one millionth a million tokens has no
    smaller part that could be lost by rounding often."""

    calls: int = 0
    tokens: int = 0
    money_nano: int = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.calls + other.calls,
            self.tokens + other.tokens,
            self.money_nano + other.money_nano,
        )

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.calls - other.calls,
            self.tokens - other.tokens,
            self.money_nano - other.money_nano,
        )

    def __bool__(self) -> bool:
        return bool(self.calls or self.tokens or self.money_nano)

    def of(self, unit: Unit) -> int:
        """The amount of one unit."""
        match unit:
            case "calls":
                return self.calls
            case "tokens":
                return self.tokens
            case "money":
                return self.money_nano

    def exceeds(self, other: "Amounts") -> Unit | None:
        """The first unit of which this is more than ``other``, None when it fits."""
        if self.calls > other.calls:
            return "calls"
        if self.tokens > other.tokens:
            return "tokens"
        return "money" if self.money_nano > other.money_nano else None

    def least(self, other: "Amounts") -> "Amounts":
        """The smaller of both, unit by unit."""
        return Amounts(
            min(self.calls, other.calls),
            min(self.tokens, other.tokens),
            min(self.money_nano, other.money_nano),
        )


NOTHING = Amounts()


class Lease(msgspec.Struct, frozen=True, gc=False):
    """A part of one account's budget in the period from ``starts`` up to ``ends``.

    ``book`` is the keeper's number for that account and period. A unit of which ``amounts`` holds
    ``UNLIMITED`` has no limit.
    """

    account: str
    book: int
    starts: int
    ends: int
    amounts: Amounts


class Allotment(msgspec.Struct, frozen=True, gc=False):
    """An account that no blueprint declares but whoever spends from it, because a mandate says so:
    ``limits`` in all, once, until ``ends`` (microseconds of wall time).

    Of all that come from one ``root`` there is a bounded number. Who says otherwise of the same
    account later is refused, so its name has to say all that makes it one account.
    """

    account: str
    limits: Amounts
    ends: int
    root: str


class LeaseWanted(msgspec.Struct, frozen=True, tag=True):
    """A worker asks: ``must`` on every account, all or nothing; ``more`` if it can be had, for the
    calls that wait behind the first. ``allotments`` are those of the accounts that are declared
    with the question."""

    ticket: int
    accounts: tuple[str, ...]
    must: Amounts
    more: Amounts
    allotments: tuple[Allotment, ...] = ()


class LeaseGranted(msgspec.Struct, frozen=True, tag=True):
    """The keeper grants, on every account asked for; it is durable that it did."""

    ticket: int
    leases: tuple[Lease, ...]


class LeaseShort(msgspec.Struct, frozen=True, tag=True):
    """``must`` cannot be had: of ``unit`` there is only ``left`` on ``account``, and nobody holds
    any that is idle. At ``resets_at`` the account's next period begins."""

    ticket: int
    account: str
    unit: Unit
    left: int
    limit: int
    resets_at: int


class LeaseDenied(msgspec.Struct, frozen=True, tag=True):
    """The keeper cannot say: it knows no such account, was told otherwise of it before, or its disk
    does not take the grant."""

    ticket: int


class LeaseRecalled(msgspec.Struct, frozen=True, tag=True):
    """The keeper wants back what of this book lies idle; answered by a ``LeaseReturned``."""

    book: int
    recall: int


class LeaseReturned(msgspec.Struct, frozen=True, tag=True):
    """What became of a part of a lease: ``spent`` of it was, ``returned`` of it is not wanted.

    ``over`` was spent beyond what was reserved, so beyond any lease. ``recall`` is the recall that
    this answers, 0 when none.
    """

    book: int
    spent: Amounts
    returned: Amounts
    over: Amounts
    recall: int = 0


LeaseToKeeper: TypeAlias = LeaseWanted | LeaseReturned
LeaseToWorker: TypeAlias = LeaseGranted | LeaseShort | LeaseDenied | LeaseRecalled


class Standing(msgspec.Struct, frozen=True):
    """How one account stands in one unit, in the period that runs (money in nano).

    ``spent`` is what calls were settled at (and what a crash made count as spent); ``reserved`` is
    leased to workers: calls under way, and what lies ready for the next.
    """

    account: str
    unit: Unit
    per: Period
    limit: int
    spent: int
    reserved: int
    soft_exceeded: bool
    overdrawn: int
    resets_at: int


def limits_of(budget: Budget) -> Amounts:
    """A budget's limits as amounts; ``UNLIMITED`` where it names none."""
    return Amounts(
        UNLIMITED if budget.calls is None else budget.calls,
        UNLIMITED if budget.tokens is None else budget.tokens,
        UNLIMITED if budget.money_micro is None else budget.money_micro * 1_000,
    )


def period_of(per: Period, wall: Instant) -> tuple[int, int]:
    """Begin and end of the period that ``wall`` is in: whole minutes, hours, days, months of UTC."""
    if per != "month":
        size = _FIXED[per]
        starts = wall - wall % size
        return starts, starts + size
    day = datetime.fromtimestamp(wall // _SECOND, UTC)
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    month = day.month % _MONTHS + 1
    following = datetime(day.year + (month == 1), month, 1, tzinfo=UTC)
    return int(first.timestamp()) * _SECOND, int(following.timestamp()) * _SECOND
