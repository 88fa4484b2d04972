"""Facts: what is left out is unknown, what is wrong is told, and nothing changes without them."""

import pytest

from holdfast.blueprint import check, load
from holdfast.core import NodeId

TEXT = """holdfast: 1
name: desk
nodes:
  desk: {type: service, description: d@node}
  notes: {type: database, description: d}
relationships:
  - {id: writes, connects: [desk, notes]@link}
flows:
  - {id: journey, name: n, description: d, steps: [{over: writes, description: d}]@flow}
@whole
"""
PLACES = ("node", "link", "flow", "whole")


def text_with(place="", facts=""):
    text = TEXT
    for each in PLACES:
        written = f"facts: {facts}" if each == place else ""
        text = text.replace(f"@{each}", f", {written}" if written and each != "whole" else written)
    return text


def loaded(place="", facts=""):
    return load(text_with(place, facts), source="f", read=lambda _: "")


@pytest.mark.parametrize(
    ("place", "facts", "said"),
    [
        ("node", "{ownr: team}", "`owner`"),
        ("link", "{strenght: hard}", "`strength`"),
        ("flow", "{criticalty: high}", "`criticality`"),
        ("whole", "{risk-tier: high}", "`risk_tier`"),
        ("node", "{restore_tested: 31.12.2026}", "2027-03-31"),
        ("node", "{restore_tested: 2026-02-30}", "2027-03-31"),
        ("node", "{trust: own}", "`owned`"),
        ("node", "{exposed: maybe}", "true or false"),
        ("link", "{port: 70000}", "65535"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_a_fix(place, facts, said):
    (problem,) = check(text_with(place, facts), source="f", read=lambda _: "")
    line = {"node": 4, "link": 7, "flow": 9, "whole": 10}[place]
    assert problem.line == line
    assert said in problem.fix


def test_what_is_left_out_is_unknown():
    facts = loaded("node", "{owner: team}").nodes[NodeId("desk")].facts
    assert facts.owner == "team"
    assert facts.exposed is None
    assert facts.model_fields_set == {"owner"}


@pytest.mark.parametrize("place", PLACES)
def test_facts_count_and_no_facts_do_not(place):
    bare = loaded()
    assert loaded(place, "{}").digest == bare.digest
    assert (
        loaded(place, "{owner: team}" if place != "link" else "{auth: mtls}").digest != bare.digest
    )
    assert b"facts" not in bare.content


def test_nothing_known_is_not_the_same_as_known_to_be_none():
    assert loaded("node", "{retention_days: null}").digest != loaded().digest
    assert loaded("node", "{data: []}").digest != loaded().digest
