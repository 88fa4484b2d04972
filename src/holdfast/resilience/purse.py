"""What a worker holds of a budget, and what a call has reserved of it."""

from holdfast.resilience.leases import NOTHING, UNLIMITED, Amounts, Lease, LeaseReturned


class Reservation:
    """What one call may spend. Ends with ``Spending.settle``; until then it is off the budget."""

    __slots__ = ("amounts", "purses")

    def __init__(self, purses: "tuple[Purse, ...]", amounts: Amounts) -> None:
        self.purses = purses
        self.amounts = amounts


class Purse:
    """What a worker holds of one account in one period. ``ends`` is 0 while it is shut."""

    __slots__ = (
        "_seen",
        "account",
        "book",
        "calls",
        "ends",
        "limited",
        "money",
        "over",
        "spent_calls",
        "spent_money",
        "spent_tokens",
        "starts",
        "tokens",
        "touched",
        "under_way",
    )

    def __init__(self, lease: Lease) -> None:
        self.account = lease.account
        self.book = lease.book
        self.starts = lease.starts
        self.ends = 0
        self.limited = _limited(lease.amounts)
        self.calls = self.tokens = self.money = 0
        self.spent_calls = self.spent_tokens = self.spent_money = 0
        self.over = NOTHING
        self.under_way = 0
        self.touched = False
        self._seen = NOTHING

    def matches(self, lease: Lease) -> bool:
        """Whether a lease may be put in here."""
        return self.book == lease.book and self.limited == _limited(lease.amounts)

    def put(self, lease: Lease) -> None:
        """A lease has come; the purse is open."""
        counts_calls, counts_tokens, counts_money = self.limited
        self.calls = self.calls + lease.amounts.calls if counts_calls else UNLIMITED
        self.tokens = self.tokens + lease.amounts.tokens if counts_tokens else UNLIMITED
        self.money = self.money + lease.amounts.money_nano if counts_money else UNLIMITED
        self.ends = lease.ends
        self.touched = True

    def free(self) -> Amounts:
        """What no call has reserved."""
        return self._counted(self.calls, self.tokens, self.money)

    def surplus(self) -> Amounts:
        """What was not needed since the last look: all if nothing was, half of it if anything."""
        free, before = self.free(), self._seen
        idle = free if not self.touched or not self.ends else _half(free.least(before))
        self._seen = free - idle
        self.touched = False
        return idle

    def report(self, returned: Amounts, *, recall: int = 0) -> LeaseReturned:
        """Give ``returned`` back, and tell what was spent since the last time."""
        self.calls -= returned.calls
        self.tokens -= returned.tokens
        self.money -= returned.money_nano
        spent = self._counted(self.spent_calls, self.spent_tokens, self.spent_money)
        self.spent_calls = self.spent_tokens = self.spent_money = 0
        over, self.over = self.over, NOTHING
        return LeaseReturned(self.book, spent, returned, over, recall)

    def overdraw(self, over: Amounts) -> None:
        self.over += self._counted(over.calls, over.tokens, over.money_nano)

    def _counted(self, calls: int, tokens: int, money: int) -> Amounts:
        """Without the units that have no limit: nobody counts those."""
        counts_calls, counts_tokens, counts_money = self.limited
        return Amounts(
            calls if counts_calls else 0,
            tokens if counts_tokens else 0,
            money if counts_money else 0,
        )


def _limited(amounts: Amounts) -> tuple[bool, bool, bool]:
    return amounts.calls < UNLIMITED, amounts.tokens < UNLIMITED, amounts.money_nano < UNLIMITED


def _half(amounts: Amounts) -> Amounts:
    return Amounts(amounts.calls // 2, amounts.tokens // 2, amounts.money_nano // 2)


def fits(purses: tuple[Purse, ...], amounts: Amounts) -> bool:
    return all(
        amounts.calls <= purse.calls
        and amounts.tokens <= purse.tokens
        and amounts.money_nano <= purse.money
        for purse in purses
    )


def reserve_in(purses: tuple[Purse, ...], amounts: Amounts) -> Reservation:
    for purse in purses:
        purse.calls -= amounts.calls
        purse.tokens -= amounts.tokens
        purse.money -= amounts.money_nano
        purse.under_way += 1
        purse.touched = True
    return Reservation(purses, amounts)
