"""Every judged document: our verdict, codes and places are the reference's."""

import json
from pathlib import Path
from typing import Any

import pytest
from calm_cases import (
    DATA,
    Case,
    agrees,
    cases,
    compared_cases,
    found,
    generated_cases,
    judged,
    library,
)

from holdfast.blueprint.calm import (
    choices_for,
    compare,
    compare_patterns,
    generate,
    kind_of_document,
    read_document,
    shipped,
)
from holdfast.core import jcs


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_judged_document_gets_the_reference_verdict(case: Case) -> None:
    report = judged(case)
    if not agrees(case, report):
        assert found(report.errors) == case.errors
        assert found(report.warnings) == case.warnings
        assert report.is_valid == case.is_valid


def test_a_document_that_crashes_the_reference_gets_a_reason_of_ours() -> None:
    crashed = [case for case in cases() if case.crashed]
    assert crashed
    for case in crashed:
        assert any(finding.is_ours for finding in judged(case).errors)


def test_documents_are_recognised_for_what_they_are() -> None:
    known = {"architecture", "pattern", "timeline", "decorator"}
    for case in (each for each in cases() if each.kind in known):
        assert kind_of_document(read_document(case.file.read_bytes(), name="it")) == case.kind


@pytest.mark.parametrize(
    ("file", "expected", "first", "override"),
    [pytest.param(*rest, id=name) for name, *rest in generated_cases()],
)
def test_a_pattern_gives_the_reference_architecture(
    file: Path, expected: Path, first: bool, override: dict[str, str]
) -> None:
    pattern = read_document(file.read_bytes(), name=file.name)
    choices = choices_for(pattern, {}, first_otherwise=True) if first else None
    made = generate(pattern, library(override, file.parent), choices=choices)
    assert jcs(made.architecture) == jcs(json.loads(expected.read_text("utf-8")))


@pytest.mark.parametrize(
    ("before", "after", "expected", "are_patterns"),
    [pytest.param(*rest, id=name) for name, *rest in compared_cases()],
)
def test_a_comparison_reads_as_the_reference_reports_it(
    before: Any, after: Any, expected: Any, are_patterns: bool
) -> None:
    difference = (compare_patterns if are_patterns else compare)(before, after)
    assert jcs(difference.as_json) == jcs(expected)


def test_the_shipped_schemas_are_the_ones_the_documents_were_judged_by() -> None:
    parts = json.loads((DATA / "url-map.json").read_text("utf-8"))
    assert set(shipped()) == set(parts["schemas"])
