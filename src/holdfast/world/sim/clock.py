"""Virtual time."""

from holdfast.core import Instant
from holdfast.world.sim.loop import SimLoop

EPOCH = Instant(1_800_000_000_000_000)
"""Where simulated wall time begins: 2027-01-15T08:00:00Z."""


class SimClock:
    """Wall and monotonic time, both from the loop's virtual clock.

    The wall clock may be set (``jump``) and may run faster than the loop (``wall_speed``), so that
    a whole day of it passes in minutes; monotonic time does neither.
    """

    __slots__ = ("_jumped_us", "_loop", "_us_per_s")

    def __init__(self, loop: SimLoop, *, wall_speed: float = 1.0) -> None:
        self._loop = loop
        self._us_per_s = 1_000_000 * wall_speed
        self._jumped_us = 0

    def now(self) -> Instant:
        return Instant(EPOCH + self._jumped_us + round(self._loop.time() * self._us_per_s))

    def monotonic(self) -> float:
        return self._loop.time()

    def jump(self, seconds: float) -> None:
        """Set the wall clock on by ``seconds``, or back where they are negative."""
        self._jumped_us += round(seconds * 1_000_000)
