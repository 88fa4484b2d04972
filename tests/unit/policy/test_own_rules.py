"""A rule that a team writes in Cedar is broken where its policy applies, and asks for what it lacks."""

import pytest

from holdfast.policy import PolicyError
from holdfast.policy.own_rules import own_rules
from holdfast.testing.review import assert_rule, faults_of, judged, read_cases, weaknesses_of

ABOUT = '@title("Agents have an owner") @severity("high") @why("w") @mend("name one")'
OWNER = f"""@id("OWN-01") {ABOUT} @source("house rules 3; CIS 1.1")
forbid (principal, action == Review::Action::"node", resource)
when {{ resource.kind == "agent" && !(resource.facts has owner) }};
"""
ZONE = f"""@id("OWN-02") {ABOUT}
forbid (principal, action == Review::Action::"node", resource)
when {{ resource.facts.zone == "dmz" && resource.labels.team == "red" }};
"""
PLAIN = f"""@id("OWN-03") {ABOUT}
forbid (principal, action, resource)
when {{ context.relationship.facts.encrypted == false && resource.facts.zone != principal.facts.zone }};
"""
SYSTEM = """holdfast: 1
name: x
nodes:
  one: {type: "ai:agent", description: d, facts: {owner: me, zone: dmz}, metadata: {team: red}}
  two: {type: "ai:agent", description: d, facts: {zone: core}}
  three: {type: service, description: d}
relationships:
  - {id: across, connects: [one, two], facts: {encrypted: false}}
  - {id: closed, connects: [two, one], facts: {encrypted: true}}
  - {id: unknown, connects: [two, three]}
"""


def rule(text):
    (found,) = own_rules({"own.cedar": text})
    return found


def test_annotations_say_what_the_rule_is():
    found = rule(OWNER)
    assert (found.id, found.severity, found.mend) == ("OWN-01", "high", "name one")
    assert found.sources == ("house rules 3", "CIS 1.1")


def test_a_policy_that_asks_before_it_reads_always_decides():
    assert_rule(rule(OWNER), SYSTEM, expect={"one": "holds", "two": "broken", "three": "holds"})


def test_a_fact_that_nobody_stated_leaves_the_rule_undecided_and_is_named():
    assert_rule(rule(ZONE), SYSTEM, expect={"one": "broken", "two": "holds", "three": "undecided"})
    (asked,) = [j.missing for j in judged(rule(ZONE), SYSTEM) if j.missing]
    assert asked == ("nodes.three.facts.zone",)


def test_rules_about_relationships_see_both_ends():
    expect = {"across": "broken", "closed": "holds", "unknown": "undecided"}
    assert_rule(rule(PLAIN), SYSTEM, expect=expect)
    (asked,) = [j.missing for j in judged(rule(PLAIN), SYSTEM) if j.missing]
    assert asked == ("relationships.unknown.facts.encrypted",)


def test_several_rules_in_several_files_keep_apart():
    found = own_rules({"a.cedar": OWNER + PLAIN, "b.cedar": ZONE})
    verdicts = {r.id: [j.verdict for j in judged(r, SYSTEM)].count("broken") for r in found}
    assert verdicts == {"OWN-01": 1, "OWN-03": 1, "OWN-02": 1}


def test_fractions_are_decimals_and_lists_are_sets():
    text = f"""@id("OWN-04") {ABOUT}
forbid (principal, action == Review::Action::"node", resource)
when {{ resource.facts.availability.lessThan(decimal("99.95")) || !resource.controls.contains("x") }};
"""
    system = SYSTEM.replace("owner: me,", "owner: me, availability: 99.9,")
    found = {j.subject: j.verdict for j in judged(rule(text), system)}
    assert found == {"one": "broken", "two": "undecided", "three": "undecided"}


CASES = """
rule: OWN-01
never_undecided: it asks whether an owner is there
cases:
  - name: an owner
    blueprint: {nodes: {a: {type: "ai:agent", facts: {owner: me}}}}
    expect: {a: holds}
  - name: none
    blueprint: {nodes: {a: {type: "ai:agent"}}}
    expect: {a: broken}
"""


def test_own_rules_are_tested_like_built_in_ones():
    cases = read_cases(CASES, source="cases.yaml")
    assert faults_of(rule(OWNER), cases) == []
    assert weaknesses_of(rule(OWNER), cases) == []


def test_cases_see_a_rule_whose_check_is_gone():
    cases = read_cases(CASES, source="cases.yaml")
    emptied = rule(OWNER.replace("resource.kind", "resource.name"))
    assert faults_of(emptied, cases) == [
        "none: says {'a': ('holds',)}, but should say {'a': ('broken',)}"
    ]
    lone = read_cases(CASES[: CASES.index("  - name: none")], source="cases.yaml")
    assert "no case is broken" in faults_of(rule(OWNER), lone)
    assert weaknesses_of(rule(OWNER), lone) != []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('@id("OWN-01") ', "", "has no `@id`"),
        ('@title("Agents have an owner")', "", "has no `@title`"),
        ('@why("w")', '@wy("w")', "no annotation `@wy`"),
        ('"high"', '"hihg"', "no severity `hihg`"),
        ('"OWN-01"', '"own rule"', "`own rule` is no id"),
        ("forbid", "permit", "is a permit"),
        ("facts has owner", "facts has ownr", "no `resource.facts.ownr`"),
        ("resource.kind", "resource.knd", "no `resource.knd`"),
        ('Action::"node"', 'Action::"nodes"', "no action `nodes`"),
        ("resource.kind ==", "resource.kind =", "is not Cedar"),
        ("principal,", 'principal == Holdfast::Agent::"x",', "no type `Holdfast::Agent`"),
        ("principal,", "principal == ?principal,", "is a template"),
    ],
)
def test_what_is_misspelt_is_refused_with_its_place(old, new, told):
    with pytest.raises(PolicyError) as refused:
        own_rules({"own.cedar": OWNER.replace(old, new)})
    assert told in refused.value.fix
    assert "own.cedar:" in refused.value.fix


def test_two_rules_of_one_id_are_refused():
    with pytest.raises(PolicyError) as refused:
        own_rules({"a.cedar": OWNER, "b.cedar": OWNER})
    assert "taken by a.cedar:1" in refused.value.fix
