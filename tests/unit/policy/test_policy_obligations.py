"""What permits ask for: read at load with its line, the strictest of all that determine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_policies import system

from holdfast.policy import Facts, Obligation, Policy, PolicyError
from holdfast.policy.obligations import strictest


def compiled(text):
    return Policy.compile(system(text))


def owed(text, **facts):
    decision = compiled(text).decide("desk", "call", "model", Facts(**facts))
    return [str(each) for each in decision.obligations]


def permit(marks, clause=""):
    return f"{marks} permit (principal, action, resource) {clause};"


def test_several_of_one_policy_are_all_owed():
    marks = (
        '@redact("phone, email") @require_approval("owners") @cap_tokens("512") @sample("0.050")'
    )
    assert owed(permit(marks)) == [
        "cap_tokens:512",
        "redact:email",
        "redact:phone",
        "require_approval:owners",
        "sample:0.05",
    ]


def test_of_several_policies_the_strictest_is_owed_and_everything_that_adds_up():
    text = (
        permit('@cap_tokens("512") @sample("0.05") @require_approval("a")')
        + permit('@cap_tokens("64") @sample("1") @require_approval("b")')
        + permit('@cap_tokens("1")', "when { context.stream }")
    )
    assert owed(text) == ["cap_tokens:64", "require_approval:a", "require_approval:b", "sample:1"]
    assert owed(text, stream=True)[0] == "cap_tokens:1"


def test_a_refusal_owes_nothing_and_forbid_wins_over_all():
    text = permit('@require_approval("owners")') + "forbid (principal, action, resource);"
    decision = compiled(text).decide("desk", "call", "model", Facts())
    assert (decision.allowed, decision.obligations) == (False, ())


OBLIGATIONS = st.lists(
    st.one_of(
        st.integers(1, 9).map(lambda n: Obligation("cap_tokens", str(n), n)),
        st.integers(1, 9).map(lambda n: Obligation("sample", f"0.{n}", n * 100_000)),
        st.sampled_from(["ip", "email"]).map(lambda word: Obligation("redact", word)),
        st.sampled_from(["a", "b"]).map(lambda word: Obligation("require_approval", word)),
    )
)


@given(OBLIGATIONS, OBLIGATIONS)
def test_strictest_knows_no_order_and_adding_never_loosens(one, other):
    assert strictest([*one, *other]) == strictest([*other, *one])
    assert strictest([*strictest(one), *other]) == strictest([*one, *other])
    assert {each.kind for each in strictest(one)} <= {
        each.kind for each in strictest([*one, *other])
    }


WRONG = [
    ('@cap_tokens("0")', "`0` is not a number of tokens"),
    ('@cap_tokens("5e2")', "`5e2` is not a number of tokens"),
    ('@cap_tokens("99999999")', "`99999999` is not a number of tokens"),
    ("@cap_tokens", "`` is not a number of tokens"),
    ('@sample("0.0")', "`0.0` is not a share of calls"),
    ('@sample("1.1")', "`1.1` is not a share of calls"),
    ('@sample("5%")', "`5%` is not a share of calls"),
    ('@redact("email,fax")', "nothing is known to redact as `fax`"),
    ('@require_approval("Owners")', "`Owners` is not the name of a group"),
    ('@mode("dry-run")', "there is no mode `dry-run`"),
    ('@requre_approval("owners")', "there is no annotation `@requre_approval`"),
]


@pytest.mark.parametrize(("marks", "what"), WRONG)
def test_an_annotation_that_says_nothing_known_is_refused_with_its_line(marks, what):
    with pytest.raises(PolicyError) as caught:
        compiled(f"// one\n{permit(marks)}")
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.what) == ("own.cedar", 2, what)
    assert problem.fix


def test_a_misspelt_annotation_is_told_the_right_one():
    with pytest.raises(PolicyError, match="did you mean `require_approval`"):
        compiled(permit('@requre_approval("owners")'))


def test_a_forbid_cannot_ask_for_anything():
    with pytest.raises(PolicyError, match="nothing passes that could be obliged"):
        compiled('@cap_tokens("5") forbid (principal, action, resource);')


def test_annotations_for_people_mean_nothing():
    assert owed(permit('@reason("because") @owner("us") @description("x") @advice("y")')) == []


TRIAL = '@id("t") @mode("trial")'


def test_a_policy_on_trial_changes_no_decision_and_is_recorded():
    text = f"{TRIAL} forbid (principal, action, resource) when {{ context.tools }};"
    policy = compiled(text)
    quiet = policy.decide("desk", "call", "model", Facts())
    assert (quiet.allowed, quiet.would_refuse) == (True, ())
    told = policy.decide("desk", "call", "model", Facts(tools=True))
    assert (told.allowed, told.policies, told.would_refuse) == (
        True,
        ("holdfast.declared",),
        ("t",),
    )


def test_a_permit_on_trial_adds_no_obligation_and_a_refusal_is_no_trial():
    text = f'{TRIAL} @cap_tokens("5") permit (principal, action, resource);'
    assert owed(text) == []
    text = f"{TRIAL} forbid (principal, action, resource);forbid (principal, action, resource);"
    assert compiled(text).decide("desk", "call", "model", Facts()).would_refuse == ()


def test_a_policy_on_trial_that_fails_would_refuse():
    text = f"{TRIAL} forbid (principal, action, resource) when {{ context.depth + 9223372036854775807 == 1 }};"
    decision = compiled(text).decide("desk", "call", "model", Facts(depth=1))
    assert (decision.allowed, decision.would_refuse) == (True, ("t",))


def test_nothing_on_trial_allows_what_a_forbid_refuses():
    text = f"{TRIAL} permit (principal, action, resource);"
    decision = compiled(text).decide("shelf", "call", "other", Facts())
    assert (decision.allowed, decision.would_allow) == (False, ())


def test_being_on_trial_changes_the_bundle_s_digest():
    text = '@id("x") forbid (principal, action, resource);'
    assert compiled(text).digest != compiled(f'@mode("trial") {text}').digest
