"""The controls of resilience as people write them, field by field.

Nothing here has a default of its own: what is not written is settled in ``overlays``, from the
called node or from the defaults in ``resilience``.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from holdfast.blueprint import resilience as settled
from holdfast.blueprint.controls import CONNECTIONS_MAX
from holdfast.blueprint.fields import (
    Count,
    Form,
    HeaderName,
    HealthPath,
    MoneyMicro,
    Name,
    PriceMicro,
    Seconds,
    Size,
)

ATTEMPTS_MAX = 10
RETRIES_PER_S_MAX = 10_000
BACKOFF_S_MAX = 60.0
BREAKER_CALLS_MAX = 100_000
WINDOW_S_MAX = 3600.0
QUEUE_MAX = 65_536
FALLBACKS_MAX = 4
BULKHEAD_CALLS_MAX = 1_000_000
WEIGHT_MAX = 10_000
PRIORITY_MAX = 100

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
SomeShare: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Backoff: TypeAlias = Annotated[float, Field(ge=0.001, le=BACKOFF_S_MAX)]
Window: TypeAlias = Annotated[float, Field(ge=0.01, le=WINDOW_S_MAX)]
Calls: TypeAlias = Annotated[int, Field(ge=1, le=CONNECTIONS_MAX)]
BreakerCalls: TypeAlias = Annotated[int, Field(ge=1, le=BREAKER_CALLS_MAX)]


class RetriesForm(Form):
    """When a call may be tried again: only before the first byte of an answer, only where that is
    safe, and never more than the upstream can bear."""

    attempts: Annotated[int, Field(ge=1, le=ATTEMPTS_MAX)] | None = Field(
        default=None,
        description="The most tries of one call, the first included; 1 retries nothing. "
        f"Default {settled.ATTEMPTS_DEFAULT}.",
    )
    share: Share | None = Field(
        default=None,
        description="The retry budget: at most this share of calls may be retries. Only on a "
        f"node: all who call it share its budget. Default {settled.RETRY_SHARE_DEFAULT}.",
    )
    per_s_min: Annotated[float, Field(ge=0, le=RETRIES_PER_S_MAX)] | None = Field(
        default=None,
        description="Retries a second that are allowed whatever the share, so that quiet nodes "
        f"can retry too. Only on a node. Default {settled.RETRIES_PER_S_DEFAULT:g}.",
    )
    backoff_s: Backoff | None = Field(
        default=None,
        description="The longest wait before the first retry; it doubles with each. The wait is "
        f"drawn between 0 and that (full jitter). Default {settled.BACKOFF_S_DEFAULT:g}.",
    )
    backoff_s_max: Backoff | None = Field(
        default=None,
        description=f"Where the doubling stops. Default {settled.BACKOFF_S_MAX_DEFAULT:g}.",
    )


class BreakerForm(Form):
    """When an upstream that fails is left alone, and how it is tried again."""

    failures: BreakerCalls | None = Field(
        default=None,
        description=f"Opens after so many failures in a row. "
        f"Default {settled.BREAKER_FAILURES_DEFAULT}.",
    )
    share: SomeShare | None = Field(
        default=None,
        description="Opens too when this share of the calls within the window failed. "
        f"Default {settled.BREAKER_SHARE_DEFAULT}.",
    )
    calls_min: BreakerCalls | None = Field(
        default=None,
        description="The share counts from so many calls within the window on. "
        f"Default {settled.BREAKER_CALLS_MIN_DEFAULT}.",
    )
    window_s: Window | None = Field(
        default=None,
        description=f"Seconds of the window. Default {settled.BREAKER_WINDOW_S_DEFAULT:g}.",
    )
    open_s: Window | None = Field(
        default=None,
        description="Seconds until one call may try it again; an answer closes the breaker. "
        f"Default {settled.BREAKER_OPEN_S_DEFAULT:g}.",
    )


class EjectionForm(Form):
    """When one of several upstreams is left out because it fails far more than the others."""

    share_max: Share | None = Field(
        default=None,
        description="At most this share of the upstreams is left out; were it more, all are used. "
        f"0 leaves out none. Default {settled.EJECTION_SHARE_MAX_DEFAULT}.",
    )
    ejected_s: Window | None = Field(
        default=None,
        description="Seconds for which it is left out the first time; longer each time after. "
        f"Default {settled.EJECTION_S_DEFAULT:g}.",
    )


class HealthForm(Form):
    """How an upstream is asked whether it is well, without a call."""

    path: HealthPath = Field(
        description="What to GET, from the root of the upstream's host: `/health` for vLLM, "
        "`/api/version` for Ollama. A status from 200 to 399 is good; two failures in a row take "
        "the upstream out, two good answers bring it back."
    )
    every_s: Annotated[float, Field(ge=0.1, le=WINDOW_S_MAX)] | None = Field(
        default=None,
        description=f"Seconds between two questions. Default {settled.HEALTH_EVERY_S_DEFAULT:g}.",
    )
    timeout_s: Annotated[float, Field(ge=0.01, le=WINDOW_S_MAX)] | None = Field(
        default=None,
        description="Seconds to wait for the answer, at most every_s. "
        f"Default {settled.HEALTH_TIMEOUT_S_DEFAULT:g}.",
    )


class ConcurrencyForm(Form):
    """How many calls may be under way at one upstream, per worker: a limit that follows the time of
    the first token; and who waits when it is reached."""

    calls_start: Calls | None = Field(
        default=None,
        description="The limit to begin with, between calls_min and calls_max. "
        f"Default {settled.CONCURRENCY_START_DEFAULT}.",
    )
    calls_min: Calls | None = Field(
        default=None,
        description=f"The limit never falls below. Default {settled.CONCURRENCY_MIN_DEFAULT}.",
    )
    calls_max: Calls | None = Field(
        default=None,
        description="The limit never rises above. Default: `limits.connections`.",
    )
    tokens: Count | None = Field(
        default=None,
        description="The most tokens under way: `100k`. A call counts with the most it may take. "
        "Default: no limit.",
    )
    queue: Annotated[int, Field(ge=0, le=QUEUE_MAX)] | None = Field(
        default=None,
        description="The most calls that wait for room; 0 makes none wait. Only on the called "
        f"node: its upstreams share one queue. Default {settled.QUEUE_DEFAULT}.",
    )
    queue_s: Seconds | None = Field(
        default=None,
        description="The most seconds a call waits. Only on the called node. "
        f"Default {settled.QUEUE_S_DEFAULT:g}.",
    )


class RoutingForm(Form):
    """How a call chooses among the upstreams of a node."""

    by: settled.RoutingBy | None = Field(
        default=None,
        description="`least-loaded`: the better of two drawn by chance, by first-token time and "
        "calls under way. `weighted`: in proportion to weights. `session`: one session stays with "
        "one upstream. `cheapest`: the lowest price. Default `least-loaded`.",
    )
    session_header: HeaderName | None = Field(
        default=None,
        description="The request header that names the session, for `by: session`.",
    )


class FallbackForm(Form):
    """Whom to ask when the node cannot answer."""

    to: Annotated[list[Name], Field(min_length=1, max_length=FALLBACKS_MAX)] | None = Field(
        default=None,
        description=f"Ids of at most {FALLBACKS_MAX} nodes, asked in this order. Each needs an "
        "upstream, and a `connects` relationship from every caller that may fall back to it.",
    )
    after_first_token: bool | None = Field(
        default=None,
        description="Also when the answer breaks off in the middle: the next node is handed the "
        "answer so far and goes on from it; the record marks the seam. Default false.",
    )


class HedgeForm(Form):
    """When a second upstream is asked because the first takes unusually long to begin. Only for
    calls that may be repeated, and within the retry budget."""

    percentile: Annotated[float, Field(ge=50, le=99.9)] | None = Field(
        default=None,
        description="Ask after this percentile of recent first-token times. "
        f"Default {settled.HEDGE_PERCENTILE_DEFAULT:g}.",
    )
    share: SomeShare | None = Field(
        default=None,
        description=f"At most this share of calls is hedged. "
        f"Default {settled.HEDGE_SHARE_DEFAULT}.",
    )


class CacheForm(Form):
    """Give the same answer to the same request again. Nothing is kept where this is not written."""

    ttl_s: Seconds | None = Field(
        default=None,
        description=f"Seconds an answer is kept. Default {settled.CACHE_TTL_S_DEFAULT:g}.",
    )
    scope: settled.CacheScope | None = Field(
        default=None,
        description="Who may be given an answer again: the same `caller`, all over the same "
        "`relationship`, or all in the `tenant`. Default `tenant`.",
    )
    bytes_max: Size | None = Field(
        default=None,
        description="The most that is kept, per worker; the least recently used goes first. "
        f"Default {settled.CACHE_BYTES_DEFAULT // 2**20}MiB.",
    )


class PriceForm(Form):
    """What a million tokens cost, in the currency that budgets are written in."""

    input: PriceMicro = Field(description="Per million tokens of the request; six decimals count.")
    output: PriceMicro = Field(description="Per million tokens of the answer; six decimals count.")


class BudgetForm(Form):
    """What may be spent in a period: at least one of calls, tokens, money. Reserved before a call,
    settled after it, over all workers; what goes beyond is refused."""

    per: settled.Period = Field(
        description="The period. It begins on the full minute, hour, day or month, in UTC."
    )
    calls: Count | None = Field(default=None, description="The most calls: `10k`.")
    tokens: Count | None = Field(
        default=None,
        description="The most tokens, of requests and answers: `2M`. Needs `limits.max_tokens` on "
        "what it covers.",
    )
    money: MoneyMicro | None = Field(
        default=None,
        description="The most money, to six decimals. Needs a `price` on every upstream and "
        "`limits.max_tokens` on what it covers.",
    )
    soft: SomeShare | None = Field(
        default=None,
        description="The share of it that is told when reached; calls go on. "
        f"Default {settled.SOFT_SHARE_DEFAULT}.",
    )


class BulkheadForm(Form):
    """How many calls may be under way at once; the next is refused. It keeps one part of the system
    from taking all there is."""

    calls: Annotated[int, Field(ge=1, le=BULKHEAD_CALLS_MAX)] = Field(
        description="The most calls under way, over all workers."
    )
