"""What is offered: patches that mend, rules that were tried on the past, waivers."""

from datetime import date

import pytest
import yaml

from holdfast.blueprint import load
from holdfast.blueprint.review import patched
from holdfast.loops.drift import Kind, Proof, remedy_for
from holdfast.policy import Facts, Policy

TODAY = date(2027, 1, 15)


def remedies(shop, tally, text=None):
    text = text or shop.text
    report = shop.judge(tally, text)
    blueprint = load(text, source="shop.yaml", read=str)
    return [
        (each, remedy_for(each, blueprint, met=report.matched.met, today=TODAY))
        for each in report.findings
        if each.kind.startswith("D")
    ]


@pytest.mark.parametrize(
    "met",
    [
        ("cart", "web"),
        ("web", "cart", {"port": 9}),
        ("guard", "vault", {"tool": "steal"}),
        ("web", "shadow"),
        ("web", "cart", {"encrypted": False}),
        ("planner", "vault"),
    ],
)
def test_a_patch_makes_its_finding_go(shop, met):
    tally = shop.tally(met)
    ((finding, remedy),) = remedies(shop, tally)
    mended = yaml.safe_dump(patched(yaml.safe_load(shop.text), remedy.patches))
    left = remedies(shop, tally, mended)
    if finding.kind is Kind.STRANGER:  # the new node is called as it calls itself
        assert [each.kind for each, _ in left] == []
    assert finding.rule not in {each.rule for each, _ in left}


def test_a_stale_edge_and_a_dead_tool_are_taken_out(shop):
    enough = shop.tally(("guard", "vault", {"tool": "look"}), n=300)
    report = shop.judge(enough)
    blueprint = load(shop.text, source="shop.yaml", read=str)
    (dead,) = (f for f in report.findings if f.kind is Kind.DEAD_GRANT)
    remedy = remedy_for(dead, blueprint, met=report.matched.met, today=TODAY)
    mended = patched(yaml.safe_load(shop.text), remedy.patches)
    assert mended["nodes"]["vault"]["facts"]["tools"] == [{"name": "look"}]


def test_a_rule_says_what_it_would_have_refused_and_which_flows_it_cuts(shop):
    tally = shop.tally(("web", "cart", {"encrypted": False}), n=5)
    tally.merge(shop.tally(("web", "cart", {"encrypted": True}), n=7))
    ((_, remedy),) = remedies(shop, tally)
    assert remedy.denial is not None
    assert (remedy.denial.seen, remedy.denial.covered) == (12, 7)
    assert remedy.denial.flows == ("order",)
    assert not remedy.denial.is_harmless


def test_a_rule_against_one_tool_leaves_the_others_alone(shop):
    tally = shop.tally(("guard", "vault", {"tool": "steal"}), n=5)
    tally.merge(shop.tally(("guard", "vault", {"tool": "look"}), n=7))
    ((_, remedy),) = remedies(shop, tally)
    assert remedy.denial is not None
    assert (remedy.denial.seen, remedy.denial.is_harmless) == (5, True)


def test_the_engine_refuses_by_the_rule_what_the_replay_counted(shop):
    """The Cedar text and the replay are two tellings of one rule: the engine is asked."""
    tool = 'st"eal\\'
    tally = shop.tally(("guard", "vault", {"tool": tool}), n=5)
    ((_, remedy),) = remedies(shop, tally)
    assert remedy.denial is not None
    assert remedy.denial.cedar is not None
    text = shop.text + "policies: [drift.cedar]\n"
    blueprint = load(text, source="shop.yaml", read=lambda _: remedy.denial.cedar)
    policy = Policy.compile(blueprint)

    def allows(name: str) -> bool:
        return policy.decide("guard", "call", "vault", Facts(tool=name)).allowed

    assert allows("look")
    assert not allows(tool)


def test_a_waiver_can_be_pasted_and_covers_its_finding(shop):
    tally = shop.tally(("cart", "web"), n=5)
    ((_, remedy),) = remedies(shop, tally)
    text = shop.text + yaml.safe_dump({"review": {"waivers": [remedy.waiver]}})
    assert [each.waiver is not None for each, _ in remedies(shop, tally, text)] == [True]


def test_nothing_in_the_gateway_can_refuse_a_stranger_so_the_network_is_named(shop):
    ((_, remedy),) = remedies(shop, shop.tally(("web", "shadow", {"proof": Proof.PAIRED})))
    assert remedy.denial is not None
    assert remedy.denial.cedar is None
    assert "NetworkPolicy" in remedy.denial.network
