"""Sending: one call's tries, from its turn to the answer that counts.

A call waits for room, is tried, is tried again where that is safe and within the retry budget, is
hedged, falls back; all within one deadline. The first answer that counts goes to its ``Delivery``,
the caller's half; until that has given anything away, another try may take its place.
"""

import asyncio
from typing import Final

from holdfast.core import NodeId
from holdfast.gateway.attempt import (
    NEVER_BEGUN,
    OVERLOADED,
    RATE_LIMITED,
    TRIED_AGAIN,
    Attempt,
    Kind,
)
from holdfast.gateway.call import Routed
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.groups import Group
from holdfast.gateway.journeys import NEVER, ROUTED_MARKS, Journey
from holdfast.gateway.means import Means
from holdfast.gateway.paying import Fare, Refusal
from holdfast.gateway.places import Place
from holdfast.gateway.replies import failure_rule
from holdfast.gateway.retrying import (
    WAITED_S_MAX,
    choose_place,
    hedge_after_s,
    other_place,
    pause_s,
)
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers import Usage, read_usage
from holdfast.wire import ConnectError, Exchange, PoolFullError, ResponseHead, WireError

HEDGE: Final = "hedge"
QUEUE: Final = "queue_s"
FIRST: Final = "first_byte_s"
IDLE: Final = "idle_s"
TOTAL: Final = "total_s"
EVENT_STREAM: Final = b"text/event-stream"
OURS_TO_TELL: Final = frozenset(("deadline.passed", "limit.answer-bytes"))
"""Ends that an upstream's error answer, had before, says nothing about."""


class Sending:
    """The owner of a call's attempts. Ends exactly once, through its delivery."""

    __slots__ = (
        "_attempts",
        "_delivery",
        "_due",
        "_fallbacks",
        "_fare",
        "_is_hedged",
        "_is_over",
        "_journey",
        "_last",
        "_means",
        "_routed",
        "_size",
        "_so_far",
        "_timer",
        "_tried",
        "_winner",
    )

    def __init__(
        self, routed: Routed, *, means: Means, journey: Journey, exchange: Exchange
    ) -> None:
        fallback = routed.screened.allowed.relationship.fallback
        self._routed = routed
        self._means = means
        self._journey = journey
        self._delivery = Delivery(
            routed, write=means.write, journey=journey, exchange=exchange, now=means.now
        )
        self._fare = means.free
        self._fallbacks = list(fallback.to) if fallback is not None else []
        self._attempts: list[Attempt] = []
        self._winner: Attempt | None = None
        self._last: tuple[Attempt | None, Rule, str] | None = None
        self._so_far: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = self._is_hedged = False
        self._due, self._tried, self._size = 0.0, 0, 0

    def begin(self) -> None:
        routed, journey = self._routed, self._journey
        journey.due_in_all = self._due = journey.began + routed.total_s
        journey.on_due = self._on_due
        self._delivery.begin(on_disconnect=self._on_disconnect, on_withheld=self._on_withheld)
        group, now = routed.group, journey.marks[-1]
        if not group.throttle.is_calm and group.sheds(routed.criticality, now):
            self._nowhere("load.shed", "most of what its upstreams are asked now comes to nothing")
            return
        self._pay(now)

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

    def _seek(self, now: float) -> None:
        """Find a place with room, or wait for one, or say that there is none."""
        routed = self._routed
        group = routed.group
        place = choose_place(routed, now)
        if now >= self._due:
            # The sweep that ends it has not come by yet.
            self._run_out(now)
        elif place is not None:
            self._try(place, now)
        elif group.anyone(now):
            self._wait(group, now)
        else:
            back_at = group.back_at(now)
            retry_s = back_at - now if back_at < NEVER else None
            rule = RULES["upstream.rate-limited" if group.resting(now) else "upstream.open"]
            self._nowhere(rule.code, rule.meaning, retry_s=retry_s)

    def _wait(self, group: Group, now: float) -> None:
        if group.wait(self, criticality=self._routed.criticality, due=self._due, now=now):
            self._journey.expect(QUEUE, now + group.node.concurrency.queue_s)
        else:
            group.counters.shed += 1
            self._nowhere("queue.full", f"{len(group.queue)} calls wait for '{group.node.id}'")

    def resume(self, now: float) -> bool:
        """Room came free (``groups.Waiting``)."""
        self._seek(now)
        return bool(self._attempts) or self._is_over

    def drop(self, code: str) -> None:
        """It waited in vain, or its place in the queue is another's (``groups.Waiting``)."""
        self._nowhere(code, f"no room at '{self._routed.group.node.id}' in time")

    def _try(self, place: Place, now: float, *, is_hedge: bool = False) -> None:
        routed, journey, group = self._routed, self._journey, self._routed.group
        attempt = Attempt(self, place, tokens=routed.tokens.total, now=now)
        attempt.is_hedge = is_hedge
        self._attempts.append(attempt)
        self._tried += 1
        if self._tried == 1:
            group.retry_budget.deposit()
        journey.attempts += 1
        journey.place = place
        message = self._means.message(
            routed, place.upstream, left_s=self._due - now, so_far=self._so_far
        )
        if not is_hedge:
            hedge_s = None if self._is_hedged else hedge_after_s(routed, now)
            wait_s = routed.timeouts.first_byte_s
            if hedge_s is not None and hedge_s < wait_s:
                journey.expect(HEDGE, now + hedge_s)
            else:
                journey.expect(FIRST, now + wait_s)
        attempt.ticket = place.upstream.pool.send(message, attempt)

    def _hedge(self, now: float) -> None:
        """The first is slow: ask another too, if the budgets of hedges and of retries allow."""
        self._is_hedged = True
        group, first = self._routed.group, self._attempts[0]
        self._journey.expect(FIRST, first.began + self._routed.timeouts.first_byte_s)
        place = other_place(self._routed, now, than=first.place)
        if place is None or not self._fare.covers_another(live=1):
            return
        if group.hedge_budget.take(now) and group.retry_budget.take(now):
            group.counters.hedges += 1
            self._try(place, now, is_hedge=True)

    # -- what comes of it (``attempt.Owner``) ---------------------------------------------------

    def on_head(self, attempt: Attempt, head: ResponseHead) -> None:
        status = head.status
        if status in TRIED_AGAIN:
            attempt.kind = Kind.ERROR
        elif status == 200 and head.headers.get(b"content-type", b"").startswith(EVENT_STREAM):
            attempt.kind = Kind.STREAM
        elif self._delivery.has_begun:
            attempt.kind = Kind.ERROR
        else:
            attempt.kind = Kind.ANSWER
            self._win(attempt)

    def on_body(self, attempt: Attempt, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._routed.screened.limits.answer_bytes:
            self._abandon_all()
            rule = RULES["limit.answer-bytes"]
            self._conclude(rule, rule.meaning)
        elif attempt.kind is not Kind.STREAM:
            attempt.body.append(data)
            if attempt is self._winner:
                self._progress(attempt)
        else:
            if attempt is not self._winner:
                self._win(attempt)
                self._routed.group.counters.seams += self._delivery.has_begun
                self._delivery.stream_from(attempt, self._routed)
            self._progress(attempt)
            self._feed(attempt, data)

    def on_end(self, attempt: Attempt) -> None:
        head = attempt.head
        assert head is not None
        match attempt.kind:
            case Kind.ERROR:
                self._on_error_answer(attempt, head.status)
            case Kind.STREAM:
                if attempt is not self._winner:
                    self._win(attempt)
                    self._delivery.stream_from(attempt, self._routed)
                self._succeed(attempt, self._delivery.stream_usage)
                self._delivery.finish_stream()
            case Kind.ANSWER:
                body = attempt.whole_body()
                usage = read_usage(body)
                self._succeed(attempt, usage)
                self._delivery.answer(head, body, usage)
            case Kind.NONE:
                raise AssertionError("an answer ended before its head")

    def on_failure(self, attempt: Attempt, error: WireError) -> None:
        never_sent = isinstance(error, ConnectError | PoolFullError)
        self._fare.unknown += not never_sent
        now = self._means.now()
        if isinstance(error, PoolFullError):
            # Nobody was asked, so nobody is to blame.
            attempt.leave(now)
        else:
            self._means.lessons.failed(self._routed.group, attempt, now, overloaded=False)
        self._failed(attempt, failure_rule(error), error.what, now, is_safe=never_sent)

    def _win(self, attempt: Attempt) -> None:
        """Its answer is the call's: others are told to stop."""
        now = self._means.now()
        group = self._routed.group
        if len(self._journey.marks) == ROUTED_MARKS:
            self._journey.marks.append(now)
        self._winner = attempt
        self._journey.place = attempt.place
        seconds = attempt.first_token(now)
        if group.sole is None:
            group.first_token.observe(seconds, now)
            if attempt.is_hedge:
                group.counters.hedges_won += 1
            for other in self._attempts:
                if other is not attempt:
                    self._fare.unknown += 1
                    other.abandon(now)
            self._attempts = [attempt]
        self._progress(attempt)

    def _progress(self, attempt: Attempt) -> None:
        if attempt.ticket.paused:
            # What was read before it was held back still comes; its silence after that is ours.
            return
        self._journey.expect(IDLE, self._means.now() + self._routed.timeouts.idle_s)

    def _feed(self, attempt: Attempt, data: bytes) -> None:
        try:
            self._delivery.feed(data)
        except WireError as error:
            now = self._means.now()
            attempt.ticket.cancel()
            self._means.lessons.failed(self._routed.group, attempt, now, overloaded=False)
            self._failed(attempt, failure_rule(error), error.what, now, is_safe=False)

    def _succeed(self, attempt: Attempt, usage: Usage | None) -> None:
        group = self._routed.group
        tokens_out = usage.completion_tokens or 0 if usage is not None else 0
        self._means.lessons.succeeded(group, attempt, tokens_out, self._means.now())
        assert attempt.head is not None
        # An error about the request itself is no failure of the upstream, and costs nothing.
        self._release(attempt.place if attempt.head.status < 400 else None, usage)
        if len(group.queue):
            group.pump()

    def _on_error_answer(self, attempt: Attempt, status: int) -> None:
        """An answer that says to try again, or elsewhere."""
        now, group, lessons = self._means.now(), self._routed.group, self._means.lessons
        if status == RATE_LIMITED:
            wait_s = lessons.rate_limited(group, attempt, now, wall_s=self._means.wall_s())
        else:
            wait_s = attempt.asked_to_wait(wall_s=self._means.wall_s())
            lessons.failed(group, attempt, now, overloaded=status in OVERLOADED)
        what = f"the upstream answered {status}"
        safe = status in NEVER_BEGUN
        self._failed(attempt, RULES["upstream.error"], what, now, is_safe=safe, wait_s=wait_s)

    def _failed(
        self,
        attempt: Attempt,
        rule: Rule,
        what: str,
        now: float,
        *,
        is_safe: bool,
        wait_s: float | None = None,
    ) -> None:
        """An attempt came to nothing: is there another way?"""
        if attempt in self._attempts:
            self._attempts.remove(attempt)
        self._routed.group.pump()
        self._last = (attempt, rule, what)
        was_winner, self._winner = attempt is self._winner, None
        if self._attempts:
            # The other of a hedged pair is still out.
            return
        if self._delivery.has_begun:
            if self._delivery.is_complete:
                # It broke after its terminal event: nothing is missing.
                self._release(attempt.place, self._delivery.stream_usage)
                self._delivery.finish_stream()
                return
            if was_winner:
                self._so_far = self._delivery.text_so_far()
            if self._so_far is None:
                self._conclude(rule, what)
                return
        if not is_safe and not self._routed.is_effectless:
            self._conclude(rule, what)
            return

        def covered(is_covered: bool) -> None:
            if self._is_over:
                # Its caller left meanwhile: what was reserved for it goes back.
                fare.settle(None, None, is_answered=False)
            elif not (is_covered and self._another_way(attempt, wait_s)):
                self._conclude(rule, what)

        fare = self._fare
        self._journey.expect(TOTAL, self._due)
        fare.cover(covered)

    # -- the other ways -----------------------------------------------------------------------

    def _another_way(self, failed: Attempt, asked_s: float | None) -> bool:
        now = self._means.now()
        return self._try_again(failed, now, asked_s) or self._fall_back(now)

    def _try_again(self, failed: Attempt, now: float, asked_s: float | None) -> bool:
        """At once where another place has room, after a while otherwise."""
        routed = self._routed
        group, retries = routed.group, routed.screened.allowed.relationship.retries
        if self._tried >= retries.attempts:
            return False
        other = other_place(routed, now, than=failed.place)
        wait_s = 0.0
        if other is None:
            chance = self._means.jitter()
            wait_s = pause_s(retries, self._tried, asked_s=asked_s, chance=chance)
        if wait_s > WAITED_S_MAX or now + wait_s >= self._due:
            return False
        if not group.retry_budget.take(now):
            group.counters.retries_denied += 1
            return False
        group.counters.retries += 1
        if other is not None:
            self._try(other, now)
        else:
            self._journey.expect(TOTAL, self._due)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_backed_off)
        return True

    def _on_backed_off(self) -> None:
        self._timer = None
        if not self._is_over:
            self._seek(self._means.now())

    def _fall_back(self, now: float) -> bool:
        """To the next node that the caller may call and that has an upstream left."""
        while self._fallbacks:
            name = NodeId(self._fallbacks.pop(0))
            routed = self._means.reroute(self._routed, name)
            if routed is None or not routed.group.anyone(now):
                continue
            self._routed.group.counters.fallbacks += 1
            self._fare.settle(None, None, is_answered=False)
            self._routed, self._fare, self._tried = routed, self._means.free, 0
            self._journey.fallback = routed.screened.allowed.relationship.id
            self._pay(now)
            return True
        return False

    def _nowhere(self, code: str, what: str, *, retry_s: float | None = None) -> None:
        """There is no place for it here; perhaps there is elsewhere."""
        if self._is_over or self._fall_back(self._means.now()):
            return
        if self._journey.attempts:
            self._conclude(RULES[code], what, retry_s=retry_s)
        else:
            self._refuse(code, what, retry_s=retry_s)

    def _refuse(self, code: str, what: str, *, retry_s: float | None = None) -> None:
        """Nothing was sent."""
        self._release(None, None)
        self._delivery.refuse(RULES[code], what, retry_s=retry_s)

    def _conclude(self, rule: Rule, what: str, *, retry_s: float | None = None) -> None:
        """The last try's answer, if it was one; else an error that says what happened."""
        attempt = self._last[0] if self._last is not None else None
        self._release(None, None)
        is_ours = self._delivery.has_begun or rule.code in OURS_TO_TELL
        if attempt is None or attempt.head is None or attempt.kind is not Kind.ERROR or is_ours:
            self._delivery.fail(rule, what, retry_s=retry_s)
        else:
            self._delivery.answer(attempt.head, attempt.whole_body(), None)

    def _release(self, place: Place | None, usage: Usage | None) -> None:
        """Nothing more will be tried: what the call held goes back, what it cost is paid."""
        self._is_over = True
        # Its parts know it: let go of them, so that no circle is left for the collector.
        self._attempts, self._winner, self._last = [], None, None
        self._delivery.let_go()
        if self._timer is not None:
            self._timer.cancel()
        node = place.node if place is not None else None
        self._fare.settle(node, usage, is_answered=node is not None)

    def _on_due(self) -> None:
        limit, now = self._journey.limit, self._means.now()
        if limit == HEDGE:
            self._hedge(now)
        elif limit == QUEUE:
            self._routed.group.queue.remove(self)
            self._routed.group.counters.queue_dropped += 1
            self.drop("queue.timeout")
        elif limit == TOTAL:
            self._run_out(now)
        elif not self._attempts:
            # The silence of one that is no longer asked: the call itself still has time.
            self._journey.expect(TOTAL, self._due)
        else:
            late = self._time_out_all(now)
            what = f"the upstream exceeded its {limit} limit"
            self._failed(late[0], RULES["upstream.timeout"], what, now, is_safe=False)

    def _run_out(self, now: float) -> None:
        """The whole call's time is over."""
        self._routed.group.queue.remove(self)
        self._time_out_all(now)
        code = "deadline.passed" if self._routed.is_hurried else "upstream.timeout"
        self._conclude(RULES[code], f"the call exceeded its {TOTAL} limit")

    def _time_out_all(self, now: float) -> list[Attempt]:
        attempts, self._attempts = self._attempts, []
        self._fare.unknown += len(attempts)
        self._means.lessons.timed_out(self._routed.group, attempts, now, winner=self._winner)
        return attempts

    def _abandon_all(self) -> None:
        attempts, self._attempts = self._attempts, []
        self._fare.unknown += len(attempts)
        self._means.lessons.abandoned(self._routed.group, attempts, self._means.now())

    def _on_withheld(self) -> None:
        """Its stream may not begin: nothing of the answer will be told."""
        if not self._is_over:
            self._abandon_all()
            self._release(None, None)

    def _on_disconnect(self) -> None:
        """The caller has gone: nobody is left to answer."""
        if self._is_over:
            self._delivery.abandon()
            return
        self._routed.group.queue.remove(self)
        self._abandon_all()
        self._release(None, None)
        self._delivery.cancel()
