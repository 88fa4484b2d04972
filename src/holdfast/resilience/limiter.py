"""How many calls one upstream bears at once: measured, not guessed.

Gradient2 of Netflix's concurrency-limits on first-token times, with TCP's manners around it
(RFC 5681): one step per round trip, one cut per flight, slow start back to what was borne before.
"""

from math import inf, sqrt

from holdfast.blueprint import Concurrency

WINDOW_S_MIN = 0.05
"""A step is taken at most this often, so that a healthy answer costs a few float operations."""
TOLERANCE = 1.5
"""First tokens may take this many times their usual time before the limit gives way."""
GRADIENT_MIN = 0.2
"""One step takes off at most this much. Netflix's 0.5 leaves an upstream that lost nine tenths of
itself full of work that nobody waits for any more."""
SMOOTHING = 0.5
BOUND_SHARE = 0.5
"""The limit is in force, and may grow, when this share of it is in flight."""
CUT = 0.5
"""What is left of the calls in flight after a refusal for load (RFC 5681 section 3.1)."""
UNUSED = 0.01
"""A limit that is not in force shrinks by this share each step, down to where it started: what was
once borne is no proof for ever (RFC 7661)."""
FORGOTTEN = 0.05
"""What was borne before trouble fades by this share each step of trouble."""
USUAL_DOWN, USUAL_UP, USUAL_UP_BOUND = 0.1, 0.05, 0.002
"""How far one full window moves the usual time: down, up, and up while the limit is in force (then
the wait is probably of our own making)."""
SAMPLES_FULL = 10
"""A window with fewer samples moves the usual time by as much less."""
WARM_UP = 30
"""So many first samples are averaged plainly, and nothing is concluded from them: the very first are
the fastest of their kind."""
HALVED = 0.6
LEARNT = 0.5
"""When the calls in flight fell to this share, what became of first tokens shows whose the wait was
(Little's law), and the usual time moves so far at once."""


class ConcurrencyLimiter:
    """The limit of one upstream; ``limit`` is always within the settings' bounds."""

    __slots__ = (
        "_borne",
        "_changed_at",
        "_full",
        "_full_s",
        "_in_flight",
        "_late",
        "_least",
        "_low_at",
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
        self._start = float(max(self._least, min(settings.calls_start, self._most)))
        self._real = self._start
        self.limit = int(self._real)
        self.usual_s = 0.0
        """How long a first token usually takes; 0 while unknown."""
        self._seen = 0
        self._borne = float(self._most)  # the limit before trouble: slow start leads up to it
        self._changed_at = -inf  # last growth or cut: samples sent before say nothing of it
        self._full = self._full_s = 0.0  # most calls in flight of late, and their longest time
        self._low_at = inf
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
            self._step(now, sent_at=now - first_token_s)

    def overloaded(self, now: float, *, sent_at: float, in_flight: int) -> None:
        """A call that was sent at ``sent_at`` ran out of time, or was refused for load; ``in_flight``
        includes it.

        One that took long is a sample like any other: one call stuck among many that are not says
        little. A quick refusal says that what is in flight is too much.
        """
        took_s = now - sent_at
        if self._seen >= WARM_UP and took_s > TOLERANCE * self.usual_s:
            self._late += 1
            self.observe(took_s, in_flight, now)
        elif sent_at >= self._changed_at:
            self._set(min(self._real, in_flight) * CUT)
            self._changed_at = now
            self._open(now)

    def _step(self, now: float, *, sent_at: float) -> None:
        """About one round trip is over; its last sample was sent at ``sent_at``."""
        seen_s = self._sum_s / self._samples
        in_flight = self._in_flight / self._samples
        is_bound = in_flight >= self._real * BOUND_SHARE
        if self._seen >= WARM_UP:
            self._adapt(seen_s, in_flight if is_bound else 0.0, now, sent_at=sent_at)
            self._compare(seen_s, in_flight, now, sent_at=sent_at)
        if not self._late:  # a call that was given up has no first token to learn from
            self._learn(seen_s, is_bound=is_bound)
        self._open(now)

    def _adapt(self, seen_s: float, bound: float, now: float, *, sent_at: float) -> None:
        """``bound``: the calls in flight where the limit is in force, else 0."""
        if seen_s > TOLERANCE * self.usual_s:
            gradient = max(GRADIENT_MIN, TOLERANCE * self.usual_s / seen_s)
            self._set(self._real + (self._real * (gradient - 1.0) + sqrt(self._real)) * SMOOTHING)
            self._borne += (self._real - self._borne) * FORGOTTEN
        elif not bound:
            self._set(max(self._real * (1.0 - UNUSED), min(self._real, self._start)))
        elif sent_at >= self._changed_at:
            self._grow(bound)
            self._changed_at = now

    def _grow(self, in_flight: float) -> None:
        """Twice per round trip up to what was borne before, then step by step."""
        if self._real < self._borne:
            # Calls that hang since the trouble are in flight too, and no reason to wait.
            self._set(min(max(self._real, in_flight) * 2.0, self._borne))
        else:
            self._set(self._real + sqrt(self._real) * SMOOTHING)
            self._borne = self._real

    def _compare(self, seen_s: float, in_flight: float, now: float, *, sent_at: float) -> None:
        """Fewer calls in flight, and first tokens as late as before? Then it was not our calls that
        they waited for (prompts grew, the model is another), and this is their usual time now."""
        if in_flight > self._full * HALVED:
            self._full_s = max(self._full_s, seen_s)
            self._full = max(self._full, in_flight)
            self._low_at = inf
            return
        self._low_at = min(self._low_at, now)
        if sent_at < self._low_at or self._late:
            return  # sent while there still were more
        is_ours = seen_s < self._full_s * (1.0 + in_flight / self._full) / 2.0
        is_slow = seen_s > TOLERANCE * self.usual_s
        if is_slow if not is_ours else seen_s < self.usual_s:
            weight = min(1.0, self._samples / SAMPLES_FULL)
            self.usual_s += (seen_s - self.usual_s) * LEARNT * weight
        self._full, self._full_s, self._low_at = in_flight, seen_s, inf

    def _learn(self, seen_s: float, *, is_bound: bool) -> None:
        away_s = seen_s - self.usual_s
        rate = USUAL_DOWN if away_s < 0.0 else USUAL_UP_BOUND if is_bound else USUAL_UP
        rate *= min(1.0, self._samples / SAMPLES_FULL)
        if self._seen < WARM_UP:
            self._seen += self._samples
            rate = max(rate, self._samples / self._seen)
        self.usual_s += away_s * rate

    def _open(self, now: float) -> None:
        self._sum_s = 0.0
        self._samples = self._in_flight = self._late = 0
        self._since = now
        self._until = now + max(WINDOW_S_MIN, self.usual_s)

    def _set(self, wanted: float) -> None:
        self._real = max(float(self._least), min(wanted, float(self._most)))
        self.limit = int(self._real)
