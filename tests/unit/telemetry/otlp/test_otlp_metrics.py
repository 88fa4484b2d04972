"""Metrics: cumulative, with the conventions' bounds, over few series."""

import pytest
from otlp_things import (
    AT,
    attributes,
    failed,
    feed,
    metrics,
    record,
    refused,
    streamed,
    told,
    tool_call,
)

from holdfast.history import Heard
from holdfast.telemetry.otlp import feed as feeding
from holdfast.telemetry.otlp.metrics import SERIES_MAX

CUMULATIVE = 2
DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
FIRST_TOKEN = [
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0),
]
TOKENS = [float(4**power) for power in range(14)]
MCP = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]


@pytest.mark.parametrize(
    ("name", "unit", "bounds"),
    [
        ("gen_ai.client.operation.duration", "s", DURATION),
        ("gen_ai.client.operation.time_to_first_chunk", "s", DURATION),
        ("gen_ai.client.token.usage", "{token}", TOKENS),
        ("gen_ai.server.time_to_first_token", "s", FIRST_TOKEN),
        ("mcp.client.operation.duration", "s", MCP),
        ("mcp.server.operation.duration", "s", MCP),
    ],
)
def test_histograms_have_the_conventions_units_and_bounds(name, unit, bounds):
    found = metrics(told(streamed(), tool_call(2)))[name]
    assert found.unit == unit
    assert found.histogram.aggregation_temporality == CUMULATIVE
    for point in found.histogram.data_points:
        assert list(point.explicit_bounds) == bounds
        assert len(point.bucket_counts) == len(bounds) + 1
        assert sum(point.bucket_counts) == point.count
        assert (point.start_time_unix_nano, point.time_unix_nano) == (
            AT * 1000,
            (AT + 10**6) * 1000,
        )


def test_a_value_on_a_bound_is_in_the_bucket_below():
    point = metrics(told(record(tokens_in=16, tokens_out=17)))["gen_ai.client.token.usage"]
    by_type = {
        attributes(each)["gen_ai.token.type"]: list(each.bucket_counts)
        for each in point.histogram.data_points
    }
    assert by_type["input"].index(1) == 2
    assert by_type["output"].index(1) == 3


def test_what_is_heard_later_is_added():
    fed = told(record(1))
    fed.hear([Heard(1, record(2, duration_us=2_000_050)), Heard(2, failed(3))])
    points = metrics(fed)["gen_ai.client.operation.duration"].histogram.data_points
    by_error = {attributes(each).get("error.type"): each for each in points}
    assert (by_error[None].count, by_error[None].sum) == (2, pytest.approx(2.89995))
    assert by_error["upstream.timeout"].count == 1
    assert attributes(by_error[None]) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-9",
        "holdfast.relationship": "planner-asks",
        "server.address": "api.openai.com",
        "server.port": 443,
    }


def test_calls_are_counted_by_how_they_ended():
    found = metrics(told(record(), record(2), refused(3)))["holdfast.calls"]
    assert found.sum.is_monotonic
    assert found.sum.aggregation_temporality == CUMULATIVE
    by = {attributes(each)["holdfast.outcome"]: each.as_double for each in found.sum.data_points}
    assert by == {"answered": 2.0, "refused": 1.0}


def test_cost_is_counted_in_the_currency():
    (point,) = metrics(told(record(), record(2)))["holdfast.cost"].sum.data_points
    assert point.as_double == pytest.approx(0.0003)


def test_a_refused_call_measures_no_model():
    assert set(metrics(told(refused()))) == {"holdfast.calls"}


def test_an_exemplar_is_of_a_call_whose_spans_are_sent():
    (point,) = metrics(told(record()))["holdfast.calls"].sum.data_points
    (exemplar,) = point.exemplars
    assert exemplar.trace_id
    (point,) = metrics(told(record(), share=0.0))["holdfast.calls"].sum.data_points
    assert len(point.exemplars) == 0


def test_names_that_a_refused_caller_made_up_are_no_series():
    calls = [refused(n, action="call", tool=f"made-up-{n}", resource="desk") for n in range(50)]
    (point,) = metrics(told(*calls))["mcp.server.operation.duration"].histogram.data_points
    assert point.count == 50


def test_series_beyond_the_bound_are_told_as_one():
    calls = [record(n, relationship=f"r-{n}") for n in range(SERIES_MAX + 25)]
    points = metrics(told(*calls))["holdfast.calls"].sum.data_points
    rest = [each for each in points if attributes(each) == {"otel.metric.overflow": True}]
    assert len(points) == SERIES_MAX + 1
    assert [each.as_double for each in rest] == [25.0]


def test_what_was_dropped_is_a_metric_of_its_own():
    fed = feed()
    backlog = next(iter(fed.backlogs.values()))
    backlog.dropped = 7
    fed.undelivered = dict.fromkeys(fed.undelivered, 3)
    points = metrics(fed)["holdfast.telemetry.dropped"].sum.data_points
    by = {tuple(sorted(attributes(each).values())): each.as_double for each in points}
    assert by == {("full", "traces"): 7.0, ("lost", "traces"): 3.0, ("logs", "lost"): 3.0}
    assert feeding.WAITING_MAX >= 1000
