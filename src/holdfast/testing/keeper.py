"""The keeper's part between workers: it holds the budgets, and tells the others what one has learnt.

The treasury is the product's; the way to the workers and the disk under it are simulated.
"""

from collections.abc import Callable
from typing import Final

from holdfast.blueprint import Blueprint, Budget
from holdfast.core import NodeId
from holdfast.gateway import Gateway, News
from holdfast.resilience import (
    LeaseReturned,
    LeaseToKeeper,
    LeaseToWorker,
    Order,
    Purses,
    SavedBook,
    Treasury,
)
from holdfast.testing.setup import CALLERS, MODELS
from holdfast.world.ports import Clock
from holdfast.world.sim import SimDisk, SimLoop, SimNetwork, SimProcess

TICK_S: Final = 0.05
CHANNEL_S: Final = (0.0001, 0.002)
"""What a message between keeper and worker takes."""


class Line:
    """One direction of the channel between keeper and worker: in order, after a while."""

    def __init__(self, network: SimNetwork, to: SimProcess) -> None:
        self._network = network
        self._to = to
        self._next = 0.0

    def say(self, hear: Callable[[], None]) -> None:
        """``hear`` is called at the other end."""
        low, high = CHANNEL_S
        loop = self._network.loop
        due = loop.time() + low + (high - low) * self._network.random.random()
        self._next = max(due, self._next + 1e-7)
        loop.call_at(self._next, hear, context=self._to.context)


class Member:
    """One worker as the keeper knows it, and its purses."""

    def __init__(self, keeper: "SimKeeper", process: SimProcess, life: int) -> None:
        self.process = process
        self.life = life
        self.gateway: Gateway
        self.purses = Purses(self._send)
        self.down = Line(keeper.network, process)
        self._up = Line(keeper.network, keeper.network.world)
        self._keeper = keeper
        self._loop: SimLoop = keeper.network.loop
        self._is_over = False

    def start(self) -> None:
        """Called as the worker: look after the purses from time to time."""
        if not self._is_over:
            self.purses.tick(now=self._loop.time())
            self._timer = self._loop.call_later(TICK_S, self.start)

    def stop(self) -> None:
        """Called as the worker: give everything back."""
        self._is_over = True
        self._timer.cancel()
        self.purses.close()

    def tell(self, what: Callable[[], None]) -> None:
        """Called as the worker: ``what`` happens at the keeper."""
        self._up.say(what)

    def hear(self, message: LeaseToWorker) -> None:
        """The keeper's word, in the worker."""
        self.purses.heard(message, wall=self._keeper.clock.now(), now=self._loop.time())

    def _send(self, message: LeaseToKeeper) -> None:
        self._up.say(lambda: self._keeper.heard(self, message))


class SimKeeper:
    """One life of the keeper. ``saved`` is what its disk holds."""

    def __init__(
        self,
        *,
        network: SimNetwork,
        clock: Clock,
        disk: SimDisk,
        saved: dict[int, SavedBook],
    ) -> None:
        self.network = network
        self.clock = clock
        self._disk = disk
        self._saved = saved
        self._treasury = Treasury(list(saved.values()))
        self._members: dict[int, Member] = {}
        self._is_dead = False

    def join(self, process: SimProcess, life: int) -> Member:
        """A worker has started."""
        member = self._members[life] = Member(self, process, life)
        return member

    def gone(self, member: Member) -> None:
        """A worker has ended."""
        if self._members.pop(member.life, None) is not None:
            self._tell(self._treasury.gone(member.life, wall=self.clock.now()))

    def declare(self, blueprint: Blueprint) -> None:
        """These budgets are in force."""
        self._tell(self._treasury.declare(_budgets(blueprint), wall=self.clock.now()))

    def die(self) -> None:
        """It hears and says nothing any more."""
        self._is_dead = True
        self._members.clear()

    def heard(self, member: Member, message: LeaseToKeeper) -> None:
        """A worker's word."""
        if self._is_dead or member.life not in self._members:
            return
        wall = self.clock.now()
        if isinstance(message, LeaseReturned):
            self._tell(self._treasury.returned(member.life, message, wall=wall))
        else:
            self._tell(self._treasury.wanted(member.life, message, wall=wall))

    def spread(self, news: News, teller: Member) -> None:
        """What one worker has learnt reaches the others by way of the keeper."""
        for member in self._members.values():
            if member is not teller and not self._is_dead:
                member.down.say(lambda gateway=member.gateway: gateway.hear(news))

    def _tell(self, orders: list[Order]) -> None:
        """Durable first, then told: a grant that a crash could forget would be spent twice."""
        if self._treasury.is_urgent:
            changes = self._treasury.changes()
            if self._disk.kept() is None:
                self._saved.update((book.book, book) for book in changes.books)
                for number in changes.dropped:
                    self._saved.pop(number, None)
            else:
                orders = self._treasury.withdraw(orders, changes)
        for life, message in orders:
            member = self._members.get(life)
            if member is not None:
                member.down.say(lambda m=member, word=message: m.hear(word))


def _budgets(blueprint: Blueprint) -> dict[str, Budget]:
    """Every account with a budget, by its name."""
    names = (NodeId(name) for name in (*CALLERS, *MODELS))
    found = {f"node:{name}": blueprint.nodes[name].budget for name in names}
    for link in blueprint.connections().values():
        found[f"relationship:{link.id}"] = link.budget
    found["tenant"] = blueprint.budget
    return {name: budget for name, budget in found.items() if budget is not None}
