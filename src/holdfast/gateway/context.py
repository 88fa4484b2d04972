"""What a caller says its call is part of: a trace, a conversation. Nothing is decided by either."""

from collections.abc import Mapping
from typing import Final

import msgspec

from holdfast.core import CallId, may_go_on, read_traceparent, sent_on
from holdfast.wire import Headers

SESSION: Final = b"x-session-id"
SESSION_CHARACTERS_MAX: Final = 128


class Context(msgspec.Struct, frozen=True, gc=False):
    """``trace`` is a valid ``traceparent`` and ``state`` the ``tracestate`` beside it; ``session``
    is printable. None where there was none."""

    trace: str | None = None
    state: str | None = None
    session: str | None = None


NO_CONTEXT: Final = Context()


def read_context(headers: Headers) -> Context:
    """What header fields say. Most callers send neither: 0.1 us then.

    W3C Trace Context section 3.3: a ``tracestate`` without a valid ``traceparent`` ends here.
    """
    sent, session = headers.get(b"traceparent"), headers.get(SESSION)
    if sent is None and session is None:
        return NO_CONTEXT
    trace = read_traceparent(sent.strip(b" \t")) if sent is not None else None
    return Context(
        trace,
        _state(headers.get(b"tracestate")) if trace is not None else None,
        read_session(session),
    )


def within(context: Context, meta: Mapping[str, str], session: str | None) -> Context:
    """The same of an MCP message: its ``_meta`` is heard before the ``context`` of its request."""
    named = read_session(session.encode("utf-8")) if session is not None else None
    sent = meta.get("traceparent")
    trace = read_traceparent(sent.encode("utf-8")) if sent is not None else None
    if trace is None:
        return Context(context.trace, context.state, named or context.session)
    state = meta.get("tracestate")
    return Context(
        trace,
        _state(state.encode("utf-8")) if state is not None else None,
        named or context.session,
    )


def read_session(sent: bytes | None) -> str | None:
    """The name of a conversation; None where it is none that a record can hold."""
    text = (sent or b"").strip(b" \t").decode("latin-1")
    is_fit = 0 < len(text) <= SESSION_CHARACTERS_MAX and text.isascii() and text.isprintable()
    return text if is_fit else None


def traced(context: Context, call: CallId) -> bytes:
    """The header lines by which an upstream's spans become part of the call's trace."""
    line = b"traceparent: %b\r\n" % sent_on(call, context.trace)
    if context.state is None:
        return line
    return b"%btracestate: %b\r\n" % (line, context.state.encode("ascii"))


def traced_meta(context: Context, meta: Mapping[str, str], call: CallId) -> dict[str, str]:
    """The same for an MCP server, which is told it in ``_meta`` and in header fields."""
    found = {"traceparent": sent_on(call, context.trace).decode("ascii")}
    if context.state is not None:
        found["tracestate"] = context.state
    if "baggage" in meta:
        found["baggage"] = meta["baggage"]
    return found


def _state(sent: bytes | None) -> str | None:
    text = (sent or b"").decode("latin-1")
    return text if text and may_go_on(text) else None
