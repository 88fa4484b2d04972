"""A slice decides as the whole set does, whatever the policies and the facts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_policies import CALLS, CONDITIONS, FACTS, PAIRS, system, texts

from holdfast.policy import ACTIONS, Facts, Policy, PolicyError
from holdfast.policy.residual import FALSE, TRUE, World, condition
from holdfast.policy.slicing import INDEXED_FROM, facts_spoken_of

UNSCOPED = st.just("principal, action, resource")
MANY = texts(min_size=INDEXED_FROM, max_size=INDEXED_FROM + 8, scopes=UNSCOPED)


def compiled(text):
    """A policy, or None where a random text contradicts itself (as in ``false && ...``)."""
    try:
        return Policy.compile(system(text))
    except PolicyError as error:
        told = [problem for problem in error.problems if "never apply" not in problem.what]
        if told:
            raise
        return None


def whole(text):
    policy = compiled(text)
    policy._enforced._by_call.clear()
    if policy._trial is not None:
        policy._trial._by_call.clear()
    return policy


@settings(max_examples=150, deadline=None)
@given(texts(), CALLS, FACTS)
def test_a_sliced_set_decides_as_the_whole_set_does(text, call, facts):
    sliced = compiled(text)
    if sliced is None:
        return
    (caller, called), action = call
    decision = sliced.decide(caller, action, called, facts)
    assert decision == whole(text).decide(caller, action, called, facts)


@settings(max_examples=40, deadline=None)
@given(MANY, CALLS, st.lists(FACTS, min_size=4))
def test_an_indexed_slice_decides_as_the_whole_set_does(text, call, many):
    """Enough policies that slices are indexed by values and ranges of facts."""
    sliced = compiled(text)
    if sliced is None:
        return
    other = whole(text)
    (caller, called), action = call
    for facts in many:
        decision = sliced.decide(caller, action, called, facts)
        assert decision == other.decide(caller, action, called, facts)


@settings(max_examples=150, deadline=None)
@given(CONDITIONS, CALLS, FACTS)
def test_what_is_folded_away_is_what_the_engine_says(text, call, facts):
    policy = compiled(f'@id("x") forbid (principal, action, resource) when {{ {text} }};')
    if policy is None:
        return
    (caller, called), action = call
    (rule,) = (rule for rule in policy.rules if rule.id == "x")
    left = World(policy.blueprint).fold(
        condition(rule.scope), principal=caller, resource=called, action=action
    )
    decision = policy.decide(caller, action, called, facts)
    if left in (TRUE, FALSE):
        assert ("x" in decision.policies) is (left == TRUE)
        assert "failed" not in decision.reason


def demanding(count):
    return "\n".join(
        f'@id("no-{n}") forbid (principal, action, resource)'
        f' when {{ context has tool && context.tool == "t{n}" }};'
        for n in range(count)
    )


def test_a_large_unscoped_set_shows_the_engine_only_what_the_facts_demand():
    policy = compiled(demanding(200))
    using = policy._enforced.of("desk", "call", "model")
    shown = [len(each.rules) for each in using.needed(Facts(tool="t7"))]
    assert shown == [2]  # holdfast.declared; no-7. holdfast.undeclared is false here
    assert policy.decide("desk", "call", "model", Facts(tool="t7")).policies == ("no-7",)
    assert policy.decide("desk", "call", "model", Facts(tool="t777")).allowed


@pytest.mark.parametrize(
    ("condition", "known", "shown"),
    [
        ("context has max_tokens && context.max_tokens > {n}00", {"max_tokens": 250}, 16),
        ("context has max_tokens && {n} >= context.max_tokens", {"max_tokens": 1000}, 0),
        ("context has tier", {}, 0),
        ("context.stream && context.depth <= {n}", {"depth": 500}, 0),
    ],
)
def test_policies_are_shown_only_where_a_fact_is_in_their_range(condition, known, shown):
    text = "".join(
        f"forbid (principal, action, resource) when {{ {condition.format(n=n)} }};"
        for n in range(200)
    )
    using = compiled(text)._enforced.of("desk", "call", "model")
    assert sum(len(each.rules) for each in using.needed(Facts(**known))) <= shown + 1


def test_where_most_ranges_fit_the_engine_is_asked_once():
    text = "".join(
        f"forbid (principal, action, resource) when {{ context.depth >= {n} }};" for n in range(200)
    )
    using = compiled(text)._enforced.of("desk", "call", "model")
    assert [len(each.rules) for each in using.needed(Facts(depth=500))] == [201]


def test_policies_that_are_false_for_caller_and_callee_are_left_out():
    text = "\n".join(
        f'forbid (principal, action, resource) when {{ principal.id == "{name}" }};'
        for name in ("desk", "shelf", "nobody")
    )
    policy = compiled(text)
    assert len(policy._enforced.of("desk", "call", "model").always.rules) == 2


def test_what_may_fail_is_never_left_out():
    policy = compiled(
        "forbid (principal, action, resource) when"
        ' { context.depth + 9223372036854775807 == 1 && principal.id == "nobody" };'
    )
    assert policy.decide("desk", "call", "model", Facts()).allowed
    assert "failed" in policy.decide("desk", "call", "model", Facts(depth=1)).reason


@pytest.mark.parametrize("action", ACTIONS)
def test_facts_that_no_policy_speaks_of_do_not_tell_decisions_apart(action):
    policy = compiled("forbid (principal, action, resource) when { context.tools };")
    first = policy.decide("desk", action, "model", Facts(on_behalf_of="user:a", depth=2))
    assert policy.decide("desk", action, "model", Facts(on_behalf_of="user:b")) is first
    assert policy.decide("desk", action, "model", Facts(tools=True)) is not first


def test_a_policy_that_looks_at_the_whole_context_sees_every_fact():
    one = compiled("forbid (principal, action, resource) when { context.stream };")
    assert facts_spoken_of(one.rules) == {"stream"}
    every = compiled("forbid (principal, action, resource) when { [context].contains(context) };")
    assert facts_spoken_of(every.rules) == frozenset(Facts._fields)


def test_the_small_system_is_as_declared():
    policy = compiled("")
    assert all(policy.decide(*pair[:1], "call", pair[1], Facts()).allowed for pair in PAIRS)
