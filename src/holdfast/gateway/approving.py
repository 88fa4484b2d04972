"""Calls that wait for a person: held after routing, before anything is sent or paid.

A held call ends its wait exactly once: by a verdict, by time, by its caller's leaving, or by the
gateway's end. Only a yes lets it go on, and then everything is asked once more, of what holds then.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from holdfast.core import CallId, Instant
from holdfast.gateway.call import Known, Routed
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.journeys import NEVER, Approval, Journey
from holdfast.gateway.rules import RULES
from holdfast.gateway.showing import shown
from holdfast.wire import Exchange
from holdfast.world.ports import Clock

APPROVAL_S_MAX: Final = 300.0
"""How long a call waits for a person; less where its caller says so."""
HELD_MAX: Final = 128
"""Calls that wait on one worker: each keeps its request and its connection."""
TELL_S: Final = 5.0
"""How often a caller that takes notifications is told that it waits."""
WAITED: Final = "approval"
_MICROSECONDS: Final = 1_000_000


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to decide. ``content`` is what would be sent (a tool's arguments, the
    last thing a user said), without secrets and cut short where ``is_cut``; ``content_bytes`` is
    the size of the whole request. ``groups`` are those each of which must say yes; ``trace`` is the
    ``traceparent`` that the caller sent."""

    call: CallId
    groups: tuple[str, ...]
    principal: str
    on_behalf_of: str | None
    chain: tuple[str, ...]
    action: str
    callee: str
    tool: str | None
    content: str
    is_cut: bool
    content_bytes: int
    policies: tuple[str, ...]
    reason: str
    relationship: str
    since: Instant
    until: Instant
    trace: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question. ``by`` is who decided, None when nobody could be asked."""

    call: CallId
    is_yes: bool
    by: str | None


class GoOn(Protocol):
    """Send a call that somebody approved, if it may still go."""

    def __call__(self, known: Known, journey: Journey, exchange: Exchange) -> None: ...


class Approvals:
    """The held calls of one worker; it outlives reloads. ``go_on`` is the newest path's."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_asked: Callable[[Question], None] = _nobody
        self.on_over: Callable[[CallId], None] = _nobody
        self.go_on: GoOn = _nowhere
        self._held: dict[CallId, Held] = {}
        self._is_ending = False

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, held: "Held") -> None:
        """Let a call wait, where there is room."""
        if self._is_ending:
            held.turn_away("approval.interrupted", "the gateway stops")
            return
        if len(self._held) >= HELD_MAX:
            held.turn_away("approval.full", f"{HELD_MAX} calls wait on this worker")
            return
        self._held[held.call] = held
        self.on_asked(held.begin())

    def hear(self, verdict: Verdict) -> None:
        """Somebody decided; a call that is over hears nothing."""
        held = self._held.get(verdict.call)
        if held is not None:
            held.hear(verdict)

    def forget(self, call: CallId, *, is_decided: bool) -> None:
        """Its wait is over; whoever was asked need decide no more."""
        self._held.pop(call, None)
        if not is_decided:
            self.on_over(call)

    def interrupt(self) -> None:
        """The gateway ends: nobody's yes would come in time."""
        self._is_ending = True
        for held in tuple(self._held.values()):
            held.interrupt()


class Held:
    """One call that waits."""

    __slots__ = (
        "_approvals",
        "_delivery",
        "_exchange",
        "_is_over",
        "_journey",
        "_routed",
        "_since",
    )

    def __init__(
        self,
        routed: Routed,
        *,
        approvals: Approvals,
        delivery: Delivery,
        journey: Journey,
        exchange: Exchange,
    ) -> None:
        self._routed = routed
        self._approvals = approvals
        self._delivery = delivery
        self._journey = journey
        self._exchange = exchange
        self._is_over = False
        self._since = approvals.clock.monotonic()

    @property
    def call(self) -> CallId:
        return self._journey.call

    def begin(self) -> Question:
        """Wait; what is to be asked."""
        journey, now = self._journey, self._since
        journey.approval = Approval()
        journey.on_due = self._on_due
        self._delivery.begin(on_disconnect=self.cancel, on_withheld=_nothing)
        self._wait(now)
        left_us = int((self._until - now) * _MICROSECONDS)
        return self._question(self._approvals.clock.now(), left_us)

    def hear(self, verdict: Verdict) -> None:
        """Somebody decided."""
        if self._is_over:
            return
        journey, routed = self._journey, self._routed
        approval = journey.approval
        assert approval is not None
        approval.approver = verdict.by
        if not verdict.is_yes:
            code = "approval.denied" if verdict.by is not None else "approval.full"
            self._refuse(code, f"'{verdict.by}' said no" if verdict.by else "", is_decided=True)
            return
        approval.groups = routed.screened.approvals
        approval.held_s = self._approvals.clock.monotonic() - self._since
        self._end(is_decided=True)
        self._approvals.go_on(routed.screened.allowed.known, journey, self._exchange)

    def cancel(self) -> None:
        """The caller has gone, or takes the call back."""
        if not self._is_over:
            self._end(is_decided=False)
            self._delivery.cancel()

    def interrupt(self) -> None:
        """The gateway ends."""
        if not self._is_over:
            self._refuse("approval.interrupted", "the gateway stops", is_decided=False)

    def turn_away(self, code: str, what: str) -> None:
        """It may not even wait."""
        self._is_over = True
        self._delivery.let_go()
        self._delivery.refuse(RULES[code], what, retry_s=1.0)

    @property
    def _until(self) -> float:
        patience_s = self._routed.screened.allowed.known.accepted.patience_s
        until = self._since + APPROVAL_S_MAX
        return until if patience_s is None else min(until, self._journey.began + patience_s)

    def _wait(self, now: float) -> None:
        groups = " and ".join(self._routed.screened.approvals)
        told = self._delivery.tell_waiting(groups, left_s=self._until - now)
        journey = self._journey
        journey.due, journey.limit = self._until, WAITED
        if told:
            journey.due = min(now + TELL_S, self._until)

    def _on_due(self) -> None:
        now = self._approvals.clock.monotonic()
        if now < self._until:
            self._wait(now)
            return
        groups = " or ".join(f"'{name}'" for name in self._routed.screened.approvals)
        self._refuse(
            "approval.timeout",
            f"nobody of {groups} decided within {now - self._since:.0f} s",
            is_decided=False,
        )

    def _refuse(self, code: str, what: str, *, is_decided: bool) -> None:
        rule = RULES[code]
        self._end(is_decided=is_decided)
        self._delivery.refuse(rule, what or rule.meaning, retry_s=None)

    def _end(self, *, is_decided: bool) -> None:
        """The wait is over; no circle is left for the collector."""
        self._is_over = True
        journey = self._journey
        journey.due, journey.on_due = NEVER, None
        if journey.approval is not None:
            journey.approval.is_waiting = False
        self._exchange.on_disconnect = None
        self._approvals.forget(journey.call, is_decided=is_decided)
        self._delivery.let_go()

    def _question(self, now: Instant, left_us: int) -> Question:
        screened = self._routed.screened
        allowed = screened.allowed
        known, decision = allowed.known, allowed.decision
        said = shown(self._routed)
        return Question(
            call=self._journey.call,
            groups=screened.approvals,
            principal=known.principal,
            on_behalf_of=known.caller.on_behalf_of,
            chain=known.caller.chain,
            action=known.accepted.endpoint.action,
            callee=allowed.callee.id,
            tool=said.tool,
            content=said.content,
            is_cut=said.is_cut,
            content_bytes=len(screened.body),
            policies=decision.policies,
            reason=decision.reason,
            relationship=allowed.relationship.id,
            since=now,
            until=Instant(now + left_us),
            trace=known.accepted.context.trace,
        )


def _nothing() -> None:
    """Nothing was begun that could be withheld."""


def _nobody(_of: Question | CallId) -> None:
    """There is nobody to ask; the calls wait until their time is over."""


def _nowhere(known: Known, journey: Journey, exchange: Exchange) -> None:  # noqa: ARG001 - a GoOn
    raise AssertionError("a call was approved before there was a path")
