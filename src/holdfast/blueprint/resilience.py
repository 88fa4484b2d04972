"""What a blueprint says of calls that meet trouble, of load, of money: the controls of resilience.

Every default here is explained on its mechanism's page under docs/resilience/.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

ATTEMPTS_DEFAULT = 3
RETRY_SHARE_DEFAULT = 0.1
RETRIES_PER_S_DEFAULT = 1.0
BACKOFF_S_DEFAULT = 0.05
BACKOFF_S_MAX_DEFAULT = 2.0

BREAKER_FAILURES_DEFAULT = 5
BREAKER_SHARE_DEFAULT = 0.5
BREAKER_CALLS_MIN_DEFAULT = 20
BREAKER_WINDOW_S_DEFAULT = 10.0
BREAKER_OPEN_S_DEFAULT = 0.5

EJECTION_SHARE_MAX_DEFAULT = 0.5
EJECTION_S_DEFAULT = 5.0

HEALTH_EVERY_S_DEFAULT = 5.0
HEALTH_TIMEOUT_S_DEFAULT = 2.0

CONCURRENCY_START_DEFAULT = 50
CONCURRENCY_MIN_DEFAULT = 1
QUEUE_DEFAULT = 1024
QUEUE_S_DEFAULT = 5.0

HEDGE_PERCENTILE_DEFAULT = 95.0
HEDGE_SHARE_DEFAULT = 0.05

CACHE_TTL_S_DEFAULT = 300.0
CACHE_BYTES_DEFAULT = 16 * 1024 * 1024

SOFT_SHARE_DEFAULT = 0.8

Criticality: TypeAlias = Literal["critical", "standard", "sheddable"]
"""How dear a call is: under overload the sheddable go first, the critical last."""
RoutingBy: TypeAlias = Literal["least-loaded", "weighted", "session", "cheapest"]
CacheScope: TypeAlias = Literal["caller", "relationship", "tenant"]
Period: TypeAlias = Literal["minute", "hour", "day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """At most ``attempts`` in all for one call, the first included; beyond first attempts at most
    ``share`` of live traffic (plus ``per_s_min``); waits of full jitter between them."""

    attempts: int = ATTEMPTS_DEFAULT
    share: float = RETRY_SHARE_DEFAULT
    per_s_min: float = RETRIES_PER_S_DEFAULT
    backoff_s: float = BACKOFF_S_DEFAULT
    backoff_s_max: float = BACKOFF_S_MAX_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Opens after ``failures`` in a row, or when of at least ``calls_min`` calls within
    ``window_s`` the share ``share`` failed; then lets one probe through every ``open_s``."""

    failures: int = BREAKER_FAILURES_DEFAULT
    share: float = BREAKER_SHARE_DEFAULT
    calls_min: int = BREAKER_CALLS_MIN_DEFAULT
    window_s: float = BREAKER_WINDOW_S_DEFAULT
    open_s: float = BREAKER_OPEN_S_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ejection:
    """An upstream that fails far more than its peers is left out for ``ejected_s``, growing; never
    more than ``share_max`` of them at once: beyond it, all are used (panic)."""

    share_max: float = EJECTION_SHARE_MAX_DEFAULT
    ejected_s: float = EJECTION_S_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Ask ``GET path`` of the upstream every ``every_s``; two failures in a row take it out, two
    successes bring it back."""

    path: str
    every_s: float = HEALTH_EVERY_S_DEFAULT
    timeout_s: float = HEALTH_TIMEOUT_S_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """Calls in flight to one upstream, per worker: a limit that adapts between ``calls_min`` and
    ``calls_max`` to the time of the first token, and a fixed one on ``tokens`` in flight. What is
    beyond waits in a queue of at most ``queue`` calls for at most ``queue_s``."""

    calls_start: int = CONCURRENCY_START_DEFAULT
    calls_min: int = CONCURRENCY_MIN_DEFAULT
    calls_max: int | None = None
    tokens: int | None = None
    queue: int = QUEUE_DEFAULT
    queue_s: float = QUEUE_S_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How a call chooses among the upstreams of a node. ``session_header`` names the request
    header whose value keeps a session at one upstream (``by: session``)."""

    by: RoutingBy = "least-loaded"
    session_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """The nodes to ask, in order, when this one cannot answer. With ``after_first_token`` also
    when it breaks off in mid-answer: the next is handed the answer so far and goes on from it."""

    to: tuple[str, ...]
    after_first_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """Ask a second upstream when the first has not begun to answer by the ``percentile`` of
    first-token times; at most ``share`` of calls, and within the retry budget."""

    percentile: float = HEDGE_PERCENTILE_DEFAULT
    share: float = HEDGE_SHARE_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """Keep answers for ``ttl_s`` and give the same answer to the same request of the same scope."""

    ttl_s: float = CACHE_TTL_S_DEFAULT
    scope: CacheScope = "tenant"
    bytes_max: int = CACHE_BYTES_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent in one ``per``: calls, tokens, money (in millionths of the currency that
    prices are written in). Beyond a hard limit calls are refused; at ``soft`` of it, told."""

    per: Period
    calls: int | None = None
    tokens: int | None = None
    money_micro: int | None = None
    soft: float = SOFT_SHARE_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a million tokens cost, in millionths of the currency."""

    input_micro: int
    output_micro: int
