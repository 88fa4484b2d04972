"""Every rule does what its cases say, and its cases would see if it did not."""

from functools import cache
from pathlib import Path

import pytest

from holdfast.blueprint.review import built_in_rules
from holdfast.testing.review import RuleCases, faults_of, read_cases, weaknesses_of

CASES = Path(__file__).parent / "cases"
RULES = {rule.id: rule for rule in built_in_rules()}


@cache
def cases_of(rule: str) -> RuleCases:
    path = CASES / f"{rule}.yaml"
    return read_cases(path.read_text("utf-8"), source=path.name)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_its_cases_expect(rule: str) -> None:
    assert faults_of(RULES[rule], cases_of(rule)) == []


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_passes_when_its_check_is_removed(rule: str) -> None:
    assert weaknesses_of(RULES[rule], cases_of(rule)) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_why_it_asks_who_says_so_and_how_to_mend(rule: str) -> None:
    found = RULES[rule]
    assert all((found.title, found.why, found.mend, found.sources))


def test_there_are_no_cases_of_rules_that_do_not_exist() -> None:
    assert {path.stem for path in CASES.glob("*.yaml")} - set(RULES) == set()
