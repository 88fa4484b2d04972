"""What every call of a path is sent with."""

from typing import Protocol

from holdfast.core import NodeId
from holdfast.gateway.attempt import Attempt
from holdfast.gateway.call import Routed
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.holding import Hold
from holdfast.gateway.journeys import Journey
from holdfast.gateway.lessons import Lessons
from holdfast.gateway.news import OnNews
from holdfast.gateway.paying import Fare
from holdfast.gateway.recording import Recording
from holdfast.gateway.tolls import NO_TOKENS
from holdfast.resilience import Spending
from holdfast.wire import Exchange
from holdfast.world.ports import Clock, Entropy


class Reroute(Protocol):
    """May this call go to that node instead? Asks all that was asked of the first; None: no."""

    def __call__(self, routed: Routed, name: NodeId) -> Routed | None: ...


class Carry(Protocol):
    """Send a call to the upstream of one attempt, in its dialect; ``left_s`` is what is left of the
    call's time, ``so_far`` an answer to go on from."""

    def __call__(
        self, routed: Routed, attempt: Attempt, *, left_s: float, so_far: str | None
    ) -> Hold: ...


class Deliver(Protocol):
    """Make the caller's half of a call, in its dialect."""

    def __call__(self, routed: Routed, *, journey: Journey, exchange: Exchange) -> Delivery: ...


class Means:
    """Ports and neighbours, in one hand."""

    __slots__ = (
        "carry",
        "clock",
        "deliver",
        "free",
        "jitter",
        "lessons",
        "now",
        "reroute",
        "spending",
        "write",
    )

    def __init__(
        self,
        *,
        clock: Clock,
        entropy: Entropy,
        write: Recording,
        spending: Spending,
        reroute: Reroute,
        carry: Carry,
        deliver: Deliver,
        on_news: OnNews,
    ) -> None:
        self.clock = clock
        self.lessons = Lessons(on_news)
        self.free = Fare(None, NO_TOKENS, spending=spending, clock=clock)
        """What a call holds that meets neither bulkhead nor budget."""
        self.now = clock.monotonic
        self.jitter = entropy.jitter
        self.write = write
        self.spending = spending
        self.reroute = reroute
        self.carry = carry
        self.deliver = deliver

    def wall_s(self) -> float:
        """Wall time, for dates that upstreams name."""
        return self.clock.now() / 1_000_000
