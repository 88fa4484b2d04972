"""Metrics in both of Prometheus' formats, read back by its own parsers."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as families_of_open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families as families_of_text

from holdfast.faces.api import metrics_router
from holdfast.faces.exposition import OPEN_METRICS, TEXT, open_exposition, wants_open
from holdfast.faces.metrics import METRICS, Scrape
from holdfast.gateway import COUNTERS, BudgetSeen, NodeSeen
from holdfast.telemetry.tally import OTHER, RELATIONSHIPS_MAX, RULES_MAX, Count

PROMETHEUS = (  # what Prometheus 3 sends
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Counted:
    """``Tallies`` of some records."""

    def __init__(self, *records) -> None:
        self.count = Count()
        self.count.add(records)

    def tallied(self):
        return tuple(self.count.told.values())

    def entries(self):
        return 41

    def dropped(self):
        return {"call-log": 3}


def parse(text: str, read=families_of_text) -> dict[str, tuple[str, list]]:
    """Each metric's type and samples, by the name that its samples have."""
    kinds = {"counter": "_total"}
    return {each.name + kinds.get(each.type, ""): (each.type, each.samples) for each in read(text)}


@pytest.fixture
def tallies(fakes):
    stream = {"event": "closed", "stages_us": (1, 2, 3, 4, 5, 90_000, 700_000)}
    return Counted(
        fakes.record_of(fakes.seen(1), duration_us=15_000, cost=2_500_000_000),
        fakes.record_of(fakes.seen(2), duration_us=900_000, trace=f"00-{TRACE}-{'b' * 16}-01"),
        fakes.record_of(fakes.seen(3), duration_us=300_000, **stream),
        fakes.record_of(fakes.undeclared(4)),
    )


@pytest.fixture
def client(system, tallies):
    app = FastAPI()
    app.include_router(metrics_router(system, tallies))
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def scraped(client):
    response = client.get("/metrics")
    assert response.headers["content-type"] == TEXT
    return parse(response.text)


def value(scraped, name: str, /, sample: str = "", **labels: str) -> float:
    wanted = sample or name
    [found] = [
        each.value for each in scraped[name][1] if (each.name, each.labels) == (wanted, labels)
    ]
    return found


def test_every_metric_is_there_with_its_type_and_its_labels(scraped):
    assert list(scraped) == [metric.name for metric in METRICS]
    unseen = {
        name for name in scraped if name.startswith(("holdfast_objective_", "holdfast_anomal"))
    }
    for metric in METRICS:
        kind, samples = scraped[metric.name]
        assert kind == metric.kind
        assert samples or metric.name in unseen, metric.name
        own = {tuple(label for label in each.labels if label != "le") for each in samples}
        assert own <= {metric.labels}


def test_no_series_is_told_twice(scraped):
    for _, samples in scraped.values():
        series = [(each.name, *each.labels.items()) for each in samples]
        assert len(set(series)) == len(series)


def test_names_end_in_total_where_they_only_grow():
    for metric in METRICS:
        assert metric.name.startswith("holdfast_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert "\n" not in metric.meaning
        assert "\\" not in metric.meaning


def test_every_counter_of_a_node_is_a_metric():
    names = {metric.name for metric in METRICS}
    assert {f"holdfast_{name}_total" for name in COUNTERS} <= names


def test_calls_are_counted_by_outcome(system, scraped):
    assert value(scraped, "holdfast_calls_total", outcome="answered") == system.totals.answered
    assert value(scraped, "holdfast_calls_total", outcome="refused") == system.totals.refused
    assert value(scraped, "holdfast_tokens_total", direction="out") == system.totals.tokens_out


def test_calls_without_outcome_are_told_by_how_they_were_begun(scraped):
    assert value(scraped, "holdfast_alarms", event="intent") == 2
    assert value(scraped, "holdfast_alarms", event="opened") == 0


def test_an_upstream_is_in_exactly_one_state(system, scraped):
    _, samples = scraped["holdfast_upstream_state"]
    for each in system.upstreams:
        own = {
            found.labels["state"]: found.value
            for found in samples
            if found.labels["upstream"] == each.upstream
        }
        assert max(own, key=own.__getitem__) == each.state
        assert sum(own.values()) == 1


def test_what_was_not_measured_yet_has_no_sample(system, scraped):
    name = "holdfast_upstream_first_token_seconds"
    told = {each.labels["upstream"] for each in scraped[name][1]}
    assert told == {each.upstream for each in system.upstreams if each.first_token_ms is not None}
    first = value(scraped, name, node="clause-reviewer", upstream="reviewer-1")
    assert first == pytest.approx(0.2124)


def test_money_is_told_in_the_currency(scraped):
    spent = value(scraped, "holdfast_budget_spent", account="tenant", unit="money")
    assert spent == pytest.approx(12.34)
    assert value(scraped, "holdfast_budget_limit", account="node:review-desk", unit="tokens") == 2e6
    assert value(scraped, "holdfast_cost_total", relationship="desk-asks-reviewer") == 2.5


def test_any_name_survives_as_a_label_in_both_formats(system, client):
    name = 'a "quoted" back\\slash\nand a line'
    system.nodes = (NodeSeen(name, 1, {}),)
    system.budgets = (BudgetSeen(name, "calls", 1, 0, 0, 0),)
    scraped = parse(client.get("/metrics").text)
    assert value(scraped, "holdfast_queued", node=name) == 1
    assert value(scraped, "holdfast_budget_limit", account=name, unit="calls") == 1
    opened = client.get("/metrics", headers={"accept": PROMETHEUS}).text
    assert value(parse(opened, families_of_open_metrics), "holdfast_queued", node=name) == 1


def test_a_histogram_adds_up_to_its_count_and_its_sum(scraped):
    name, labels = "holdfast_call_duration_seconds", {"relationship": "desk-asks-reviewer"}
    buckets = [
        each.value
        for each in scraped[name][1]
        if each.name.endswith("_bucket") and labels.items() <= each.labels.items()
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == value(scraped, name, f"{name}_count", **labels) == 3
    assert value(scraped, name, f"{name}_sum", **labels) == pytest.approx(1.215)
    assert value(scraped, name, f"{name}_bucket", le="0.02", **labels) == 1


def test_only_streams_have_a_first_token(scraped):
    name = "holdfast_first_token_seconds"
    labels = {"relationship": "desk-asks-reviewer"}
    assert value(scraped, name, f"{name}_count", **labels) == 1
    assert value(scraped, name, f"{name}_sum", **labels) == pytest.approx(0.09)


def test_refused_calls_are_counted_and_have_no_duration(scraped):
    refused = {"outcome": "refused", "rule": "relationship.undeclared", "relationship": "_none"}
    assert value(scraped, "holdfast_relationship_calls_total", **refused) == 1
    name = "holdfast_call_duration_seconds"
    assert value(scraped, name, f"{name}_count", relationship="_none") == 0


def test_a_bucket_shows_the_trace_of_a_call_in_it_in_open_metrics_only(client):
    answer = client.get("/metrics", headers={"accept": PROMETHEUS})
    assert answer.headers["content-type"] == OPEN_METRICS
    assert answer.headers["vary"] == "Accept"
    _, samples = parse(answer.text, families_of_open_metrics)["holdfast_call_duration_seconds"]
    found = [each.exemplar for each in samples if each.exemplar is not None]
    traced = [each for each in found if each.labels["trace_id"] == TRACE]
    assert [each.value for each in traced] == [0.9]
    assert " # {" not in client.get("/metrics").text


def test_open_metrics_has_the_same_families_and_values_as_text(client, scraped):
    answer = client.get("/metrics", headers={"accept": PROMETHEUS})
    opened = parse(answer.text, families_of_open_metrics)
    assert list(opened) == list(scraped)
    for name, (kind, samples) in scraped.items():
        told = {(each.name, *each.labels.items()): each.value for each in samples}
        mine = {(each.name, *each.labels.items()): each.value for each in opened[name][1]}
        assert (opened[name][0], mine) == (kind, told)


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        (PROMETHEUS, True),
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=0.0.1", False),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text;q=0.2, text/plain;q=0.9", False),
        ("application/openmetrics-text;q=0, */*", False),
        ("application/openmetrics-text;q=nonsense", False),
        ("," * 10_000, False),
    ],
)
def test_the_format_is_the_one_that_is_wanted_more(accept, is_open):
    assert wants_open(accept) is is_open


def test_relationships_beyond_the_bound_are_told_together(fakes, system):
    calls = [
        fakes.record_of(fakes.seen(i), relationship=f"relationship-{i}")
        for i in range(RELATIONSHIPS_MAX + 50)
    ]
    counted = Counted(*calls)
    scrape = Scrape(live=system.live(), tallied=counted.tallied())
    scraped = parse(open_exposition(scrape), families_of_open_metrics)
    _, samples = scraped["holdfast_relationship_calls_total"]
    assert len(samples) == RELATIONSHIPS_MAX + 1
    assert sum(each.value for each in samples) == len(calls)
    assert [each.value for each in samples if each.labels["relationship"] == OTHER] == [50]


def test_rules_beyond_the_bound_are_told_together(fakes):
    calls = [fakes.record_of(fakes.undeclared(i), rule=f"rule.{i}") for i in range(RULES_MAX + 9)]
    [tallied] = Counted(*calls).tallied()
    assert sum(each.calls for each in tallied.ended) == len(calls)
    assert [each.calls for each in tallied.ended if each.rule == OTHER] == [9]
