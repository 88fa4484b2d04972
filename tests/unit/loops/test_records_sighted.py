"""The gateway's records as sightings, and weekly signals from all that is at hand."""

from datetime import date, timedelta

import pytest

from holdfast.audit import RECORD_VERSION, CallRecord
from holdfast.blueprint import load
from holdfast.blueprint.review import Change, ControlProof
from holdfast.loops.drift import Form, Proof, Records, Sources, Tally, read_signals
from holdfast.loops.drift.signals import WEEKS_MIN

WEEK = 7 * 86_400_000_000


def record(shop, **more) -> CallRecord:
    fields = {
        "action": "generate", "at": shop.now, "blueprint": "b", "bundle": "b", "call": "c",
        "decision": "allow", "duration_us": 1, "event": "call", "outcome": "answered",
        "principal": "spiffe://holdfast.local/t/default/agent/planner",
        "relationship": "planner-guard", "status": 200, "tenant": "default",
        "v": RECORD_VERSION, "worker": 0,
    }  # fmt: skip
    return CallRecord(**(fields | more))


def taken(shop, *records: CallRecord) -> tuple[Tally, Records]:
    tally = Tally()
    reader = Records(load(shop.text, source="shop.yaml", read=str), tally)
    for each in records:
        reader.take(each)
    return tally, reader


def test_a_call_that_was_carried_is_a_contact_whose_caller_is_known(shop):
    tally, _ = taken(shop, record(shop))
    ((_, met),) = tally.contacts
    assert met.source == "spiffe=spiffe://holdfast.local/t/default/agent/planner"
    assert (met.target, met.proof, met.form) == ("node=guard", Proof.GATEWAY, Form.MODEL)
    assert shop.judge(tally).scores.fitness == 1.0


def test_a_tool_call_names_its_tool_and_definition(shop):
    tally, _ = taken(shop, record(shop, action="call", tool="look", descriptor="sha256:1"))
    ((_, met),) = tally.contacts
    assert (met.tool, met.digest, met.form) == ("look", "sha256:1", Form.TOOL)


@pytest.mark.parametrize(
    "more",
    [{"decision": "refuse"}, {"event": "intent"}, {"event": "opened"}, {"principal": None}],
)
def test_what_was_not_carried_or_not_finished_is_no_contact(shop, more):
    assert taken(shop, record(shop, **more))[0].is_empty


def test_a_relationship_that_is_gone_is_judged_by_the_node_that_answered(shop):
    tally, _ = taken(shop, record(shop, relationship="gone", node="vault"))
    kinds = [f.kind.value for f in shop.judge(tally).findings if f.n]
    assert kinds == ["D5"]


def test_people_s_decisions_are_counted_by_week(shop):
    _, reader = taken(
        shop,
        record(shop, approver="ann"),
        record(shop, approver="ann", decision="refuse", rule="approval.denied"),
    )
    assert list(reader.approvals.values()) == [(2, 1)]


def signals(shop, tally: Tally, **more):
    blueprint = load(shop.text, source="shop.yaml", read=str)
    sources = Sources(
        report=shop.judge(tally), blueprint=blueprint, today=date(2027, 1, 15), **more
    )
    return read_signals(sources)


def test_a_growing_bypass_is_a_trend_and_every_probability_is_corrected(shop):
    tally = Tally()
    for week in range(12):
        at = shop.now - (11 - week) * WEEK
        tally.merge(shop.tally(("planner", "vault"), n=1 + 3 * week, at=at))
        tally.merge(shop.tally(("web", "cart"), n=40, at=at))
    found = signals(shop, tally)
    (bypass,) = (s for s in found.signals if s.series.name == "bypassing calls, share")
    assert bypass.said.startswith("rises by")
    assert bypass.trend is not None
    assert bypass.p_slope is not None
    assert bypass.p_slope > bypass.trend.p_slope
    assert found.tests == 2 * len([s for s in found.signals if s.trend is not None])


def test_a_signal_without_data_says_what_it_needs(shop):
    found = signals(shop, shop.tally(("web", "cart")))
    assert {"O1", "O2", "O3", "O5", "O6", "O7", "O9", "O12", "O13"} <= set(found.missing)
    assert all(f"a trend needs {WEEKS_MIN}" in s.said for s in found.signals)


def test_changes_tell_of_the_pipeline_and_of_people(shop):
    changes = [
        Change(day="2027-01-04", subject="web", kind="deploy", by="ann", by_pipeline=True),
        Change(day="2027-01-05", subject="web", kind="edit", by="ann", by_pipeline=False),
        Change(day="2027-01-06", subject="db", kind="edit", by="bob", by_pipeline=None),
    ]
    found = signals(shop, Tally(), changes=changes)
    values = {s.series.signal: list(s.series.values.values()) for s in found.signals}
    assert values["O7"] == [0.5]
    assert values["O13"] == [pytest.approx(2 / 3)]


def test_evidence_that_expires_ages_week_by_week(shop):
    proofs = [ControlProof(control="c", subject="", paths=(), dated="2026-12-01", valid_days=20)]
    found = signals(shop, Tally(), proofs=proofs)
    (ageing,) = (s.series for s in found.signals if s.series.signal == "O12")
    assert list(ageing.values.values()) == [0.0] * 3 + [1.0] * 4


def test_what_grows_in_a_blueprint_is_told_against_its_first_version(shop):
    doubled = shop.text.replace(
        "connects: [planner, guard]}",
        "connects: [planner, guard], controls: {timeouts: {total_s: 1200}}}",
    )
    waiver = "review: {waivers: [{rule: DRIFT-D1, owner: me, reason: r, expires: '2030-01-01'}]}\n"
    first = date(2027, 1, 1)
    old = [
        (first, load(shop.text + waiver, source="a", read=str)),
        (first + timedelta(days=7), load(doubled + waiver, source="b", read=str)),
    ]
    found = signals(shop, Tally(), earlier=old)
    values = {s.series.signal: list(s.series.values.values()) for s in found.signals}
    assert values["O5"] == [0.0, pytest.approx(0.693, abs=0.001), 0.0]
    assert values["O9"] == [0.0, 7.0, 0.0]


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({"resource": "vault"}, {"vault"}),
        ({"resource": "guard", "node": "gone"}, {"gone"}),
        ({"resource": "guard", "node": "vault", "fallback": "guard-vault"}, {"guard", "vault"}),
        ({"resource": "guard", "node": "guard", "fallback": "guard-vault"}, {"guard", "vault"}),
        ({"resource": "guard", "node": "cart", "fallback": "guard-vault"}, {"guard", "cart"}),
        ({"resource": "guard", "fallback": "guard-vault"}, {"guard", "vault"}),
    ],
    ids=[
        "asked",
        "answered",
        "fell back",
        "fell back and did not answer",
        "rejoined",
        "unanswered",
    ],
)
def test_whom_a_call_met_is_who_was_asked_and_answered_then(shop, more, met):
    """Whatever ``planner-guard`` and ``guard-vault`` join today."""
    tally, _ = taken(shop, record(shop, **more))
    assert {contact.target.removeprefix("node=") for _, contact in tally.contacts} == met
