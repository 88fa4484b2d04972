"""What people do by console and API: under their name, recorded first, for their groups alone."""

import asyncio
from types import SimpleNamespace

import pytest

from holdfast.app.acting import Actor, Tools
from holdfast.app.approvals import ApprovalDesk
from holdfast.app.channel import ApprovalAsked
from holdfast.app.control import Reply
from holdfast.app.datadir import DataDir
from holdfast.app.handles import FleetError
from holdfast.audit import Outbox, decode_change
from holdfast.blueprint import load
from holdfast.core import CallId, Instant, NodeId
from holdfast.faces import ActFailedError, ActRefusedError, ActUnknownError, Visitor
from holdfast.gateway import Question
from holdfast.identity import Principal
from holdfast.identity.revocation import RevocationError, RevocationFinalError
from holdfast.world.sim import SimEntropy, SimStore

CALL = "01KAAAAAAAAAAAAAAAAAAAAAAA"
CLERK = "spiffe://holdfast.local/t/default/agent/clerk"
ANN = "user:idp:ann"
TEXT = "holdfast: 1\nname: acted\nnodes: {clerk: {type: ai:agent, description: Pays.}}\n"
PEOPLE = 'people: [{issuer: "https://idp.example", client_id: c, groups_claim: g}]\n'


class Clock:
    def now(self):
        return Instant(1_795_250_096_000_000)

    def monotonic(self):
        return 0.0


class Stand:
    """An actor with a desk and a database; ``workers`` is what a restart and a herald tell."""

    def __init__(self, folder, *, people=""):
        self.store = SimStore()
        self.desk = ApprovalDesk(self.store)
        self.noted = 0
        self.fails = False
        data = DataDir(folder)
        data.create()
        data.remember_nodes({NodeId("clerk"): Principal(CLERK)})
        blueprint = load(TEXT + people, source="b", read=lambda _: "")
        tools = Tools(
            data=data,
            store=self.store,
            desk=self.desk,
            herald=SimpleNamespace(adopt=self._adopt),
            blueprint=lambda: blueprint,
            restart=self._restart,
            note=self._note,
            clock=Clock(),
            entropy=SimEntropy(1),
        )
        self.actor = Actor(tools)
        self.told = []

    async def _adopt(self):
        if self.fails:
            raise FleetError("worker 0 does not answer")
        return 2

    async def _restart(self):
        if self.fails:
            raise FleetError("a restart is under way")
        return Reply(workers=2, leaving=1)

    def _note(self):
        self.noted += 1

    def ask(self, **more):
        known = {
            "call": CallId(CALL),
            "groups": ("owners", "security"),
            "principal": CLERK,
            "on_behalf_of": None,
            "chain": (),
            "action": "call",
            "callee": "bank",
            "tool": "pay",
            "content": "{}",
            "is_cut": False,
            "content_bytes": 2,
            "policies": ("pays",),
            "reason": "r",
            "relationship": "clerk-pays",
            "since": Instant(1),
            "until": Instant(2),
        }
        asked = Question(**{**known, **more})
        self.desk.hear(0, ApprovalAsked(asked), tell=self.told.append)

    def decide(self, by, *, is_yes=True):
        return asyncio.run(self.actor.decide(by, CALL, is_yes=is_yes, reason="because"))

    def changes(self):
        return [decode_change(entry) for _, entry in Outbox(self.store).waiting(20)]


def visitor(way="provider", groups=("owners",), principal=ANN):
    return Visitor(principal=principal, way=way, groups=groups)


@pytest.fixture
def stand(tmp_path):
    return Stand(tmp_path, people=PEOPLE)


def test_a_person_speaks_for_their_own_groups(stand):
    stand.ask()
    assert "still waits for: security" in stand.decide(visitor()).said
    assert stand.told == []
    done = stand.decide(visitor(groups=("security",), principal="user:idp:bea"))
    assert "goes on" in done.said
    assert [each.verdict.is_yes for each in stand.told] == [True]
    changes = stand.changes()
    assert [(each.by, each.reason) for each in changes] == [
        (ANN, "because"),
        ("user:idp:bea", "because"),
    ]
    assert changes[1].change == done.change


@pytest.mark.parametrize("way", ["link", "program", "nobody"])
def test_where_a_provider_knows_of_groups_nobody_else_speaks_for_them(way, stand):
    stand.ask()
    with pytest.raises(ActRefusedError) as caught:
        stand.decide(visitor(way, groups=("owners", "security")))
    assert caught.value.code == "approval.group"
    assert stand.changes() == []


def test_where_no_provider_is_whoever_came_by_a_link_speaks_for_all(tmp_path):
    stand = Stand(tmp_path)
    stand.ask()
    assert "goes on" in stand.decide(visitor("link", groups=())).said


@pytest.mark.parametrize(
    "whose", [{"principal": ANN}, {"on_behalf_of": ANN}, {"chain": (ANN, CLERK)}]
)
def test_nobody_decides_about_a_call_of_their_own(whose, stand):
    stand.ask(**whose)
    with pytest.raises(ActRefusedError) as caught:
        stand.decide(visitor())
    assert caught.value.code == "approval.own"
    assert stand.changes() == []


def test_what_does_not_wait_cannot_be_decided(stand):
    with pytest.raises(ActUnknownError) as caught:
        stand.decide(visitor())
    assert caught.value.code == "approval.unknown"


def test_nobody_who_has_not_signed_in_acts(stand):
    stand.ask()
    with pytest.raises(ActRefusedError):
        stand.decide(visitor(principal=None))


@pytest.mark.parametrize(
    ("kind", "subject", "found"),
    [("agent", "clerk", CLERK), ("agent", CLERK, CLERK), ("principal", ANN, ANN)],
)
def test_a_revocation_names_a_node_or_a_person_and_bears_who_made_it(kind, subject, found, stand):
    done = asyncio.run(stand.actor.revoke(visitor(), kind, subject, reason="seen"))
    assert done.said == f"{kind} {found} is revoked. It is in force on 2 workers."
    (change,) = stand.changes()
    assert (change.kind, change.by, change.reason) == ("revocation.made", ANN, "seen")
    assert change.subject == f"{kind}:{found}"
    lifted = asyncio.run(stand.actor.lift(visitor(), done.change, reason="well again"))
    assert "accepted again" in lifted.said
    assert stand.changes()[1].kind == "revocation.lifted"


@pytest.mark.parametrize(("kind", "subject"), [("agent", "nobody"), ("key", "x"), ("agent", "")])
def test_what_could_never_match_is_not_revoked(kind, subject, stand):
    with pytest.raises(RevocationError):
        asyncio.run(stand.actor.revoke(visitor(), kind, subject, reason="r"))
    assert stand.changes() == []


def test_a_final_revocation_is_not_lifted(stand):
    done = asyncio.run(stand.actor.revoke(visitor(), "mandate", "jti-1", reason="r"))
    with pytest.raises(RevocationFinalError):
        asyncio.run(stand.actor.lift(visitor(), done.change, reason="r"))


def test_a_restart_is_recorded_before_it_happens(stand):
    done = asyncio.run(stand.actor.restart(visitor(), reason="stuck"))
    assert done.said == "2 fresh workers; 1 old finishing calls"
    stand.fails = True
    with pytest.raises(ActFailedError):
        asyncio.run(stand.actor.restart(visitor(), reason="again"))
    assert [(each.kind, each.subject, each.reason) for each in stand.changes()] == [
        ("instance.restarted", "acted", "stuck"),
        ("instance.restarted", "acted", "again"),
    ]


def test_a_revocation_that_not_every_worker_confirmed_says_so_and_stands(stand):
    stand.fails = True
    with pytest.raises(ActFailedError) as caught:
        asyncio.run(stand.actor.revoke(visitor(), "agent", "clerk", reason="r"))
    assert "is revoked, but not every worker" in caught.value.what
    assert [each.kind for each in stand.changes()] == ["revocation.made"]
