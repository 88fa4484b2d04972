"""What is demanded of callers: a relationship may add to its destination's demands, never lessen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.blueprint import ATTESTED_ORDER, PROOFS, Demands, check, load

FORMS = st.fixed_dictionaries(
    {},
    optional={
        "proofs": st.lists(st.sampled_from(PROOFS), min_size=1, max_size=5, unique=True),
        "mandate": st.booleans(),
        "attested": st.sampled_from(("none", "warning", "affirming")),
    },
)


def file(node, link):
    """``desk`` may ask ``model``."""
    upstream = {"url": "http://127.0.0.1:1/v1"}
    controls = {"upstream": upstream} | ({} if node is None else {"identity": node})
    return json.dumps(
        {
            "holdfast": 1,
            "name": "x",
            "nodes": {
                "desk": {"type": "service", "description": "d"},
                "model": {"type": "ai:llm", "description": "d", "controls": controls},
            },
            "relationships": [
                {
                    "id": "asks",
                    "connects": ["desk", "model"],
                    "controls": {} if link is None else {"identity": link},
                }
            ],
        }
    )


def demands(node, link):
    blueprint = load(file(node, link), source="f", read=lambda _: "")
    return blueprint.nodes["model"].demands, blueprint.relationship("desk", "model").demands


def test_where_nothing_is_written_a_key_will_do():
    assert demands(None, None) == (Demands(), Demands())
    assert Demands() == Demands(proofs=PROOFS, mandate=False, attested="none")


@given(FORMS, FORMS)
def test_a_relationship_never_demands_less_than_its_destination(node, link):
    if not set(node.get("proofs", PROOFS)) & set(link.get("proofs", PROOFS)):
        (problem,) = check(file(node, link), source="f", read=lambda _: "")
        assert problem.where == "relationships[0].controls.identity.proofs"
        return
    ours, settled = demands(node, link)
    assert set(settled.proofs) == set(ours.proofs) & set(link.get("proofs", PROOFS))
    assert settled.mandate == (ours.mandate or link.get("mandate", False))
    rank = ATTESTED_ORDER.index
    assert rank(settled.attested) == max(rank(ours.attested), rank(link.get("attested", "none")))


@pytest.mark.parametrize(
    ("link", "says"),
    [
        ({"proofs": []}, "empty"),
        ({"proofs": ["password"]}, "password"),
        ({"attested": "contraindicated"}, "contraindicated"),
        ({"mandates": True}, "mandates"),
    ],
)
def test_what_no_caller_could_meet_or_nobody_knows_is_refused_with_its_place(link, says):
    (problem,) = check(file(None, link), source="f", read=lambda _: "")
    assert problem.where.startswith("relationships[0].controls.identity")
    assert says in problem.what


def test_what_is_demanded_is_part_of_the_meaning_but_its_order_is_not():
    def digest(link):
        return load(file(None, link), source="f", read=lambda _: "").digest

    assert digest({"proofs": ["mtls", "wpt"]}) == digest({"proofs": ["wpt", "mtls"]})
    assert len({digest(None), digest({"proofs": ["mtls"]}), digest({"mandate": True})}) == 3
