"""Write: seal the call's record in the log; the caller hears nothing of its answer before that."""

from holdfast.audit import (
    RECORD_VERSION,
    CallRecord,
    RecordedEvent,
    Recorder,
    encode_record,
)
from holdfast.core import HoldfastError, Salt
from holdfast.gateway.call import (
    Accepted,
    Allowed,
    Answered,
    Begun,
    Outcome,
    Refused,
    Routed,
    unfold,
)
from holdfast.gateway.context import read_session
from holdfast.gateway.duties import recorded
from holdfast.gateway.journeys import Journey, Journeys
from holdfast.gateway.places import Place
from holdfast.gateway.recording import Done
from holdfast.gateway.tolls import spent
from holdfast.identity.callers import Caller


class Write:
    """The last stage. ``salt`` keeps digests of prompts and answers mute without it."""

    __slots__ = (
        "_blueprint",
        "_bundle",
        "_journeys",
        "_recorder",
        "_tenant",
        "_worker",
        "now",
        "salt",
    )

    def __init__(
        self,
        recorder: Recorder,
        *,
        journeys: Journeys,
        salt: Salt,
        worker: int,
        tenant: str,
        blueprint: str,
        bundle: str,
    ) -> None:
        self._recorder = recorder
        self._journeys = journeys
        self.now = journeys.clock.monotonic
        self.salt = salt
        self._worker = worker
        self._tenant = tenant
        self._blueprint = blueprint
        self._bundle = bundle

    @property
    def fault(self) -> HoldfastError | None:
        """Why the log cannot take records now, if so: calls are refused before they are sent."""
        return self._recorder.fault

    def opened(
        self, routed: Routed, journey: Journey, done: Done, *, event: RecordedEvent = "opened"
    ) -> None:
        """A stream is about to begin (durable before its first byte leaves), or something that may
        change the world is about to be asked for (``intent``: durable before it is sent)."""
        outcome = Outcome("open", 200)
        record = self._record(routed, outcome, journey, event=event)
        self._recorder.submit(encode_record(record), done)

    def answered(
        self, answered: Answered, journey: Journey, *, event: RecordedEvent, done: Done
    ) -> None:
        """The whole call (``event`` is ``call``), or the end of a stream (``closed``)."""
        self._seal(answered.state, answered.outcome, journey, event=event, done=done)

    def refused(self, refused: Refused, journey: Journey, done: Done) -> None:
        """A refusal is a record like any other."""
        outcome = Outcome("refused", refused.rule.status, refused.rule)
        self._seal(refused.state, outcome, journey, event="call", done=done)

    def forget(self, journey: Journey) -> None:
        """A call whose record cannot be written is over all the same."""
        self._journeys.forget(journey)

    def _seal(
        self, state: object, outcome: Outcome, journey: Journey, *, event: RecordedEvent, done: Done
    ) -> None:
        approval = journey.approval
        if approval is not None and approval.is_opened:
            event = "closed"
        record = self._record(state, outcome, journey, event=event)
        journeys = self._journeys
        totals = journeys.totals
        totals.count(outcome.name)
        totals.tokens_in += outcome.tokens_in or 0
        totals.tokens_out += outcome.tokens_out or 0

        def sealed(error: HoldfastError | None) -> None:
            journeys.end(journey, record, lost=error is not None)
            done(error)

        self._recorder.submit(encode_record(record), sealed)

    def _record(
        self, state: object, outcome: Outcome, journey: Journey, *, event: RecordedEvent
    ) -> CallRecord:
        known, allowed, _ = unfold(state)
        place = journey.place
        accepted = known.accepted if known is not None else state
        assert isinstance(accepted, Accepted | Begun)
        took_us = int((self.now() - journey.began) * 1_000_000)
        asked = accepted.asked if isinstance(accepted, Accepted) else None
        caller = known.caller if known is not None else None
        decision = allowed.decision if allowed is not None else None
        return CallRecord(
            action=accepted.endpoint.action,
            answer=outcome.answer,
            approver=journey.approval.approver if journey.approval is not None else None,
            at=accepted.at,
            attempts=journey.attempts,
            attested=_attested(caller),
            blueprint=self._blueprint,
            bundle=self._bundle,
            cached=journey.is_cached,
            call=accepted.call,
            chain=caller.chain if caller is not None else (),
            cost=_cost(place, outcome) if place is not None else None,
            credential=caller.credential if caller is not None else None,
            decision="refuse" if outcome.name == "refused" else "allow",
            duration_us=took_us,
            event=event,
            fallback=journey.fallback,
            node=place.node.id if place is not None else None,
            obligations=recorded(accepted.call, decision.obligations, journey.owed)
            if decision is not None and (decision.obligations or journey.owed)
            else (),
            outcome=outcome.name,
            policies=decision.policies if decision is not None else (),
            principal=caller.principal if caller is not None else None,
            prompt=self.salt.digest(accepted.body) if accepted.body else None,
            proof=caller.proof if caller is not None else None,
            relationship=allowed.relationship.id if allowed is not None else None,
            resource=asked.model[:128] if asked is not None else None,
            rule=outcome.rule.code if outcome.rule is not None else None,
            seams=journey.seams,
            session=accepted.context.session or (_named(allowed) if allowed is not None else None),
            stages_us=(*journey.marks_us(), took_us),
            status=outcome.status,
            tenant=self._tenant,
            tokens_in=outcome.tokens_in,
            tokens_out=outcome.tokens_out,
            trace=accepted.context.trace,
            txn=caller.txn if caller is not None else None,
            upstream=place.upstream.name if place is not None else None,
            v=RECORD_VERSION,
            worker=self._worker,
            would_refuse=decision.would_refuse if decision is not None else (),
        )


def _named(allowed: Allowed) -> str | None:
    """The conversation by which the call is routed, where its callee is chosen by that."""
    header = allowed.callee.routing.session_header
    if header is None:
        return None
    return read_session(allowed.known.accepted.headers.get(header.encode("ascii")))


def _cost(place: Place, outcome: Outcome) -> int | None:
    """Thousand-millionths of the currency; None where there is no price, or nothing was counted."""
    tokens_in, tokens_out = outcome.tokens_in, outcome.tokens_out
    if place.node.price is None or (tokens_in is None and tokens_out is None):
        return None
    return spent(place.node, tokens_in or 0, tokens_out or 0).money_nano


def _attested(caller: Caller | None) -> str | None:
    """What evidence was judged to be; None where there was none."""
    return caller.attested if caller is not None and caller.attested != "none" else None
