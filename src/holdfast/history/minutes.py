"""One pair's minute, whole: what objectives are measured on and anomalies looked for in."""

from dataclasses import dataclass
from typing import Protocol

UNSERVED: frozenset[str] = frozenset(
    (
        "approval.full",
        "approval.interrupted",
        "audit.unavailable",
        "authority.stale",
        "budget.unavailable",
        "deadline.passed",
        "identity.revocations-unknown",
        "load.shed",
        "queue.full",
        "queue.timeout",
        "tool.unseen",
        "upstream.missing",
        "upstream.open",
        "upstream.rate-limited",
        "upstream.reset",
        "upstream.saturated",
        "upstream.error",
        "upstream.protocol",
        "upstream.timeout",
        "upstream.unreachable",
        "limit.answer-bytes",
        "mcp.answer",
    )
)
"""Rules of refusals that nobody wanted: the system could not serve the call. They count as failures,
where a refusal that somebody declared does not."""
SPEED_TOKENS_MIN = 16
"""A stream of fewer tokens ends before it has a speed."""


class Tallied(Protocol):
    """Many values, kept as counts of how many were about how large."""

    @property
    def count(self) -> int: ...

    def within(self, value: int) -> int:
        """How many were at most ``value``; one near it, by a few percent, counts on either side."""
        ...

    def quantile(self, q: float) -> int | None:
        """The value that a share ``q`` does not pass; None where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """Calls of one pair that began in the minute that begins ``at``.

    ``unserved`` are those of the ``refused`` that nobody wanted to refuse. ``durations`` are of
    answered calls and ``first_tokens`` of streams, in microseconds; ``speeds`` of answered streams
    of at least ``SPEED_TOKENS_MIN`` tokens, in thousandths of a token a second from the first
    token on. ``cost`` is in billionths of the currency.
    """

    at: int
    caller: str | None
    callee: str | None
    relationship: str | None
    calls: int
    answered: int
    refused: int
    failed: int
    cancelled: int
    unserved: int
    tokens_in: int
    tokens_out: int
    cost: int
    durations: Tallied
    first_tokens: Tallied
    speeds: Tallied
