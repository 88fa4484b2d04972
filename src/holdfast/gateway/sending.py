"""Sending: one call's tries, from its turn (``boarding``) to the answer that counts.

A call is tried, is tried again where that is safe and within the retry budget, is hedged, falls
back; all within one deadline. The first answer that counts goes to its ``Delivery``,
the caller's half; until that has given anything away, another try may take its place.
"""

import asyncio
from typing import Final

from holdfast.gateway.attempt import NEVER_BEGUN, Attempt, Kind, kind_of
from holdfast.gateway.boarding import Boarding
from holdfast.gateway.call import Routed
from holdfast.gateway.journeys import FIRST, HEDGE, IDLE, QUEUE, ROUTED_MARKS, TOTAL, Journey
from holdfast.gateway.means import Means
from holdfast.gateway.places import Place
from holdfast.gateway.replies import failure_rule
from holdfast.gateway.retrying import (
    hedge_after_s,
    may_retry,
    next_node,
    other_place,
    pause_s,
)
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers import Usage
from holdfast.wire import (
    ConnectError,
    Exchange,
    PoolFullError,
    ResponseHead,
    StaleError,
    WireError,
)

OURS_TO_TELL: Final = frozenset(("deadline.passed", "limit.answer-bytes"))
"""Ends that an upstream's error answer, had before, says nothing about."""


class Sending(Boarding):
    """The owner of a call's attempts. Ends exactly once, through its delivery."""

    __slots__ = (
        "_attempts",
        "_fallbacks",
        "_is_hedged",
        "_last",
        "_size",
        "_so_far",
        "_timer",
        "_tried",
        "_winner",
    )

    def __init__(
        self, routed: Routed, *, means: Means, journey: Journey, exchange: Exchange
    ) -> None:
        super().__init__(routed, means=means, journey=journey, exchange=exchange)
        fallback = routed.screened.allowed.relationship.fallback
        self._fallbacks = list(fallback.to) if fallback is not None else []
        self._attempts: list[Attempt] = []
        self._winner: Attempt | None = None
        self._last: tuple[Attempt | None, Rule, str] | None = None
        self._so_far: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_hedged = False
        self._tried = self._size = 0

    @property
    def _is_out(self) -> bool:
        return bool(self._attempts)

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
        if not is_hedge:
            hedge_s = None if self._is_hedged else hedge_after_s(routed, now)
            wait_s = routed.timeouts.first_byte_s
            if hedge_s is not None and hedge_s < wait_s:
                journey.expect(HEDGE, now + hedge_s)
            else:
                journey.expect(FIRST, now + wait_s)
        attempt.ticket = self._means.carry(
            routed, attempt, left_s=self._due - now, so_far=self._so_far
        )

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
        kind = kind_of(head)
        if kind is Kind.ANSWER and self._delivery.has_begun:
            kind = Kind.ERROR
        attempt.kind = kind
        if kind is Kind.ANSWER:
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
                usage = self._delivery.usage_of(body)
                self._succeed(attempt, usage)
                self._delivery.answer(head, body, usage)
            case Kind.NONE:
                raise AssertionError("an answer ended before its head")

    def on_failure(self, attempt: Attempt, error: WireError) -> None:
        now = self._means.now()
        if isinstance(error, StaleError) and self._ask_afresh(attempt, now):
            return
        never_sent = isinstance(error, ConnectError | PoolFullError)
        self._fare.unknown += not never_sent
        if isinstance(error, PoolFullError):
            # Nobody was asked, so nobody is to blame.
            attempt.leave(now)
        else:
            self._means.lessons.failed(self._routed.group, attempt, now, overloaded=False)
        self._failed(attempt, failure_rule(error), error.what, now, is_safe=never_sent)

    def _ask_afresh(self, attempt: Attempt, now: float) -> bool:
        """A connection that had been idle was dead: the same try over a new one, once, where
        asking twice does no harm (RFC 9112 section 9.3.1). No retry, for nobody was at fault."""
        if attempt.is_afresh or not self._routed.is_effectless:
            return False
        attempt.is_afresh = True
        attempt.ticket = self._means.carry(
            self._routed, attempt, left_s=self._due - now, so_far=self._so_far
        )
        return True

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
        self._release(attempt.place if attempt.head.status < 300 else None, usage)
        if len(group.queue):
            group.pump()

    def _on_error_answer(self, attempt: Attempt, status: int) -> None:
        """An answer that says to try again, or elsewhere."""
        now, means = self._means.now(), self._means
        wait_s = means.lessons.put_off(self._routed.group, attempt, now, wall_s=means.wall_s())
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
        if self._tried >= routed.screened.allowed.relationship.retries.attempts:
            return False
        other = other_place(routed, now, than=failed.place)
        wait_s = 0.0
        if other is None:
            chance = self._means.jitter()
            wait_s = pause_s(routed, self._tried, asked_s=asked_s, chance=chance)
        if not may_retry(routed.group, now, wait_s=wait_s, due=self._due):
            return False
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
        routed = next_node(self._routed, self._fallbacks, self._means.reroute, now)
        if routed is None:
            return False
        self._fare.settle(None, None, is_answered=False)
        self._routed, self._fare, self._tried = routed, self._means.free, 0
        allowed = routed.screened.allowed
        self._journey.fallback = allowed.relationship.id
        self._journey.owed = allowed.decision.obligations
        self._pay(now)
        return True

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
