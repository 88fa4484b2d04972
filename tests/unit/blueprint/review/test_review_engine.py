"""A review is the same for the same system, keeps its three values apart, and bends to no team alone."""

from dataclasses import replace
from datetime import date

import pytest

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import (
    Evidence,
    PackError,
    ReviewError,
    Rule,
    Settings,
    broken,
    built_in_rules,
    compared,
    holds,
    in_order,
    read_pack,
    review,
    undecided,
)

TODAY = date(2026, 6, 1)
HEAD = """holdfast: 1
name: small
nodes:
  a: {type: service, description: d, facts: {owner: me}}
  b: {type: service, description: d, facts: {owner: nobody}}
  c: {type: service, description: d}
relationships:
  - {id: ab, connects: [a, b]}
  - {id: bc, connects: [b, c]}
"""


def _owned(case):
    for node in case.system.nodes.values():
        at = f"nodes.{node.id}.facts.owner"
        match node.facts.owner:
            case None:
                yield undecided(node.id, at, missing=(at,))
            case "nobody":
                yield broken(node.id, at, what="w", fix="f")
            case _:
                yield holds(node.id, at)


OWNED = Rule(
    id="OWN-01",
    title="t",
    severity="high",
    why="w",
    mend="m",
    sources=("s",),
    judge=_owned,
)
MEDIUM = replace(OWNED, id="OWN-02", severity="medium")


def report_of(review_section="", *, rules=(OWNED,), packs=(), only=None, text=HEAD):
    text += f"review: {review_section}\n" if review_section else ""
    blueprint = load(text, source="f.yaml", read=lambda name: "")
    settings = Settings(rules=tuple(rules), packs=tuple(packs), only=only)
    return review(System(blueprint), Evidence(), TODAY, settings=settings)


def pack(text):
    return read_pack(f"pack: 1\nname: ours\n{text}", source="p.yaml")


def levels(report):
    return {result.rule.id: result.level for result in report.results}


def test_what_cannot_be_decided_counts_neither_as_broken_nor_as_held():
    report = report_of()
    assert [f.judgement.subject for f in report.broken] == ["b"]
    assert [f.judgement.subject for f in report.undecided] == ["c"]
    assert report.held == 1
    assert report.missing() == (("facts.owner", 1),)


def test_a_review_fails_from_its_level_on_and_by_undecided_only_when_asked():
    report = report_of(rules=[MEDIUM])
    assert report.fails("warn")
    assert not report.fails("block")
    silent = replace(OWNED, judge=lambda case: [undecided("a", "nodes.a", missing=("x",))])
    assert not report_of(rules=[silent]).fails("advise")
    assert report_of(rules=[silent]).fails("block", on_undecided=True)


def test_severity_gives_the_level_where_nobody_speaks():
    rules = [replace(OWNED, id=s, severity=s) for s in ("critical", "high", "medium", "low")]
    assert list(levels(report_of(rules=rules)).values()) == ["block", "block", "warn", "advise"]


def test_a_team_sets_levels_and_the_nearest_pattern_counts():
    said = '{levels: {"OWN-*": advise, OWN-02: block}}'
    assert levels(report_of(said, rules=[OWNED, MEDIUM])) == {"OWN-01": "advise", "OWN-02": "block"}
    assert report_of("{levels: {OWN-01: off}}").broken == ()


def test_no_team_makes_milder_what_its_organisation_says_but_it_may_make_it_stricter():
    ours = pack("levels: {OWN-01: warn}")
    softer = report_of("{levels: {OWN-01: off}}", packs=[ours])
    assert levels(softer) == {"OWN-01": "warn"}
    assert any("OWN-01 milder" in remark for remark in softer.remarks)
    assert levels(report_of("{levels: {OWN-01: block}}", packs=[ours])) == {"OWN-01": "block"}
    stricter = pack("levels: {OWN-01: block}")
    assert levels(report_of(packs=[ours, stricter])) == {"OWN-01": "block"}


def test_limits_of_a_pack_are_the_most_a_team_may_have():
    seen = []
    rule = replace(OWNED, judge=lambda case: seen.append(case.limits) or [])
    ours = pack("limits: {delegation_depth: 3, failure_radius: 0.8}")
    report_of("{limits: {delegation_depth: 9, retry_product: 20}}", rules=[rule], packs=[ours])
    assert seen[0].delegation_depth == 3
    assert seen[0].failure_radius == 0.8
    assert seen[0].retry_product == 20


def waiver(**changes):
    said = {"rule": "OWN-01", "owner": "ada", "reason": "soon", "expires": "2026-07-01"} | changes
    return "{waivers: [{" + ", ".join(f"{name}: {value!r}" for name, value in said.items()) + "}]}"


@pytest.mark.parametrize("at", ["b", "nodes.b", "nodes.b.facts.owner"])
def test_a_waiver_covers_what_it_names_and_is_shown(at):
    report = report_of(waiver(at=at))
    assert report.broken == ()
    (finding,) = report.waived
    assert finding.waiver.owner == "ada"
    assert not report.fails("advise")


def test_a_waiver_of_another_part_covers_nothing_and_is_told():
    report = report_of(waiver(at="a"))
    assert len(report.broken) == 1
    assert any("covers nothing" in remark for remark in report.remarks)


def test_a_waiver_ends_with_its_last_day():
    assert report_of(waiver(expires="2026-06-01")).broken == ()
    assert len(report_of(waiver(expires="2026-05-31")).broken) == 1


def test_an_organisation_may_forbid_waivers_or_bound_them():
    forbidden = report_of(waiver(), packs=[pack("no_waivers: ['OWN-*']")])
    assert len(forbidden.broken) == 1
    assert any("lets nobody waive it" in remark for remark in forbidden.remarks)
    assert len(report_of(waiver(), packs=[pack("waiver_days: 10")]).broken) == 1
    assert report_of(waiver(), packs=[pack("waiver_days: 30")]).broken == ()


def test_the_rule_about_waivers_cannot_be_waived():
    gv = replace(OWNED, id="GV-03")
    report = report_of(waiver(rule="GV-*"), rules=[gv])
    assert len(report.broken) == 1
    assert any("cannot be waived" in remark for remark in report.remarks)


@pytest.mark.parametrize("rule", ["DRIFT-D1", "DRIFT-*", "DRIFT-A3"])
def test_a_waiver_of_drift_is_drift_s_to_judge(rule):
    report = report_of(waiver(rule=rule), packs=[pack("waiver_days: 10")])
    assert report.remarks == ()
    assert len(report.broken) == 1
    assert any("is about no rule" in each for each in report_of(waiver(rule="NO-1")).remarks)


def test_a_rule_that_falls_over_ends_the_review_by_name():
    def fall(case):
        raise KeyError("x")

    with pytest.raises(ReviewError, match="OWN-01 fell over: KeyError"):
        report_of(rules=[replace(OWNED, judge=fall)])


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ReviewError, match="two rules are called OWN-01"):
        in_order([OWNED, OWNED])


def test_what_was_there_before_does_not_fail_again_but_one_more_does():
    now = report_of()
    assert not compared(now, report_of(), since="main").fails("advise")
    earlier = report_of(text=HEAD.replace("nobody", "me"))
    fresh = compared(now, earlier, since="main")
    assert [f.judgement.subject for f in fresh.broken] == ["b"]
    assert [f.judgement.subject for f in compared(now, now, since="main").before] == ["b"]


def test_one_system_gives_one_report():
    assert report_of(rules=built_in_rules()) == report_of(rules=built_in_rules())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("levels: {OWN-01: soft}", "p.yaml:3:"),
        ("level: {}", "p.yaml:3:1"),
        ("waiver_days: 0", "p.yaml:3:"),
        ("levels: {", "p.yaml:"),
    ],
)
def test_a_pack_that_is_none_is_told_with_its_place(text, place):
    with pytest.raises(PackError) as told:
        pack(text)
    assert place in told.value.fix
