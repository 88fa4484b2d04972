"""Rules about what may reach an upstream, and about refusals."""

import re
from typing import Final

from holdfast.testing.caller import Heard
from holdfast.testing.court import Court, Rule
from holdfast.testing.law import STATUS
from holdfast.testing.orders import Order
from holdfast.testing.setup import REQUEST_BYTES
from holdfast.testing.upstream import Attempt

CUT_OFF_S: Final = 0.5
"""How soon the gateway leaves an upstream whose caller has gone, in calm weather."""
SLACK_MS: Final = 2
_PARENT: Final = re.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-01")


class OnlyAllowedCallsAreSent(Rule):
    """No call is sent that the law did not allow at some moment since it was asked, nor anywhere
    else than to those who answer for what it asks, or for what that falls back to."""

    name = "only allowed calls are sent"

    def on_reached(self, attempt: Attempt) -> None:
        evidence = self.evidence
        order = evidence.orders.get(attempt.order)
        if order is None:
            self.broken(f"an upstream was asked what nobody asked: {attempt.fields}")
            return
        since, size = evidence.sent_at[order.number], len(order.body())
        verdicts = evidence.law.verdicts(order, size, since=since, until=evidence.now)
        if None not in verdicts:
            self.broken(f"call {order.number} was sent although {sorted(map(str, verdicts))}")
        self._check_place(order, attempt, since)
        if "hf_" in str(attempt.fields):
            self.broken(f"call {order.number} took its caller's key to the upstream")

    def _check_place(self, order: Order, attempt: Attempt, since: float) -> None:
        evidence = self.evidence
        place = evidence.plan.setup.place_at(attempt.where)
        if place.model != attempt.model:
            self.broken(f"call {order.number} asked {attempt.where} for {attempt.model}")
        may_fall_back = evidence.plan.setup.controls.fallback != "no"
        is_fallback = (order.model, place.called) == ("reviewer", "counter") and may_fall_back
        if place.called != order.model and not is_fallback:
            self.broken(f"call {order.number} to {order.model} was sent to {place.called}")
            return
        pairs = evidence.law.pairs(order, since=since, until=evidence.now, callee=place.called)
        if not any(_is_within(attempt.max_tokens, pair.max_tokens) for pair in pairs):
            self.broken(
                f"call {order.number} was sent to {place.called} with {attempt.max_tokens} tokens "
                f"allowed over {[pair.id for pair in pairs]}"
            )


class DeadlinesAreHandedOn(Rule):
    """An upstream is told how long its caller still waits, and never longer."""

    name = "deadlines are handed on"

    def on_reached(self, attempt: Attempt) -> None:
        order = self.evidence.orders.get(attempt.order)
        if order is None or attempt.timeout_ms is None:
            self.broken(f"call {attempt.order} was sent without its deadline")
            return
        total_ms = self.evidence.plan.setup.total_s * 1_000
        if order.timeout_ms is not None:
            total_ms = min(total_ms, order.timeout_ms)
        if not 0 <= attempt.timeout_ms <= total_ms + SLACK_MS:
            self.broken(f"call {order.number} was sent with {attempt.timeout_ms} ms left")


class TracesGoOn(Rule):
    """An upstream is told a span of ours as its parent, in its caller's trace if there is one; all
    attempts of a call the same."""

    name = "traces go on"

    def __init__(self, court: Court) -> None:
        super().__init__(court)
        self._parents: dict[str, str] = {}

    def on_reached(self, attempt: Attempt) -> None:
        order = self.evidence.orders.get(attempt.order)
        if order is None:
            return
        sent = attempt.fields.get("traceparent", "")
        trace, parent = sent[3:35], sent[36:52]
        if _PARENT.fullmatch(sent) is None or order.trace not in (None, trace):
            self.broken(f"call {order.number} of trace {order.trace} was sent with '{sent}'")
        if ("tracestate" in attempt.fields) != (order.trace is not None):
            self.broken(f"call {order.number} of trace {order.trace}: {attempt.fields}")
        if order.trace is not None and int(parent or "0", 16) == order.number + 1:
            self.broken(f"call {order.number} was sent as a child of its caller's own span")
        if self._parents.setdefault(attempt.call, sent) != sent:
            self.broken(f"call {order.number} was sent as two spans")


def _is_within(tokens: int | None, most: int | None) -> bool:
    return most is None or (tokens is not None and tokens <= most)


class WhatIsSentIsHttp(Rule):
    """Every byte sent to an upstream is strict HTTP, and every answer to a caller as well."""

    name = "bytes are as HTTP has them"

    def on_look(self) -> None:
        for name, upstream in self.evidence.upstreams.items():
            if upstream.broken:
                self.broken(f"{name} was sent this: {upstream.broken[0]}")
        for name, caller in self.evidence.callers.items():
            if caller.broken:
                self.broken(f"{name} heard this: {caller.broken[0]}")
        if self.evidence.system.network.broken:
            self.broken(self.evidence.system.network.broken[0])


class RefusalsAreTheLaws(Rule):
    """What the law refuses is refused by that rule; what it allows is not refused by it."""

    name = "refusals are the law's"

    def on_end(self, heard: Heard) -> None:
        if not heard.whole:
            return
        evidence, order = self.evidence, heard.order
        assert heard.ended_at is not None
        verdicts = evidence.law.verdicts(
            order, heard.size, since=heard.sent_at, until=heard.ended_at
        )
        code = heard.code
        if code == "audit.unavailable" and self._is_log_ill(heard):
            return
        if heard.status == 413 and code == "http.body" and heard.size > REQUEST_BYTES:
            return
        if code in STATUS:
            if code not in verdicts or heard.status != STATUS[code]:
                self.broken(
                    f"call {order.number} was refused by {code} ({heard.status}), "
                    f"the law says {sorted(map(str, verdicts))}"
                )
        elif None not in verdicts:
            self.broken(
                f"call {order.number} was answered {heard.status} {code}, "
                f"the law says {sorted(map(str, verdicts))}"
            )
        elif code == "audit.unavailable":
            self.broken(f"call {order.number} was refused for a log that was well")

    def _is_log_ill(self, heard: Heard) -> bool:
        """Whether the disk failed since it was last seen to be well, which takes an append."""
        assert heard.ended_at is not None
        well_at = self.evidence.ledger.last_append(heard.sent_at)
        return self.evidence.disk_trouble(well_at, heard.ended_at)


class AbandonedWorkIsCutOff(Rule):
    """When a caller leaves, the upstream is told: it must not work for nobody."""

    name = "abandoned work is cut off"

    def on_end(self, heard: Heard) -> None:
        if heard.left and not self.evidence.plan.faults:
            loop = self.evidence.system.loop
            loop.call_later(CUT_OFF_S, self._look, heard)

    def _look(self, heard: Heard) -> None:
        for attempts in self.evidence.attempts.values():
            for attempt in attempts:
                if attempt.order == heard.order.number and attempt.ending is None:
                    self.broken(f"call {attempt.order} goes on at {attempt.where} for nobody")
