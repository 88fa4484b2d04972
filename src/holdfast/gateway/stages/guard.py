"""Guard: is the content within what the relationship allows? Sees content, never credentials."""

from holdfast.blueprint import Blueprint
from holdfast.gateway.call import Allowed, Refused, Screened
from holdfast.gateway.rules import RULES


class Guard:
    """The limits of the relationship, on the way in; ``answer_bytes`` is checked on the way out."""

    __slots__ = ("_blueprint",)

    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint

    def __call__(self, allowed: Allowed) -> Screened | Refused:
        accepted = allowed.known.accepted
        limits = self._blueprint.limits(allowed.relationship)
        size = len(accepted.body)
        if size > limits.request_bytes:
            return Refused(
                RULES["limit.request-bytes"],
                f"the request has {size} bytes; '{allowed.relationship.id}' allows {limits.request_bytes}",
                "send less, or raise limits.request_bytes of the relationship",
                allowed,
            )
        asked = accepted.asked
        if limits.max_tokens is None or asked is None or asked.max_tokens is None:
            return Screened(allowed, limits)
        if asked.max_tokens > limits.max_tokens:
            return Refused(
                RULES["limit.max-tokens"],
                f"{asked.max_tokens} output tokens are asked for; "
                f"'{allowed.relationship.id}' allows {limits.max_tokens}",
                "ask for fewer, or raise limits.max_tokens of the relationship",
                allowed,
                "max_tokens",
            )
        return Screened(allowed, limits)
