"""What the dashboard, the alerts and the recording rules ask for is what ``/metrics`` tells."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import promql_parser
import pytest
import yaml

from holdfast.audit import RecordedOutcome
from holdfast.faces.metrics import METRICS
from holdfast.gateway import UpstreamState

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "holdfast.json"
RULES = ROOT / "deploy" / "prometheus"
FROM_SCRAPING = frozenset(("job", "instance"))
VALUES = {
    "outcome": frozenset(get_args(RecordedOutcome)) - {"open"},
    "direction": frozenset(("in", "out")),
    "severity": frozenset(("page", "ticket")),
    "window_min": frozenset(("5", "30", "60", "120", "360", "1440", "4320")),
    "state": frozenset((*get_args(UpstreamState), "ready", "not-ready", "leaving")),
}
VARIABLES = {"$__rate_interval": "5m", "$job": "holdfast", "$instance": ".*", "$relationship": ".*"}


def load(name: str) -> list[dict]:
    groups = yaml.safe_load((RULES / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS, RECORDED = load("alerts.yaml"), load("recording.yaml")
BOARD = json.loads(DASHBOARD.read_text())


def _of_board() -> Iterator[str]:
    for panel in BOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield re.sub(r"label_values\((.*), \w+\)", r"\1", variable["query"]["query"])


def _filled(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


EXPRESSIONS = [_filled(text) for text in _of_board()]
EXPRESSIONS += [rule["expr"] for rule in (*ALERTS, *RECORDED)]


def known() -> dict[str, frozenset[str]]:
    """The labels of everything that may be asked for, by its name."""
    found: dict[str, frozenset[str]] = {}
    for metric in METRICS:
        labels = frozenset(metric.labels) | FROM_SCRAPING
        if metric.kind == "histogram":
            found[f"{metric.name}_bucket"] = labels | {"le"}
            found[f"{metric.name}_sum"] = found[f"{metric.name}_count"] = labels
        else:
            found[metric.name] = labels
    for rule in RECORDED:
        by = re.search(r"by \(([^)]*)\)", rule["expr"])
        assert by is not None, rule["record"]
        found[rule["record"]] = frozenset(by[1].split(", ")) - {"le"}
    return found


KNOWN = known()


def parts(expression: str) -> list:
    found: list = []
    promql_parser.walk(promql_parser.parse(expression), lambda part: found.append(part) or True)
    return found


def selectors(expression: str) -> list:
    return [part for part in parts(expression) if isinstance(part, promql_parser.VectorSelector)]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_asked_for_is_told(expression):
    asked = selectors(expression)
    assert asked
    for selector in asked:
        assert selector.name in KNOWN
        for matcher in selector.matchers.matchers:
            assert matcher.name in KNOWN[selector.name], f"{selector.name} has no {matcher.name}"
            wanted = frozenset(matcher.value.split("|"))
            assert wanted <= VALUES.get(matcher.name, wanted), f"{matcher.name}: {matcher.value}"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_is_summed_by_is_a_label_of_what_is_summed(expression):
    labels = frozenset().union(*(KNOWN[each.name] for each in selectors(expression)))
    for part in parts(expression):
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None:
            assert frozenset(part.modifier.labels) <= labels


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happened_and_where_to_read_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    said = rule["annotations"]
    assert said["summary"]
    assert said["description"].endswith(".")
    page, _, anchor = said["runbook_url"].partition("#")
    titles = re.findall(r"^#+ (\w+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in [title.lower() for title in titles]
    assert rule["alert"] in titles


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_speaks_only_of_labels_that_it_has(rule):
    labels = frozenset().union(*(KNOWN[each.name] for each in selectors(rule["expr"])))
    sums = [
        frozenset(part.modifier.labels)
        for part in parts(rule["expr"])
        if isinstance(part, promql_parser.AggregateExpr) and part.modifier is not None
    ]
    left = frozenset.intersection(*sums) if sums else labels
    texts = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\$labels\.(\w+)", texts)) <= left


def test_every_alert_has_its_section_and_every_section_its_alert():
    page = (ROOT / "docs" / "telemetry" / "alerts.md").read_text()
    titles = re.findall(r"^## (Holdfast\w+)$", page, re.MULTILINE)
    assert sorted(titles) == sorted(rule["alert"] for rule in ALERTS)


def test_names_of_rules_are_told_apart():
    for rules, name in ((ALERTS, "alert"), (RECORDED, "record")):
        names = [rule[name] for rule in rules]
        assert len(set(names)) == len(names)


def test_the_dashboard_is_one_that_can_be_imported():
    assert BOARD["id"] is None
    assert BOARD["schemaVersion"] >= 39
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    shown = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
    for panel in shown:
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    heat = [panel for panel in shown if panel["type"] == "heatmap"]
    assert heat
    assert all(target["exemplar"] for panel in heat for target in panel["targets"])


def test_the_configuration_names_the_rules_that_are_there():
    config = yaml.safe_load((RULES / "prometheus.yaml").read_text())
    assert all((RULES / name).is_file() for name in config["rule_files"])
    [job] = config["scrape_configs"]
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "holdfast.token"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_rules_do_as_their_own_tests_say():
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yaml"],
        cwd=RULES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
