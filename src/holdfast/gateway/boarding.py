"""Boarding: a call's way to its turn. Shed, recorded where it may act, charged, queued; then tried.

What happens once it is tried, ``sending`` says.
"""

from abc import abstractmethod

from holdfast.core import HoldfastError
from holdfast.gateway.call import Routed
from holdfast.gateway.groups import Group
from holdfast.gateway.journeys import NEVER, QUEUE, TOTAL, Journey
from holdfast.gateway.means import Means
from holdfast.gateway.paying import Fare, Refusal
from holdfast.gateway.places import Place
from holdfast.gateway.retrying import choose_place
from holdfast.gateway.rules import RULES
from holdfast.providers import Usage
from holdfast.wire import Exchange


class Boarding:
    """The half of ``Sending`` before the first try, and before each that must wait."""

    __slots__ = ("_delivery", "_due", "_fare", "_is_over", "_journey", "_means", "_routed")

    def __init__(
        self, routed: Routed, *, means: Means, journey: Journey, exchange: Exchange
    ) -> None:
        self._routed = routed
        self._means = means
        self._journey = journey
        self._delivery = means.deliver(routed, journey=journey, exchange=exchange)
        self._fare = means.free
        self._is_over = False
        self._due = 0.0

    def begin(self) -> None:
        routed, journey = self._routed, self._journey
        journey.due_in_all = self._due = journey.began + routed.total_s(journey.held_s)
        journey.on_due = self._on_due
        self._delivery.begin(on_disconnect=self._on_disconnect, on_withheld=self._on_withheld)
        group, now = routed.group, journey.marks[-1]
        if not group.throttle.is_calm and group.sheds(routed.criticality, now):
            self._nowhere("load.shed", "most of what its upstreams are asked now comes to nothing")
            return
        if routed.may_act:
            self._intend()
        else:
            self._pay(now)

    def cancel(self) -> None:
        """The caller takes the call back."""
        self._on_disconnect()

    def _intend(self) -> None:
        """What may change something is recorded before it is sent."""

        def intended(error: HoldfastError | None) -> None:
            if self._is_over:
                return
            if error is None:
                self._pay(self._means.now())
            else:
                self._release(None, None)
                self._delivery.withheld(error)

        self._journey.expect(TOTAL, self._due)
        self._means.write.opened(self._routed, self._journey, intended, event="intent")

    def _pay(self, now: float) -> None:
        """Before it may be sent over a relationship: its bulkheads, its budgets."""
        means, routed = self._means, self._routed
        tolls = routed.tolls
        if tolls is None:
            self._seek(now)
            return
        fare = self._fare = Fare(tolls, routed.tokens, spending=means.spending, clock=means.clock)
        full = fare.enter()
        if full is not None:
            self._turn_away("bulkhead.full", f"'{full}' has all the calls in flight it may have")
        else:
            self._journey.expect(TOTAL, self._due)
            fare.reserve(lambda refused: self._on_reserved(fare, refused))

    def _on_reserved(self, fare: Fare, refused: Refusal | None) -> None:
        if self._is_over:
            fare.settle(None, None, is_answered=False)
        elif refused is None:
            self._seek(self._means.now())
        else:
            self._turn_away(*refused)

    def _turn_away(self, code: str, what: str, retry_s: float | None = None) -> None:
        """What the call may not cost is no failure of its callee, so nobody is asked instead."""
        if self._journey.fallback is None:
            self._refuse(code, what, retry_s=retry_s)
        else:
            self._nowhere(code, what, retry_s=retry_s)

    def _seek(self, now: float, *, is_resumed: bool = False) -> None:
        """Find a place with room, or wait for one, or say that there is none. One that is resumed
        and waits again waits no longer in all."""
        routed = self._routed
        group = routed.group
        place = choose_place(routed, now)
        if now >= self._due:
            # The sweep that ends it has not come by yet.
            self._run_out(now)
        elif place is not None:
            self._try(place, now)
        elif group.anyone(now):
            self._wait(group, now, is_resumed=is_resumed)
        else:
            back_at = group.back_at(now)
            retry_s = back_at - now if back_at < NEVER else None
            rule = RULES["upstream.rate-limited" if group.resting(now) else "upstream.open"]
            self._nowhere(rule.code, rule.meaning, retry_s=retry_s)

    def _wait(self, group: Group, now: float, *, is_resumed: bool) -> None:
        if group.wait(self, criticality=self._routed.criticality, due=self._due, now=now):
            if is_resumed:
                return
            self._journey.expect(QUEUE, now + group.node.concurrency.queue_s)
        else:
            group.counters.shed += 1
            self._nowhere("queue.full", f"{len(group.queue)} calls wait for '{group.node.id}'")

    def resume(self, now: float) -> bool:
        """Room came free, or there is nothing to wait for (``groups.Waiting``)."""
        self._seek(now, is_resumed=True)
        return self._is_out or self._is_over

    def drop(self, code: str) -> None:
        """It waited in vain, or its place in the queue is another's (``groups.Waiting``)."""
        self._nowhere(code, f"no room at '{self._routed.group.node.id}' in time")

    # -- what ``Sending`` does ------------------------------------------------------------------

    @property
    @abstractmethod
    def _is_out(self) -> bool:
        """Whether an upstream is being asked."""

    @abstractmethod
    def _try(self, place: Place, now: float, *, is_hedge: bool = False) -> None: ...

    @abstractmethod
    def _nowhere(self, code: str, what: str, *, retry_s: float | None = None) -> None: ...

    @abstractmethod
    def _refuse(self, code: str, what: str, *, retry_s: float | None = None) -> None: ...

    @abstractmethod
    def _release(self, place: Place | None, usage: Usage | None) -> None: ...

    @abstractmethod
    def _run_out(self, now: float) -> None: ...

    @abstractmethod
    def _on_due(self) -> None: ...

    @abstractmethod
    def _on_withheld(self) -> None: ...

    @abstractmethod
    def _on_disconnect(self) -> None: ...
