"""Rules about what callers hear: their own answer, unchanged, in time, to its end."""

from itertools import pairwise
from typing import Final

import msgspec

from holdfast.testing.caller import Heard
from holdfast.testing.court import Rule
from holdfast.testing.declaring import CACHE_TTL_S
from holdfast.testing.orders import Order
from holdfast.testing.scripts import DONE, Event, last_event, mark
from holdfast.testing.upstream import Attempt
from holdfast.world.sim import EVERYWHERE, NETWORK_KINDS

SWEEP_S: Final = 0.1
"""How precisely the gateway holds a deadline, with the way there and back."""
RECORD_S: Final = 0.1
"""What the record of the end may take, on a disk that is well."""
ERROR_EVENT: Final = b'data: {"error"'
PAID_REFUSALS: Final = frozenset(("budget.exhausted", "bulkhead.full"))
"""What a call may meet in the calmest weather."""


class AnswersAreTheirOwn(Rule):
    """An answer is what its upstream sent for this very call, byte for byte; a stream is whole
    events of it, in order, to its end or to an honest error."""

    name = "answers are whole and one's own"

    def on_end(self, heard: Heard) -> None:
        if heard.status is None or heard.call is None or heard.is_cached:
            return
        attempts = self.evidence.attempts.get(heard.call, [])
        if any(self.evidence.is_tainted(attempt) for attempt in attempts):
            return
        if heard.is_stream:
            self._check_stream(heard, attempts)
        elif heard.whole and heard.code is None:
            given = [a for a in attempts if (a.status, a.payload) == (heard.status, heard.body)]
            if not given:
                self.broken(
                    f"the answer {heard.status} to call {heard.order.number} is not what was sent "
                    f"for it: {heard.body[:80]!r}"
                )

    def _check_stream(self, heard: Heard, attempts: list[Attempt]) -> None:
        number = heard.order.number
        body, mark_, error = heard.body.partition(ERROR_EVENT)
        if not heard.whole and not mark_:
            # A caller whose own connection was cut may hold part of an event; nobody else may.
            body = b"".join(body.rpartition(b"\n\n")[:2])
        if body and not body.endswith(b"\n\n"):
            self.broken(f"stream {number} ends inside an event: {body[-80:]!r}")
        if not heard.whole and "closed" not in self.evidence.ledger.events(heard.call or ""):
            return  # where its seams are is not known yet
        payloads = [_shown(attempt, heard.order) for attempt in attempts]
        parts = [body[start:end] for start, end in pairwise((0, *self._seams(heard), len(body)))]
        for part in parts:
            if not any(payload.startswith(part) for payload in payloads):
                self.broken(f"stream {number} holds what was not sent for it: {part[-80:]!r}")
                return
        if not heard.whole:
            return
        if mark_ and not error.endswith(b"\n\n"):
            self.broken(f"stream {number} ends inside its error")
        is_complete = any(payload == parts[-1] for payload in payloads)
        if not mark_ and not is_complete:
            self.broken(f"stream {number} ended as if it were whole")
        if mark_ and body.endswith(DONE):
            self.broken(f"stream {number} was complete, and then failed")
        if not mark_ and len(parts) > 1 and not _is_told(heard, attempts):
            self.broken(f"stream {number} did not say all of its pieces once across its seams")

    def _seams(self, heard: Heard) -> tuple[int, ...]:
        """Where another upstream went on, as the record says."""
        assert heard.call is not None
        durable = self.evidence.ledger.by_call.get(heard.call, [])
        seams = [seam for each in durable[-1:] for seam in each.record.seams]
        return tuple(seam for seam in seams if seam < len(heard.body))


class CachedAnswersKeepTheirScope(Rule):
    """An answer given again was given to the same question, asked by one of the same scope, not too
    long ago."""

    name = "a cache keeps its scope"

    def on_end(self, heard: Heard) -> None:
        if not heard.is_cached or not heard.whole:
            return
        evidence = self.evidence
        scope = evidence.plan.setup.controls.cache
        if scope is None:
            self.broken(f"call {heard.order.number} was answered from a cache that nobody declared")
            return
        earlier = [
            attempt
            for attempts in evidence.attempts.values()
            for attempt in attempts
            if _may_share(evidence.orders[attempt.order], heard.order, scope)
        ]
        if any(evidence.is_tainted(attempt) for attempt in earlier):
            return
        given = [a for a in earlier if _shown(a, heard.order) == heard.body and a.status == 200]
        if not given:
            self.broken(f"call {heard.order.number} was given an answer kept for somebody else")
        elif all((a.ended or 0.0) < heard.sent_at - CACHE_TTL_S - 1.0 for a in given):
            self.broken(f"call {heard.order.number} was given an answer that was too old")


class EveryAnswerComesInTime(Rule):
    """No caller waits longer than its call's deadline allows, whatever the world does."""

    name = "deadlines hold"

    def on_end(self, heard: Heard) -> None:
        assert heard.ended_at is not None
        order, setup = heard.order, self.evidence.plan.setup
        if heard.left and order.patience_s < setup.patience_s:
            return
        if heard.sendings > 1 or self._is_excused(heard.sent_at, heard.ended_at):
            return
        took = heard.ended_at - heard.sent_at
        most = setup.total_s
        if order.timeout_ms is not None:
            most = min(most, order.timeout_ms / 1_000)
        most += heard.rested_s + SWEEP_S + RECORD_S
        if took > most:
            self.broken(f"call {order.number} took {took:.3f} s, {most:.3f} at most")

    def _is_excused(self, since: float, until: float) -> bool:
        """Whether the way between caller and gateway, or the disk, held the answer up."""
        evidence = self.evidence
        held = any(
            fault.at_s <= until and since <= fault.at_s + fault.for_s + 1.0
            for fault in evidence.faults(*NETWORK_KINDS)
            if fault.where not in evidence.upstreams or fault.where == EVERYWHERE
        )
        return held or evidence.disk_trouble(since, until)


class CalmWeatherServes(Rule):
    """Where nothing goes wrong, every call that is allowed is answered, and answered well."""

    name = "calm weather serves"

    def on_end(self, heard: Heard) -> None:
        plan, order = self.evidence.plan, heard.order
        if plan.faults or heard.left or not plan.setup.is_brisk or heard.code in PAID_REFUSALS:
            return
        assert heard.ended_at is not None
        verdicts = self.evidence.law.verdicts(
            order, heard.size, since=heard.sent_at, until=heard.ended_at
        )
        if verdicts != {None}:
            return
        if not (heard.status == 200 and heard.whole):
            self.broken(
                f"call {order.number} met {heard.status} {heard.code} {heard.failure} in calm weather"
            )
            return
        attempts = self.evidence.attempts.get(heard.call or "", [])
        if order.is_stream and not heard.is_cached and not _is_told(heard, attempts):
            self.broken(f"stream {order.number} did not say all of its pieces once, in order")


def _shown(attempt: Attempt, order: Order) -> bytes:
    """What the caller may see of it: not the usage that only the gateway asked for."""
    if not attempt.asks_usage or order.asks_usage or attempt.script.kind == "plain":
        return attempt.payload
    by = f"{attempt.where}#{attempt.call}#{attempt.turn}"
    return attempt.payload.replace(last_event(attempt.script, by), b"")


def _may_share(given: Order, asked: Order, scope: str) -> bool:
    """Whether the answer to one may be given to the other."""
    if given.body() != asked.body():
        return False
    if scope in ("caller", "relationship"):
        return given.caller == asked.caller
    return True


def _is_told(heard: Heard, attempts: list[Attempt]) -> bool:
    """Whether every piece was heard once, in order."""
    script = attempts[-1].script if attempts else heard.order.script
    said: list[str] = []
    for line in heard.body.removesuffix(DONE).split(b"\n\n"):
        if line.startswith(b"data: "):
            event = msgspec.json.decode(line.removeprefix(b"data: "), type=Event)
            said += [choice.delta.content for choice in event.choices]
    return said == [mark(script, piece) for piece in range(script.pieces)]
