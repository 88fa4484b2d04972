"""The circuit breaker of one upstream: after enough failures it is left alone, and only probed."""

from typing import Literal, TypeAlias

from holdfast.blueprint import Breaker

BreakerState: TypeAlias = Literal["closed", "open", "half-open"]

BUCKETS = 10


class CircuitBreaker:
    """Closed: calls pass. Open: one probe every ``open_s``. Half-open: such a probe is out.

    Opens on ``failures`` in a row, or on ``share`` of at least ``calls_min`` calls in
    ``window_s``; the first success of a probe closes it. A call that ends without a verdict
    (its caller left) is told to nobody: the probe's place comes free by time alone, so an open
    breaker always gets its next probe (M. Nygard, "Release It!", 2007; the window as in Envoy).
    """

    __slots__ = (
        "_bad",
        "_bucket",
        "_bucket_s",
        "_era",
        "_failures",
        "_good",
        "_is_probing",
        "_settings",
        "is_open",
        "until",
    )

    def __init__(self, settings: Breaker) -> None:
        self._settings = settings
        self._bucket_s = settings.window_s / BUCKETS
        self._good = [0] * BUCKETS
        self._bad = [0] * BUCKETS
        self._bucket = 0
        self._failures = 0
        self._era = 0
        self._is_probing = False
        self.is_open = False
        """Open or half-open."""
        self.until = 0.0
        """When open: from when on the next probe may be sent."""

    @property
    def state(self) -> BreakerState:
        if not self.is_open:
            return "closed"
        return "half-open" if self._is_probing else "open"

    def admits(self, now: float) -> bool:
        """Whether a call may be sent now. A look: nothing changes."""
        return not self.is_open or now >= self.until

    def begin(self, now: float) -> int:
        """A call is being sent. The number it returns belongs to the call's verdict: it tells the
        verdicts of calls that began before the breaker last opened or closed, which say nothing of
        the upstream as it is now."""
        if self.is_open and now >= self.until:
            self.until = now + self._settings.open_s
            self._is_probing = True
        return self._era

    def succeed(self, now: float, era: int | None = None) -> bool:
        """The upstream answered a call. Whether that closed the breaker."""
        if era is not None and era != self._era:
            return False
        if not self.is_open:
            self._failures = 0
            self._good[self._turn(now)] += 1
            return False
        if era is None and not self._is_probing:
            return False
        self.close()
        return True

    def fail(self, now: float, era: int | None = None) -> bool:
        """The upstream failed a call. Whether that opened the breaker."""
        if era is not None and era != self._era:
            return False
        if self.is_open:
            self._is_probing = False
            return False
        self._failures += 1
        self._bad[self._turn(now)] += 1
        if not self._is_too_much():
            return False
        self.open(now)
        return True

    def open(self, now: float) -> None:
        """Open it: told by another worker, say. An open one stays as it is."""
        if not self.is_open:
            self.is_open = True
            self._is_probing = False
            self._era += 1
            self.until = now + self._settings.open_s

    def close(self) -> None:
        """Close it, and forget what led to its opening."""
        if self.is_open:
            self.is_open = False
            self._is_probing = False
            self._era += 1
            self._failures = 0
            self.until = 0.0
            self._good = [0] * BUCKETS
            self._bad = [0] * BUCKETS

    def _is_too_much(self) -> bool:
        settings = self._settings
        if self._failures >= settings.failures:
            return True
        bad = sum(self._bad)
        calls = bad + sum(self._good)
        return calls >= settings.calls_min and bad >= settings.share * calls

    def _turn(self, now: float) -> int:
        """The place of this moment's bucket; those that fell out of the window are emptied."""
        bucket = int(now / self._bucket_s)
        passed = bucket - self._bucket
        if passed > 0:
            for old in range(self._bucket + 1, self._bucket + 1 + min(passed, BUCKETS)):
                self._good[old % BUCKETS] = self._bad[old % BUCKETS] = 0
            self._bucket = bucket
        return self._bucket % BUCKETS
