"""The reference page of policies names what policies may speak of."""

from pathlib import Path

from holdfast.policy import ACTIONS
from holdfast.policy.vocabulary import ATTRIBUTES, CONTEXT

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/policy.md").read_text()


def test_every_action_attribute_and_fact_stands_in_the_reference():
    rows = [f'| `Holdfast::Action::"{action}"` |' for action in ACTIONS]
    rows += [f"| `{name.rstrip('?')}` |" for name in (*ATTRIBUTES, *CONTEXT)]
    assert [row for row in rows if row not in PAGE] == []


def test_the_built_in_policies_stand_in_the_reference():
    assert "| `holdfast.declared` |" in PAGE
    assert "| `holdfast.undeclared` |" in PAGE
