"""What an attempt's end teaches: its place, its group, and the other workers."""

from holdfast.gateway.attempt import OVERLOADED, RATE_LIMITED, Attempt
from holdfast.gateway.groups import Group
from holdfast.gateway.news import News, NewsKind, OnNews
from holdfast.gateway.places import Place


class Lessons:
    """``on_news`` gives whoever tells the other workers."""

    __slots__ = ("_on_news",)

    def __init__(self, on_news: OnNews) -> None:
        self._on_news = on_news

    def succeeded(self, group: Group, attempt: Attempt, tokens_out: int, now: float) -> None:
        """A whole answer came."""
        if attempt.succeed(tokens_out, now):
            group.readmit(attempt.place)
            self._tell(group, attempt.place, "closed", 0.0)
        self._learn(group, attempt.place, now, is_good=True)

    def failed(self, group: Group, attempt: Attempt, now: float, *, overloaded: bool) -> None:
        """It came to nothing, and the place is to blame."""
        place = attempt.place
        chance = group.chance() if place.breaker.is_open else 0.0
        if attempt.fail(now, overloaded=overloaded, chance=chance):
            self._tell(group, place, "open", max(0.0, place.breaker.until - now))
        self._learn(group, place, now, is_good=False)

    def timed_out(
        self, group: Group, attempts: list[Attempt], now: float, *, winner: Attempt | None
    ) -> None:
        """Their time is over; one that had begun to answer was not kept waiting by load."""
        for attempt in attempts:
            attempt.ticket.cancel()
            self.failed(group, attempt, now, overloaded=attempt is not winner)

    def abandoned(self, group: Group, attempts: list[Attempt], now: float) -> None:
        """Nobody waits for them any more; there is room for those who queue."""
        for attempt in attempts:
            attempt.abandon(now)
        if len(group.queue):
            group.pump()

    def put_off(self, group: Group, attempt: Attempt, now: float, *, wall_s: float) -> float | None:
        """It answered that one should try again; in how many seconds, if it says so."""
        assert attempt.head is not None
        status = attempt.head.status
        if status == RATE_LIMITED:
            return self._rate_limited(group, attempt, now, wall_s=wall_s)
        wait_s = attempt.asked_to_wait(wall_s=wall_s)
        self.failed(group, attempt, now, overloaded=status in OVERLOADED)
        return wait_s

    def _rate_limited(self, group: Group, attempt: Attempt, now: float, *, wall_s: float) -> float:
        """The place asked to be left alone, for so many seconds: neither success nor failure."""
        wait_s = attempt.rate_limited(now, wall_s=wall_s)
        group.throttle.rejected(now)
        self._tell(group, attempt.place, "resting", wait_s)
        return wait_s

    def _learn(self, group: Group, place: Place, now: float, *, is_good: bool) -> None:
        if group.learn(place, now, is_good=is_good):
            ejected_s = group.ejector.until(group.places.index(place)) - now
            self._tell(group, place, "ejected", ejected_s)

    def _tell(self, group: Group, place: Place, kind: NewsKind, for_s: float) -> None:
        self._on_news(News(group.node.id, place.node.id, kind, for_s))
