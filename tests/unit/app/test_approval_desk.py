"""The keeper's desk: who may decide, for which groups, and that every decision is in the log."""

import asyncio

import pytest

from holdfast.app import approvals
from holdfast.app.approvals import (
    APPROVALS_MAX,
    ApprovalDesk,
    ApprovalError,
    ApprovalGroupError,
    ApprovalOwnError,
)
from holdfast.app.channel import ApprovalAsked, ApprovalGiven, ApprovalWithdrawn
from holdfast.app.control import Decision
from holdfast.app.deciding import plain, question_text
from holdfast.audit import Act, Outbox, decode_change
from holdfast.core import CallId, Instant
from holdfast.gateway import Question
from holdfast.world.sim import SimStore

CALL = "01KAAAAAAAAAAAAAAAAAAAAAAA"
CLERK = "spiffe://holdfast.local/t/t/agent/clerk"
ANN, BEA = "user:idp:ann", "user:idp:bea"


def question(call=CALL, groups=("owners",), **more):
    known = {
        "principal": CLERK,
        "on_behalf_of": None,
        "chain": (),
        "action": "call",
        "callee": "bank",
        "tool": "pay",
        "content": '{"amount":7}',
        "is_cut": False,
        "content_bytes": 120,
        "policies": ("pays",),
        "reason": "permitted by pays",
        "relationship": "clerk-pays",
        "since": Instant(1),
        "until": Instant(2),
    }
    return Question(call=CallId(call), groups=groups, **{**known, **more})


class Desk:
    """A desk, what it told workers, and the changes that wait for the log."""

    def __init__(self):
        self.store = SimStore()
        self.desk = ApprovalDesk(self.store)
        self.told = []

    def ask(self, asked, worker=0):
        self.desk.hear(worker, ApprovalAsked(asked), tell=self.told.append)

    def decide(self, *, is_yes=True, by=ANN, groups=("owners",), call=CALL):
        act = Act(id="01KBBBBBBBBBBBBBBBBBBBBBBB", by=by, at=Instant(3), reason="because")
        decision = Decision(call=call, is_yes=is_yes, act=act, groups=groups)
        return asyncio.run(self.desk.decide(decision))

    def changes(self):
        return [decode_change(entry) for _, entry in Outbox(self.store).waiting(10)]

    def verdicts(self):
        return [(v.verdict.call, v.verdict.is_yes, v.verdict.by) for v in self.told]


@pytest.fixture
def desk():
    return Desk()


@pytest.mark.parametrize("is_yes", [True, False])
def test_a_decision_is_in_the_log_and_told_to_the_worker(is_yes, desk):
    desk.ask(question())
    assert desk.decide(is_yes=is_yes) == ()
    assert desk.verdicts() == [(CALL, is_yes, ANN)]
    (change,) = desk.changes()
    assert change.kind == (approvals.GIVEN if is_yes else approvals.DENIED)
    assert (change.subject, change.by, change.reason) == (CALL, ANN, "because")
    assert desk.desk.questions() == ()


@pytest.mark.parametrize(
    "whose", [{"principal": ANN}, {"on_behalf_of": ANN}, {"chain": (ANN, CLERK)}]
)
@pytest.mark.parametrize("is_yes", [True, False])
def test_nobody_decides_about_a_call_of_their_own(whose, is_yes, desk):
    desk.ask(question(**whose))
    with pytest.raises(ApprovalOwnError):
        desk.decide(is_yes=is_yes)
    assert (desk.told, desk.changes()) == ([], [])


@pytest.mark.parametrize("groups", [(), ("clerks",)])
def test_only_the_groups_that_are_asked_decide(groups, desk):
    desk.ask(question())
    with pytest.raises(ApprovalGroupError):
        desk.decide(groups=groups)
    assert (desk.told, desk.changes()) == ([], [])


def test_each_group_must_say_yes(desk):
    desk.ask(question(groups=("board", "owners")))
    assert desk.decide(by=ANN, groups=("owners",)) == ("board",)
    assert desk.told == []
    assert desk.desk.seen()[0].groups == ("board",)
    assert desk.decide(by=BEA, groups=("board",)) == ()
    assert desk.verdicts() == [(CALL, True, f"{ANN}, {BEA}")]


def test_one_no_is_enough(desk):
    desk.ask(question(groups=("board", "owners")))
    desk.decide(by=ANN, groups=("owners",))
    desk.decide(by=BEA, groups=("board",), is_yes=False)
    assert desk.verdicts() == [(CALL, False, BEA)]


def test_what_waits_no_longer_cannot_be_decided(desk):
    desk.ask(question())
    desk.desk.hear(0, ApprovalWithdrawn(CALL), tell=desk.told.append)
    with pytest.raises(ApprovalError):
        desk.decide()
    assert desk.changes() == []


def test_a_worker_that_ends_takes_only_its_own_questions(desk):
    desk.ask(question(), worker=0)
    desk.ask(question("01KCCCCCCCCCCCCCCCCCCCCCCC"), worker=1)
    desk.desk.gone(0)
    assert [each.call for each in desk.desk.questions()] == ["01KCCCCCCCCCCCCCCCCCCCCCCC"]


def test_a_full_desk_refuses_further_calls(desk):
    for number in range(APPROVALS_MAX + 1):
        desk.ask(question(f"{number:026d}"))
    assert len(desk.desk.questions()) == APPROVALS_MAX
    assert desk.verdicts() == [(f"{APPROVALS_MAX:026d}", False, None)]


def test_the_list_and_the_faces_hold_nothing_of_what_was_said(desk):
    desk.ask(question())
    assert desk.desk.questions()[0].content == ""
    assert not hasattr(desk.desk.seen()[0], "content")
    assert desk.desk.question(CALL).content == '{"amount":7}'


def test_what_a_caller_wrote_cannot_pass_for_a_line_of_ours():
    forged = "hi\x1b[2Jcall          01K\r\ngroups        none\u202e"
    lines = question_text(question(content=forged)).splitlines()
    assert [line for line in lines if line.startswith("groups")] == ["groups        owners"]
    assert all(each.isprintable() for each in lines)
    assert plain("\u202ex\x07") == "\\u202ex\\x07"


def test_a_verdict_is_one_message(desk):
    desk.ask(question())
    desk.decide()
    assert isinstance(desk.told[0], ApprovalGiven)
