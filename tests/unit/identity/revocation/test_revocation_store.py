"""Revocations in the database: set, feed and record agree, whatever fails."""

import pytest

from holdfast.audit import Act, Outbox, decode_change
from holdfast.core import Instant
from holdfast.identity.revocation import (
    FeedForkError,
    FeedState,
    RevocationError,
    RevocationFinalError,
    RevocationStore,
    RevocationUnknownError,
    subject,
)
from holdfast.identity.revocation.store import MANDATE_HELD_S
from holdfast.world.ports import WorldError
from holdfast.world.sim import SimStore

NOW = 1_780_000_000_000_000
AGENT = "spiffe://example.org/t/acme/agent/reviewer"


def act(name: str, *, after_s: int = 0, reason: str = "") -> Act:
    return Act(id=name, by="user:host:op", at=Instant(NOW + after_s * 1_000_000), reason=reason)


class Disk:
    def __init__(self) -> None:
        self.is_full = False
        self.store = SimStore(before_write=self.check)

    def check(self) -> None:
        if self.is_full:
            raise WorldError("the disk is full")


@pytest.fixture
def disk():
    made = Disk()
    yield made
    made.store.close()


@pytest.fixture
def store(disk) -> RevocationStore:
    return RevocationStore(disk.store)


def records(disk):
    return [decode_change(entry) for _, entry in Outbox(disk.store).waiting(100)]


def test_a_revocation_is_in_the_set_in_the_feed_and_on_its_way_to_the_log(store, disk) -> None:
    made = store.revoke("agent", AGENT, act=act("1", reason="stolen"))
    state, items = store.advance(FeedState())
    assert state.held.find([subject("agent", AGENT)]).id == made.id
    assert [(each.seq, each.op) for each in items] == [(1, "revoke")]
    [record] = records(disk)
    assert (record.kind, record.reason, record.by) == ("revocation.made", "stolen", "user:host:op")
    assert record.subject == f"agent:{AGENT}"
    assert record.digest == f"sha256:{state.head.hex()}"


def test_revoking_again_is_the_revocation_in_force(store, disk) -> None:
    first = store.revoke("agent", AGENT, act=act("1"))
    assert store.revoke("agent", AGENT, act=act("2")) == first
    assert store.state().seq == 1
    assert len(records(disk)) == 1


def test_a_kill_switch_is_lifted_and_thrown_again(store) -> None:
    store.revoke("tenant", "acme", act=act("1"))
    lifted = store.lift("1", act=act("2", after_s=1))
    assert (lifted.lifted, lifted.lifted_by) == (NOW + 1_000_000, "user:host:op")
    assert store.lift("1", act=act("3")) == lifted
    assert len(store.state().held) == 0
    store.revoke("tenant", "acme", act=act("4"))
    assert [each.id for each in store.list()] == ["4"]
    assert {each.id for each in store.list(lifted=True)} == {"1", "4"}
    assert store.advance(FeedState())[0].held.all() == store.state().held.all()


@pytest.mark.parametrize(("kind", "name"), [("mandate", "jti-1"), ("key", "A" * 43)])
def test_a_mandate_and_a_key_stay_revoked(store, kind, name) -> None:
    store.revoke(kind, name, act=act("1"))
    with pytest.raises(RevocationFinalError):
        store.lift("1", act=act("2"))
    assert len(store.state().held) == 1


def test_what_nobody_revoked_is_not_lifted_and_nonsense_not_revoked(store) -> None:
    with pytest.raises(RevocationUnknownError):
        store.lift("1", act=act("2"))
    with pytest.raises(RevocationError):
        store.revoke("agent", "reviewer", act=act("1"))


def test_a_mandate_is_forgotten_a_day_later_and_not_before(store) -> None:
    store.revoke("mandate", "jti-1", act=act("1"))
    store.lapse("1", act=act("2", after_s=MANDATE_HELD_S - 1))
    assert store.lapsing(act("x", after_s=MANDATE_HELD_S - 1).at) == ()
    end = act("3", after_s=MANDATE_HELD_S)
    assert [each.id for each in store.lapsing(end.at)] == ["1"]
    store.lapse("1", act=end)
    assert (len(store.state().held), store.state().seq) == (0, 2)


def test_a_full_disk_leaves_set_feed_and_record_as_they_were(store, disk) -> None:
    store.revoke("tenant", "one", act=act("1"))
    disk.is_full = True
    with pytest.raises(WorldError):
        store.revoke("tenant", "two", act=act("2"))
    with pytest.raises(WorldError):
        store.lift("1", act=act("3"))
    disk.is_full = False
    assert [each.name for each in store.list()] == ["one"]
    assert store.state().seq == 1
    assert len(records(disk)) == 1


def test_a_feed_that_was_rewritten_is_a_fork(store, disk) -> None:
    store.revoke("tenant", "one", act=act("1"))
    known, _ = store.advance(FeedState())
    with disk.store.transaction() as change:
        change.execute("delete from revocation_feed")
        change.execute("delete from revocations")
    with pytest.raises(FeedForkError):
        store.advance(known)
    store.revoke("tenant", "other", act=act("2"))
    with pytest.raises(FeedForkError):
        store.advance(known)


def test_a_record_leaves_the_outbox_once_it_is_taken(store, disk) -> None:
    store.revoke("tenant", "one", act=act("1"))
    store.revoke("tenant", "two", act=act("2"))
    outbox = Outbox(disk.store)
    [(number, _), _] = outbox.waiting(10)
    outbox.taken(number)
    assert [decode_change(entry).change for _, entry in outbox.waiting(10)] == ["2"]
