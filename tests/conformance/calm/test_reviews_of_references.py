"""Architectures that others drew, reviewed: no rule falls over, and each finding is explained."""

from pathlib import Path

import pytest
from reviewed_references import Reviewed, broken, counts, references

from holdfast.blueprint.review import Verdict, built_in_rules

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "architecture" / "review-of-references.md"


@pytest.mark.parametrize("reviewed", references(), ids=lambda each: each.name)
def test_every_finding_is_explained(reviewed: Reviewed) -> None:
    for finding in reviewed.report:
        told, rule = finding.judgement, finding.rule
        if finding.verdict is Verdict.BROKEN:
            assert all((told.what, told.fix, rule.why, rule.mend, rule.sources)), told
        if finding.verdict is Verdict.UNDECIDED:
            assert told.missing, told


def test_every_rule_was_asked_of_every_architecture() -> None:
    assert len(references()) >= 70
    for each in references():
        assert len(each.report.results) == len(built_in_rules())


def test_without_facts_little_is_held_to_be_broken() -> None:
    """These documents say who calls whom and nothing else: what nobody told is unknown."""
    assert {rule for _, rule, *_ in broken()} <= {"MH-01", "MH-02", "MH-03", "GV-05", "TB-01"}


def test_the_page_shows_these_reviews() -> None:
    page = PAGE.read_text("utf-8")
    for row in (*counts(), *broken()):
        assert row[0] in page
        assert " | ".join(row[2:]) in page, "run python tools/generate_reviews_of_references.py"
