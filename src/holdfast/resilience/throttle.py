"""Client-side throttling: stop asking an upstream that refuses most of what it is asked.

Source: SRE book chapter 21 ("Handling Overload"), with two bounds that its formula lacks: a part of
the calls always passes, and an upstream that accepts again is believed at once.
"""

from holdfast.blueprint import Criticality

BUCKETS = 12
BUCKET_S = 10.0
"""Two minutes in all, as in the book."""
REQUESTS_MIN = 20
"""With fewer requests in the window nothing is shed: a few failures prove little."""
MULTIPLIERS: dict[Criticality, float] = {"critical": 3.0, "standard": 2.0, "sheddable": 1.5}
"""So many times what the upstream accepts is asked of it. The book's 2 is for standard calls."""
SHED_MAX = 0.9
"""One call in ten is always sent: without it, after a long outage, nothing would find out that the
upstream is back."""
BELIEVED = 5
"""So many answers in a row, and what was refused before is forgotten: the window alone would go on
shedding for two minutes."""


class Throttle:
    """What one upstream (or group of them) was asked and accepted within the last two minutes.

    A request counts when it is known what became of it: ``accepted`` (any answer but a refusal for
    load) or ``rejected`` (overload, rate limit, no answer in time, no connection). Were it counted
    when it is sent, many calls at once to an upstream that has yet to answer would look refused.
    """

    __slots__ = ("_accepts", "_asked", "_bucket", "_requests", "_streak", "_taken", "_turn")

    def __init__(self) -> None:
        self._asked = [0] * BUCKETS
        self._taken = [0] * BUCKETS
        self._requests = 0
        self._accepts = 0
        self._bucket = 0
        self._turn = 0.0
        self._streak = 0

    @property
    def is_calm(self) -> bool:
        """Whether nothing at all would be shed now: one look, for the path of every call."""
        return self._requests <= MULTIPLIERS["sheddable"] * self._accepts

    def accepted(self, now: float) -> None:
        """The upstream took a request."""
        self._count(now)
        self._accepts += 1
        self._taken[self._bucket] += 1
        self._streak += 1
        if self._streak == BELIEVED and not self.is_calm:
            self._forget()

    def rejected(self, now: float) -> None:
        """The upstream refused a request for load, or did not answer."""
        self._count(now)
        self._streak = 0

    def sheds(self, now: float, *, chance: float, criticality: Criticality) -> bool:
        """Is this request refused here, without asking? If so it counts as a request."""
        if now >= self._turn:
            self._roll(now)
        if self.is_calm:
            return False
        if chance >= self.probability(now, criticality=criticality):
            return False
        self._count(now)
        return True

    def probability(self, now: float, *, criticality: Criticality) -> float:
        """The share of such requests that is shed now, in [0, ``SHED_MAX``]."""
        if now >= self._turn:
            self._roll(now)
        if self._requests < REQUESTS_MIN:
            return 0.0
        excess = self._requests - MULTIPLIERS[criticality] * self._accepts
        return min(SHED_MAX, max(0.0, excess / (self._requests + 1)))

    def _count(self, now: float) -> None:
        if now >= self._turn:
            self._roll(now)
        self._requests += 1
        self._asked[self._bucket] += 1

    def _roll(self, now: float) -> None:
        if now >= self._turn + BUCKETS * BUCKET_S:
            self._forget()
            self._turn = now + BUCKET_S
            return
        while now >= self._turn:
            self._bucket = (self._bucket + 1) % BUCKETS
            self._requests -= self._asked[self._bucket]
            self._accepts -= self._taken[self._bucket]
            self._asked[self._bucket] = self._taken[self._bucket] = 0
            self._turn += BUCKET_S

    def _forget(self) -> None:
        self._asked = [0] * BUCKETS
        self._taken = [0] * BUCKETS
        self._requests = self._accepts = 0
