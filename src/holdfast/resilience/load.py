"""What one upstream has to do and how fast it does it: the measure that routing compares.

Source: peak EWMA of Finagle's balancers (twitter/finagle, ``PeakEwma``), on first-token time and
tokens per second in place of the latency of a whole exchange.
"""

from math import exp

DECAY_S = 10.0
"""How fast a slow first token is forgotten (Finagle's default)."""
TOKENS_FELT = 100.0
"""What a caller feels: the time to the first token and to the next hundred."""
TOKENS_PER_CALL = 4096.0
"""So many tokens in flight weigh as much as one more call in flight."""
UNKNOWN_S = 1000.0
"""An upstream without history gets one call; the next goes elsewhere until that one shows."""


class Load:
    """One upstream's telemetry. Each ``begin`` is followed by one ``end``, ``fail`` or ``leave``, and
    before its ``end`` by one ``first_token``."""

    __slots__ = (
        "_awaited",
        "_awaited_since",
        "_rated_at",
        "_seen_at",
        "_vain_s",
        "_waited_at",
        "failed",
        "first_token_s",
        "in_flight",
        "sent",
        "tokens_in_flight",
        "tokens_per_s",
    )

    def __init__(self) -> None:
        self.in_flight = 0
        self.tokens_in_flight = 0
        self.first_token_s: float | None = None
        self.tokens_per_s: float | None = None
        self.sent = 0
        self.failed = 0
        self._seen_at = 0.0
        self._rated_at = 0.0
        self._vain_s = 0.0
        self._waited_at = 0.0
        self._awaited = 0
        self._awaited_since = 0.0

    def begin(self, tokens: int, now: float) -> None:
        """A call goes to the upstream; ``tokens`` is what it is expected to read and write."""
        self.in_flight += 1
        self.tokens_in_flight += tokens
        self.sent += 1
        if not self._awaited:
            self._awaited_since = now
        self._awaited += 1

    def first_token(self, seconds: float, now: float) -> None:
        """A first token came after ``seconds``: a rise counts at once, a fall by and by."""
        known = self.first_token_s
        if known is None or seconds >= known:
            self.first_token_s = seconds
        else:
            kept = exp((self._seen_at - now) / DECAY_S)
            self.first_token_s = seconds + (known - seconds) * kept
        self._seen_at = now
        self._awaited -= 1
        # Of those that are still awaited none can be told apart: they count from here.
        self._awaited_since = now

    def end(self, tokens_out: int, seconds_streaming: float, now: float, *, tokens: int) -> None:
        """A call ended well: ``tokens_out`` came within ``seconds_streaming`` after the first;
        ``tokens`` as at its begin."""
        self._leave(tokens)
        if tokens_out <= 0 or seconds_streaming <= 0.0:
            return
        rate, known = tokens_out / seconds_streaming, self.tokens_per_s
        kept = 0.0 if known is None else exp((self._rated_at - now) / DECAY_S)
        self.tokens_per_s = rate + ((known or 0.0) - rate) * kept
        self._rated_at = now

    def fail(self, now: float, *, tokens: int, waited_s: float | None) -> None:
        """A call ended badly, as in ``leave``. Failing fast is no virtue."""
        self.leave(now, tokens=tokens, waited_s=waited_s)
        self.failed += 1

    def leave(self, now: float, *, tokens: int, waited_s: float | None) -> None:
        """A call ended without an answer, after ``waited_s`` without a first token; None when that
        had come. A long wait in vain is as bad as a first token that came so late: else one that
        hangs would look idle and quick."""
        self._leave(tokens)
        if waited_s is None:
            return
        self._awaited -= 1
        if waited_s >= self._vain_s * exp((self._waited_at - now) / DECAY_S):
            self._vain_s, self._waited_at = waited_s, now

    def score(self, now: float) -> float:
        """How long one more call would be felt to take here: lower is better.

        The time of a call alone, times the calls that would share the upstream. The time of the
        first token fades while nothing is heard, so that one slow answer does not shut an upstream
        out for ever; so does a wait in vain. One that is awaited longer than that is as slow as this.
        """
        sharing = 1.0 + self.in_flight + self.tokens_in_flight / TOKENS_PER_CALL
        vain_s = self._in_vain_s(now)
        if self.first_token_s is None:
            return max(UNKNOWN_S * (sharing - 1.0), vain_s * sharing)
        alone_s = max(vain_s, self.first_token_s * exp((self._seen_at - now) / DECAY_S))
        if self.tokens_per_s:
            alone_s += TOKENS_FELT / self.tokens_per_s
        return alone_s * sharing

    def _in_vain_s(self, now: float) -> float:
        """What is known of its silence: so long a first token takes at least."""
        silent_s = now - self._awaited_since if self._awaited else 0.0
        if not self._vain_s:
            return silent_s
        return max(silent_s, self._vain_s * exp((self._waited_at - now) / DECAY_S))

    def _leave(self, tokens: int) -> None:
        self.in_flight -= 1
        self.tokens_in_flight -= tokens
        assert self.in_flight >= 0, "more calls ended than began"
        assert self.tokens_in_flight >= 0, "more tokens left than came"
