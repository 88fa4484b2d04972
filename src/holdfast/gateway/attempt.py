"""One try at one upstream, and what that upstream's machines learn from it."""

from enum import Enum
from typing import Final, Protocol

from holdfast.gateway.holding import EVENT_STREAM, Hold
from holdfast.gateway.places import RESTING_S_DEFAULT, Place
from holdfast.resilience import retry_after_s
from holdfast.wire import ResponseHead, WireError

RATE_LIMITED: Final = 429
OVERLOADED: Final = frozenset((503, 529))
TRIED_AGAIN: Final = frozenset((408, 425, RATE_LIMITED, 500, 502, 503, 504, 529))
"""Statuses that say nothing about the request itself: another try may fare better."""
NEVER_BEGUN: Final = frozenset((425, RATE_LIMITED, 503, 529))
"""Statuses that say the request was not worked on: trying again is safe, whatever it asks for."""


class Kind(Enum):
    """What sort of answer came: none yet, an error to try again after, a whole one, a stream."""

    NONE = 0
    ERROR = 1
    ANSWER = 2
    STREAM = 3


def kind_of(head: ResponseHead) -> Kind:
    """What sort of answer begins so."""
    if head.status in TRIED_AGAIN:
        return Kind.ERROR
    if head.status == 200 and head.headers.get(b"content-type", b"").startswith(EVENT_STREAM):
        return Kind.STREAM
    return Kind.ANSWER


class Owner(Protocol):
    """Who made the attempt and hears of it."""

    def on_head(self, attempt: "Attempt", head: ResponseHead) -> None: ...

    def on_body(self, attempt: "Attempt", data: bytes) -> None: ...

    def on_end(self, attempt: "Attempt") -> None: ...

    def on_failure(self, attempt: "Attempt", error: WireError) -> None: ...


class Attempt:
    """A ``wire.Receiver``. Ends exactly once, with a verdict for its place or without one."""

    __slots__ = (
        "began",
        "body",
        "era",
        "first_s",
        "head",
        "is_afresh",
        "is_hedge",
        "is_over",
        "kind",
        "owner",
        "place",
        "place_era",
        "ticket",
        "tokens",
    )

    ticket: Hold

    def __init__(self, owner: Owner, place: Place, *, tokens: int, now: float) -> None:
        self.owner = owner
        self.place = place
        self.place_era = place.era
        self.tokens = tokens
        self.began = now
        self.first_s: float | None = None
        self.head: ResponseHead | None = None
        self.body: list[bytes] = []
        self.kind = Kind.NONE
        self.is_hedge = False
        self.is_afresh = False
        self.is_over = False
        place.load.begin(tokens, now)
        self.era = place.breaker.begin(now)

    # -- the upstream's answer, as it arrives -------------------------------------------------

    def on_head(self, head: ResponseHead) -> None:
        self.head = head
        if not self.is_over:
            self.owner.on_head(self, head)

    def on_body(self, data: bytes) -> None:
        if not self.is_over:
            self.owner.on_body(self, data)

    def on_end(self) -> None:
        if not self.is_over:
            self.owner.on_end(self)

    def on_failure(self, error: WireError) -> None:
        if not self.is_over:
            self.owner.on_failure(self, error)

    # -- what its place learns ----------------------------------------------------------------

    def first_token(self, now: float) -> float:
        """The answer has begun; seconds from the request."""
        self.first_s = seconds = now - self.began
        place = self.place
        place.load.first_token(seconds, now)
        place.limiter.observe(seconds, place.load.in_flight - place.ghosts, now)
        if place.shaken:
            place.breaker.answers(self.era)
        return seconds

    def succeed(self, tokens_out: int, now: float) -> bool:
        """A whole answer came; whether that closed the breaker."""
        place = self.place
        self.is_over = True
        if self.kind is Kind.STREAM and self.first_s is not None:
            place.load.end(tokens_out, now - self.began - self.first_s, now, tokens=self.tokens)
        else:
            # All of a plain answer comes at once: it says nothing of tokens a second.
            place.load.end(0, 0.0, now, tokens=self.tokens)
        place.has_ended(self.place_era)
        if not place.breaker.succeed(now, self.era):
            return False
        place.has_recovered()
        return True

    def fail(self, now: float, *, overloaded: bool, chance: float) -> bool:
        """It came to nothing, and the place is to blame; whether that opened the breaker."""
        place = self.place
        if overloaded:
            in_flight = place.load.in_flight - place.ghosts
            place.limiter.overloaded(now, sent_at=self.began, in_flight=in_flight)
        self.is_over = True
        place.load.fail(now, tokens=self.tokens, waited_s=self._waited_s(now))
        place.has_ended(self.place_era)
        has_begun = self.first_s is not None
        changed = place.breaker.fail(now, self.era, has_begun=has_begun, chance=chance)
        place.shaken = place.shaken or place.breaker.state != "closed"
        return changed

    def whole_body(self) -> bytes:
        """All that came of a plain answer."""
        body = self.body
        return body[0] if len(body) == 1 else b"".join(body)

    def asked_to_wait(self, *, wall_s: float) -> float | None:
        """Seconds until the upstream wants to be asked again, if it says so."""
        assert self.head is not None
        return retry_after_s(self.head.headers.get(b"retry-after"), wall_s=wall_s)

    def rate_limited(self, now: float, *, wall_s: float) -> float:
        """It was asked to wait: neither success nor failure. How long, in seconds."""
        asked = self.asked_to_wait(wall_s=wall_s)
        wait_s = RESTING_S_DEFAULT if asked is None else asked
        self.place.rest(now + wait_s)
        self.leave(now)
        return wait_s

    def abandon(self, now: float) -> None:
        """Nobody waits for it any more: no verdict, and the upstream is told to stop."""
        if not self.is_over:
            self.leave(now)
            self.ticket.cancel()

    def leave(self, now: float) -> None:
        """It ends without a verdict. How long it was waited for is known all the same."""
        self.is_over = True
        self.place.load.leave(now, tokens=self.tokens, waited_s=self._waited_s(now))
        if self.place.shaken:
            self.place.breaker.leave(self.era, has_begun=self.first_s is not None)
        self.place.has_ended(self.place_era)

    def _waited_s(self, now: float) -> float | None:
        """How long it was waited for in vain; None when its answer began."""
        return now - self.began if self.first_s is None else None
