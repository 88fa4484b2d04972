"""How the file's YAML is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import check
from holdfast.blueprint.source import BYTES_MAX, DEPTH_MAX, VALUES_MAX, read_yaml


def data(text):
    document = read_yaml(text, source="f.yaml")
    assert document.problems == []
    return document.data


def only_problem(text):
    (problem,) = read_yaml(text, source="f.yaml").problems
    return problem


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "n", "On", "NO"])
def test_words_that_yaml_1_1_calls_booleans_stay_text(word):
    assert data(f"{word}: {word}") == {word: word}


@pytest.mark.parametrize("key", ["true", "null", "1", "1.5", "2026-11-21", "~"])
def test_every_key_is_text(key):
    assert data(f"{key}: x") == {key: "x"}


@pytest.mark.parametrize(
    "word", ["1:30", "010", "0x1F", "1_000", "2026-11-21", ".inf", ".nan", "="]
)
def test_what_only_yaml_1_1_calls_a_number_or_date_stays_text(word):
    assert data(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("", None),
        ("null", None),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("'true'", "true"),
    ],
)
def test_plain_values_follow_yaml_1_2_and_quotes_make_text(word, value):
    found = data(f"a: {word}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_number_too_long_to_be_one_stays_text_and_costs_nothing():
    assert data("a: " + "9" * 5000) == {"a": "9" * 5000}


def test_a_key_that_stands_twice_is_told_at_its_second_place():
    problem = only_problem("a: 1\nb: 2\na: 3\n")
    assert (problem.line, problem.column) == (3, 1)
    assert problem.what == "`a` stands here twice (first on line 1)"


def test_aliases_are_expanded():
    assert data("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_nested_aliases_cannot_multiply_without_end():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    problem = only_problem("\n".join(lines))
    assert problem.what == f"holds more than {VALUES_MAX} values"


def test_an_alias_inside_what_it_names_is_refused():
    assert "names nothing defined before it" in only_problem("a: &x [*x]").what


def test_deep_nesting_is_refused_before_it_costs_anything():
    # Reading on would take the parser minutes: the suite's time limit holds this.
    assert only_problem("[" * 400_000).what == f"is nested deeper than {DEPTH_MAX} levels"


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("", "the file is empty", "start from `holdfast init`"),
        ("# nothing\n", "the file is empty", "start from `holdfast init`"),
        (
            "a: 1\n---\nb: 2\n",
            "has a second document (`---`)",
            "keep one document per file",
        ),
        ("a: !!python/name:os.system x", "the tag", "remove the tag"),
        ("a: {<<: {b: 1}}", "merge keys (`<<`) are not read", "write the fields out"),
        ("? [a, b]\n: c", "is not a usable key", "use a word as key"),
        ("a: *b", "`*b` names nothing defined before it", "define it before"),
        ("a: b: c", "is not YAML", "put text that contains `: ` in quotes"),
        ("a:\n\t- b", "is not YAML", "indent with spaces"),
        ("a: 'b", "is not YAML", "close the quotation mark"),
        ("a: [b", "is not YAML", "close the bracket"),
        ("a: \x00", "cannot be read", "save it as UTF-8"),
        ("a: \ud800", "the file is not UTF-8 text", "save it as UTF-8"),
        ("a: " + "x" * BYTES_MAX, f"the file is larger than {BYTES_MAX} bytes", "split or shorten"),
    ],
)
def test_what_cannot_be_read_is_told_in_plain_words_with_a_fix(text, what, fix):
    problem = only_problem(text)
    assert what in problem.what
    assert fix in problem.fix


@given(st.text(max_size=200))
def test_no_text_whatever_makes_the_reader_fail_otherwise_than_with_problems(text):
    assert check(text, source="f.yaml", read=lambda _: "")


KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("ab: #'\"é\n", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES.filter(lambda value: value is not None))
def test_what_is_written_as_json_is_read_back_the_same(value):
    import json

    assert data(json.dumps(value, ensure_ascii=False)) == value
