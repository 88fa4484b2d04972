"""What a CALM control says of the controls of Holdfast that implement it."""

import pytest

from holdfast.blueprint import check, load
from holdfast.core import NodeId

TEXT = """holdfast: 1
name: desk
nodes:
  desk: {type: ai:agent, description: d}
  model:
    type: ai:llm
    description: d
    controls:
      upstream: {url: "http://127.0.0.1:8000/v1"}
      timeouts: {total_s: 20}
      waiting: {description: d, requirements: []@node}
relationships:
  - id: asks
    connects: [desk, model]
    controls: {limits: {max_tokens: 5}, guarded: {description: d, requirements: []@link}}
  - {id: uses, interacts: {actor: model, nodes: [desk]}}
flows:
  - id: journey
    name: n
    description: d
    steps: [{over: asks, description: d}, {over: uses, description: d}]
    controls: {bounded: {description: d, requirements: []@flow}}
controls: {frugal: {description: d, requirements: []@whole}}
bulkhead: {calls: 5}
"""
PLACES = ("node", "link", "flow", "whole")


def text_with(**names):
    text = TEXT
    for place in PLACES:
        written = f", implemented-by: [{names[place]}]" if names.get(place) else ""
        text = text.replace(f"@{place}", written)
    return text


def problems(**names):
    return check(text_with(**names), source="f", read=lambda _: "")


def loaded(**names):
    return load(text_with(**names), source="f", read=lambda _: "")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("node", "timeouts"),
        ("link", "limits"),
        ("link", "timeouts"),
        ("flow", "timeouts"),
        ("flow", "limits"),
        ("whole", "bulkhead"),
    ],
)
def test_a_control_that_is_written_may_implement(place, name):
    assert problems(**{place: name}) == ()


@pytest.mark.parametrize(
    ("place", "name", "line", "said"),
    [
        ("node", "limits", 11, "not written on this node"),
        ("link", "identity", 15, "not written on this relationship or its destination node"),
        ("flow", "identity", 22, "every relationship of the flow"),
        ("whole", "budget", 23, "not written for the system"),
        ("whole", "timeouts", 23, "no control of Holdfast"),
        ("node", "timeout", 11, "no control of Holdfast"),
    ],
)
def test_one_that_is_not_written_implements_nothing(place, name, line, said):
    (problem,) = problems(**{place: name})
    assert problem.line == line
    assert said in problem.what
    assert problem.fix


def test_it_is_carried_and_counts():
    blueprint = loaded(node="timeouts")
    assert blueprint.nodes[NodeId("model")].controls["waiting"].implemented_by == ("timeouts",)
    assert blueprint.digest != loaded().digest


def test_blueprints_without_it_keep_their_digest():
    assert b"implemented-by" not in loaded().content


@pytest.mark.parametrize("place", PLACES)
def test_a_requirement_says_how_it_is_met_wherever_the_control_stands(place):
    bare = "requirements: [{requirement-url: u}]"
    text = TEXT.replace(f"requirements: []@{place}", bare)
    for other in PLACES:
        text = text.replace(f"@{other}", "")
    (problem,) = check(text, source="f", read=lambda _: "")
    assert "exactly one of `config` and `config-url`" in problem.what
