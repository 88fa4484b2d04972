"""How many calls one upstream bears at once: measured, not guessed.

Gradient2 of Netflix's concurrency-limits on first-token times, with TCP's manners around it
(RFC 5681): one step per round trip, one cut per flight, and slow start back to what was once borne.
"""

from math import sqrt

from holdfast.blueprint import Concurrency

WINDOW_S_MIN = 0.05
"""A step is taken at most this often, so that a healthy answer costs a few float operations."""
TOLERANCE = 1.5
"""First tokens may take this many times their usual time before the limit gives way."""
GRADIENT_MIN = 0.2
SMOOTHING = 0.5
BOUND_SHARE = 0.5
"""The limit is in force, and may grow, when this share of it is in flight."""
CUT = 0.5
"""What is left of the calls in flight after a refusal for load (RFC 5681 section 3.1)."""
FORGOTTEN = 0.05
UNUSED = 0.01
USUAL_DOWN, USUAL_UP, USUAL_UP_BOUND = 0.1, 0.05, 0.01
"""How far one full window moves the usual time: down, up, and up while the limit is in force (then
the wait is probably of our own making)."""
LEARNT = 0.5
SAMPLES_FULL = 10
"""A window with fewer samples moves the usual time by as much less."""
WARM_UP = 100
"""So many first samples are averaged plainly: the very first ones are the fastest of their kind."""


class ConcurrencyLimiter:
    """The limit of one upstream; ``limit`` is always within the settings' bounds."""

    __slots__ = (
        "_borne",
        "_cut_at",
        "_ref_n",
        "_ref_s",
        "_low_at",
        "_grown_at",
        "_in_flight",
        "_late",
        "_least",
        "_most",
        "_real",
        "_samples",
        "_seen",
        "_since",
        "_start",
        "_sum_s",
        "_until",
        "limit",
        "usual_s",
    )

    def __init__(self, settings: Concurrency, *, calls_max: int) -> None:
        self._most = max(1, min(settings.calls_max or calls_max, calls_max))
        self._least = max(1, min(settings.calls_min, self._most))
        self._real = float(max(self._least, min(settings.calls_start, self._most)))
        self._start = self._real
        self._borne = float(self._most)  # the limit before trouble: slow start leads up to it
        self._grown_at = float("-inf")
        self._ref_n = self._ref_s = 0.0
        self._low_at = float("inf")
        self.limit = int(self._real)
        self.usual_s = 0.0
        """How long a first token usually takes; 0 while unknown."""
        self._seen = 0
        self._cut_at = float("-inf")
        self._sum_s = 0.0
        self._samples = self._in_flight = self._late = 0
        self._since = self._until = 0.0

    def observe(self, first_token_s: float, in_flight: int, now: float) -> None:
        """A call's first token came after ``first_token_s``, with ``in_flight`` calls, this one
        included."""
        self._sum_s += first_token_s
        self._in_flight += in_flight
        self._samples += 1
        if now >= self._until or (
            self._samples >= self.limit and now - self._since >= WINDOW_S_MIN
        ):
            self._step(now, now - first_token_s)

    def overloaded(self, now: float, *, sent_at: float, in_flight: int) -> None:
        """A call that was sent at ``sent_at`` ran out of time, or was refused for load.

        One that took long is a sample like any other: one call stuck among many that are not says
        little. A quick refusal says that what is in flight is too much.
        """
        took_s = now - sent_at
        if self.usual_s and took_s > TOLERANCE * self.usual_s:
            self._late += 1
            self.observe(took_s, in_flight, now)
        elif sent_at >= self._cut_at:  # else it left before the last cut and says nothing since
            self._set(min(self._real, in_flight) * CUT)
            self._cut_at = now
            self._open(now)

    def _step(self, now: float, sent_at: float) -> None:
        """About one round trip is over; its last sample was sent at ``sent_at``."""
        seen_s = self._sum_s / self._samples
        in_flight = self._in_flight / self._samples
        is_bound = in_flight >= self._real * BOUND_SHARE
        gradient = self._gradient(seen_s)
        self._compare(seen_s, in_flight, now, sent_at=sent_at, gradient=gradient)
        if gradient < 1.0:
            wanted = self._real * gradient + sqrt(self._real)
            self._set(self._real + (wanted - self._real) * SMOOTHING)
            self._borne += (self._real - self._borne) * FORGOTTEN
        elif not is_bound:
            self._set(max(self._real * (1.0 - UNUSED), min(self._real, self._start)))
        elif sent_at >= self._grown_at:
            self._grow(in_flight)
            self._grown_at = now
        if not self._late:
            self._learn(seen_s, is_bound=is_bound)
        self._open(now)

    def _compare(self, seen_s, in_flight, now, *, sent_at, gradient) -> None:
        if in_flight > self._ref_n * 0.6:
            self._low_at = float("inf")
            self._ref_s = max(self._ref_s, seen_s)
            self._ref_n = max(self._ref_n, in_flight)
            return
        if self._low_at > now:
            self._low_at = now
        if sent_at < self._low_at or self._late:
            return
        weight = LEARNT * min(1.0, self._samples / SAMPLES_FULL)
        is_ours = seen_s < self._ref_s * (1.0 + in_flight / self._ref_n) / 2.0
        if (is_ours and seen_s < self.usual_s) or (not is_ours and gradient < 1.0):
            self.usual_s += (seen_s - self.usual_s) * weight
        self._ref_n, self._ref_s, self._low_at = in_flight, seen_s, float("inf")

    def _grow(self, in_flight: float) -> None:
        if self._real < self._borne:
            self._set(min(max(self._real, in_flight) * 2.0, self._borne))
        else:
            self._set(self._real + sqrt(self._real) * SMOOTHING)
            self._borne = self._real

    def _gradient(self, seen_s: float) -> float:
        if not self.usual_s or seen_s <= TOLERANCE * self.usual_s:
            return 1.0
        return max(GRADIENT_MIN, TOLERANCE * self.usual_s / seen_s)

    def _learn(self, seen_s: float, *, is_bound: bool) -> None:
        away = seen_s - self.usual_s
        rate = USUAL_DOWN if away < 0.0 else USUAL_UP_BOUND if is_bound else USUAL_UP
        rate *= min(1.0, self._samples / SAMPLES_FULL)
        if self._seen < WARM_UP:
            self._seen += self._samples
            rate = max(rate, self._samples / self._seen)
        self.usual_s += away * rate

    def _open(self, now: float) -> None:
        self._sum_s = 0.0
        self._samples = self._in_flight = self._late = 0
        self._since = now
        self._until = now + max(WINDOW_S_MIN, self.usual_s)

    def _set(self, wanted: float) -> None:
        self._real = max(float(self._least), min(wanted, float(self._most)))
        self.limit = int(self._real)
