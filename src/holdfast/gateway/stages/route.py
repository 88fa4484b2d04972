"""Route: where may the call go, what does it cost at most, and with which bytes does it go?"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from holdfast.blueprint import Blueprint, Cache, Relationship
from holdfast.core import NodeId
from holdfast.gateway.attempt import Attempt
from holdfast.gateway.authority import ask_of_model
from holdfast.gateway.call import Accepted, Cached, Kept, Refused, Routed, Screened
from holdfast.gateway.context import traced
from holdfast.gateway.groups import Group
from holdfast.gateway.holding import Hold
from holdfast.gateway.mandated import tolls_under
from holdfast.gateway.rules import RULES
from holdfast.gateway.tolls import Tokens, TollBook, Tolls
from holdfast.identity import principals
from holdfast.identity.authority import AMOUNT_MAX
from holdfast.identity.mandates import Mandate
from holdfast.providers import Asked, with_model
from holdfast.resilience import AnswerCache, cache_key
from holdfast.world.ports import Clock

FORWARDED = (b"accept", b"idempotency-key", b"baggage")
MILLISECONDS = 1000

Caches: TypeAlias = dict[tuple[NodeId, Cache], AnswerCache[Kept]]


class Route:
    """The caller's key ends here: the message carries the upstream's own credential, or none."""

    __slots__ = ("_blueprint", "_caches", "_clock", "_groups", "_principals", "_tolls")

    def __init__(
        self,
        blueprint: Blueprint,
        groups: Mapping[NodeId, Group],
        *,
        tolls: TollBook,
        caches: Caches,
        clock: Clock,
    ) -> None:
        self._blueprint = blueprint
        self._groups = groups
        self._principals = principals(blueprint)
        self._tolls = tolls
        self._caches = caches
        self._clock = clock

    def __call__(self, screened: Screened) -> Routed | Cached | Refused:
        allowed = screened.allowed
        accepted, link = allowed.known.accepted, allowed.relationship
        group = self._groups.get(allowed.callee.id)
        asked = accepted.asked
        if group is None or asked is None:
            rule = RULES["upstream.missing"]
            fix = f"give '{allowed.callee.id}' an upstream control in the blueprint"
            return Refused(rule, rule.meaning, fix, screened)
        headers = accepted.headers
        session_header = allowed.callee.routing.session_header
        routed = Routed(
            screened,
            group,
            self._blueprint.timeouts(link),
            _forwarded(accepted),
            Tokens(len(screened.body), _most_out(screened, asked)),
            self._tolls.of(link),
            headers.get(session_header.encode("ascii")) if session_header is not None else None,
        )
        mandate = allowed.known.caller.mandate
        if mandate is not None and mandate.payers:
            paid = self._paid(routed, mandate)
            if isinstance(paid, Refused):
                return paid
            routed = paid
        if link.cache is None or allowed.decision.obligations:
            # An answer to whom policy asks for something is nobody else's, and nobody else's theirs.
            return routed
        return self._remembered(routed, link, link.cache)

    def _paid(self, routed: Routed, mandate: Mandate) -> Routed | Refused:
        """Beside the budgets of the blueprint, those who sent the caller pay."""
        screened, tokens = routed.screened, routed.tokens
        allowed = screened.allowed
        accepted, callee = allowed.known.accepted, allowed.callee.id
        is_bounded = tokens.most_out > 0 or not accepted.endpoint.generates
        ask = ask_of_model(
            accepted,
            callee,
            location=self._principals[callee],
            tokens=tokens.total if is_bounded else AMOUNT_MAX,
        )
        tolls = tolls_under(
            mandate, self._tolls.with_prices(allowed.relationship), ask, tokens=tokens
        )
        if not isinstance(tolls, Tolls):
            code, what, fix = tolls
            return Refused(RULES[code], what, fix, screened)
        return msgspec.structs.replace(routed, tolls=tolls)

    def _remembered(self, routed: Routed, link: Relationship, control: Cache) -> Routed | Cached:
        """The answer that was given to the same request before, if it is kept."""
        allowed = routed.screened.allowed
        accepted = allowed.known.accepted
        cache = self._caches.get((allowed.callee.id, control))
        if cache is None:
            cache = AnswerCache[Kept](control.bytes_max, ttl_s=control.ttl_s)
            self._caches[allowed.callee.id, control] = cache
        scopes = {"caller": allowed.known.principal, "relationship": link.id, "tenant": ""}
        scope = f"{control.scope}:{scopes[control.scope]}".encode()
        key = cache_key(scope, accepted.endpoint.path.encode(), accepted.body)
        kept = cache.get(key, self._clock.monotonic())
        counters = routed.group.counters
        if kept is not None:
            counters.cache_hits += 1
            return Cached(routed, kept)
        counters.cache_misses += 1
        return msgspec.structs.replace(routed, cache=cache, cache_key=key)


def carry(routed: Routed, attempt: Attempt, *, left_s: float, so_far: str | None) -> Hold:
    """Send the call to the attempt's upstream (a ``means.Carry``)."""
    upstream = attempt.place.upstream
    screened = routed.screened
    accepted = screened.allowed.known.accepted
    asked = accepted.asked
    assert asked is not None
    body = with_model(
        screened.body,
        asked.model,
        upstream.model,
        max_tokens=_missing_limit(screened, asked),
        ask_usage=routed.asks_usage,
        so_far=so_far,
    )
    message = (
        b"POST %b%b HTTP/1.1\r\n%b\r\nx-request-id: %b\r\nx-request-timeout-ms: %d\r\n"
        b"%bcontent-length: %d\r\n\r\n%b"
        % (
            upstream.prefix,
            accepted.endpoint.suffix.encode("ascii"),
            upstream.head,
            accepted.call.encode("ascii"),
            left_s * MILLISECONDS,
            routed.forwarded,
            len(body),
            body,
        )
    )
    return upstream.pool.send(message, attempt, fresh=attempt.is_afresh)


def _most_out(screened: Screened, asked: Asked) -> int:
    """The most tokens the answer can have; 0 where nothing bounds them (then no budget counts)."""
    if not screened.allowed.known.accepted.endpoint.generates:
        return 0
    most, cap = asked.max_tokens or screened.limits.max_tokens or 0, screened.cap
    if cap is not None:
        most = min(most, cap) if most else cap
    return most * asked.answers


def _missing_limit(screened: Screened, asked: Asked) -> int | None:
    """The token limit to write into a request that generates and names none itself."""
    most, cap = screened.limits.max_tokens, screened.cap
    if cap is not None:
        most = cap if most is None else min(most, cap)
    if most is None or asked.max_tokens is not None:
        return None
    return most if screened.allowed.known.accepted.endpoint.generates else None


def _forwarded(accepted: Accepted) -> bytes:
    """The header lines that go on to the upstream. A call that is sent more than once (retries,
    hedges, fallbacks) has one span for all of it."""
    headers = accepted.headers
    return traced(accepted.context, accepted.call) + b"".join(
        [b"%b: %b\r\n" % (name, headers[name]) for name in FORWARDED if name in headers]
    )
