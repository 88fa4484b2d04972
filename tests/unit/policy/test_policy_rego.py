"""Rego beside Cedar: its no is final, its yes allows nothing, whatever goes wrong refuses."""

import json

import pytest
from random_policies import PAIRS, system

from holdfast.policy import Facts, Policy, PolicyError, RegoError, compare

DENY = "package legacy\nimport rego.v1\n\ndeny contains msg if { input.context.tools; msg := 1 }\n"
ALLOW = "package legacy\ndefault allow := false\nallow { input.action }\n"


class Engine:
    """Answers what it is told to, and keeps the questions."""

    def __init__(self, answer):
        self.answer, self.questions, self.queries = answer, [], ()

    def __call__(self, modules, queries):
        self.modules, self.queries = dict(modules), queries
        return self

    def ask(self, question):
        self.questions.append(json.loads(question))
        return self.answer


def compiled(text, answer):
    engine = Engine(answer)
    blueprint = system(text, name="old.rego")
    return Policy.compile(blueprint, rego=engine), engine


def decide(policy, **facts):
    return policy.decide("desk", "call", "model", Facts(**facts))


@pytest.mark.parametrize("value", [[True], [["because"]], [{"a": 1}], [1], [0], ["no"], [[False]]])
def test_whatever_deny_holds_refuses(value):
    policy, _ = compiled(DENY, [value])
    decision = decide(policy)
    assert (decision.allowed, decision.policies) == (False, ("old.rego#deny",))


@pytest.mark.parametrize("value", [[], [False], [[]], [{}], [None], [""]])
def test_a_deny_that_holds_nothing_leaves_cedar_s_answer(value):
    policy, _ = compiled(DENY, [value])
    assert decide(policy).policies == ("holdfast.declared",)


@pytest.mark.parametrize("value", [[], [False], [1], ["true"], [[True]], [None], [True, True]])
def test_an_allow_that_is_not_just_true_refuses(value):
    policy, _ = compiled(ALLOW, [value])
    assert decide(policy).policies == ("old.rego#allow",)


def test_an_allow_allows_nothing_by_itself():
    policy, engine = compiled(ALLOW, [[True]])
    assert decide(policy).allowed
    assert not policy.decide("shelf", "call", "other", Facts()).allowed
    assert len(engine.questions) == 1  # what Cedar refuses is not asked about


def test_a_failure_refuses_and_is_not_remembered():
    policy, engine = compiled(DENY, "it took too long")
    decision = decide(policy)
    assert (decision.allowed, decision.policies) == (False, ("old.rego",))
    assert decision.reason == "policy old.rego failed: it took too long"
    engine.answer = [[]]
    assert decide(policy).allowed


def test_rego_is_asked_only_where_no_decision_is_remembered():
    policy, engine = compiled(DENY, [[]])
    decide(policy, tools=True)
    decide(policy, tools=True)
    assert len(engine.questions) == 1
    decide(policy, on_behalf_of="user:a")
    assert len(engine.questions) == 2


def test_rego_sees_the_call():
    policy, engine = compiled(DENY, [[]])
    decide(policy, max_tokens=5)
    (question,) = engine.questions
    assert engine.queries == ("data.legacy.deny",)
    assert question["principal"]["labels"]["region"] == "eu"
    assert (question["action"], question["resource"]["id"]) == ("call", "model")
    assert question["context"]["max_tokens"] == 5
    assert "tool" not in question["context"]


def told(text):
    with pytest.raises(PolicyError) as caught:
        Policy.compile(system(text, name="old.rego"), rego=Engine([]))
    return [(problem.line, problem.what) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "call",
    [
        'http.send({"url": "http://a"})',
        "time.now_ns() > 5",
        "opa.runtime()",
        "opa . runtime()",
        'opa["runtime"]()',
        "count([]) with count as opa.runtime",
        'rand.intn("a", 5) == 1',
        'net.lookup_ip_addr("a")',
        "uuid.rfc4122(1)",
        "numbers.range(1, 1000000000)",
        'trace("x")',
        "io.jwt.decode(input.x)",
    ],
)
def test_what_reaches_beyond_the_call_is_refused_with_its_line(call):
    ((line, what),) = told(f"package a\n# http.send\n\ndeny {{ {call} }}\n")
    assert line == 4
    assert "reaches beyond the call" in what


def test_words_in_texts_comments_and_paths_are_no_calls():
    text = 'package a # opa\ndeny[m] { input.time == 5; data.net; m := "http.send", `time`\n }\n'
    policy, _ = compiled(text.replace(", `time`", ""), [[]])
    assert decide(policy).allowed


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("deny := true", "names no package"),
        ("package a\nrefuse := true", "defines neither `deny` nor `allow`"),
        ('package a["b"]\ndeny := true', "names no package"),
    ],
)
def test_what_cannot_be_asked_is_refused(text, what):
    assert what in [found for _, found in told(text)]


def test_what_the_engine_refuses_is_told_at_load():
    def refuse(modules, queries):
        raise RegoError("is refused by the Rego engine: no", fix="mend it")

    with pytest.raises(PolicyError, match="refused by the Rego engine"):
        Policy.compile(system(DENY, name="old.rego"), rego=refuse)


def test_rego_is_compared_by_trying_and_never_called_proven():
    one = system(DENY, name="old.rego", pairs=PAIRS[:1])
    old, new = (Policy.compile(one, rego=Engine([answer])) for answer in ([], [True]))
    difference = compare(old, new)
    assert not difference.is_proof
    assert difference.analysed == 0
    assert {finding.change for finding in difference.findings} == {"refuses"}
