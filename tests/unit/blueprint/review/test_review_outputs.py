"""A report reads well at a terminal, in a pull request, in a browser and for a program."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest

from holdfast.blueprint import load, read_yaml
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import (
    Evidence,
    Rule,
    Settings,
    broken,
    compared,
    holds,
    review,
    undecided,
)
from holdfast.blueprint.review.report import (
    WrittenPlaces,
    html_page,
    machine_form,
    markdown_text,
    nowhere,
    terminal_text,
)

TODAY = date(2026, 6, 1)
MARKUP = "<script>alert(1)</script> & `code` | *star*"


def text_of(nodes=6, waiver=""):
    lines = ["holdfast: 1", "name: small <b>", "nodes:"]
    lines += [f"  n{i}: {{type: service, description: d}}" for i in range(nodes)]
    lines += ["relationships:"]
    lines += [f"  - {{id: r{i}, connects: [n{i}, n{i + 1}]}}" for i in range(nodes - 1)]
    return "\n".join([*lines, waiver, ""])


def rule(name, severity, judge):
    return Rule(
        id=name, title=f"T {name}", severity=severity, why=MARKUP, mend="m", sources=("s",),
        judge=judge,
    )  # fmt: skip


def all_broken(case):
    for name in case.system.nodes:
        yield broken(name, f"nodes.{name}", what=f"{name} {MARKUP}", fix="f", way=("n0", name))


def some(case):
    yield holds("n0", "nodes.n0")
    yield undecided("n1", "nodes.n1.facts", missing=("nodes.n1.facts.zone", "traces"))
    yield broken("r1", "relationships.r1", what="w", fix="f")


RULES = (rule("A-1", "critical", all_broken), rule("B-1", "medium", some), rule("C-1", "low", some))


def report_of(text, rules=RULES):
    blueprint = load(text, source="f.yaml", read=lambda name: "")
    system = System(blueprint)
    return review(system, Evidence(), TODAY, settings=Settings(rules=tuple(rules))), system


def places_of(text):
    return WrittenPlaces(read_yaml(text, source="f.yaml"))


def test_a_terminal_shows_the_gravest_first_with_lines_and_what_would_decide_the_rest():
    text = text_of()
    shown = terminal_text(report_of(text)[0], places_of(text), source="f.yaml")
    order = [shown.index(word) for word in ("critical", "A-1", "medium", "B-1", "low", "C-1")]
    assert order == sorted(order)
    assert "nodes.n2 (line 6)" in shown
    assert "relationships.r1 (line 12)" in shown
    assert "2 undecided; most would be decided by" in shown


@pytest.mark.parametrize("count", [3, 40, 200])
def test_a_terminal_shows_at_most_a_screen_unless_all_is_asked_for(count):
    rules = [rule(f"R-{i}", "high", all_broken) for i in range(count)]
    report = report_of(text_of(30), rules)[0]
    lines = terminal_text(report, nowhere, source="f.yaml").splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110
    assert len(terminal_text(report, nowhere, source="f.yaml", whole=True).splitlines()) > 90


def test_where_not_all_fits_the_gravest_have_their_places_and_the_last_line_says_how_to_see_all():
    rules = [rule(f"R-{i}", severity, all_broken) for i, severity in enumerate(["critical"] * 15)]
    rules.append(rule("Z-1", "low", some))
    report = report_of(text_of(), rules)[0]
    *lines, last = terminal_text(report, nowhere, source="f.yaml").splitlines()
    assert "    nodes.n0: n0" in lines[3]
    assert all(f"  R-{i} 6x T R-{i} (block)" in lines for i in range(1, 15))
    assert last.startswith(f"{sum(line.startswith('    ') for line in lines)} of 91 findings shown")
    assert "--all" in last


def test_a_report_that_fits_does_not_point_elsewhere():
    shown = terminal_text(report_of(text_of(), RULES[1:])[0], nowhere, source="f.yaml")
    assert "mend: f" in shown
    assert "--all" not in shown


@pytest.mark.parametrize(("nodes", "is_fitting"), [(3, True), (60, False)])
def test_a_map_is_made_to_fit_the_page_only_where_it_can_be_read_then(nodes, is_fitting):
    report, system = report_of(text_of(nodes))
    page = html_page(report, system, nowhere, source="f.yaml")
    assert ('<figure class="map fitting">' in page) is is_fitting


def test_all_shows_waived_and_undecided_in_full():
    waiver = "review: {waivers: [{rule: C-1, owner: ada, reason: soon, expires: 2026-07-01}]}"
    shown = terminal_text(report_of(text_of(waiver=waiver))[0], nowhere, source="f", whole=True)
    assert "ada, until 2026-07-01" in shown
    assert "needs nodes.n1.facts.zone, traces" in shown
    assert "by way of n0 -> n2" in shown


def test_programs_get_every_finding_with_its_place():
    text = text_of()
    form = json.loads(json.dumps(machine_form(report_of(text)[0], places_of(text), source="f")))
    assert form["counts"] == {
        "advise": 1, "warn": 1, "block": 6, "undecided": 2, "waived": 0, "before": 0, "holds": 2,
    }  # fmt: skip
    first = form["findings"][0]
    assert (first["rule"], first["verdict"], first["at"]) == ("A-1", "broken", "nodes.n0")
    assert (first["line"], first["way"]) == (4, ["n0", "n0"])
    assert {row["id"]: row["broken"] for row in form["rules"]} == {"A-1": 6, "B-1": 1, "C-1": 1}


def test_what_holds_is_listed_only_when_all_is_asked_for():
    report = report_of(text_of())[0]
    verdicts = [f["verdict"] for f in machine_form(report, nowhere, source="f")["findings"]]
    whole = machine_form(report, nowhere, source="f", whole=True)["findings"]
    assert "holds" not in verdicts
    assert sum(f["verdict"] == "holds" for f in whole) == 2


def test_markdown_lets_no_markup_of_a_blueprint_through():
    shown = markdown_text(report_of(text_of())[0], nowhere, source="f.yaml")
    assert "<script" not in shown
    assert "small &lt;b>" in shown
    assert "### A-1 T A-1 (block)" in shown
    assert "| 6 | 1 | 1 | 2 | 0 | 2 |" in shown


def test_a_page_runs_nothing_loads_nothing_and_lets_no_markup_through():
    report, system = report_of(text_of())
    page = html_page(report, system, nowhere, source="f.yaml")
    assert "<script" not in page
    assert not re.search(r"\b(src|href)=\"(?!#)", page)
    assert not re.search(r"\bstyle=|\bon[a-z]+=|url\(|@import", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page


def test_the_map_of_a_page_leads_from_each_mark_to_its_findings():
    report, system = report_of(text_of())
    page = html_page(report, system, nowhere, source="f.yaml")
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links == {*(f"about-n{i}" for i in range(6)), "about-r1"}
    assert links <= set(re.findall(r'id="([^"]+)"', page))


def test_what_is_from_before_is_shown_apart():
    report, system = report_of(text_of())
    fresh = compared(report, replace(report, results=report.results[:1]), since="main")
    assert "6 from before main" in terminal_text(fresh, nowhere, source="f")
    assert "From before: 6" in html_page(fresh, system, nowhere, source="f")
    assert "before main" in markdown_text(fresh, nowhere, source="f")
