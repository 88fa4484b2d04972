"""What a review writes as SARIF is SARIF 2.1.0, by the schema of the standard."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest

from holdfast.blueprint import load, read_yaml
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Evidence, Settings, compared, review
from holdfast.blueprint.review.report import WrittenPlaces, nowhere, sarif_form

TEXT = """\
holdfast: 1
name: shop
nodes:
  site: {type: webclient, description: d, facts: {zone: dmz, exposed: true}}
  desk: {type: "ai:agent", description: d, facts: {zone: core}}
  refund: {type: "ai:tool", description: d, facts: {effect: irreversible, zone: core}}
relationships:
  - {id: asks, connects: [site, desk], protocol: HTTP}
  - {id: pays, connects: [desk, refund], protocol: HTTPS}
review:
  waivers:
    - {rule: TB-01, at: asks, owner: ada, reason: moves in July, expires: 2026-07-01}
    - {rule: TB-02, at: desk, owner: ada, reason: none left, expires: 2026-07-01}
"""
TODAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def schema():
    path = Path(__file__).parent / "sarif-schema-2.1.0.json"
    return jsonschema_rs.validator_for(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def report():
    blueprint = load(TEXT, source="holdfast.yaml", read=lambda name: "")
    return review(System(blueprint), Evidence(), TODAY)


def sarif(report, places=nowhere):
    form = sarif_form(report, places, source="holdfast.yaml", version="1.2.3")
    return json.loads(json.dumps(form))


def test_the_log_is_valid(schema, report):
    places = WrittenPlaces(read_yaml(TEXT, source="holdfast.yaml"))
    assert [str(error) for error in schema.iter_errors(sarif(report, places))] == []


def test_the_log_of_a_comparison_is_valid_and_says_what_is_new(schema, report):
    log = sarif(compared(report, replace(report, results=report.results[:3]), since="main"))
    assert [str(error) for error in schema.iter_errors(log)] == []
    states = {result["baselineState"] for result in log["runs"][0]["results"]}
    assert states == {"new", "unchanged"}


def test_an_empty_review_is_valid(schema):
    blueprint = load(TEXT, source="holdfast.yaml", read=lambda name: "")
    nothing = review(System(blueprint), Evidence(), TODAY, settings=Settings(rules=()))
    assert schema.is_valid(sarif(nothing))


def test_results_stand_on_their_lines_with_their_levels(report):
    places = WrittenPlaces(read_yaml(TEXT, source="holdfast.yaml"))
    run = sarif(report, places)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    found = {
        (result["ruleId"], line_of(result)): result
        for result in run["results"]
        if result["kind"] == "fail"
    }
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert found["AG-01", 6]["level"] == "error"
    assert found["TB-01", 8]["suppressions"][0]["justification"].startswith("moves in July")
    assert all(r["level"] == "none" for r in run["results"] if r["kind"] == "open")


def line_of(result):
    return result["locations"][0]["physicalLocation"]["region"]["startLine"]


def test_rules_bring_their_help(report):
    for rule in sarif(report)["runs"][0]["tool"]["driver"]["rules"]:
        assert "Mend: " in rule["help"]["text"]
        assert "Sources: " in rule["help"]["text"]
