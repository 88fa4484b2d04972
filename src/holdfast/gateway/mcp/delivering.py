"""The caller's half of an MCP request: one answer, after its record; notifications before it.

An answer without notifications is one JSON object, whatever the server used. With the first
notification the answer becomes a stream of events, once a record of the call is durable (for a
tool's call the intent is).
"""

from collections.abc import Callable
from typing import Final

from holdfast.audit import RecordedEvent
from holdfast.core import HoldfastError, JsonObject
from holdfast.gateway.attempt import Attempt
from holdfast.gateway.call import Answered, Outcome, Refused, Routed
from holdfast.gateway.delivery import Delivery
from holdfast.gateway.journeys import NEVER, Journey
from holdfast.gateway.lines.asking import HOLDFAST
from holdfast.gateway.mcp.asked import McpAsked, McpRouted
from holdfast.gateway.mcp.results import labelled
from holdfast.gateway.mcp.routing import about
from holdfast.gateway.mcp.shared import Shared
from holdfast.gateway.mcp.words import end_events, error_of, event_headers, say, withhold_mcp
from holdfast.gateway.recording import Recording
from holdfast.gateway.replies import Said, reply_headers
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers import Usage
from holdfast.providers.mcp import (
    MISSING_CLIENT_CAPABILITY,
    Fault,
    McpAnswer,
    McpAnswerError,
    McpError,
    McpNotification,
    read_answer,
    read_message,
    rewrite_progress,
    sse_event,
    write_error,
    write_fault,
    write_notification,
    write_result,
)
from holdfast.wire import Exchange, ResponseHead

HELD_BYTES_MAX: Final = 256 * 1024
"""Notifications held while the record that must come first is being written."""
_SHUT, _OPENING, _OPEN = range(3)


class McpDelivery(Delivery):
    """Translates what the server said: its ids and tokens are ours, the caller gets its own."""

    __slots__ = (
        "_asked",
        "_attempt",
        "_ending",
        "_final",
        "_held",
        "_is_given",
        "_phase",
        "_sent",
        "_shared",
        "_vetted",
    )

    def __init__(
        self,
        routed: Routed,
        *,
        write: Recording,
        journey: Journey,
        exchange: Exchange,
        now: Callable[[], float],
        shared: Shared,
    ) -> None:
        super().__init__(routed, write=write, journey=journey, exchange=exchange, now=now)
        asked = routed.screened.allowed.known.accepted.asked
        assert isinstance(asked, McpAsked)
        assert isinstance(routed, McpRouted)
        self._asked = asked
        self._vetted = routed.vetted
        self._sent = routed
        self._shared = shared
        self._attempt: Attempt | None = None
        # A caller that was told that its call waits has the beginning of its answer already.
        self._phase = _OPEN if journey.has_events else _SHUT
        self._is_given = False
        self._held = b""
        self._final: bytes | None = None
        self._ending: tuple[Outcome, bytes] | None = None

    def begin(self, *, on_disconnect: Callable[[], None], on_withheld: Callable[[], None]) -> None:
        super().begin(on_disconnect=on_disconnect, on_withheld=on_withheld)
        if self._phase == _OPEN:
            self._exchange.on_writable = self._resume

    def let_go(self) -> None:
        """Nothing more is tried: there is nothing left that could be taken back."""
        super().let_go()
        asked, known = self._asked, self._routed.screened.allowed.known
        self._shared.cancels.forget(
            known.principal, asked.session, asked.request.id, self._journey.call
        )

    # -- one object -----------------------------------------------------------------------------

    @staticmethod
    def usage_of(body: bytes) -> Usage | None:  # noqa: ARG004 - what the other dialect's says
        """Tools tell no tokens."""
        return None

    def answer(self, head: ResponseHead, body: bytes, usage: Usage | None) -> None:
        """The server's whole answer, good or bad."""
        outcome, said = self._translated(head.status, body)
        self._conclude(outcome, said)

    def fail(self, rule: Rule, what: str, *, retry_s: float | None) -> None:
        """No answer came of it."""
        if self._phase == _SHUT:
            super().fail(rule, what, retry_s=retry_s)
            return
        body = error_of(
            rule, what, rule.meaning, call=self._journey.call, identity=self._asked.request.id
        )
        self._conclude(Outcome("failed", rule.status, rule), Said(200, (), body))

    def refuse(self, rule: Rule, what: str, *, retry_s: float | None) -> None:
        """Nothing was sent."""
        if self._phase != _OPEN:
            self._phase = _SHUT
            super().refuse(rule, what, retry_s=retry_s)
            return
        exchange, body = self._exchange, self._words(rule, what).body
        self._close()
        refused = Refused(rule, what, rule.meaning, self._routed)
        self._write.refused(refused, self._journey, lambda error: end_events(exchange, body, error))

    def tell_waiting(self, groups: str, *, left_s: float) -> bool:
        """Progress, to a client that takes it: counting up to nought, for what its server reports
        later must be more (MCP: the value increases with each notification)."""
        asked, approval = self._asked, self._journey.approval
        token = asked.request.meta.progress_token
        if not asked.takes_events or token is None or approval is None:
            return False
        params: JsonObject = {
            "progressToken": token,
            "progress": -max(1, round(left_s)),
            "message": f"waits for the approval of {groups}",
        }
        event = sse_event(write_notification("notifications/progress", params))
        if self._phase == _OPEN:
            if self._exchange.writable:
                self._exchange.write(event)
        elif not approval.is_opened:
            self._held, self._phase, approval.is_opened = event, _OPENING, True
            self._write.opened(self._routed, self._journey, self._on_waiting)
        return True

    def _on_waiting(self, error: HoldfastError | None) -> None:
        """The record of the opening is durable: the caller may be told."""
        approval = self._journey.approval
        if self._phase != _OPENING or approval is None or not approval.is_waiting:
            return
        if error is not None:
            self._phase, approval.is_opened = _SHUT, False
            return
        self._phase, approval.has_events = _OPEN, True
        self._exchange.start(200, event_headers(self._journey.call))
        held, self._held = self._held, b""
        self._exchange.write(held)

    def cancel(self) -> None:
        """The caller has gone, or took the request back."""
        event, phase, self._phase = self._event(), self._phase, _SHUT
        exchange = self._exchange
        self._close()
        rule = RULES["call.cancelled"]

        def sealed(_error: HoldfastError | None) -> None:
            if not exchange.busy:
                return
            if phase == _OPEN:
                exchange.end()
            else:
                said = self._words(rule, rule.meaning)
                exchange.respond(said.status, said.headers, said.body)

        answered = Answered(self._routed, Outcome("cancelled", rule.status, rule))
        self._write.answered(answered, self._journey, event=event, done=sealed)

    # -- events ---------------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether the caller was given anything of its server's."""
        return self._is_given

    @property
    def is_complete(self) -> bool:
        """Whether the answer itself is there."""
        return self._final is not None

    @property
    def stream_usage(self) -> Usage | None:
        return None

    def stream_from(self, attempt: Attempt, routed: Routed) -> None:
        """Messages come from this attempt now."""
        self._attempt = attempt

    def feed(self, data: bytes) -> None:
        """One message: a notification, or the answer."""
        try:
            message = read_message(data, bytes_max=self._sent.ask.bytes_max)
        except McpError:
            return
        if isinstance(message, McpNotification):
            self._pass(self._rewritten(message))
        else:
            self._final = data

    def finish_stream(self) -> None:
        """The answer came after notifications."""
        assert self._final is not None
        outcome, said = self._translated(200, self._final)
        self._conclude(outcome, said)

    def abandon(self) -> None:
        """The caller has gone while a record was being written that its answer waits for."""
        if self._phase == _OPENING and self._ending is not None:
            event, self._phase = self._event(), _SHUT
            answered = Answered(self._routed, self._ending[0])
            self._write.answered(answered, self._journey, event=event, done=_nobody)

    def _pass(self, message: bytes) -> None:
        event = sse_event(message)
        self._is_given = True
        if self._phase == _OPEN:
            self._relay(event)
            return
        self._held += event
        if self._phase == _SHUT:
            self._open()
        elif len(self._held) > HELD_BYTES_MAX:
            self._hold_back()

    def _open(self) -> None:
        if self._sent.may_act:
            self._phase = _OPENING
            self._on_opened(None)  # the intent is durable, or nothing would have been sent
        else:
            self._phase = _OPENING
            self._write.opened(self._routed, self._journey, self._on_opened)

    def _on_opened(self, error: HoldfastError | None) -> None:
        if self._phase != _OPENING:
            return  # the caller left meanwhile
        if error is not None:
            self._exchange.on_disconnect = None
            self._on_withheld()
            self._withhold(error)
            self._phase = _SHUT
            self._write.forget(self._journey)
            return
        self._phase = _OPEN
        self._exchange.on_writable = self._resume
        self._exchange.start(200, event_headers(self._journey.call))
        held, self._held = self._held, b""
        self._relay(held)
        if self._ending is not None:
            self._end(*self._ending)
        elif self._exchange.writable:
            self._resume()

    def _relay(self, events: bytes) -> None:
        self._exchange.write(events)
        if not self._exchange.writable:
            self._hold_back()

    def _hold_back(self) -> None:
        """The caller reads slower than the server writes: let it feel that."""
        if self._attempt is not None and self._ending is None:
            self._attempt.ticket.pause()
            self._journey.due = self._journey.due_in_all

    def _resume(self) -> None:
        if self._attempt is not None and self._ending is None and self._attempt.ticket.paused:
            self._attempt.ticket.resume()
            self._journey.expect("idle_s", self._now() + self._routed.timeouts.idle_s)

    # -- the record, then the end ---------------------------------------------------------------

    def _conclude(self, outcome: Outcome, said: Said) -> None:
        if self._phase == _SHUT:
            self._seal(outcome, said.status, said.headers, said.body)
            return
        self._journey.due = NEVER
        self._ending = (outcome, said.body)
        if self._phase == _OPEN:
            self._end(outcome, said.body)

    def _end(self, outcome: Outcome, body: bytes) -> None:
        exchange = self._exchange
        exchange.on_disconnect = None

        def sealed(error: HoldfastError | None) -> None:
            if error is None:
                exchange.end(sse_event(body))
            else:
                # The answer may not be told, since no record of it is durable.
                exchange.abort()

        event = self._event()
        self._write.answered(
            Answered(self._routed, outcome), self._journey, event=event, done=sealed
        )

    def _event(self) -> RecordedEvent:
        """A stream that was opened is closed; an intent has its outcome; else it is all there is."""
        return "closed" if self._phase != _SHUT and not self._sent.may_act else "call"

    # -- words ----------------------------------------------------------------------------------

    def _translated(self, status: int, body: bytes) -> tuple[Outcome, Said]:
        """The caller's answer, and how it went."""
        try:
            answer = read_answer(body, bytes_max=self._sent.ask.bytes_max)
            return self._from_answer(answer, status, body)
        except McpAnswerError as error:
            return self._unusable("mcp.answer", error.what)
        except McpError:
            rule = "upstream.error" if status >= 400 else "upstream.protocol"
            return self._unusable(rule, f"the server answered {status}, and no JSON-RPC answer")

    def _from_answer(self, answer: McpAnswer, status: int, body: bytes) -> tuple[Outcome, Said]:
        asked, call = self._asked, self._journey.call
        digest = self._write.salt.digest(body)
        if answer.fault is not None:
            outcome = Outcome("failed", status, RULES["upstream.error"], digest)
            return outcome, self._faulty(answer.fault)
        assert answer.result is not None
        result = labelled(answer.result, asked, self._vetted, bytes_max=self._sent.ask.bytes_max)
        state = result.get("requestState")
        if isinstance(state, str):
            result = {**result, "requestState": self._sealed(state)}
        whole = write_result(
            asked.request.id,
            result,
            revision=asked.revision,
            server=HOLDFAST,
            method=asked.request.method,
        )
        return Outcome("answered", 200, None, digest), Said(200, reply_headers(call), whole)

    def _faulty(self, fault: Fault) -> Said:
        asked, headers = self._asked, reply_headers(self._journey.call)
        if fault.code == MISSING_CLIENT_CAPABILITY and asked.revision.is_stateless:
            # Of the client's capabilities, which the server was told: the client's own business.
            body = write_error(asked.request.id, fault.code, fault.message, data=fault.data)
            return Said(400, headers, body)
        return Said(200, headers, write_fault(asked.request.id, fault, revision=asked.revision))

    def _sealed(self, state: str) -> str:
        known = self._routed.screened.allowed.known
        return self._shared.seal.close(state, principal=known.principal, about=about(self._asked))

    def _unusable(self, code: str, what: str) -> tuple[Outcome, Said]:
        rule = RULES[code]
        return Outcome("failed", rule.status, rule), self._words(rule, what)

    def _rewritten(self, note: McpNotification) -> bytes:
        token = self._asked.request.meta.progress_token
        if note.method == "notifications/progress" and token is not None:
            return rewrite_progress(note, token=token)
        params: JsonObject = {**note.params}
        logger = params.get("logger")
        node = self._routed.screened.allowed.callee.id
        params["logger"] = f"{node}/{logger}" if isinstance(logger, str) else node
        return write_notification(note.method, params)

    def _words(self, rule: Rule, what: str) -> Said:
        return say(rule, what, call=self._journey.call, identity=self._asked.request.id)

    def _withhold(self, error: HoldfastError) -> None:
        if self._phase == _OPEN:
            self._exchange.abort()  # its answer has begun, and cannot be told to its end
            return
        identity = self._asked.request.id
        withhold_mcp(self._exchange, self._journey.call, error, identity=identity)


def _nobody(error: HoldfastError | None) -> None:
    """The caller has gone: nobody is left to tell."""
