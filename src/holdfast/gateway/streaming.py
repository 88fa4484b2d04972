"""A stream on its way: opened, relayed event by event, closed; or honestly broken off."""

from collections.abc import Callable

from holdfast.core import HoldfastError
from holdfast.gateway.call import Answered, Outcome, Routed
from holdfast.gateway.holding import Hold
from holdfast.gateway.journeys import NEVER, Journey
from holdfast.gateway.recording import Recording
from holdfast.gateway.replies import passed_on, withhold
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers import (
    EVENT_DONE,
    Usage,
    error_event,
    is_usage_only,
    read_text,
    read_usage,
)
from holdfast.wire import EventSplitter, Exchange, Header, ResponseHead

HELD_BYTES_MAX = 1024 * 1024
"""Events held while the opening record is being written; then the upstream is made to wait."""

_HOLDING, _RELAYING, _OVER = range(3)


class Stream:
    """The caller's half of a streamed answer."""

    __slots__ = (
        "_ending",
        "_exchange",
        "_hasher",
        "_head",
        "_held",
        "_hides_usage",
        "_journey",
        "_kept",
        "_now",
        "_phase",
        "_relayed",
        "_routed",
        "_splitter",
        "_tail",
        "_text",
        "_ticket",
        "_write",
        "on_withheld",
        "usage",
    )

    def __init__(
        self,
        routed: Routed,
        head: ResponseHead,
        *,
        write: Recording,
        journey: Journey,
        exchange: Exchange,
        ticket: Hold,
        hides_usage: bool,
        now: Callable[[], float],
        on_withheld: Callable[[], None],
        keep_text: bool,
    ) -> None:
        self._routed = routed
        self._head = head
        self._write = write
        self._journey = journey
        self._exchange = exchange
        self._ticket = ticket
        self._now = now
        self.on_withheld = on_withheld
        self._splitter = EventSplitter()
        self._hasher = write.salt.hasher()
        self._held = b""
        self._tail = b""
        self._phase = _HOLDING
        self._relayed = 0
        self._text: list[str] | None = [] if keep_text else None
        self._kept: list[bytes] | None = [] if routed.cache_key is not None else None
        self._hides_usage = hides_usage
        self.usage: Usage | None = None
        self._ending: Outcome | None = None

    def open(self) -> None:
        """Write the opening record; relaying begins when it is durable."""
        self._write.opened(self._routed, self._journey, self._on_opened)

    def feed(self, data: bytes) -> None:
        """Bytes from the upstream. ``ProtocolError`` when an event has no end."""
        events = self._splitter.feed(data)
        if not events:
            return
        if self._tail:
            self._tail += events
            return
        done = events.find(EVENT_DONE)
        if done >= 0 and (done == 0 or events[done - 1] == 0x0A):
            self._tail = events[done:]
            events = events[:done]
        if b'"usage"' in events:
            self.usage = read_usage(events) or self.usage
            if self._hides_usage:
                events = _without_usage(events)
        if events:
            self._pass(events)

    def seam(self, ticket: Hold, *, hides_usage: bool) -> None:
        """Another upstream goes on where the last one broke off."""
        self._hides_usage = hides_usage
        self._journey.seams = (*self._journey.seams, self._relayed)
        self._ticket = ticket
        self._splitter = EventSplitter()
        self._tail = b""

    def text_so_far(self) -> str | None:
        """The answer as far as it was given away; None when it cannot be gone on from."""
        return "".join(self._text) if self._text is not None else None

    @property
    def is_complete(self) -> bool:
        """Whether the terminal event was seen; it is held until the record of the end is durable."""
        return bool(self._tail)

    def whole(self) -> tuple[tuple[Header, ...], bytes] | None:
        """The head and the events as they were sent, if they were kept and come from one answer."""
        if self._kept is None or self._journey.seams:
            return None
        headers = passed_on(self._head.headers, self._journey.call)
        return headers, b"".join((*self._kept, self._tail))

    def finish(self) -> Outcome:
        """The upstream ended its answer properly."""
        # A last event without its blank line is passed on as it is: the client decides.
        if self._splitter.rest:
            self._pass(self._splitter.rest)
        usage = self.usage
        outcome = Outcome(
            "answered",
            200,
            None,
            self._hasher.digest(),
            usage.prompt_tokens if usage is not None else None,
            usage.completion_tokens if usage is not None else None,
        )
        self._close(outcome)
        return outcome

    def fail(self, rule: Rule, what: str) -> None:
        """The upstream broke off: the caller gets an error event, the record says what happened."""
        self._tail = error_event(rule.status, rule.code, what, call=self._journey.call)
        self._close(Outcome("failed", rule.status, rule, self._hasher.digest()))

    def abandon(self) -> None:
        """The caller has gone."""
        if self._phase == _OVER:
            return
        if self._ending is None:
            rule = RULES["call.cancelled"]
            self._close(Outcome("cancelled", rule.status, rule, self._hasher.digest()))
        elif self._phase == _HOLDING:
            self._seal(self._ending)
        self._phase = _OVER

    def _pass(self, events: bytes) -> None:
        self._hasher.update(events)
        self._relayed += len(events)
        if self._text is not None:
            text = read_text(events)
            if text is None:
                self._text = None
            else:
                self._text.append(text)
        if self._kept is not None:
            self._kept.append(events)
        self._relay(events)

    def _relay(self, events: bytes) -> None:
        if self._phase == _HOLDING:
            self._held += events
            if len(self._held) > HELD_BYTES_MAX:
                self._hold_back()
        elif self._phase == _RELAYING:
            exchange = self._exchange
            exchange.write(events)
            if not exchange.writable:
                # The caller reads slower than the upstream writes: let it feel that.
                self._hold_back()

    def _on_opened(self, error: HoldfastError | None) -> None:
        if self._phase == _OVER:
            return
        if error is not None:
            self._refuse_for_audit(error)
            return
        self._phase = _RELAYING
        self._exchange.on_writable = self._resume
        self._exchange.start(200, passed_on(self._head.headers, self._journey.call))
        held, self._held = self._held, b""
        if held:
            self._relay(held)
        if self._exchange.writable:
            self._resume()
        if self._ending is not None:
            self._seal(self._ending)

    def _hold_back(self) -> None:
        """Waiting for the caller, or for the record, is not the upstream's silence.

        The server bounds the one (stalled_write_s), the recorder the other.
        """
        self._ticket.pause()
        if self._ending is None:
            self._journey.due = self._journey.due_in_all

    def _resume(self) -> None:
        self._ticket.resume()
        if self._ending is None:
            idle_s = self._routed.timeouts.idle_s
            self._journey.expect("idle_s", self._now() + idle_s)

    def _refuse_for_audit(self, error: HoldfastError) -> None:
        self._phase = _OVER
        self._exchange.on_disconnect = None
        self.on_withheld()
        withhold(self._exchange, self._journey.call, error)
        # No record can be written, so none is waited for; the log's fault is reported by itself.
        self._write.forget(self._journey)

    def _close(self, outcome: Outcome) -> None:
        self._journey.due = NEVER
        self._ending = outcome
        if self._phase != _HOLDING or outcome.name == "cancelled":
            self._seal(outcome)

    def _seal(self, outcome: Outcome) -> None:
        answered = Answered(self._routed, outcome)
        self._write.answered(answered, self._journey, event="closed", done=self._on_closed)

    def _on_closed(self, error: HoldfastError | None) -> None:
        if self._phase == _OVER:
            return
        self._phase = _OVER
        if error is None:
            self._exchange.end(self._tail)
        else:
            # The answer's end may not be told, since no record of it is durable.
            self._exchange.abort()


def _without_usage(events: bytes) -> bytes:
    """The events without the one that the caller did not ask for."""
    kept = [event for event in events.split(b"\n\n") if event and not is_usage_only(event)]
    return b"".join([event + b"\n\n" for event in kept])
