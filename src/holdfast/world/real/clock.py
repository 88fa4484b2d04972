"""The machine's clocks."""

import time

from holdfast.core import Instant


class SystemClock:
    """Wall time from the system, monotonic time from the same clock the event loop uses."""

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)

    monotonic = staticmethod(time.monotonic)
