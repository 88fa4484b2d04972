"""Any JSON is judged, compared and used as a pattern within bounds, and never crashes."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.blueprint.calm import (
    DOCUMENT_DEPTH_MAX,
    CalmDocumentError,
    CalmError,
    CalmPatternError,
    Judge,
    Library,
    choices_for,
    compare,
    compare_patterns,
    generate,
    read_document,
    shipped,
)
from holdfast.blueprint.calm.lint_architecture import lint_architecture
from holdfast.blueprint.calm.sequences import changes, sentences
from holdfast.blueprint.calm.values import identity, instant_of, is_placeholder_number, truthy

JUDGE = Judge()
NAMES = st.sampled_from(
    [
        "nodes",
        "relationships",
        "flows",
        "controls",
        "metadata",
        "adrs",
        "moments",
        "current-moment",
        "valid-from",
        "details",
        "unique-id",
        "name",
        "description",
        "node-type",
        "interfaces",
        "relationship-type",
        "connects",
        "interacts",
        "options",
        "composed-of",
        "deployed-in",
        "source",
        "destination",
        "node",
        "container",
        "actor",
        "transitions",
        "sequence-number",
        "relationship-unique-id",
        "requirements",
        "requirement-url",
        "config",
        "config-url",
        "detailed-architecture",
        "properties",
        "prefixItems",
        "const",
        "oneOf",
        "anyOf",
        "type",
        "required",
        "enum",
        "items",
        "$ref",
        "allOf",
        "default",
    ]
)
LEAVES = st.sampled_from(["", "a", "b", "[[ NAME ]]", "моя служба", "#/defs/x", 0, -1, 1.5]) | (
    st.none() | st.booleans()
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(DOCUMENTS)
def test_any_object_gets_a_verdict_whatever_it_is_taken_for(document: dict[str, Any]) -> None:
    for report in (
        JUDGE.architecture(document),
        JUDGE.own(document, kind="pattern"),
        JUDGE.own(document, kind="timeline"),
        JUDGE.own(document, kind="decorator"),
    ):
        places = [(each.code, each.path) for each in (*report.errors, *report.warnings)]
        assert len(places) == len(set(places))
        assert all(each.path.startswith("/") for each in report.errors)
        assert report.is_valid == (not report.errors)


@FEW
@given(DOCUMENTS, DOCUMENTS)
def test_any_pattern_judges_any_architecture(
    document: dict[str, Any], pattern: dict[str, Any]
) -> None:
    JUDGE.architecture(document, pattern=pattern)


@FEW
@given(DOCUMENTS)
def test_any_object_makes_an_architecture_or_says_why_not(pattern: dict[str, Any]) -> None:
    with contextlib.suppress(CalmError):
        generate(pattern, Library(), choices=choices_for(pattern, {}, first_otherwise=True))


@FEW
@given(DOCUMENTS, DOCUMENTS)
def test_comparing_forth_and_back_swaps_what_came_and_what_went(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    try:
        forth, back = compare(before, after).as_json, compare(after, before).as_json
    except CalmDocumentError:
        return
    for part in ("nodes", "edges"):
        assert forth[f"{part}Added"] == back[f"{part}Removed"]
        assert len(forth[f"{part}Modified"]) == len(back[f"{part}Modified"])  # type: ignore[arg-type]
    assert compare(before, before).is_same == (not compare(before, before).has_changes)
    compare_patterns(before, after)


@given(
    st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12)
)
def test_changes_lead_from_the_old_sequence_to_the_new(old: list[str], new: list[str]) -> None:
    told = list(changes(old, new))
    kept = [each for kind, at in told if kind != "removed" for each in new[at]]
    went = [each for kind, at in told if kind == "removed" for each in old[at]]
    unchanged = [each for kind, at in told if kind == "unchanged" for each in new[at]]
    assert kept == new
    assert len(went) + len(unchanged) == len(old)


@given(st.text(alphabet="ab.!? \n", max_size=40))
def test_sentences_joined_are_the_text(text: str) -> None:
    assert "".join(sentences(text)) == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-1, True), (-1.0, True), ("-1", True), (" -1 ", True), ([-1], True), ([["-1.0"]], True),
     (True, False), (None, False), ([-1, 2], False), ({}, False), ("-1x", False), ([], False)],
)  # fmt: skip
def test_what_counts_as_the_number_that_stands_for_none(value: Any, expected: bool) -> None:
    assert is_placeholder_number(value) is expected


def test_truth_and_sameness_are_the_reference_languages() -> None:
    assert [truthy(each) for each in ([], {}, "", 0, None, "0", -1)] == [
        True, True, False, False, False, True, True,
    ]  # fmt: skip
    assert identity(1) == identity(1.0) != identity(True)
    assert identity("1") != identity(1)
    assert identity([]) != identity([])


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("2024-01-31", "2024-02-30"), ("2024-02-30", "2024-03-02"), ("2024", "2024-01-02"),
     ("2024-01-01T23:00:00-05:00", "2024-01-02T05:00:00Z"), ("2024/1/2", "1/3/2024")],
)  # fmt: skip
def test_dates_are_ordered_as_the_reference_parses_them(earlier: str, later: str) -> None:
    first, second = instant_of(earlier), instant_of(later)
    assert first is not None
    assert second is not None
    assert first < second


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "2024-01-32", "2024-1-1T25:00"])
def test_what_is_no_date_has_no_instant(text: str) -> None:
    assert instant_of(text) is None


def test_documents_beyond_the_bounds_are_refused() -> None:
    deep = b'{"a":' * (DOCUMENT_DEPTH_MAX + 1) + b"1" + b"}" * (DOCUMENT_DEPTH_MAX + 1)
    for text in (deep, b"[]", b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff"):
        with pytest.raises(CalmDocumentError):
            read_document(text, name="it")


def _large(nodes: int) -> dict[str, Any]:
    made = [
        {"unique-id": f"n{i}", "node-type": "service", "name": "n", "description": "d"}
        for i in range(nodes)
    ]
    relationships = [
        {
            "unique-id": f"r{i}",
            "relationship-type": {
                "connects": {"source": {"node": f"n{i}"}, "destination": {"node": f"n{i - 1}"}}
            },
        }
        for i in range(1, nodes)
    ]
    return {"nodes": made, "relationships": relationships}


class _Looks(dict[str, Any]):
    """Counts how often its members are gone through."""

    count = 0

    def items(self) -> Any:
        _Looks.count += 1
        return super().items()


def _looks(value: Any) -> Any:
    if isinstance(value, dict):
        return _Looks({name: _looks(each) for name, each in value.items()})
    return [_looks(each) for each in value] if isinstance(value, list) else value


def test_the_work_of_linting_grows_with_the_document_and_no_faster() -> None:
    counts: list[int] = []
    for nodes in (100, 1000):
        document = _looks(_large(nodes))
        _Looks.count = 0
        assert list(lint_architecture(document)) == []
        counts.append(_Looks.count)
    assert counts[1] < counts[0] * 11


def test_ten_thousand_nodes_are_judged() -> None:
    assert JUDGE.architecture(_large(10_000)).is_valid


def test_a_pattern_that_refers_to_itself_is_refused_by_generate() -> None:
    loop = {
        "type": "object",
        "properties": {"again": {"$ref": "#/defs/loop"}},
        "required": ["again"],
    }
    pattern = {"properties": {"x": {"$ref": "#/defs/loop"}}, "defs": {"loop": loop}}
    with pytest.raises(CalmPatternError):
        generate(pattern, Library())
    circle = {"allOf": [{"$ref": "#"}]}
    with pytest.raises(CalmPatternError):
        generate(circle, Library())


def test_every_shipped_schema_compiles_and_is_never_fetched() -> None:
    asked: list[str] = []
    judge = Judge(Library(asked.append))
    for url in shipped():
        report = judge.schema({}, url)
        assert "holdfast-schema-unknown" not in {each.code for each in report.errors}, url
    assert all(url.startswith("https://calm.finos.org/") for url in asked)


OPTIONS = {
    "properties": {
        "nodes": {
            "type": "array",
            "prefixItems": [
                {"oneOf": [{"properties": {"unique-id": {"const": name}}} for name in ("a", "b")]}
            ],
        },
        "relationships": {
            "type": "array",
            "prefixItems": [
                {
                    "properties": {
                        "unique-id": {"const": "pick"},
                        "description": {"const": "Which?"},
                        "relationship-type": {
                            "type": "object",
                            "properties": {
                                "options": {
                                    "type": "array",
                                    "prefixItems": [
                                        {
                                            "oneOf": [
                                                {
                                                    "type": "object",
                                                    "properties": {
                                                        "description": {"const": f"take {name}"},
                                                        "nodes": {"const": [name]},
                                                        "relationships": {"const": []},
                                                    },
                                                }
                                                for name in ("a", "b")
                                            ]
                                        }
                                    ],
                                }
                            },
                        },
                    }
                }
            ],
        },
    }
}


@pytest.mark.parametrize("choice", ["take b", "2"])
def test_a_choice_is_named_by_its_description_or_number(choice: str) -> None:
    made = generate(OPTIONS, Library(), choices=choices_for(OPTIONS, {"pick": [choice]}))
    assert made.architecture["nodes"] == [{"unique-id": "b"}]


@pytest.mark.parametrize(
    "named", [{}, {"pick": ["take c"]}, {"pick": ["1", "2"]}, {"other": ["1"]}, {"pick": ["3"]}]
)
def test_a_choice_that_is_open_unknown_or_twice_is_refused_with_the_choices(
    named: dict[str, list[str]],
) -> None:
    with pytest.raises(CalmPatternError, match="take a"):
        choices_for(OPTIONS, named)


def test_an_architecture_made_from_a_pattern_with_options_fits_it() -> None:
    pattern = {"$schema": "https://json-schema.org/draft/2020-12/schema", **OPTIONS}
    made = generate(pattern, Library(), choices=choices_for(pattern, {"pick": ["2"]}))
    report = JUDGE.architecture(made.architecture, pattern=pattern)
    assert [each.code for each in report.errors if each.code == "json-schema"] == []


def test_a_report_as_json_has_the_promised_members() -> None:
    report = JUDGE.architecture(json.loads('{"nodes": [], "relationships": [{}]}'))
    told = report.as_json()
    assert set(told) == {"valid", "errors", "warnings", "holdfast"}
    assert told["valid"] is False
