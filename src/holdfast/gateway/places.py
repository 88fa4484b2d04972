"""A place is one upstream as a worker sees it: what is there now, how it fares, whether it is out."""

from typing import Final, Literal, TypeAlias

from holdfast.blueprint import Node
from holdfast.gateway.upstreams import Upstream
from holdfast.resilience import CircuitBreaker, ConcurrencyLimiter, Load

RESTING_S_DEFAULT: Final = 1.0
"""How long an upstream that answers 429 without a Retry-After is left alone."""

BACK_SOON_S: Final = 1.0
"""A place that takes no calls, but may within this time, is waited for; and so long it is waited for
the answer to the first probe of a breaker that has just opened."""

PlaceState: TypeAlias = Literal["up", "open", "half-open", "resting", "down"]


class Place:
    """The machines of one upstream, shared by every group that it belongs to.

    ``shaken`` is False while nothing is wrong: the one look that a healthy call costs.
    """

    __slots__ = (
        "breaker",
        "down",
        "era",
        "ghosts",
        "limiter",
        "load",
        "node",
        "resting_until",
        "shaken",
        "streamed_at",
        "tokens_max",
        "upstream",
    )

    def __init__(self, node: Node, upstream: Upstream) -> None:
        concurrency, connections = node.concurrency, node.limits.connections
        most = min(concurrency.calls_max or connections, connections)
        self.node = node
        self.upstream = upstream
        self.breaker = CircuitBreaker(node.breaker)
        self.limiter = ConcurrencyLimiter(concurrency, calls_max=most)
        self.load = Load()
        self.tokens_max = concurrency.tokens
        self.era = self.ghosts = 0
        self.resting_until = 0.0
        self.streamed_at = -1e9
        self.down = False
        self.shaken = False

    def admits(self, now: float) -> bool:
        """Whether a call may go there at all, room or not."""
        if not self.shaken:
            return True
        if self.down or self.resting_until > now:
            return False
        if self.breaker.state == "closed":
            self.shaken = False
            return True
        return self.breaker.admits(now)

    def has_room(self, tokens: int) -> bool:
        """Whether one more call is within the limits on calls and on tokens in flight."""
        load = self.load
        if self.shaken and self.breaker.is_open:
            # A probe: those before it may hang, and would keep it out for ever.
            return True
        if load.in_flight - self.ghosts >= self.limiter.limit:
            return False
        most = self.tokens_max
        # One call larger than the limit may still go alone: it would wait for ever otherwise.
        return most is None or not load.in_flight or load.tokens_in_flight + tokens <= most

    def state(self, now: float) -> PlaceState:
        """One word for people."""
        if self.down:
            return "down"
        if self.resting_until > now:
            return "resting"
        state = self.breaker.state
        return "up" if state == "closed" else state

    def back_at(self, now: float) -> float:
        """When the next call may be tried; ``now`` when one may be already."""
        if self.down:
            return float("inf")
        waits = self.breaker.until if self.breaker.state != "closed" else now
        return max(self.resting_until, waits, now)

    def is_back_soon(self, now: float) -> bool:
        """Whether a call does well to wait for it: it takes calls, room or not, or is about to.

        Of a breaker that has just opened nobody knows yet whether the trouble lasts: its first
        probe tells, soon. Once a probe has failed or hangs, the place is out, and whoever waited
        for it would only be late.
        """
        if self.admits(now):
            return True
        breaker, soon = self.breaker, now + BACK_SOON_S
        if self.down or self.resting_until > soon or breaker.is_in_vain:
            return False
        if breaker.sent_at is not None:
            return now <= breaker.sent_at + BACK_SOON_S
        return not breaker.is_open or breaker.until <= soon

    def has_recovered(self) -> None:
        """The breaker closed. What was asked before may never be answered: it takes no room."""
        self.era += 1
        self.ghosts = self.load.in_flight

    def has_ended(self, era: int) -> None:
        """A call that began in that era is over."""
        if era != self.era and self.ghosts:
            self.ghosts -= 1

    def rest(self, until: float) -> None:
        """It asked to be left alone."""
        self.resting_until = max(self.resting_until, until)
        self.shaken = True

    def set_down(self, *, down: bool) -> bool:
        """What the health check says; whether that is news."""
        changed, self.down = self.down != down, down
        self.shaken = self.shaken or down
        return changed
