"""The system in Prometheus' text format 0.0.4: every metric, what it means, where its value stands.

Written by hand: a table and an escape are all there is to it. Names follow Prometheus' practice:
base units, ``_total`` for what only grows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from holdfast.faces.view import Live, WorkerState
from holdfast.gateway import COUNTERS, BudgetSeen, UpstreamSeen, UpstreamState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MONEY_NANO = 1_000_000_000

Sample: TypeAlias = tuple[tuple[str, ...], float]
"""The values of the labels, in their order, and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric: ``read`` takes its samples off the system."""

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str
    read: Callable[[Live], Iterable[Sample]]


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
    def read(live: Live) -> Iterable[Sample]:
        for each in live.upstreams:
            found = value(each)
            if found is not None:
                yield (each.node, each.upstream), found

    labels = ("node", "upstream")
    return Metric(name=name, kind=kind, labels=labels, meaning=meaning, read=read)


def _counter(counted: str) -> Metric:
    def read(live: Live) -> Iterable[Sample]:
        return (((node.node,), node.counters.get(counted, 0)) for node in live.nodes)

    name, meaning = f"holdfast_{counted}_total", _COUNTED[counted]
    return Metric(name=name, kind="counter", labels=("node",), meaning=meaning, read=read)


def _budget(what: str, meaning: str, value: Callable[[BudgetSeen], float]) -> Metric:
    def read(live: Live) -> Iterable[Sample]:
        return (((each.account, each.unit), value(each)) for each in live.budgets)

    name, labels = f"holdfast_budget_{what}", ("account", "unit")
    return Metric(name=name, kind="gauge", labels=labels, meaning=meaning, read=read)


def _amount(seen: BudgetSeen, amount: int) -> float:
    return amount / MONEY_NANO if seen.unit == "money" else amount


def _calls(live: Live) -> Iterable[Sample]:
    totals = live.totals
    yield ("answered",), totals.answered
    yield ("refused",), totals.refused
    yield ("failed",), totals.failed
    yield ("cancelled",), totals.cancelled


def _states(live: Live) -> Iterable[Sample]:
    """One sample for each state it may have: 1 for the one it has."""
    for each in live.upstreams:
        for state in get_args(UpstreamState):
            yield (each.node, each.upstream, state), int(each.state == state)


def _workers(live: Live) -> Iterable[Sample]:
    states = [_worker_state(worker) for worker in live.workers]
    for state in ("ready", "not-ready", "leaving"):
        yield (state,), states.count(state)


def _worker_state(worker: WorkerState) -> str:
    if worker.leaving:
        return "leaving"
    return "ready" if worker.ready and worker.fault is None else "not-ready"


def _alarms(live: Live) -> Iterable[Sample]:
    events = [alarm.event for alarm in live.alarms]
    for event in ("intent", "opened"):
        yield (event,), events.count(event)


METRICS: tuple[Metric, ...] = (
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
        read=lambda live: (
            (("in",), live.totals.tokens_in),
            (("out",), live.totals.tokens_out),
        ),
    ),
    Metric(
        name="holdfast_approvals_waiting",
        kind="gauge",
        labels=(),
        meaning="calls that policy holds for a person",
        read=lambda live: (((), len(live.approvals)),),
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
        "holdfast_first_token_seconds",
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
        read=lambda live: (((node.node,), node.queued) for node in live.nodes),
    ),
    Metric(
        name="holdfast_retry_budget",
        kind="gauge",
        labels=("node",),
        meaning="retries in hand: how many the retry budget allows at this moment",
        read=lambda live: (((node.node,), node.retry_budget) for node in live.nodes),
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


def exposition(live: Live) -> str:
    """All metrics at one moment."""
    lines: list[str] = []
    for metric in METRICS:
        lines.append(f"# HELP {metric.name} {metric.meaning}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += [_line(metric, values, value) for values, value in metric.read(live)]
    return "\n".join(lines) + "\n"


def _line(metric: Metric, values: tuple[str, ...], value: float) -> str:
    named = zip(metric.labels, values, strict=True)
    labels = ",".join(f'{label}="{_escaped(each)}"' for label, each in named)
    braced = f"{{{labels}}}" if labels else ""
    return f"{metric.name}{braced} {value!r}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
