"""What one call pays: bulkheads while it lasts, budgets for what it costs."""

from collections.abc import Callable
from typing import TypeAlias

from holdfast.blueprint import Node
from holdfast.core import Instant
from holdfast.gateway.tolls import NANO_PER_MICRO, Tokens, Tolls, spent
from holdfast.providers import Usage
from holdfast.resilience import (
    Allotment,
    Amounts,
    Answer,
    Reservation,
    Short,
    Spending,
    Unavailable,
)
from holdfast.world.ports import Clock

Refusal: TypeAlias = tuple[str, str, float | None]
"""Code of the rule, what happened, seconds until it may be worth trying again."""


class Fare:
    """The bulkheads a call is inside of and the reservations made for it.

    An attempt whose cost nobody knows (it ran out of time, it was cut off, it lost the race of a
    hedge) is paid at its bound: a budget that hoped otherwise would not hold. So each further
    attempt after such a one needs a reservation of its own.
    """

    __slots__ = ("_clock", "_inside", "_reservations", "_spending", "_tokens", "_tolls", "unknown")

    def __init__(
        self, tolls: Tolls | None, tokens: Tokens, *, spending: Spending, clock: Clock
    ) -> None:
        self._clock = clock
        self._tolls = tolls
        self._tokens = tokens
        self._spending = spending
        self._inside = 0
        self._reservations: list[Reservation] = []
        self.unknown = 0

    def enter(self) -> str | None:
        """Enter every bulkhead; the name of the first that is full, None when inside all."""
        assert self._tolls is not None
        for name, bulkhead in self._tolls.bulkheads:
            if not bulkhead.enter():
                return name
            self._inside += 1
        return None

    def reserve(self, then: Callable[[Refusal | None], None]) -> None:
        """Reserve what the call may cost; ``then`` hears None when that is done."""
        tolls = self._tolls
        assert tolls is not None
        if not tolls.accounts:
            then(None)
            return

        wall = self._clock.now()

        def reserved(answer: Answer) -> None:
            if isinstance(answer, Reservation):
                self._reservations.append(answer)
                then(None)
            else:
                then(_refusal(answer, wall, tolls))

        amounts = tolls.amounts(self._tokens)
        self._spending.reserve(
            tolls.accounts,
            amounts,
            reserved,
            wall=wall,
            now=self._clock.monotonic(),
            allotments=tolls.allotments,
        )

    def covers_another(self, *, live: int) -> bool:
        """Whether one more attempt is covered beside ``live`` ones, without asking anybody."""
        tolls = self._tolls
        if tolls is None or not tolls.accounts:
            return True
        if self.unknown + live < len(self._reservations):
            return True
        more = tolls.amounts(self._tokens) - Amounts(calls=1)
        taken = self._spending.take(tolls.accounts, more, wall=self._clock.now())
        if taken is not None:
            self._reservations.append(taken)
        return taken is not None

    def cover(self, then: Callable[[bool], None]) -> None:
        """Cover one more attempt, asking for a reservation where needed; ``then`` hears whether."""
        tolls = self._tolls
        if tolls is None or not tolls.accounts or self.unknown < len(self._reservations):
            then(True)
            return

        def reserved(answer: Answer) -> None:
            if isinstance(answer, Reservation):
                self._reservations.append(answer)
            then(isinstance(answer, Reservation))

        self._spending.reserve(
            tolls.accounts,
            tolls.amounts(self._tokens) - Amounts(calls=1),
            reserved,
            wall=self._clock.now(),
            now=self._clock.monotonic(),
            allotments=tolls.allotments,
        )

    def settle(self, node: Node | None, usage: Usage | None, *, is_answered: bool) -> None:
        """The call is over: out of the bulkheads, and the bill. ``node`` answered, if any did."""
        tolls = self._tolls
        if tolls is None:
            return
        for _, bulkhead in tolls.bulkheads[: self._inside]:
            bulkhead.leave()
        self._inside = 0
        reservations, self._reservations = self._reservations, []
        costs = [tolls.amounts(self._tokens)] * self.unknown
        if is_answered and usage is not None and usage.prompt_tokens is not None:
            costs.append(spent(node, usage.prompt_tokens, usage.completion_tokens or 0))
        elif is_answered:
            costs.append(tolls.amounts(self._tokens))
        for index, reservation in enumerate(reservations):
            cost = costs[index] if index < len(costs) else Amounts()
            # However many attempts it took, it was one call.
            actual = cost - Amounts(calls=1) if index and cost.calls else cost
            self._spending.settle(reservation, actual)


def _refusal(answer: Short | Unavailable, wall: Instant, tolls: Tolls) -> Refusal:
    if isinstance(answer, Unavailable):
        return "budget.unavailable", "the budget could not be asked in time", 1.0
    payer = tolls.payer(answer.account)
    if payer is not None:
        # Nothing is ever added to a mandate, so nobody is told to come again.
        return "authority.exhausted", _exhausted(answer, payer), None
    what = (
        f"the call may cost more {answer.unit} than are left to '{answer.account}' "
        f"({answer.left} of {answer.limit})"
    )
    return "budget.exhausted", what, max(0.0, (answer.resets_at - wall) / 1_000_000)


def _exhausted(short: Short, payer: str) -> str:
    left, limit, unit = short.left, short.limit, str(short.unit)
    if short.unit == "money":
        left, limit, unit = left // NANO_PER_MICRO, limit // NANO_PER_MICRO, "usd_micro"
    return (
        f"the call may cost more {unit} than are left to the mandate of {payer} ({left} of {limit})"
    )


class NoBudgets:
    """Where nobody keeps budgets, a call that must pay cannot go."""

    def take(
        self, accounts: tuple[str, ...], amounts: Amounts, *, wall: Instant
    ) -> Reservation | None:
        return None

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
        then(Unavailable())

    def settle(self, reservation: Reservation, actual: Amounts) -> Amounts | None:
        return None
