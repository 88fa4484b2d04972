"""What a new bundle permits that the old did not: proven, or tried and said so; never claimed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_policies import CALLS, FACTS, PAIRS, statements, system, texts

from holdfast.core import NodeId
from holdfast.policy import Facts, Policy, PolicyError, compare
from holdfast.policy.differing import _side, _translated, changes
from holdfast.policy.residual import World
from holdfast.policy.solving import Solver

pytest.importorskip("z3")

PLAIN = st.sampled_from(["", '@cap_tokens("7") ', '@redact("ip,email") @sample("0.5") '])


def compiled(text, **more):
    try:
        return Policy.compile(system(text, **more))
    except PolicyError as error:
        if any("never apply" not in problem.what for problem in error.problems):
            raise
        return None


def forbid(condition):
    return f"forbid (principal, action, resource) when {{ {condition} }};"


def found(old, new, **more):
    difference = compare(compiled(old), compiled(new, **more))
    assert difference.is_proof
    return difference


@settings(max_examples=100, deadline=None)
@given(texts(marks=PLAIN), CALLS, FACTS)
def test_the_solver_and_the_engine_agree_on_every_decision(text, call, facts):
    policy = compiled(text)
    if policy is None:
        return
    (caller, called), action = call
    relationship = policy.blueprint.relationship(caller, called).id
    side = _side(policy, {id(policy): World(policy.blueprint)}, (caller, action, called))
    solver = Solver(relationship)
    allows = solver.allows([part for part, _ in _translated(solver, side)])
    assert solver.holds_for(allows, facts) is policy.decide(caller, action, called, facts).allowed


@settings(max_examples=40, deadline=None)
@given(texts(max_size=3, marks=PLAIN), texts(max_size=3, marks=PLAIN), CALLS, FACTS)
def test_what_the_engine_tells_apart_is_found_and_confirmed(old, new, call, facts):
    policies = compiled(old), compiled(new)
    if None in policies:
        return
    (caller, called), action = call
    facts = facts._replace(relationship=policies[0].blueprint.relationship(caller, called).id)
    difference = compare(*policies)
    assert difference.is_proof
    told = {
        finding.change
        for finding in difference.findings
        if (finding.principal, finding.action, finding.resource) == (caller, action, called)
    }
    old, new = (policy.decide(caller, action, called, facts) for policy in policies)
    assert set(changes(old, new)) <= told or difference.untold
    for finding in difference.findings:
        assert finding.change in set(changes(finding.old, finding.new))


@settings(max_examples=15, deadline=None)
@given(st.lists(statements(PLAIN), max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_policies_makes_no_difference(rules, random):
    old = compiled("\n".join(rules))
    if old is None:
        return
    random.shuffle(rules)
    difference = compare(old, compiled("\n".join(rules)))
    assert (difference.findings, difference.is_proof) == ([], True)


def test_a_raised_limit_permits_what_lies_between():
    old = forbid("context has max_tokens && context.max_tokens > 400")
    new = forbid("context has max_tokens && context.max_tokens > 512")
    difference = found(old, new)
    assert {finding.change for finding in difference.findings} == {"permits"}
    assert all(400 < finding.facts.max_tokens <= 512 for finding in difference.findings)
    assert {finding.change for finding in found(new, old).findings} == {"refuses"}


def test_one_rule_written_in_two_ways_is_proven_equal():
    one = forbid('context.stream && !(context.tools || context.proof == "mtls")')
    two = forbid('!(!context.stream) && !context.tools && context.proof != "mtls"')
    difference = found(one, two)
    assert (difference.findings, difference.analysed) == ([], len(PAIRS) * 8)


def test_a_new_relationship_permits():
    difference = found("", "", pairs=[*PAIRS, ("shelf", "other")])
    (first, *_) = difference.findings
    assert (first.change, first.principal, first.resource) == ("permits", "shelf", "other")


def test_an_obligation_dropped_or_weakened_loosens():
    def permit(marks):
        return f"{marks} permit (principal, action, resource);"

    def change(old, new):
        return {finding.change for finding in found(permit(old), permit(new)).findings}

    assert change('@require_approval("owners")', "") == {"loosens"}
    assert change('@cap_tokens("5")', '@cap_tokens("9")') == {"loosens"}
    assert change('@sample("0.1")', '@sample("0.2")') == {"tightens"}
    assert change('@redact("ip")', '@redact("email")') == {"loosens", "tightens"}
    assert change('@redact("ip,email")', '@redact("email,ip")') == set()


def test_an_overflow_that_denies_is_a_difference():
    old = forbid("false || context.depth < 0")
    new = forbid("context.depth + 9223372036854775800 < 0")
    difference = found(old, new)
    assert {finding.change for finding in difference.findings} == {"refuses"}
    assert all(finding.facts.depth > 7 for finding in difference.findings)


def test_policies_on_trial_make_no_difference():
    assert found("", f'@mode("trial") {forbid("context.stream")}').findings == []


def test_what_has_no_translation_is_tried_and_said():
    old = forbid("context.stream")
    new = forbid('context.stream && !ip("10.0.0.1").isLoopback() && context.depth != 3')
    difference = compare(compiled(old), compiled(new))
    assert not difference.is_proof
    assert "has no translation" in difference.enumerated[0].reason
    assert {finding.facts.depth for finding in difference.findings} == {3}
    assert all(each.tried == each.of for each in difference.enumerated)


@pytest.mark.parametrize("text", ["\\", "\\u{41}", "é", "\n", '"', "日本", "\\\\"])
def test_no_text_means_another_to_the_solver(text):
    written = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    policy = compiled(forbid(f'context has tool && context.tool == "{written}"'))
    difference = compare(policy, compiled(""))
    assert {finding.facts.tool for finding in difference.findings} == {text}


def test_undeclared_calls_differ_in_nothing():
    difference = found("permit (principal, action, resource);", "")
    assert ("shelf", "other") not in {(f.principal, f.resource) for f in difference.findings}


def test_decisions_of_one_call_are_the_engine_s():
    (first, *_) = found("", forbid("context.tools")).findings
    assert first.old.allowed
    assert first.new.policies == ("own.cedar#1",)
    assert first.facts == Facts(**first.facts._asdict())
    assert first.principal == NodeId("desk")
