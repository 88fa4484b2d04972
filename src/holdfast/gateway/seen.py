"""Nodes, upstreams and budgets as a watcher sees them: what a worker reports, the console shows and
Prometheus scrapes."""

from typing import Literal, TypeAlias

import msgspec

UpstreamState: TypeAlias = Literal["up", "half-open", "resting", "ejected", "open", "down"]
"""From well to unwell: where workers differ, the worse one is shown."""
BudgetUnit: TypeAlias = Literal["calls", "tokens", "money"]
COUNTERS = (
    "retries",
    "retries_denied",
    "hedges",
    "hedges_won",
    "fallbacks",
    "seams",
    "shed",
    "throttled",
    "queue_dropped",
    "cache_hits",
    "cache_misses",
)
"""What a called node's mechanisms count, by name."""


class UpstreamSeen(msgspec.Struct, frozen=True):
    """One upstream as one that answers for ``node``; ``upstream`` is the node that has it.

    ``limit`` is how many calls may be in flight to it now; ``first_token_ms`` and ``tokens_per_s``
    (of one stream) are moving averages, None before the first; ``sent`` and ``failed`` count
    attempts since the start.
    """

    node: str
    upstream: str
    url: str
    state: UpstreamState
    in_flight: int
    limit: int
    first_token_ms: float | None
    tokens_per_s: float | None
    sent: int
    failed: int


class NodeSeen(msgspec.Struct, frozen=True):
    """One called node: calls that wait in its queue now, and what its mechanisms did since the
    start, by the names of ``COUNTERS``; one that is missing is 0. ``retry_budget`` is how many
    retries it may make now."""

    node: str
    queued: int
    counters: dict[str, int]
    retry_budget: float = 0.0


class BudgetSeen(msgspec.Struct, frozen=True):
    """One budget in its present period. ``account`` says whose (``node:reviewer``); ``reserved`` is
    what workers hold of it, for calls under way and a little ahead; money is in billionths of the currency; ``resets_at`` is
    an instant in microseconds since 1970. ``soft_exceeded``: the soft limit was passed;
    ``overdrawn``: what upstreams reported beyond what had been reserved."""

    account: str
    unit: BudgetUnit
    limit: int
    spent: int
    reserved: int
    resets_at: int
    soft_exceeded: bool = False
    overdrawn: int = 0
