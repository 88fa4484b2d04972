"""The way back: the caller's half of a call, whole or as a stream.

A plain answer is held until the call's record is durable, then leaves at once. A stream leaves as
it arrives, once the record of its opening is durable, and its terminal event waits for the record
of its close.
"""

from collections.abc import Callable

from holdfast.core import HoldfastError
from holdfast.gateway.attempt import Attempt
from holdfast.gateway.call import Answered, Kept, Outcome, Refused, Routed
from holdfast.gateway.journeys import NEVER, Journey
from holdfast.gateway.recording import Recording
from holdfast.gateway.replies import (
    Said,
    error_reply,
    passed_on,
    reply_headers,
    retry_after,
    withhold,
)
from holdfast.gateway.rules import RULES, Rule
from holdfast.gateway.streaming import Stream
from holdfast.providers import Usage, is_whole, read_usage
from holdfast.wire import Exchange, Header, ResponseHead


class Delivery:
    """Sees that the caller gets one answer, after its record."""

    __slots__ = (
        "_exchange",
        "_journey",
        "_now",
        "_on_withheld",
        "_routed",
        "_stream",
        "_write",
    )

    _on_withheld: Callable[[], None]

    def __init__(
        self,
        routed: Routed,
        *,
        write: Recording,
        journey: Journey,
        exchange: Exchange,
        now: Callable[[], float],
    ) -> None:
        self._routed = routed
        self._write = write
        self._journey = journey
        self._exchange = exchange
        self._now = now
        self._stream: Stream | None = None

    def begin(self, *, on_disconnect: Callable[[], None], on_withheld: Callable[[], None]) -> None:
        """The call is under way. ``on_disconnect`` hears when its caller leaves, ``on_withheld``
        when its stream may not begin, since that cannot be recorded."""
        self._exchange.on_disconnect = on_disconnect
        self._on_withheld = on_withheld

    def let_go(self) -> None:
        """Nothing more is tried: whoever began this need not hear of anything but its caller."""
        self._on_withheld = _nothing
        if self._stream is not None:
            self._stream.on_withheld = _nothing

    # -- plain answers ------------------------------------------------------------------------

    @staticmethod
    def usage_of(body: bytes) -> Usage | None:
        """What an answer says it cost."""
        return read_usage(body)

    def answer(self, head: ResponseHead, body: bytes, usage: Usage | None) -> None:
        """The upstream's whole answer, good or bad."""
        if 300 <= head.status < 400:
            # Whoever followed it would take the credential or the body to a place nobody declared.
            what = f"the upstream answered {head.status}: no redirect is followed or passed on"
            self.fail(RULES["upstream.error"], what, retry_s=None)
            return
        rule = RULES["upstream.error"] if head.status >= 400 else None
        outcome = Outcome(
            "failed" if rule is not None else "answered",
            head.status,
            rule,
            self._write.salt.digest(body),
            usage.prompt_tokens if usage is not None else None,
            usage.completion_tokens if usage is not None else None,
        )
        headers = passed_on(head.headers, self._journey.call)
        if rule is None:
            self._keep(headers, body, outcome, stream=False)
        else:
            headers = (*headers, *self._tried())
        self._seal(outcome, head.status, headers, body)

    def fail(self, rule: Rule, what: str, *, retry_s: float | None) -> None:
        """No answer came of it."""
        if self._stream is not None:
            self._journey.due = NEVER
            self._stream.fail(rule, what)
            return
        said = self._words(rule, what)
        headers = (*said.headers, *self._tried(), *retry_after(retry_s))
        self._seal(Outcome("failed", rule.status, rule), said.status, headers, said.body)

    def tell_waiting(self, groups: str, *, left_s: float) -> bool:
        """The call waits for a person of ``groups``; whether its caller can be told so."""
        return False

    def refuse(self, rule: Rule, what: str, *, retry_s: float | None) -> None:
        """Nothing was sent."""
        said = self._words(rule, what)
        headers = (*said.headers, *retry_after(retry_s))
        self._close()
        refused = Refused(rule, what, rule.meaning, self._routed)
        self._write.refused(refused, self._journey, self._release(said.status, headers, said.body))

    def withheld(self, error: HoldfastError) -> None:
        """Nothing was sent, since no record could be made that must come first."""
        self._close()
        self._withhold(error)
        self._write.forget(self._journey)

    def cancel(self) -> None:
        """The caller has gone, and nothing was said yet."""
        if self._stream is not None:
            self._stream.abandon()
            return
        self._close()
        rule = RULES["call.cancelled"]
        answered = Answered(self._routed, Outcome("cancelled", rule.status, rule))
        self._write.answered(answered, self._journey, event="call", done=_nobody)

    def abandon(self) -> None:
        """The caller has gone while the end of its stream was being recorded."""
        if self._stream is not None:
            self._stream.abandon()

    # -- streams ------------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether a stream's beginning was given away, so that only its like can follow."""
        return self._stream is not None

    @property
    def is_complete(self) -> bool:
        """Whether the stream's terminal event was seen."""
        return self._stream is not None and self._stream.is_complete

    @property
    def stream_usage(self) -> Usage | None:
        """What the stream said it cost."""
        return self._stream.usage if self._stream is not None else None

    def stream_from(self, attempt: Attempt, routed: Routed) -> None:
        """The stream begins with this attempt's events, or goes on with them."""
        if self._stream is not None:
            self._stream.seam(attempt.ticket, hides_usage=routed.asks_usage)
            return
        assert attempt.head is not None
        self._stream = Stream(
            self._routed,
            attempt.head,
            write=self._write,
            journey=self._journey,
            exchange=self._exchange,
            ticket=attempt.ticket,
            hides_usage=routed.asks_usage,
            now=self._now,
            on_withheld=self._on_withheld,
            keep_text=routed.may_continue,
        )
        self._stream.open()

    def feed(self, data: bytes) -> None:
        """Bytes of the stream. ``ProtocolError`` when an event has no end."""
        assert self._stream is not None
        self._stream.feed(data)

    def text_so_far(self) -> str | None:
        """The answer as far as it was given away, when it is text that can be gone on from."""
        return self._stream.text_so_far() if self._stream is not None else None

    def finish_stream(self) -> None:
        """The upstream ended its stream properly."""
        assert self._stream is not None
        outcome = self._stream.finish()
        kept = self._stream.whole()
        if kept is not None:
            self._keep(*kept, outcome, stream=True)

    # -- the record, then the answer ----------------------------------------------------------

    def _keep(
        self, headers: tuple[Header, ...], body: bytes, outcome: Outcome, *, stream: bool
    ) -> None:
        """Keep the answer for who asks the same again: only the asked node's own, and whole."""
        routed = self._routed
        key, cache = routed.cache_key, routed.cache
        if key is None or cache is None or outcome.answer is None or outcome.status != 200:
            return
        generates = routed.screened.allowed.known.accepted.endpoint.generates
        is_own = self._journey.fallback is None
        if not is_own or not is_whole(body, stream=stream, generates=generates):
            return
        kept = Kept(headers, body, stream, outcome.answer, outcome.tokens_in, outcome.tokens_out)
        cache.put(key, kept, size=len(body), now=self._journey.marks[-1])

    def _words(self, rule: Rule, what: str) -> Said:
        """A failure or refusal in the dialect's words."""
        call = self._journey.call
        body = error_reply(rule, what, rule.meaning, call=call)
        return Said(rule.status, reply_headers(call), body)

    def _withhold(self, error: HoldfastError) -> None:
        withhold(self._exchange, self._journey.call, error)

    def _tried(self) -> tuple[Header, ...]:
        return (TRIED_ENOUGH,) if self._journey.attempts > 1 else ()

    def _close(self) -> None:
        self._journey.due = NEVER
        self._exchange.on_disconnect = None

    def _seal(
        self, outcome: Outcome, status: int, headers: tuple[Header, ...], body: bytes
    ) -> None:
        """The record first; when it is durable, the caller has the answer at once."""
        self._close()
        answered = Answered(self._routed, outcome)
        done = self._release(status, headers, body)
        self._write.answered(answered, self._journey, event="call", done=done)

    def _release(
        self, status: int, headers: tuple[Header, ...], body: bytes
    ) -> Callable[[HoldfastError | None], None]:
        exchange, withhold = self._exchange, self._withhold

        def release(error: HoldfastError | None) -> None:
            if error is None:
                exchange.respond(status, headers, body)
            else:
                withhold(error)

        return release


TRIED_ENOUGH: Header = (b"x-should-retry", b"false")
"""Understood by OpenAI's clients: whoever tried here already tried again; a client that did the
same would multiply the attempts (SRE book, chapter 22: retry at one layer only)."""


def _nothing() -> None:
    """Nothing is left to be done."""


def _nobody(error: HoldfastError | None) -> None:
    """The caller has gone: nobody is left to tell."""
