"""What policy answers: exactly what is declared, narrowed by the blueprint's own policies."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.policy import ACTIONS, Facts, Policy
from holdfast.policy.deciding import CACHE_MAX

TYPES = ("service", "ai:agent", "ai:llm", "ai:tool", "database", "actor", "x-own")
CONTROLS = {"upstream": {"url": "http://127.0.0.1:1/v1"}}


def declared(nodes, pairs, policies=""):
    """A blueprint of ``nodes`` (id to type, or to type and metadata) and the calls in ``pairs``."""
    data = {
        "holdfast": 1,
        "name": "x",
        "nodes": {
            name: {"type": kind, "description": "d", "controls": CONTROLS, "metadata": metadata}
            for name, (kind, metadata) in nodes.items()
        },
        "relationships": [
            {"id": f"r{index}", "connects": list(pair)} for index, pair in enumerate(pairs)
        ],
        "policies": ["own.cedar"],
    }
    return load(json.dumps(data), source="f.yaml", read=lambda _: policies)


def small(policies="", **metadata):
    nodes = {
        "desk": ("service", metadata),
        "shelf": ("service", {}),
        "model": ("ai:llm", {}),
        "other": ("ai:llm", {}),
    }
    pairs = [("desk", "model"), ("shelf", "model"), ("desk", "other")]
    return Policy.compile(declared(nodes, pairs, policies))


NODES = st.dictionaries(
    st.from_regex(r"[a-h]", fullmatch=True), st.sampled_from(TYPES), min_size=1, max_size=6
)


@st.composite
def systems(draw):
    nodes = draw(NODES)
    pairs = st.tuples(st.sampled_from(sorted(nodes)), st.sampled_from(sorted(nodes)))
    calls = draw(st.sets(pairs.filter(lambda pair: pair[0] != pair[1]), max_size=8))
    return {name: (kind, {}) for name, kind in nodes.items()}, sorted(calls)


FACTS = st.builds(
    Facts,
    stream=st.booleans(),
    tools=st.booleans(),
    max_tokens=st.none() | st.integers(0, 10**6),
    relationship=st.none() | st.sampled_from(["r0", "r1"]),
    depth=st.integers(0, 9),
    tier=st.none() | st.integers(0, 4),
)


def allowed(policy, nodes, facts):
    return sorted(
        (caller, called)
        for caller in nodes
        for called in nodes
        if all(policy.decide(caller, action, called, facts).allowed for action in ACTIONS)
    )


@settings(max_examples=40, deadline=None)
@given(systems(), FACTS, st.booleans())
def test_exactly_the_declared_calls_are_allowed_whatever_a_permit_adds(system, facts, permit):
    nodes, calls = system
    own = "permit (principal, action, resource);" if permit and calls else ""
    policy = Policy.compile(declared(nodes, calls, own))
    assert allowed(policy, nodes, facts) == calls


@settings(max_examples=40, deadline=None)
@given(systems(), FACTS, st.data())
def test_a_forbid_of_the_blueprint_wins(system, facts, data):
    nodes, calls = system
    if not calls:
        return
    caller, called = data.draw(st.sampled_from(calls))
    kind = f"Holdfast::{load_kind(nodes, calls, caller)}"
    own = f'@id("no") forbid (principal == {kind}::"{caller}", action, resource);'
    policy = Policy.compile(declared(nodes, calls, own))
    assert allowed(policy, nodes, facts) == [pair for pair in calls if pair[0] != caller]
    assert policy.decide(caller, "generate", called, facts).policies == ("no",)


def load_kind(nodes, calls, name):
    return declared(nodes, calls).nodes[name].kind.capitalize()


def test_an_allow_names_the_policies_that_determined_it_and_the_bundle():
    policy = small('@id("also") permit (principal, action, resource);')
    decision = policy.decide("desk", "generate", "model", Facts())
    assert decision.allowed
    assert decision.policies == ("holdfast.declared", "also")
    assert "holdfast.declared" in decision.reason
    assert decision.bundle == policy.digest


def test_an_undeclared_call_is_forbidden_by_name():
    decision = small("permit (principal, action, resource);").decide(
        "shelf", "generate", "other", Facts()
    )
    assert not decision.allowed
    assert decision.policies == ("holdfast.undeclared",)


def test_a_policy_without_id_is_named_by_file_and_number():
    policy = small("// one\nforbid (principal, action, resource)\nwhen { context.tools };")
    decision = policy.decide("desk", "generate", "model", Facts(tools=True))
    assert decision.policies == ("own.cedar#1",)
    assert decision.reason == "forbidden by own.cedar#1 (own.cedar:2)"
    assert policy.decide("desk", "generate", "model", Facts()).allowed


def test_facts_of_the_call_are_what_policies_see():
    policy = small(
        "forbid (principal, action, resource) when { context.stream };\n"
        "forbid (principal, action, resource)"
        " when { context has max_tokens && context.max_tokens > 5 };\n"
        "forbid (principal, action, resource)"
        ' when { context has relationship && context.relationship == "r9" };'
    )

    def may(**facts):
        return policy.decide("desk", "generate", "model", Facts(**facts)).allowed

    assert may(max_tokens=5, tools=True, relationship="r0")
    assert [may(stream=True), may(max_tokens=6), may(relationship="r9")] == [False] * 3


def test_labels_of_nodes_are_what_policies_see():
    own = (
        "forbid (principal, action, resource)"
        ' when { principal.labels has region && principal.labels.region == "eu" };'
    )
    assert not small(own, region="eu").decide("desk", "list", "model", Facts()).allowed
    assert small(own, region="us").decide("desk", "list", "model", Facts()).allowed
    assert small(own, region="eu").decide("shelf", "list", "model", Facts()).allowed


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (7, "7"), (2**70, "1180591620717411303424"), ("x", "x")]
)
def test_a_label_on_which_nodes_disagree_is_text(value, text):
    nodes = {"desk": ("service", {"l": value}), "model": ("ai:llm", {"l": "x"})}
    own = (
        "forbid (principal, action, resource)"
        f' when {{ principal.labels has l && principal.labels.l == "{text}" }};'
    )
    policy = Policy.compile(declared(nodes, [("desk", "model")], own))
    assert not policy.decide("desk", "list", "model", Facts()).allowed


@pytest.mark.parametrize("name", ["__entity", "__extn", "é", "a b", 'q"', "type", "has", "if", ""])
def test_no_name_of_a_label_breaks_the_schema(name):
    policy = Policy.compile(
        declared({"desk": ("service", {name: "v"}), "model": ("ai:llm", {})}, [("desk", "model")])
    )
    assert policy.decide("desk", "list", "model", Facts()).allowed


def test_a_policy_that_fails_denies_and_is_named():
    policy = small(
        '@id("sum") forbid (principal, action, resource) when'
        " { context has max_tokens && context.max_tokens + 9223372036854775807 == 1 };"
    )
    assert policy.decide("desk", "generate", "model", Facts()).allowed
    decision = policy.decide("desk", "generate", "model", Facts(max_tokens=5))
    assert not decision.allowed
    assert decision.policies == ("sum",)
    assert "policy sum (own.cedar:1) failed: integer overflow" in decision.reason


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (("nobody", "generate", "model"), "nobody"),
        (("desk", "generate", "nothing"), "nothing"),
        (("desk", "destroy", "model"), "destroy"),
    ],
)
def test_unknown_names_are_denied_not_raised(call, word):
    decision = small().decide(*call, Facts())
    assert (decision.allowed, decision.policies) == (False, ())
    assert decision.reason == f"`{word}` is not known to the policies"


@pytest.mark.parametrize("max_tokens", [2**63, -(2**63) - 1, 2**200])
def test_a_number_that_policies_cannot_hold_is_denied(max_tokens):
    assert not small().decide("desk", "generate", "model", Facts(max_tokens=max_tokens)).allowed


def test_providers_may_add_actions():
    nodes = {"desk": ("service", {}), "model": ("ai:llm", {})}
    blueprint = declared(nodes, [("desk", "model")])
    policy = Policy.compile(blueprint, actions=(*ACTIONS, "transcribe"))
    assert policy.decide("desk", "transcribe", "model", Facts()).allowed
    assert "transcribe" in policy.schema_text


def test_a_decision_once_made_is_remembered_and_memory_is_bounded():
    policy = small()
    first = policy.decide("desk", "generate", "model", Facts(max_tokens=0))
    assert policy.decide("desk", "generate", "model", Facts(max_tokens=0)) is first
    for tokens in range(CACHE_MAX + 10):
        policy._remember(("desk", "none", "model", Facts(max_tokens=tokens)))
    assert len(policy._cache) == CACHE_MAX


def test_layout_and_comments_leave_the_bundle_digest_alone_and_meaning_does_not():
    own = "forbid (principal, action, resource) when { context.tools };"
    same = "// why\nforbid(principal,action,resource)\n  when {context.tools};"
    assert small(own).digest == small(same).digest
    assert small(own).digest != small().digest
    assert small(own).digest != small(own.replace("tools", "stream")).digest
    assert small(own).digest != small(own, region="eu").digest  # the schema gained a label


def test_a_blueprint_without_calls_allows_nothing():
    policy = Policy.compile(declared({"a": ("service", {}), "b": ("ai:llm", {})}, []))
    assert not policy.decide("a", "generate", "b", Facts()).allowed
