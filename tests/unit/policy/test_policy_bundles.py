"""A bundle is what was made and signed, or nothing; its own tests decide whether it loads."""

import json

import pytest
from random_policies import system

from holdfast.blueprint import BlueprintError
from holdfast.identity import SigningKey
from holdfast.policy import (
    BundleError,
    Facts,
    FactsError,
    Policy,
    PolicyError,
    determined_by,
    explain,
    pack,
    read_bundle,
    read_cases,
    read_facts,
    sign,
)

KEY, STRANGER = SigningKey.from_seed(b"k" * 32), SigningKey.from_seed(b"s" * 32)
POLICIES = """@id("short") forbid (principal, action, resource)
when { context has max_tokens && context.max_tokens > 400 };
@id("capped") @cap_tokens("7") permit (principal, action, resource);
"""
TESTS = """tests:
  - name: long answers are refused
    principal: desk
    action: generate
    resource: model
    context: {max_tokens: 500}
    expect: deny
    policies: [short]
  - {principal: desk, action: generate, resource: model, expect: allow,
     obligations: ["cap_tokens:7"]}
"""


def bundle(tests=TESTS, policies=POLICIES, **more):
    return pack("desk", {"a.cedar": policies, "tests.yaml": tests}, **more)


def loaded(made, **more):
    return Policy.compile(system(made.text(), name="b.hfpolicy", **more))


def told(made, **more):
    with pytest.raises(PolicyError) as caught:
        loaded(made, **more)
    return [(p.file, p.line, p.what) for p in caught.value.problems]


def test_a_bundle_decides_as_its_policies_do_and_says_where_they_stand():
    decision = loaded(bundle()).decide("desk", "generate", "model", Facts(max_tokens=401))
    assert decision.reason == "forbidden by short (b.hfpolicy/a.cedar:1)"


def test_what_is_written_is_read_and_equal_bundles_are_equal_texts():
    made = sign(bundle(), KEY)
    again = read_bundle(made.text(), source="b")
    assert (again.text(), again.digest, again.signers) == (made.text(), made.digest, made.signers)
    assert again.signers == {KEY.public.thumbprint}
    assert sign(made, KEY) is made
    assert sign(made, STRANGER).signers == {KEY.public.thumbprint, STRANGER.public.thumbprint}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("> 400", "> 500"),
        ('"mode": "enforce"', '"mode": "trial"'),
        ('"name": "desk"', '"name": "other"'),
        ('"v": 1', '"v": 2'),
        ("sha256:", "sha256:0"),
        ('"a.cedar": "sha', '"b.cedar": "sha'),
        ('"files": {', '"more": 1, "files": {'),
        ('"manifest": {', '"manifest": {}, "manifest": {'),
    ],
)
def test_no_byte_that_matters_can_be_changed(before, after):
    text = sign(bundle(), KEY).text()
    assert before in text
    with pytest.raises(BundleError):
        read_bundle(text.replace(before, after, 1), source="b")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"manifest": 1}', "\ud800", "{" * 5000])
def test_what_is_no_bundle_is_refused(text):
    with pytest.raises(BundleError) as caught:
        read_bundle(text, source="b")
    assert caught.value.code == "policy.bundle-invalid"


@pytest.mark.parametrize("path", ["/etc/x.cedar", "../x.cedar", "a/../../x.cedar", "a\\b.cedar"])
def test_no_bundle_names_a_file_outside_itself(path):
    with pytest.raises(BundleError):
        pack("x", {path: ""})


def test_a_signature_moved_from_another_bundle_is_refused():
    signed = json.loads(sign(bundle(), KEY).text())
    other = json.loads(bundle(policies=POLICIES + "// more").text())
    other["signatures"] = signed["signatures"]
    with pytest.raises(BundleError, match="over another bundle"):
        read_bundle(json.dumps(other), source="b")


def test_where_keys_are_named_only_their_bundles_load():
    keys = {"policy_keys": [KEY.public.thumbprint]}
    assert loaded(sign(sign(bundle(), STRANGER), KEY), **keys).own == ("short", "capped")
    assert told(bundle(), **keys)[0][2] == "is not signed"
    assert "which policy_keys does not name" in told(sign(bundle(), STRANGER), **keys)[0][2]
    with pytest.raises(PolicyError, match="is not a bundle, and policy_keys asks for signed ones"):
        Policy.compile(system(POLICIES, **keys))


def test_a_key_that_is_no_thumbprint_is_refused():
    with pytest.raises(BlueprintError, match="policy_keys"):
        system(POLICIES, policy_keys=["short"])


def test_a_bundle_whose_tests_fail_does_not_load():
    found = told(bundle(TESTS.replace("500", "300").replace('"cap_tokens:7"', '"cap_tokens:8"')))
    assert [(file, line) for file, line, _ in found] == [("b.hfpolicy/tests.yaml", 2)] * 2 + [
        ("b.hfpolicy/tests.yaml", 9)
    ]
    assert found[0][2].startswith("expected deny, and it is allowed")
    assert "expected obligations cap_tokens:8, and they are cap_tokens:7" in found[2][2]


def test_tests_are_of_the_bundle_alone_and_as_if_in_force():
    made = bundle(mode="trial")
    decision = loaded(made).decide("desk", "generate", "model", Facts(max_tokens=500))
    assert (decision.allowed, decision.would_refuse) == (True, ("short",))


@pytest.mark.parametrize(
    ("before", "after", "line", "what"),
    [
        ("expect: deny", "expct: deny", 7, "unknown field"),
        ("expect: deny", "expect: maybe", 7, "invalid enum value"),
        ("max_tokens: 500", "max_token: 500", 6, "unknown field"),
        ("max_tokens: 500", "max_tokens: many", 6, "got `str`"),
        ("tests:", "cases:", 1, "is not a tests file"),
        ("    action: generate\n", "", 2, "missing required field"),
    ],
)
def test_a_tests_file_that_is_wrong_is_told_with_its_line(before, after, line, what):
    cases, (problem, *_) = read_cases(TESTS.replace(before, after), source="t.yaml")
    assert cases == ()
    assert (problem.file, problem.line) == ("t.yaml", line)
    assert what in problem.what


def test_coverage_names_the_policies_that_no_test_determined():
    tried, problems = Policy.check_bundle(system("", name="own.cedar"), bundle(), "b")
    assert problems == []
    assert determined_by(tried) == {"short", "capped", "holdfast.declared"}


def test_bundles_and_rego_have_a_part_in_the_digest():
    assert loaded(bundle()).digest != loaded(bundle(TESTS + " ")).digest


def test_rego_without_its_engine_is_refused_at_load():
    with pytest.raises(PolicyError, match="nothing here evaluates"):
        Policy.compile(system("package a\ndeny := true", name="a.rego"))


def test_an_explanation_names_places_and_the_conditions_of_near_misses():
    policy = Policy.compile(
        system(
            POLICIES
            + '@id("far") forbid (principal, action == Holdfast::Action::"embed", resource);'
        )
    )
    found = explain(
        policy,
        principal="desk",
        action="generate",
        resource="model",
        facts=read_facts({"max_tokens": "400"}),
    )
    assert [each.policy for each in found.determining] == ["holdfast.declared", "capped"]
    near = {each.policy: each for each in found.near}
    assert near["short"].place == "own.cedar:1"
    assert [(part.text, part.held) for part in near["short"].conditions] == [
        ("when { context has max_tokens }", "held"),
        ("when { (context.max_tokens) > 400 }", "failed"),
    ]
    assert found.elsewhere == 1
    refused = explain(policy, principal="desk", action="embed", resource="model", facts=Facts())
    assert [each.policy for each in refused.determining] == ["far"]
    assert {each.policy for each in refused.overruled} == {"holdfast.declared", "capped"}


def test_an_explanation_of_unknown_names_says_so():
    found = explain(
        Policy.compile(system("")), principal="nobody", action="call", resource="x", facts=Facts()
    )
    assert found.decision.reason == "`nobody` is not known to the policies"


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ({"max_token": "5"}, "did you mean `max_tokens`?"),
        ({"max_tokens": "many"}, "write a whole number"),
        ({"stream": "1"}, "write true or false"),
    ],
)
def test_words_that_are_no_facts_are_told_the_right_ones(written, fix):
    with pytest.raises(FactsError) as caught:
        read_facts(written)
    assert caught.value.fix == fix


def test_words_become_the_facts_they_name():
    words = {"stream": "true", "max_tokens": "-5", "tool": "t=1"}
    assert read_facts(words) == Facts(stream=True, max_tokens=-5, tool="t=1")
