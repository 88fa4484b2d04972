"""The way back: an upstream's answer on its way to the caller, whole or as a stream.

A plain answer is held until the call's record is durable, then leaves at once. A stream leaves as
it arrives, once the record of its opening is durable, and its terminal event waits for the record
of its close.
"""

from holdfast.core import HoldfastError
from holdfast.gateway.call import Answered, Outcome, Routed
from holdfast.gateway.journeys import NEVER, Journey
from holdfast.gateway.replies import (
    error_reply,
    failure_rule,
    passed_on,
    reply_headers,
    withhold,
)
from holdfast.gateway.rules import RULES, Rule
from holdfast.gateway.stages.write import Write
from holdfast.gateway.streaming import Stream
from holdfast.providers import read_usage
from holdfast.wire import Exchange, Header, ResponseHead, Ticket, WireError

EVENT_STREAM = b"text/event-stream"


class Delivery:
    """Receives one upstream answer (a ``wire.Receiver``) and sees that the caller gets it."""

    __slots__ = (
        "_answer",
        "_exchange",
        "_head",
        "_journey",
        "_over",
        "_routed",
        "_size",
        "_stream",
        "_ticket",
        "_write",
    )

    def __init__(
        self, routed: Routed, *, write: Write, journey: Journey, exchange: Exchange
    ) -> None:
        self._routed = routed
        self._write = write
        self._journey = journey
        self._exchange = exchange
        self._answer: list[bytes] = []
        self._size = 0
        self._head: ResponseHead | None = None
        self._stream: Stream | None = None
        self._over = False
        self._ticket: Ticket | None = None

    def begin(self) -> None:
        journey, timeouts = self._journey, self._routed.timeouts
        started = journey.marks[-1]
        journey.due_in_all = started + timeouts.total_s
        journey.expect("first_byte_s", started + timeouts.first_byte_s)
        journey.on_due = self._on_due
        self._exchange.on_disconnect = self._on_disconnect
        self._ticket = self._routed.upstream.pool.send(self._routed.message, self)

    # -- the upstream's answer, as it arrives -------------------------------------------------

    def on_head(self, head: ResponseHead) -> None:
        if self._over:
            return
        self._head = head
        self._journey.marks.append(self._write.now())
        self._progress()
        if head.status == 200 and _is_event_stream(head):
            assert self._ticket is not None
            self._stream = Stream(
                self._routed,
                head,
                write=self._write,
                journey=self._journey,
                exchange=self._exchange,
                ticket=self._ticket,
            )
            self._stream.open()

    def on_body(self, data: bytes) -> None:
        if self._over:
            return
        self._progress()
        self._size += len(data)
        if self._size > self._routed.screened.limits.answer_bytes:
            self._cancel_upstream()
            self._fail(
                RULES["limit.answer-bytes"], "the upstream's answer is larger than the limit"
            )
        elif self._stream is not None:
            self._feed(self._stream, data)
        else:
            self._answer.append(data)

    def on_end(self) -> None:
        if self._over:
            return
        self._over = True
        if self._stream is not None:
            self._stream.finish()
            return
        head = self._head
        assert head is not None
        body = self._answer[0] if len(self._answer) == 1 else b"".join(self._answer)
        self._deliver(head, body)

    def on_failure(self, error: WireError) -> None:
        if not self._over:
            self._fail(failure_rule(error), error.what)

    # -- the ways it may end ------------------------------------------------------------------

    def _deliver(self, head: ResponseHead, body: bytes) -> None:
        rule = RULES["upstream.error"] if head.status >= 400 else None
        usage = read_usage(body)
        outcome = Outcome(
            "failed" if rule is not None else "answered",
            head.status,
            rule,
            self._write.salt.digest(body),
            usage.prompt_tokens if usage is not None else None,
            usage.completion_tokens if usage is not None else None,
        )
        headers = passed_on(head.headers, self._journey.call)
        self._seal(outcome, head.status, headers, body)

    def _fail(self, rule: Rule, what: str) -> None:
        self._over = True
        if self._stream is not None:
            self._journey.due = NEVER
            self._stream.fail(rule, what)
            return
        call = self._journey.call
        body = error_reply(rule, what, rule.meaning, call=call)
        outcome = Outcome("failed", rule.status, rule)
        self._seal(outcome, rule.status, reply_headers(call), body)

    def _seal(
        self, outcome: Outcome, status: int, headers: tuple[Header, ...], body: bytes
    ) -> None:
        """The record first; when it is durable, the caller has the answer at once."""

        def release(error: HoldfastError | None) -> None:
            if error is None:
                self._exchange.respond(status, headers, body)
            else:
                withhold(self._exchange, self._journey.call, error)

        self._journey.due = NEVER
        self._exchange.on_disconnect = None
        answered = Answered(self._routed, outcome)
        self._write.answered(answered, self._journey, event="call", done=release)

    def _feed(self, stream: Stream, data: bytes) -> None:
        try:
            stream.feed(data)
        except WireError as error:
            self._cancel_upstream()
            self._fail(failure_rule(error), error.what)

    def _on_due(self) -> None:
        self._cancel_upstream()
        limit = self._journey.limit
        self._fail(RULES["upstream.timeout"], f"the upstream exceeded its {limit} limit")

    def _on_disconnect(self) -> None:
        if self._over and self._stream is None:
            return
        self._over = True
        self._cancel_upstream()
        if self._stream is not None:
            self._stream.abandon()
            return
        rule = RULES["call.cancelled"]
        answered = Answered(self._routed, Outcome("cancelled", rule.status, rule))
        self._write.answered(answered, self._journey, event="call", done=_nobody)

    def _cancel_upstream(self) -> None:
        if self._ticket is not None:
            self._ticket.cancel()

    def _progress(self) -> None:
        if self._ticket is not None and self._ticket.paused:
            # What was read before it was held back still comes; its silence after that is ours.
            return
        self._journey.expect("idle_s", self._write.now() + self._routed.timeouts.idle_s)


def _is_event_stream(head: ResponseHead) -> bool:
    return head.headers.get(b"content-type", b"").startswith(EVENT_STREAM)


def _nobody(error: HoldfastError | None) -> None:
    """The caller has gone: nobody is left to tell."""
