"""What the caller reads: headers that pass, and failures in the dialect's own words."""

from collections.abc import Callable
from math import ceil
from typing import Final

import msgspec

from holdfast.core import CallId, HoldfastError
from holdfast.gateway.rules import RULES, Rule
from holdfast.providers import error_body
from holdfast.wire import (
    ConnectError,
    Exchange,
    Header,
    Headers,
    PoolFullError,
    ProtocolError,
    WireError,
)

_PASSED: Final = frozenset((b"content-type", b"retry-after", b"cache-control"))
_PASSED_PREFIXES: Final = (b"openai-", b"x-ratelimit-")
_JSON: Final = (b"content-type", b"application/json")
REQUEST_ID: Final = b"x-request-id"


class Said(msgspec.Struct, frozen=True, gc=False):
    """An answer of our own."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


def passed_on(headers: Headers, call: CallId) -> tuple[Header, ...]:
    """The upstream's header fields that mean something to the caller, and the call's id."""
    passed = [h for h in headers.items() if h[0] in _PASSED or h[0].startswith(_PASSED_PREFIXES)]
    passed.append((REQUEST_ID, call.encode("ascii")))
    return tuple(passed)


def reply_headers(call: CallId) -> tuple[Header, ...]:
    """The header fields of an answer of our own."""
    return (_JSON, (REQUEST_ID, call.encode("ascii")))


def retry_after(seconds: float | None) -> tuple[Header, ...]:
    """When to come again, in whole seconds, rounded up (RFC 9110 section 10.2.3)."""
    return () if seconds is None else ((b"retry-after", b"%d" % max(1, ceil(seconds))),)


def error_reply(
    rule: Rule, what: str, fix: str, *, call: CallId, param: str | None = None
) -> bytes:
    """The body of a refusal or failure: what, how to mend it, which rule, which call."""
    message = f"{what} ({fix})" if fix and fix != what else what
    return error_body(rule.status, rule.code, message, param=param, call=call)


def saying(
    exchange: Exchange, said: Said, *, call: CallId
) -> Callable[[HoldfastError | None], None]:
    """Says it once its record is durable; what has no record is withheld."""

    def release(error: HoldfastError | None) -> None:
        if error is None:
            exchange.respond(said.status, said.headers, said.body)
        else:
            withhold(exchange, call, error)

    return release


def withhold(exchange: Exchange, call: CallId, error: HoldfastError) -> None:
    """Answer that there is no answer, since no record of the call can be made durable."""
    rule = RULES["audit.unavailable"]
    body = error_reply(rule, rule.meaning, error.fix, call=call)
    exchange.respond(rule.status, reply_headers(call), body)


def failure_rule(error: WireError) -> Rule:
    """Which rule a wire error is."""
    if isinstance(error, ConnectError):
        return RULES["upstream.unreachable"]
    if isinstance(error, PoolFullError):
        return RULES["upstream.saturated"]
    if isinstance(error, ProtocolError):
        return RULES["upstream.protocol"]
    return RULES["upstream.reset"]
