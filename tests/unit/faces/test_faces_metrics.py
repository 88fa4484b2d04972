"""Metrics in Prometheus' text format 0.0.4, read back by its grammar."""

import re

import pytest

from holdfast.faces.metrics import CONTENT_TYPE, METRICS
from holdfast.gateway import COUNTERS, BudgetSeen, NodeSeen

# The format: https://prometheus.io/docs/instrumenting/exposition_formats/
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
VALUE = r"[-+]?(?:[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|Inf|NaN)"
SAMPLE = re.compile(
    rf"(?P<name>{NAME})(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>{VALUE})"
)
UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def parse(text: str) -> dict[str, tuple[str, list[tuple[dict[str, str], float]]]]:
    """Each metric's type and samples; fails on a line that the format does not allow."""
    assert text.endswith("\n")
    found: dict[str, tuple[str, list[tuple[dict[str, str], float]]]] = {}
    helped: set[str] = set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            assert name not in helped
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name in helped
            assert name not in found
            assert kind in ("counter", "gauge")
            found[name] = kind, []
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            # All lines of a metric stand together, after its HELP and TYPE.
            assert match["name"] == list(found)[-1]
            found[match["name"]][1].append((labels_of(match["labels"]), float(match["value"])))
    return found


def labels_of(text: str | None) -> dict[str, str]:
    pairs = re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', text or "")
    return {name: re.sub(r"\\.", lambda m: UNESCAPED[m[0]], value) for name, value in pairs}


@pytest.fixture
def scraped(client):
    response = client.get("/metrics")
    assert response.headers["content-type"] == CONTENT_TYPE
    return parse(response.text)


def value(scraped, name: str, **labels: str) -> float:
    [found] = [each for own, each in scraped[name][1] if own == labels]
    return found


def test_every_metric_is_there_with_its_type_and_its_labels(scraped):
    assert list(scraped) == [metric.name for metric in METRICS]
    for metric in METRICS:
        kind, samples = scraped[metric.name]
        assert kind == metric.kind
        assert samples, metric.name
        assert all(tuple(labels) == metric.labels for labels, _ in samples)


def test_no_series_is_told_twice(scraped):
    for _, samples in scraped.values():
        series = [tuple(labels.items()) for labels, _ in samples]
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
        own = [
            (labels["state"], found)
            for labels, found in samples
            if labels["upstream"] == each.upstream
        ]
        assert max(own, key=lambda pair: pair[1]) == (each.state, 1)
        assert sum(found for _, found in own) == 1


def test_what_was_not_measured_yet_has_no_sample(system, scraped):
    told = {labels["upstream"] for labels, _ in scraped["holdfast_first_token_seconds"][1]}
    assert told == {each.upstream for each in system.upstreams if each.first_token_ms is not None}
    first = value(
        scraped, "holdfast_first_token_seconds", node="clause-reviewer", upstream="reviewer-1"
    )
    assert first == pytest.approx(0.2124)


def test_money_is_told_in_the_currency(scraped):
    spent = value(scraped, "holdfast_budget_spent", account="tenant", unit="money")
    assert spent == pytest.approx(12.34)
    assert value(scraped, "holdfast_budget_limit", account="node:review-desk", unit="tokens") == 2e6


def test_any_name_survives_as_a_label(system, client):
    name = 'a "quoted" back\\slash\nand a line'
    system.nodes = (NodeSeen(name, 1, {}),)
    system.budgets = (BudgetSeen(name, "calls", 1, 0, 0, 0),)
    scraped = parse(client.get("/metrics").text)
    assert value(scraped, "holdfast_queued", node=name) == 1
    assert value(scraped, "holdfast_budget_limit", account=name, unit="calls") == 1
