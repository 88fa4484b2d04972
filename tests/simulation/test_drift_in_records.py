"""The records of a simulated gateway are held against another declaration: what differs is found."""

import pytest

from holdfast.loops.drift import Kind
from holdfast.testing import draw_plan
from holdfast.testing.recorded import (
    changed,
    changed_plan,
    drift_of,
    found_in,
    joined_in,
    records_of,
)
from holdfast.testing.tool_calls import TEXT, call_tools, digest

SEED = 4
OFTEN = {"calls_per_hour": 1_000_000}


@pytest.fixture(scope="module")
def plan():
    return draw_plan(SEED, calls=120).with_faults(())


@pytest.fixture(scope="module")
def records(plan):
    return records_of(plan)


def removed(declared):
    """The desk may not ask the counter any more."""
    kept = [each for each in declared["relationships"] if each["id"] != "desk-asks-counter"]
    declared["relationships"] = kept
    no_fallback(declared)


def no_fallback(declared):
    for each in declared["relationships"]:
        each.get("controls", {}).pop("fallback", None)


def auditor(**facts):
    """A new model that the till may ask, and never did."""

    def change(declared):
        upstream = {"url": "http://127.0.0.1:9009/v1"}
        node = {"type": "ai:llm", "description": "New.", "controls": {"upstream": upstream}}
        declared["nodes"]["auditor"] = node
        relationship = {"id": "till-asks-auditor", "connects": ["till", "auditor"], "facts": facts}
        declared["relationships"].append(relationship | {"description": "Asks."})

    return change


def retargeted(declared):
    """The relationship keeps its name and joins the clerk with another model."""
    (it,) = (each for each in declared["relationships"] if each["id"] == "clerk-asks-counter")
    it["connects"] = ["clerk", "auditor"]
    no_fallback(declared)


def renamed_member(declared):
    """Another model answers for the reviewer."""
    declared["nodes"]["reviewer-z"] = declared["nodes"].pop("reviewer-b")
    (it,) = (each for each in declared["relationships"] if each["id"] == "reviewer-is")
    names = it["composed-of"]["nodes"]
    names[names.index("reviewer-b")] = "reviewer-z"
    for each in declared["relationships"]:
        inside = each.get("deployed-in", {"nodes": []})["nodes"]
        inside[:] = ["reviewer-z" if name == "reviewer-b" else name for name in inside]


def test_what_ran_as_declared_does_not_drift(plan, records):
    blueprint = changed_plan(plan)
    report = drift_of(records, blueprint)
    assert found_in(report) == set()
    assert report.scores.fitness == 1.0
    seen = {(row.source, row.target) for row in report.rows if row.seen}
    assert seen == joined_in(records, blueprint)
    assert len(seen) >= 4


@pytest.mark.parametrize(
    ("changes", "planted"),
    [
        ([removed], {(Kind.UNDECLARED_EDGE, "desk", "counter")}),
        (
            [auditor(**OFTEN)],
            {(Kind.STALE_EDGE, "till", "auditor"), (Kind.STALE_NODE, "auditor", "")},
        ),
        ([auditor()], set()),
        ([auditor(), retargeted], {(Kind.UNDECLARED_EDGE, "clerk", "counter")}),
        (
            [renamed_member],
            {(Kind.STRANGER, who, "node=reviewer-b") for who in ("clerk", "desk", "till")},
        ),
    ],
    ids=["removed", "never-used", "never-used-unrated", "retargeted", "another-model"],
)
def test_what_the_declaration_says_otherwise_is_found_and_nothing_else(
    plan, records, changes, planted
):
    assert found_in(drift_of(records, changed_plan(plan, *changes))) == planted


def test_all_of_it_at_once_is_found(plan, records):
    changes = (removed, auditor(**OFTEN), retargeted, renamed_member)
    kinds = {kind for kind, _, _ in found_in(drift_of(records, changed_plan(plan, *changes)))}
    assert kinds >= {Kind.UNDECLARED_EDGE, Kind.STALE_EDGE, Kind.STRANGER}


def tools(*names, **digests):
    def change(declared):
        named = [{"name": n, **({"digest": digests[n]} if n in digests else {})} for n in names]
        declared["nodes"]["desk"]["facts"] = {"tools": named}

    return change


def test_tools_are_found_that_are_not_declared_or_another_or_never_used():
    records = call_tools(7, calls=320, weights={"search": 9, "fetch": 1})
    as_ran = tools("search", "fetch", search=digest("search"))
    assert found_in(drift_of(records, changed(TEXT, as_ran))) == set()
    declared = tools("search", "pay", search=digest("pay"))
    report = drift_of(records, changed(TEXT, declared))
    facts = {(f.kind, f.fact, f.seen) for f in report.findings if f.level != "note"}
    assert facts == {
        (Kind.UNDECLARED_WAY, "tool", "fetch"),
        (Kind.CONTRADICTION, "definition", digest("search")),
        (Kind.DEAD_GRANT, "tool", "pay"),
    }
