"""Wrong policies are refused at load, all at once, each with its place and fix."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.policy import Policy, PolicyError
from holdfast.policy.statements import NESTING_MAX, OPERATORS_MAX, statements

BLUEPRINT = {
    "holdfast": 1,
    "name": "x",
    "nodes": {
        "desk": {"type": "service", "description": "d", "metadata": {"region": "eu"}},
        "model": {
            "type": "ai:llm",
            "description": "d",
            "controls": {"upstream": {"url": "http://127.0.0.1:1/v1"}},
        },
    },
    "relationships": [{"id": "asks", "connects": ["desk", "model"]}],
    "policies": ["own.cedar"],
}


def compile_own(text, **files):
    data = {**BLUEPRINT, "policies": ["own.cedar", *files]}
    return Policy.compile(
        load(json.dumps(data), source="f.yaml", read=lambda name: files.get(name, text))
    )


def told(text):
    with pytest.raises(PolicyError) as caught:
        compile_own(text)
    assert caught.value.code == "policy.invalid"
    return [(p.file, p.line, p.what, p.fix) for p in caught.value.problems]


def when(condition):
    return f"\nforbid (principal, action, resource)\nwhen {{ {condition} }};"


EXAMPLE = "compare with: permit (principal, action, resource) when { context.stream };"
TYPES_FIX = "compare values of one type; `holdfast policy schema` shows the types"
TABLE = [
    (when("context.stram"), 3, "there is no `context.stram`", "did you mean `stream`?"),
    (when("context has max_tokns"), 3, "there is no fact `max_tokns` to ask for", "did you mean `max_tokens`?"),
    (when("context.max_tokens > 5"), 3, "`context.max_tokens` may be missing", "ask first: `context has max_tokens && context.max_tokens ...`"),
    (when('principal.nme == "x"'), 3, "nodes have no attribute `nme`", "did you mean `name`?"),
    (when("principal has nme"), 3, "there is no attribute `nme` to ask for", "did you mean `name`?"),
    (when("principal.labels has regon"), 3, "there is no label `regon` to ask for", "did you mean `region`?"),
    (when('principal.labels.regon == "eu"'), 3, "there is no label `regon`", "did you mean `region`? Labels are the plain values of a node's metadata."),
    (when('principal.labels.region == "eu"'), 3, "`labels.region` may be missing", "ask first: `principal.labels has region && principal.labels.region ...`"),
    (when("context.stream == 5"), 2, "the types Bool and Long are not compatible", TYPES_FIX),
    (when("5"), 2, "unexpected type: expected Bool but saw Long", TYPES_FIX),
    (when("context."), 3, "is not Cedar: unexpected token `}`", EXAMPLE),
    (when("strem"), 3, "is not Cedar: invalid variable: strem", EXAMPLE),
    (when('"open'), 2, "is not Cedar: invalid token", EXAMPLE),
    ("permit (principal, action\nresource);", 2, "is not Cedar: unexpected token `resource`", EXAMPLE),
    ("permit (principal, action, resource)", 1, "is not Cedar: unexpected end of input", "end the policy with `;` and close every bracket"),
    ("\nallow (principal, action, resource);", 2, "is not Cedar: invalid policy effect: allow", EXAMPLE),
    ('permit (principal == Holdfast::Service::"dsk", action, resource);', 1, "there is no service `dsk` in the blueprint", "did you mean `desk`?"),
    ('@id("holdfast.x")\nforbid (principal, action, resource);', 1, "the id `holdfast.x` is Holdfast's: ids that start with `holdfast.` are reserved", "choose another @id"),
    ('@id("a") forbid (principal, action, resource);\n@id("a") forbid (principal, action, resource);', 2, "the id `a` is taken by own.cedar:1", "choose another @id"),
    ("forbid (principal == ?principal, action, resource);", 1, "is a template (`?principal`, `?resource`), which allows nothing by itself", "name the principal and resource"),
    ("forbid (principal is Holdfast::Agent, action, resource);", 1, "can never apply: no declared call fits its scope", "callers here are Service; called are Model"),
    ("forbid (principal is Holdfast::Servce, action, resource);", 1, "there is no entity type `Holdfast::Servce`", "did you mean `Holdfast::Service`?"),
    ('forbid (principal, action == Holdfast::Action::"generat", resource);', 1, 'there is no action `Holdfast::Action::"generat"`', 'did you mean `Holdfast::Action::"generate"`?'),
    (when("(" * 60 + "true" + ")" * 60), 2, f"brackets are nested deeper than {NESTING_MAX}", "flatten the condition"),
    (when(" && ".join(["true"] * 600)), 2, f"has more than {OPERATORS_MAX} operators", "split it into several policies"),
    (when(" && ".join(["true"] * 300)), 2, "is nested deeper than 100 levels", "split it into several policies"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "what", "fix"), TABLE, ids=[row[2][:60] for row in TABLE])
def test_each_mistake_is_told_with_file_line_and_fix(text, line, what, fix):
    assert told(text) == [("own.cedar", line, what, fix)]


def test_a_node_named_with_the_wrong_kind_is_told_with_the_right_one():
    problems = told('forbid (principal == Holdfast::Agent::"desk", action, resource);')
    assert (
        "own.cedar",
        1,
        "there is no agent `desk` in the blueprint",
        '`desk` is a service: write Holdfast::Service::"desk"',
    ) in problems


def test_no_file_can_pass_for_the_built_in_policies():
    own = '@id("holdfast.declared") permit (principal, action, resource);'
    with pytest.raises(PolicyError, match="reserved"):
        compile_own("", **{"built-in.cedar": own})


def test_an_id_that_would_flood_the_audit_log_is_refused():
    (problem,) = told(f'@id("{"x" * 201}") forbid (principal, action, resource);')
    assert problem[2].startswith("the @id is longer than 200 characters")


def test_all_mistakes_of_all_files_are_told_at_once():
    with pytest.raises(PolicyError) as caught:
        compile_own(
            when("context.stram") + when("context.tols") + "\npermit (;", **{"b.cedar": "permit;"}
        )
    places = [(p.file, p.line) for p in caught.value.problems]
    assert places == [("b.cedar", 1), ("own.cedar", 3), ("own.cedar", 5), ("own.cedar", 6)]
    assert "own.cedar:5:16: error" in str(caught.value)


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 100_000 + "true" + ")" * 100_000,
        "[" * 5000 + "]" * 5000 + " == []",
        " && ".join(["true"] * 50_000),
        "+".join(["1"] * 50_000) + " == 1",
        "if true then true else " * 20_000 + "true",
        "principal" + ".a" * 50_000,
        "!" * 100_000 + "true",
        "-" * 100_000 + "1 == 1",
    ],
)
def test_a_policy_that_would_exhaust_the_engine_never_reaches_it(condition):
    assert len(told(when(condition))) == 1


def test_what_looks_like_an_end_inside_a_string_or_comment_is_none():
    text = '// a; b\npermit (principal, action, resource) when { principal.name == "a;\\"b" };'
    (statement,) = statements("f", text)
    assert (statement.line, statement.column) == (2, 1)
    compile_own(text)


@given(
    st.lists(
        st.sampled_from(["permit(a);", "forbid (b) ;", '@id("x;") permit();', "// c;\n", "\n "])
    )
)
def test_cutting_a_file_loses_nothing_but_space_and_comments(pieces):
    found = list(statements("f", "".join(pieces)))
    kept = [piece for piece in pieces if piece.strip() and not piece.startswith("//")]
    assert [item.text for item in found] == kept
    assert [item.number for item in found] == list(range(1, len(kept) + 1))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='permit(al,action;)when{}"=&.?@ x5\n/é', max_size=60))
def test_no_text_makes_compiling_fail_otherwise_than_with_problems(text):
    assert all(line >= 1 and column >= 1 for line, column in places_of_problems(text))


def places_of_problems(text):
    try:
        compile_own(text)
    except PolicyError as error:
        return [(problem.line, problem.column) for problem in error.problems]
    return []
