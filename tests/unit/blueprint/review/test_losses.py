"""What rules take for the radius of each single loss is what ``blast`` says it is."""

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.blueprint import load
from holdfast.blueprint.blast import State, single_failures
from holdfast.blueprint.graph import System
from holdfast.blueprint.review.knowledge.losses import Losses, is_single

NAMES = tuple("abcdefgh")
STRENGTHS = (None, "hard", "soft", "async", "optional")


def _no_files(name: str) -> str:
    raise FileNotFoundError(name)


@st.composite
def systems(draw: st.DrawFn) -> System:
    pairs = [(a, b) for a in NAMES for b in NAMES if a != b]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14))
    zones = st.lists(st.sampled_from(["zone:x", "zone:y", "rack:1"]), unique=True, max_size=2)
    nodes = {
        name: {
            "type": "service",
            "description": "d",
            "facts": {
                "failure_domains": draw(zones),
                "replicas": draw(st.sampled_from([1, 2, 3])),
            },
        }
        for name in NAMES
    }
    said = [draw(st.sampled_from(STRENGTHS)) for _ in chosen]
    facts: list[dict[str, str | None]] = [{"strength": each} for each in said]
    for number, ((one, first), (other, _)) in enumerate(pairwise(chosen)):
        if one == other and draw(st.booleans()):
            facts[number + 1] = {"alternative_to": f"{one}{first}"}
    relationships = [
        {"id": f"{a}{b}", "connects": [a, b], "facts": fact}
        for (a, b), fact in zip(chosen, facts, strict=True)
    ]
    flows = [
        {
            "id": f"f-{each['id']}",
            "name": "f",
            "description": "d",
            "steps": [{"over": each["id"], "description": "d"}],
        }
        for each in relationships[:2]
    ]
    whole = {"holdfast": 1, "name": "x", "nodes": nodes, "relationships": relationships}
    text = json.dumps({**whole, "flows": flows})
    return System(load(text, source="x", read=_no_files))


@settings(max_examples=40, deadline=None)
@given(systems())
def test_each_loss_takes_down_what_the_blast_radius_says(system: System) -> None:
    losses, known = Losses(system), single_failures(system)
    for fault in losses.faults:
        worse = known.worse(fault)
        down = [name for name, state in worse.items() if state is State.DOWN]
        assert losses.counts[fault] == len(down), fault
    for flow in system.flows:
        ending = losses.names(losses.ending(flow.id), most=100)
        assert set(ending) == {
            fault
            for fault in known.faults
            if is_single(system, fault) is not False
            and known.flow_state(flow.id, fault) is State.DOWN
        }


def test_a_ring_goes_down_as_one() -> None:
    names = [f"n{number}" for number in range(300)]
    nodes = {name: {"type": "service", "description": "d"} for name in names}
    ring = zip(names, [*names[1:], names[0]], strict=True)
    relationships = [{"id": f"r-{a}", "connects": [a, b]} for a, b in ring]
    text = json.dumps({"holdfast": 1, "name": "x", "nodes": nodes, "relationships": relationships})
    losses = Losses(System(load(text, source="x", read=_no_files)))
    assert set(losses.counts.values()) == {len(names)}
