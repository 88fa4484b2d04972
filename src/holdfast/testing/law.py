"""Who may what, when: said anew, from the setup alone, to hold the gateway against."""

from collections.abc import Iterator
from typing import Final

from holdfast.testing.orders import Order
from holdfast.testing.setup import MODELS, Pair, Setup

STATUS: Final = {
    "identity.missing": 401,
    "identity.unknown": 401,
    "node.unknown": 404,
    "relationship.undeclared": 403,
    "policy.denied": 403,
    "limit.request-bytes": 413,
    "limit.max-tokens": 400,
}
"""What the law refuses, and the status that says so."""


class Law:
    """What is in force at which time. ``None`` among the verdicts is leave to pass."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._pairs: list[tuple[float, tuple[Pair, ...]]] = [(0.0, setup.pairs)]
        self._revoked_at: float | None = None

    def declare(self, pairs: tuple[Pair, ...], now: float) -> None:
        """Another blueprint is in force from ``now`` on."""
        self._pairs.append((now, pairs))

    def revoke(self, now: float) -> None:
        """The old keys are worth nothing from ``now`` on."""
        self._revoked_at = now

    def verdicts(self, order: Order, size: int, *, since: float, until: float) -> set[str | None]:
        """All that may be said of a call which was judged at some moment between the two."""
        return {
            self._judge(order, size, pairs, is_revoked=is_revoked)
            for pairs in self._declared(since, until)
            for is_revoked in self._revocations(since, until)
        }

    def in_force(self) -> tuple[Pair, ...]:
        """What is declared now."""
        return self._pairs[-1][1]

    def pairs(
        self, order: Order, *, since: float, until: float, callee: str | None = None
    ) -> list[Pair]:
        """The relationships over which the call, or its fallback to ``callee``, may have gone."""
        ends = (order.caller, callee or order.model)
        return [
            pair
            for pairs in self._declared(since, until)
            for pair in pairs
            if (pair.caller, pair.callee) == ends
        ]

    def _declared(self, since: float, until: float) -> Iterator[tuple[Pair, ...]]:
        ends = [at for at, _ in self._pairs[1:]] + [float("inf")]
        for (begins, pairs), ends_at in zip(self._pairs, ends, strict=True):
            if begins <= until and ends_at >= since:
                yield pairs

    def _revocations(self, since: float, until: float) -> set[bool]:
        revoked = self._revoked_at
        found: set[bool] = set()
        if revoked is None or since <= revoked:
            found.add(False)
        if revoked is not None and until >= revoked:
            found.add(True)
        return found

    def _judge(
        self, order: Order, size: int, pairs: tuple[Pair, ...], *, is_revoked: bool
    ) -> str | None:
        if order.key == "none":
            return "identity.missing"
        if order.key in ("unknown", "mangled") or (order.key == "old" and is_revoked):
            return "identity.unknown"
        if order.model not in MODELS:
            return "node.unknown"
        pair = next((p for p in pairs if (p.caller, p.callee) == (order.caller, order.model)), None)
        if pair is None:
            return "relationship.undeclared"
        if order.tools and order.caller == self._setup.no_tools_for:
            return "policy.denied"
        if pair.request_bytes is not None and size > pair.request_bytes:
            return "limit.request-bytes"
        too_many = order.max_tokens is not None and pair.max_tokens is not None
        if too_many and (order.max_tokens or 0) > (pair.max_tokens or 0):
            return "limit.max-tokens"
        return None
