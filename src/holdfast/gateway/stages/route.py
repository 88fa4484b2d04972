"""Route: where does the call go, and with exactly which bytes?"""

from collections.abc import Mapping

from holdfast.blueprint import Blueprint
from holdfast.core import NodeId
from holdfast.gateway.call import Refused, Routed, Screened
from holdfast.gateway.rules import RULES
from holdfast.gateway.upstreams import Upstream
from holdfast.providers import Asked, with_model


class Route:
    """The caller's key ends here: the message carries the upstream's own credential, or none."""

    __slots__ = ("_blueprint", "_upstreams")

    def __init__(self, blueprint: Blueprint, upstreams: Mapping[NodeId, Upstream]) -> None:
        self._blueprint = blueprint
        self._upstreams = upstreams

    def __call__(self, screened: Screened) -> Routed | Refused:
        allowed = screened.allowed
        accepted = allowed.known.accepted
        upstream = self._upstreams.get(allowed.callee.id)
        asked = accepted.asked
        if upstream is None or asked is None:
            rule = RULES["upstream.missing"]
            fix = f"give '{allowed.callee.id}' an upstream control in the blueprint"
            return Refused(rule, rule.meaning, fix, screened)
        body = with_model(
            accepted.body, asked.model, upstream.model, max_tokens=_missing_limit(screened, asked)
        )
        message = (
            b"POST %b%b HTTP/1.1\r\n%b\r\nx-request-id: %b\r\n%bcontent-length: %d\r\n\r\n%b"
            % (
                upstream.prefix,
                accepted.endpoint.suffix.encode("ascii"),
                upstream.head,
                accepted.call.encode("ascii"),
                accepted.forwarded,
                len(body),
                body,
            )
        )
        timeouts = self._blueprint.timeouts(allowed.relationship)
        return Routed(screened, upstream, timeouts, message)


def _missing_limit(screened: Screened, asked: Asked) -> int | None:
    """The token limit to write into a request that generates and names none itself."""
    if screened.limits.max_tokens is None or asked.max_tokens is not None:
        return None
    generates = screened.allowed.known.accepted.endpoint.generates
    return screened.limits.max_tokens if generates else None
