"""Which irreversible calls are known, from a policy's text alone, to wait for a person."""

from datetime import date

import pytest

from holdfast.blueprint import load
from holdfast.blueprint.graph import System
from holdfast.blueprint.review import Case, Evidence, Judgement, built_in_rules

AG_01 = next(rule for rule in built_in_rules() if rule.id == "AG-01")

BLUEPRINT = """
holdfast: 1
name: Case
nodes:
  bot: {type: "ai:agent", description: d}
  bank:
    type: ai:mcp-server
    description: d
    controls: {upstream: {url: "http://127.0.0.1:8091/mcp", dialect: mcp}}
    facts: {tools: [{name: look, effect: read}, {name: pay, effect: irreversible}]}
relationships:
  - {id: pays, connects: [bot, bank]}
policies: [POLICY]
"""


def said(policy: str, *, name: str = "p.cedar") -> Judgement:
    text = BLUEPRINT.replace("POLICY", name)
    blueprint = load(text, source="case", read=lambda _: policy)
    case = Case(
        system=System(blueprint),
        evidence=Evidence(),
        today=date(2026, 6, 1),
        limits=blueprint.review.limits,
    )
    (judgement,) = AG_01.judge(case)
    return judgement


PERMIT = '@require_approval("owners") permit (principal, action, resource)'
TO_BANK = (
    '@id("bank") @require_approval("owners")\n'
    'permit (principal == Holdfast::Agent::"bot", action == Holdfast::Action::"call", '
    'resource == Holdfast::Tool::"bank")'
)


@pytest.mark.parametrize(
    "policy",
    [
        f"{PERMIT};",
        f"{TO_BANK};",
        f'{TO_BANK} when {{ context.tool == "pay" }};',
        f'{TO_BANK}\nwhen {{ context has tool && context.tool == "pay" }};',
        f'// about "payments"\n@id("x; y") forbid (principal, action, resource) when {{ false }};\n{PERMIT};',
    ],
)
def test_a_policy_that_makes_every_such_call_wait_counts(policy: str) -> None:
    assert said(policy).verdict == "holds"


@pytest.mark.parametrize(
    "policy",
    [
        f'{TO_BANK} when {{ context.tool == "look" }};',
        f"{TO_BANK} when {{ context.stream }};",
        f'{TO_BANK} unless {{ context.tool == "pay" }};',
        '@require_approval("o") permit (principal, action, resource in [Holdfast::Tool::"bank"]);',
        '@require_approval("o") permit (principal is Holdfast::Agent, action, resource);',
    ],
)
def test_a_policy_whose_text_does_not_show_that_it_covers_the_call_decides_nothing(
    policy: str,
) -> None:
    judgement = said(policy)
    assert judgement.verdict == "undecided"
    assert judgement.missing[0].startswith("policies.")


@pytest.mark.parametrize(
    "policy",
    [
        "permit (principal, action, resource);",
        f"// {PERMIT};",
        f'@mode("trial") {PERMIT};',
        '@require_approval("o") permit (principal == Holdfast::Agent::"other", action, resource);',
        '@require_approval("o") permit (principal, action == Holdfast::Action::"generate", resource);',
        '@require_approval("o") permit (principal, action, resource == Holdfast::Tool::"else");',
        '@advice("@require_approval") permit (principal, action, resource);',
    ],
)
def test_a_policy_about_other_calls_or_on_trial_asks_nobody(policy: str) -> None:
    assert said(policy).verdict == "broken"


def test_a_bundle_that_asks_for_approvals_is_not_read_here() -> None:
    assert said('{"require_approval": "x"}', name="p.hfpolicy").verdict == "undecided"
