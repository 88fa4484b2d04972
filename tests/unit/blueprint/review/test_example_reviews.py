"""The example systems are sound, and of their flawed versions the review finds what was put there."""

import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Case, Evidence, EvidenceKind, Verdict, built_in_rules
from holdfast.blueprint.review.patterns import PATTERNS, patterns

EXAMPLES = Path(__file__).parents[4] / "examples"
NAMES = ("claims-processing", "coding-agents", "customer-support-rag")
FLAWS_MIN = 8
TODAY = date(2026, 11, 21)
FOUND = re.compile(r"`([A-Z]{2}-\d\d)` at `([^`]+)`")


@cache
def case_of(folder: str, file: str) -> Case:
    path = EXAMPLES / folder / file

    def read(name: str) -> str:
        return (path.parent / name).read_text("utf-8")

    blueprint = load(path.read_text("utf-8"), source=file, read=read)
    return Case(
        system=System(blueprint), evidence=Evidence(), today=TODAY, limits=blueprint.review.limits
    )


@cache
def found_in(folder: str, file: str) -> dict[Verdict, dict[tuple[str, str], tuple[str, ...]]]:
    case = case_of(folder, file)
    verdicts: dict[Verdict, dict[tuple[str, str], tuple[str, ...]]] = {each: {} for each in Verdict}
    for rule in built_in_rules():
        for judgement in rule.judge(case):
            where = (rule.id, judgement.subject or "the system")
            verdicts[judgement.verdict][where] = judgement.missing
    return verdicts


def told_by(folder: str) -> list[list[tuple[str, str]]]:
    """What the table in the README says of each flaw."""
    text = (EXAMPLES / folder / "README.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    return [FOUND.findall(row) for row in rows]


@pytest.mark.parametrize("folder", [*NAMES, "document-review"])
def test_nothing_is_broken_in_a_sound_system(folder: str) -> None:
    assert found_in(folder, "holdfast.yaml")[Verdict.BROKEN] == {}


@pytest.mark.parametrize("folder", NAMES)
def test_what_is_undecided_in_a_sound_system_asks_for_evidence_alone(folder: str) -> None:
    undecided = found_in(folder, "holdfast.yaml")[Verdict.UNDECIDED]
    assert {where: missing for where, missing in undecided.items() if set(missing) - KINDS} == {}


KINDS = {kind.value for kind in EvidenceKind}


@pytest.mark.parametrize("folder", NAMES)
def test_each_seeded_flaw_is_found_and_nothing_else(folder: str) -> None:
    flaws = told_by(folder)
    assert len(flaws) >= FLAWS_MIN
    assert all(flaws), "a flaw of the table names no rule"
    told = {each for flaw in flaws for each in flaw}
    assert set(found_in(folder, "flawed.yaml")[Verdict.BROKEN]) == told


def test_there_are_ten_patterns_and_each_is_at_work_in_some_example() -> None:
    assert len(PATTERNS) == 10
    present = {
        report.id
        for folder in NAMES
        for report in patterns(case_of(folder, "holdfast.yaml"))
        if report.present
    }
    assert present >= {pattern.id for pattern in PATTERNS} - {"cheapest-first"}
