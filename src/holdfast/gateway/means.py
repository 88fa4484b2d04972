"""What every call of a path is sent with."""

from typing import Protocol

from holdfast.core import NodeId
from holdfast.gateway.call import Routed
from holdfast.gateway.lessons import Lessons
from holdfast.gateway.news import OnNews
from holdfast.gateway.paying import Fare
from holdfast.gateway.recording import Recording
from holdfast.gateway.tolls import NO_TOKENS
from holdfast.gateway.upstreams import Upstream
from holdfast.resilience import Spending
from holdfast.world.ports import Clock, Entropy


class Reroute(Protocol):
    """May this call go to that node instead? Asks all that was asked of the first; None: no."""

    def __call__(self, routed: Routed, name: NodeId) -> Routed | None: ...


class Message(Protocol):
    """The very bytes that go to one upstream."""

    def __call__(
        self, routed: Routed, upstream: Upstream, *, left_s: float, so_far: str | None
    ) -> bytes: ...


class Means:
    """Ports and neighbours, in one hand."""

    __slots__ = (
        "clock",
        "free",
        "jitter",
        "lessons",
        "message",
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
        message: Message,
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
        self.message = message

    def wall_s(self) -> float:
        """Wall time, for dates that upstreams name."""
        return self.clock.now() / 1_000_000
