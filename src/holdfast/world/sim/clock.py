"""Virtual time."""

from holdfast.core import Instant
from holdfast.world.sim.loop import SimLoop

EPOCH = Instant(1_800_000_000_000_000)
"""Where simulated wall time begins: 2027-01-15T08:00:00Z."""


class SimClock:
    """Wall and monotonic time, both from the loop's virtual clock."""

    __slots__ = ("_loop",)

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop

    def now(self) -> Instant:
        return Instant(EPOCH + round(self._loop.time() * 1_000_000))

    def monotonic(self) -> float:
        return self._loop.time()
