"""Every metric of Prometheus, what it means, where its value stands; ``exposition`` writes them.

Names follow Prometheus' practice: base units, ``_total`` for what only grows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from holdfast.faces.spreads import SPREADS, SpreadMetric
from holdfast.faces.view import Live, WorkerState
from holdfast.gateway import COUNTERS, BudgetSeen, UpstreamSeen, UpstreamState
from holdfast.history import UNSERVED
from holdfast.telemetry.anomalies import Anomaly
from holdfast.telemetry.objectives import Standing
from holdfast.telemetry.tally import Tallied

MONEY_NANO = 1_000_000_000

Sample: TypeAlias = tuple[tuple[str, ...], float]
"""The values of the labels, in their order, and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """All that is told at one moment. ``trouble`` says why no calls can be taken; ``entries`` are
    those of the log that were heard, ``dropped`` what telemetry lost."""

    live: Live
    trouble: str | None = None
    tallied: tuple[Tallied, ...] = ()
    entries: int = 0
    dropped: tuple[tuple[str, int], ...] = ()
    standings: tuple[Standing, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of single values: ``read`` takes its samples off the system."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str
    read: Callable[[Scrape], Iterable[Sample]]


_COUNTED = {
    "retries": "attempts beyond the first",
    "retries_denied": "retries that the retry budget did not allow",
    "hedges": "second attempts sent because the first was slow to answer",
    "hedges_won": "hedges that answered first",
    "fallbacks": "calls handed to another node",
    "seams": "answers that another node went on with after the first token",
    "shed": "calls refused because the queue was full, or evicted from it",
    "throttled": "calls refused because the upstreams refuse too many",
    "queue_dropped": "calls dropped from the queue because they waited too long",
    "cache_hits": "calls answered from the cache",
    "cache_misses": "calls looked up in the cache in vain",
}


def _upstream(
    name: str,
    kind: Literal["counter", "gauge"],
    meaning: str,
    value: Callable[[UpstreamSeen], float | None],
) -> Metric:
    def read(scrape: Scrape) -> Iterable[Sample]:
        for each in scrape.live.upstreams:
            found = value(each)
            if found is not None:
                yield (each.node, each.upstream), found

    labels = ("node", "upstream")
    return Metric(name=name, kind=kind, labels=labels, meaning=meaning, read=read)


def _counter(counted: str) -> Metric:
    def read(scrape: Scrape) -> Iterable[Sample]:
        return (((node.node,), node.counters.get(counted, 0)) for node in scrape.live.nodes)

    name, meaning = f"holdfast_{counted}_total", _COUNTED[counted]
    return Metric(name=name, kind="counter", labels=("node",), meaning=meaning, read=read)


def _budget(what: str, meaning: str, value: Callable[[BudgetSeen], float]) -> Metric:
    def read(scrape: Scrape) -> Iterable[Sample]:
        return (((each.account, each.unit), value(each)) for each in scrape.live.budgets)

    name, labels = f"holdfast_budget_{what}", ("account", "unit")
    return Metric(name=name, kind="gauge", labels=labels, meaning=meaning, read=read)


def _amount(seen: BudgetSeen, amount: int) -> float:
    return amount / MONEY_NANO if seen.unit == "money" else amount


def _calls(scrape: Scrape) -> Iterable[Sample]:
    totals = scrape.live.totals
    yield ("answered",), totals.answered
    yield ("refused",), totals.refused
    yield ("failed",), totals.failed
    yield ("cancelled",), totals.cancelled


def _states(scrape: Scrape) -> Iterable[Sample]:
    """One sample for each state it may have: 1 for the one it has."""
    for each in scrape.live.upstreams:
        for state in get_args(UpstreamState):
            yield (each.node, each.upstream, state), int(each.state == state)


def _workers(scrape: Scrape) -> Iterable[Sample]:
    states = [_worker_state(worker) for worker in scrape.live.workers]
    for state in ("ready", "not-ready", "leaving"):
        yield (state,), states.count(state)


def _worker_state(worker: WorkerState) -> str:
    if worker.leaving:
        return "leaving"
    return "ready" if worker.ready and worker.fault is None else "not-ready"


def _alarms(scrape: Scrape) -> Iterable[Sample]:
    events = [alarm.event for alarm in scrape.live.alarms]
    for event in ("intent", "opened"):
        yield (event,), events.count(event)


def _ended(scrape: Scrape) -> Iterable[Sample]:
    for tallied in scrape.tallied:
        for each in tallied.ended:
            yield (tallied.relationship, each.outcome, each.rule), each.calls


def _answered(tallied: Tallied) -> int:
    return sum(each.calls for each in tallied.ended if each.outcome == "answered")


def _unserved(tallied: Tallied) -> int:
    return sum(
        each.calls
        for each in tallied.ended
        if each.outcome == "failed" or (each.outcome == "refused" and each.rule in UNSERVED)
    )


def _left(scrape: Scrape) -> Iterable[Sample]:
    for each in scrape.standings:
        if each.left is not None:
            yield (each.id,), each.left


def _burns(scrape: Scrape) -> Iterable[Sample]:
    for each in scrape.standings:
        for burn in each.burns:
            if burn.rate is not None:
                yield (each.id, str(burn.window_min)), burn.rate


def _alerting(scrape: Scrape) -> Iterable[Sample]:
    for each in scrape.standings:
        firing = {alert.severity for alert in each.alerts}
        for severity in ("page", "ticket"):
            yield (each.id, severity), int(severity in firing)


def _anomalies(scrape: Scrape) -> Iterable[Sample]:
    for each in scrape.anomalies:
        if each.until is None:
            yield (each.relationship, each.measure), each.score


METRICS: tuple[Metric | SpreadMetric, ...] = (
    Metric(
        name="holdfast_ready",
        kind="gauge",
        labels=(),
        meaning="1 while calls can be taken, else 0",
        read=lambda scrape: (((), int(scrape.trouble is None)),),
    ),
    Metric(
        name="holdfast_relationship_calls_total",
        kind="counter",
        labels=("relationship", "outcome", "rule"),
        meaning="calls that ended, by relationship, what came of them and what refused or failed them",
        read=_ended,
    ),
    Metric(
        name="holdfast_relationship_counted_total",
        kind="counter",
        labels=("relationship",),
        meaning="calls that count towards availability: answered, or not served",
        read=lambda scrape: (
            ((each.relationship,), _answered(each) + _unserved(each)) for each in scrape.tallied
        ),
    ),
    Metric(
        name="holdfast_relationship_unserved_total",
        kind="counter",
        labels=("relationship",),
        meaning="calls that failed, or were refused though nobody had declared that",
        read=lambda scrape: (((each.relationship,), _unserved(each)) for each in scrape.tallied),
    ),
    Metric(
        name="holdfast_cost_total",
        kind="counter",
        labels=("relationship",),
        meaning="what calls cost, by the price of the node that answered",
        read=lambda scrape: (
            ((each.relationship,), each.cost / MONEY_NANO) for each in scrape.tallied
        ),
    ),
    *SPREADS,
    Metric(
        name="holdfast_log_entries",
        kind="gauge",
        labels=(),
        meaning="entries of the log, as far as telemetry has read it",
        read=lambda scrape: (((), scrape.entries),) if scrape.entries else (),
    ),
    Metric(
        name="holdfast_telemetry_dropped_total",
        kind="counter",
        labels=("to",),
        meaning="what found no room on its way to other tools",
        read=lambda scrape: (((name,), count) for name, count in scrape.dropped),
    ),
    Metric(
        name="holdfast_objective_left",
        kind="gauge",
        labels=("objective",),
        meaning="the part of an objective's budget that is left, 1 at first, below 0 when overspent",
        read=_left,
    ),
    Metric(
        name="holdfast_objective_burn_rate",
        kind="gauge",
        labels=("objective", "window_min"),
        meaning="how fast the budget was used in the last minutes; at 1 it lasts for its window",
        read=_burns,
    ),
    Metric(
        name="holdfast_objective_alert",
        kind="gauge",
        labels=("objective", "severity"),
        meaning="1 while a budget burns so fast that somebody must know",
        read=_alerting,
    ),
    Metric(
        name="holdfast_anomaly",
        kind="gauge",
        labels=("relationship", "measure"),
        meaning="deviations from what is usual, while a relationship is unlike itself",
        read=_anomalies,
    ),
    Metric(
        name="holdfast_calls_total",
        kind="counter",
        labels=("outcome",),
        meaning="calls that ended, by what came of them",
        read=_calls,
    ),
    Metric(
        name="holdfast_tokens_total",
        kind="counter",
        labels=("direction",),
        meaning="tokens in prompts (in) and answers (out), as upstreams count them",
        read=lambda scrape: (
            (("in",), scrape.live.totals.tokens_in),
            (("out",), scrape.live.totals.tokens_out),
        ),
    ),
    Metric(
        name="holdfast_approvals_waiting",
        kind="gauge",
        labels=(),
        meaning="calls that policy holds for a person",
        read=lambda scrape: (((), len(scrape.live.approvals)),),
    ),
    Metric(
        name="holdfast_workers",
        kind="gauge",
        labels=("state",),
        meaning="worker processes; one that is leaving has a successor and finishes its calls",
        read=_workers,
    ),
    Metric(
        name="holdfast_upstream_state",
        kind="gauge",
        labels=("node", "upstream", "state"),
        meaning="1 for the state that an upstream is in, 0 for the others",
        read=_states,
    ),
    Metric(
        name="holdfast_alarms",
        kind="gauge",
        labels=("event",),
        meaning="calls that were begun, by what was recorded of them, and have no outcome",
        read=_alarms,
    ),
    _upstream("holdfast_in_flight", "gauge", "calls under way to it", lambda u: u.in_flight),
    _upstream("holdfast_limit", "gauge", "the most calls that may be under way", lambda u: u.limit),
    _upstream(
        "holdfast_upstream_first_token_seconds",
        "gauge",
        "moving average of the time to the first token",
        lambda u: None if u.first_token_ms is None else u.first_token_ms / 1000,
    ),
    _upstream(
        "holdfast_tokens_per_second",
        "gauge",
        "moving average of one stream's tokens a second",
        lambda u: u.tokens_per_s,
    ),
    _upstream("holdfast_sent_total", "counter", "attempts sent to it", lambda u: u.sent),
    _upstream("holdfast_failed_total", "counter", "attempts that failed there", lambda u: u.failed),
    Metric(
        name="holdfast_queued",
        kind="gauge",
        labels=("node",),
        meaning="calls that wait for room at an upstream of the node",
        read=lambda scrape: (((node.node,), node.queued) for node in scrape.live.nodes),
    ),
    Metric(
        name="holdfast_retry_budget",
        kind="gauge",
        labels=("node",),
        meaning="retries in hand: how many the retry budget allows at this moment",
        read=lambda scrape: (((node.node,), node.retry_budget) for node in scrape.live.nodes),
    ),
    *(_counter(name) for name in COUNTERS),
    _budget("limit", "what may be spent in the period", lambda b: _amount(b, b.limit)),
    _budget("spent", "what was spent in it so far", lambda b: _amount(b, b.spent)),
    _budget(
        "reserved",
        "what workers hold of it, for calls under way and a little ahead",
        lambda b: _amount(b, b.reserved),
    ),
    _budget(
        "soft_exceeded",
        "1 when the soft limit was passed in the period, else 0",
        lambda b: int(b.soft_exceeded),
    ),
    _budget(
        "resets_at_seconds",
        "when the period ends, in seconds since 1970",
        lambda b: b.resets_at / 1_000_000,
    ),
)
