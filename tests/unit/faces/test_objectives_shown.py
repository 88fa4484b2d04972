"""Objectives and anomalies as the API, the metrics and the console tell them."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from holdfast.blueprint import Objective
from holdfast.faces import Windows
from holdfast.faces.service import make_app
from holdfast.faces.web.objectives import anomalies_view, objectives_view
from holdfast.faces.web.shell import Hints, Shell
from holdfast.telemetry.anomalies import Anomaly
from holdfast.telemetry.objectives import ALERTS, Burn, Scope, Standing

SPENT = Standing(
    scope=Scope(kind="node", name="clause-reviewer"),
    objective=Objective(kind="first_token", share_micro=950_000, limit=800_000),
    state="spent",
    counted=1_000,
    used=60,
    now=0.94,
    left=-0.2,
    few=False,
    burns=(Burn(window_min=60, rate=15.5), Burn(window_min=5, rate=None)),
    alerts=(ALERTS[0],),
)
SILENT = Standing(
    scope=Scope(kind="system"),
    objective=Objective(kind="availability", share_micro=999_000),
    state="no-data",
    counted=0,
    used=0,
    now=None,
    left=None,
    few=True,
    burns=(Burn(window_min=60, rate=None),),
)
DEAR = Standing(
    scope=Scope(kind="relationship", name="desk-asks"),
    objective=Objective(kind="cost", limit=12_500_000, per="1000-calls"),
    state="holds",
    counted=2_000,
    used=20_000_000_000,
    now=10.0,
    left=0.2,
    few=False,
    burns=(Burn(window_min=60, rate=0.8),),
)
SLOW = Anomaly(
    relationship="desk-asks",
    measure="latency",
    direction="above",
    since=1_795_250_100_000_000,
    until=None,
    value=2_500.0,
    expected=200.0,
    score=9.5,
    baseline="day",
)
OVER = replace(SLOW, measure="rate", until=1_795_253_700_000_000, direction="below", value=0.0)


class Told:
    """``ObjectivesView`` of what is above."""

    def standings(self):
        return (SILENT, DEAR, SPENT)

    def anomalies(self):
        return (SLOW, OVER)


@pytest.fixture
def asked(system):
    app = make_app(system, version="9.9.9", windows=Windows(objectives=Told()))
    return TestClient(app, base_url="http://localhost")


def test_the_api_tells_each_objective_in_plain_numbers(asked):
    silent, dear, spent = asked.get("/api/objectives").json()["objectives"]
    assert (silent["id"], silent["state"]) == ("availability", "no-data")
    assert (silent["now"], silent["left"]) == (None, None)
    assert (dear["id"], dear["target"], dear["used"]) == ("relationships.desk-asks.cost", 12.5, 20)
    assert (spent["target"], spent["limit"], spent["left"]) == (0.95, 800_000, -0.2)
    assert spent["burn"] == {"60": 15.5, "5": None}
    assert spent["alerts"] == [{"severity": "page", "factor": 14.4, "long_min": 60, "short_min": 5}]


def test_the_api_tells_anomalies_with_what_was_expected(asked):
    slow, over = asked.get("/api/anomalies").json()["anomalies"]
    assert (slow["value"], slow["expected"], slow["until"]) == (2_500, 200, None)
    assert over["until"].startswith("2026-11-2")


def test_without_a_view_there_are_no_such_paths(client):
    assert client.get("/api/objectives").status_code == 404


def test_metrics_tell_what_is_known_and_leave_out_what_is_not(asked):
    text = asked.get("/metrics").text
    assert 'holdfast_anomaly{relationship="desk-asks",measure="latency"} 9.5' in text
    assert 'measure="rate"' not in text
    assert "nodes.clause-reviewer.first_token" in text
    left = [line for line in text.splitlines() if line.startswith("holdfast_objective_left{")]
    assert len(left) == 2


def drawn(template, part):
    return Shell(None, streams=None, hints=Hints(version="1", gateway=None, verify="")).fragment(
        f"objectives/{template}.html", part=part
    )


def test_the_gravest_objective_comes_first_and_each_state_has_a_glyph_and_a_word():
    html = drawn("objectives", objectives_view(Told().standings()))
    names = re.findall(r"<bdi>(.*?)</bdi>", html)
    assert names == ["clause-reviewer", "desk-asks", "whole system"]
    for glyph, word in (("✕", "budget spent"), ("✓", "holds"), ("?", "no data")):
        assert f'<span aria-hidden="true">{glyph}</span> {word}' in html
    assert 'href="/calls?callee=clause-reviewer"' in html
    assert "nothing was counted yet" in html


def test_a_share_with_a_single_failure_is_never_shown_as_all():
    nearly = replace(SPENT, counted=10**9, used=1, now=1 - 1e-9)
    (row,) = objectives_view((nearly,)).rows
    assert row.now == "99.999 %"
    (row,) = objectives_view((SILENT,)).rows
    assert row.now == "-"


def test_anomalies_say_what_was_usual_and_lead_to_the_calls():
    html = drawn("anomalies", anomalies_view(Told().anomalies()))
    assert "2.50 s, where 200 ms was usual at this hour" in html
    assert "/calls?relationship=desk-asks&amp;since=2026-11-21T" in html
    assert "over by" in html


def test_empty_parts_say_what_to_do():
    assert "objectives: {availability: 99.9%}" in drawn("objectives", objectives_view(()))
    assert "as it was" in drawn("anomalies", anomalies_view(()))
