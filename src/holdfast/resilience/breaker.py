"""The circuit breaker of one upstream: after enough failures it is left alone, and only probed."""

from typing import Literal, TypeAlias

from holdfast.blueprint import Breaker

BreakerState: TypeAlias = Literal["closed", "open", "half-open"]

BUCKETS = 10
PROBES_ANSWERING_MAX = 3
"""Probes whose answers have begun and have yet to end: one long stream must not keep an upstream out
that others show to be well, and streams that begin and then hang must not pile up."""
PASSED_BY_MIN = 20
"""When so many calls have gone without, the next is a probe though the last may still hang: of many
callers few wait in vain for it, and an upstream that is back is found within a second."""


class CircuitBreaker:
    """Closed: calls pass. Open: one probe, at most every ``open_s``. Half-open: a probe is out.

    Opens on ``failures`` in a row, or on ``share`` of at least ``calls_min`` calls in
    ``window_s``; the first success of a probe closes it. One probe at a time is kept waiting for
    its answer: the next goes when that one has ended, with a verdict (``succeed``, ``fail``) or
    without one (``leave``), or when its answer has begun (M. Nygard, "Release It!", 2007; the
    window as in Envoy), or when ``PASSED_BY_MIN`` calls have been turned away meanwhile. Every call
    that ``begin`` was told of must end in one of the three.
    """

    __slots__ = (
        "_answering",
        "_bad",
        "_bucket",
        "_bucket_s",
        "_era",
        "_failures",
        "_good",
        "_next_at",
        "_passed_by",
        "_settings",
        "_waiting",
        "is_in_vain",
        "is_open",
        "sent_at",
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
        self._waiting = 0
        self._answering = 0
        self._passed_by = 0
        self._next_at = 0.0
        self.is_open = False
        """Open or half-open."""
        self.until = 0.0
        """When open: from when on the next probe may be sent, if none is out."""
        self.sent_at: float | None = None
        """When the probe was sent that waits for its answer; None while there is none."""
        self.is_in_vain = False
        """Whether a probe has failed since it opened."""

    @property
    def state(self) -> BreakerState:
        if not self.is_open:
            return "closed"
        return "half-open" if self._waiting or self._answering else "open"

    def admits(self, now: float) -> bool:
        """Whether a call may be sent now. A look: nothing changes."""
        if not self.is_open:
            return True
        if self._answering >= PROBES_ANSWERING_MAX:
            return False
        if self._passed_by >= PASSED_BY_MIN:
            return now >= self._next_at
        return now >= self.until and not self._waiting

    def pass_by(self) -> None:
        """A call went elsewhere, or nowhere. They count from its opening, or its last probe, on."""
        self._passed_by += 1

    def begin(self, now: float) -> int:
        """A call is being sent. The number it returns belongs to the call's verdict: it tells the
        verdicts of calls that began before the breaker last opened or closed, which say nothing of
        the upstream as it is now."""
        if self.is_open:
            self._next_at = now + self._settings.open_s
            self.until = max(self.until, self._next_at)
            self._passed_by = 0
            self._waiting += 1
            self.sent_at = now
        return self._era

    def answers(self, era: int) -> None:
        """A call's answer has begun: if it is a probe, another need not wait for its end."""
        if self.is_open and era == self._era and self._waiting:
            self._waiting -= 1
            self._answering += 1
            self.sent_at = None

    def succeed(self, now: float, era: int | None = None) -> bool:
        """The upstream answered a call. Whether that closed the breaker."""
        if era is not None and era != self._era:
            return False
        if not self.is_open:
            self._failures = 0
            self._good[self._turn(now)] += 1
            return False
        if era is None and self.state == "open":
            return False
        self.close()
        return True

    def fail(
        self, now: float, era: int | None = None, *, has_begun: bool = False, chance: float = 0.0
    ) -> bool:
        """The upstream failed a call, whose answer ``has_begun`` or not. Whether that opened the
        breaker. After a probe that hung the next waits up to as long again: by ``chance``, or two
        breakers one behind the other would go on sending theirs at the same moments, and the first
        would never see that what is behind the second can be done without."""
        if era is not None and era != self._era:
            return False
        if self.is_open:
            self.is_in_vain = True
            if self.sent_at is not None and not has_begun:
                self.until = max(self.until, now + (now - self.sent_at) * chance)
            self._forget_probe(has_begun=has_begun)
            return False
        self._failures += 1
        self._bad[self._turn(now)] += 1
        if not self._is_too_much():
            return False
        self.open(now)
        return True

    def leave(self, era: int, *, has_begun: bool) -> None:
        """A call ended without a verdict: its caller left, or was told to come again later."""
        if self.is_open and era == self._era:
            self._forget_probe(has_begun=has_begun)

    def open(self, now: float) -> None:
        """Open it: told by another worker, say. An open one stays as it is."""
        if not self.is_open:
            self.is_open = True
            self._turn_over()
            self.until = self._next_at = now + self._settings.open_s

    def close(self) -> None:
        """Close it, and forget what led to its opening."""
        if self.is_open:
            self.is_open = False
            self._turn_over()
            self._failures = 0
            self.until = 0.0
            self._good = [0] * BUCKETS
            self._bad = [0] * BUCKETS

    def _turn_over(self) -> None:
        """What was sent before says nothing from now on."""
        self._era += 1
        self._waiting = self._answering = self._passed_by = 0
        self.sent_at, self.is_in_vain = None, False

    def _forget_probe(self, *, has_begun: bool) -> None:
        if has_begun:
            self._answering = max(0, self._answering - 1)
        else:
            self._waiting = max(0, self._waiting - 1)
            self.sent_at = None

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
