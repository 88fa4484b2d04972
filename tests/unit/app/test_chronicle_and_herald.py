"""Changes reach the log exactly once; workers hear what is revoked, and silence when nobody knows."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest

from holdfast.app.channel import Message, PassportNews, RevocationNews
from holdfast.app.chronicle import Chronicle
from holdfast.app.herald import KEEPER_WORKER, Herald
from holdfast.audit import Act, Log, LogSigner, Outbox, Recorder, decode_entry
from holdfast.core import HoldfastError
from holdfast.identity import SigningKey
from holdfast.identity.passports import PassportStore, Roll, read_application
from holdfast.identity.revocation import FeedGapError, Revocations, RevocationStore
from holdfast.world.ports import WorldError
from holdfast.world.real import SystemClock
from holdfast.world.sim import SimBlobs, SimEntropy, SimJournals, SimStore

KEY = SigningKey.from_seed(b"k" * 32)
SIGNER = LogSigner.from_seed("holdfast.example/log", bytes(range(32)))
AGENT = "spiffe://example.org/t/acme/agent/reviewer"
CLOCK = SystemClock()


def act(name: str) -> Act:
    return Act(id=name, by="user:host:op", at=CLOCK.now())


class Office:
    """A keeper's database, log and journal; ``told`` is what its workers heard."""

    def __init__(self) -> None:
        self.is_full = False
        self.rows = SimStore(before_write=self.check)
        self.journals = SimJournals(SimEntropy(1))
        self.blobs = SimBlobs()
        self.told: list[Message] = []
        self.insisted: list[bytes] = []
        self.revocations = RevocationStore(self.rows)
        self.log = self.open_log()

    def check(self) -> None:
        if self.is_full:
            raise WorldError("the disk is full")

    def open_log(self) -> Log:
        return Log.open(blobs=self.blobs, store=self.rows, journals=self.journals, signer=SIGNER)

    def chronicle(self) -> Chronicle:
        recorder = Recorder(self.journals, CLOCK, worker=KEEPER_WORKER)
        return Chronicle(Outbox(self.rows), recorder, self.log.reader)

    async def insist(self, update: bytes) -> int:
        self.insisted.append(update)
        return 2

    def herald(self) -> Herald:
        return Herald(
            self.rows,
            chronicle=self.chronicle(),
            key=KEY,
            clock=CLOCK,
            entropy=SimEntropy(1),
            announce=self.told.append,
            insist=self.insist,
        )

    def logged(self) -> list[str]:
        self.log.integrate()
        entries = self.log.recent(100)
        return [decode_entry(entry.data).change for entry in reversed(entries)]


@pytest.fixture
def office():
    made = Office()
    yield made
    made.rows.close()


def run(main: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(main())


def feed(messages: list[Message], holder: Revocations) -> None:
    for message in messages:
        if isinstance(message, RevocationNews):
            holder.take(message.update, now=CLOCK.now())


def test_a_change_is_in_the_log_once_however_often_it_is_flushed(office) -> None:
    async def main() -> None:
        office.revocations.revoke("tenant", "one", act=act("change-1"))
        chronicle = office.chronicle()
        await chronicle.flush()
        await chronicle.flush()
        office.revocations.revoke("tenant", "two", act=act("change-2"))
        await chronicle.close()

    run(main)
    assert office.logged() == ["change-1", "change-2"]
    assert Outbox(office.rows).waiting(10) == []
    assert len(office.log.find("change-1")) == 1


def test_a_crash_between_journal_and_outbox_doubles_no_record(office) -> None:
    async def main() -> None:
        office.revocations.revoke("tenant", "one", act=act("change-1"))
        chronicle = office.chronicle()
        office.is_full = True  # the journal takes it, the outbox cannot let it go
        await chronicle.flush()
        office.is_full = False
        assert len(Outbox(office.rows).waiting(10)) == 1
        await office.chronicle().close()
        await chronicle.close()

    run(main)
    assert office.logged() == ["change-1"]
    assert Outbox(office.rows).waiting(10) == []


def test_whoever_heard_the_greeting_and_every_beat_knows_all(office) -> None:
    holder = Revocations(KEY.public)

    async def main() -> None:
        office.revocations.revoke("tenant", "before", act=act("1"))
        herald = office.herald()
        feed(list(herald.greeting(0)), holder)
        office.revocations.revoke("tenant", "after", act=act("2"))
        await herald.beat()
        await herald.beat()
        await herald.close()

    run(main)
    feed(office.told, holder)
    assert {held.name for held in holder.current.all()} == {"before", "after"}
    assert holder.freshness(CLOCK.now()) == "fresh"


def test_a_worker_that_missed_a_beat_is_healed_by_a_greeting(office) -> None:
    holder = Revocations(KEY.public)

    async def main() -> None:
        herald = office.herald()
        feed(list(herald.greeting(0)), holder)
        office.revocations.revoke("tenant", "one", act=act("1"))
        await herald.beat()
        office.told.clear()
        office.revocations.revoke("tenant", "two", act=act("2"))
        await herald.beat()
        with pytest.raises(FeedGapError):
            feed(office.told, holder)
        feed(list(herald.greeting(7)), holder)
        await herald.close()

    run(main)
    assert holder.seq == 2


def test_a_command_waits_until_every_worker_knows(office) -> None:
    holder = Revocations(KEY.public)

    async def main() -> None:
        herald = office.herald()
        office.revocations.revoke("agent", AGENT, act=act("1"))
        assert await herald.adopt() == 2
        await herald.close()

    run(main)
    for update in office.insisted:
        holder.take(update, now=CLOCK.now())
    assert len(holder.current) == 1
    assert office.logged() == ["1"]


def test_a_keeper_whose_database_was_put_back_falls_silent(office) -> None:
    async def main() -> None:
        office.revocations.revoke("tenant", "one", act=act("1"))
        herald = office.herald()
        with office.rows.transaction() as change:
            change.execute("delete from revocation_feed")
        with pytest.raises(HoldfastError):
            await herald.beat()
        assert office.told == []
        await herald.close()

    run(main)


def test_passports_go_out_when_one_has_changed_and_only_then(office) -> None:
    async def main() -> None:
        herald = office.herald()
        await herald.beat()
        assert not any(isinstance(each, PassportNews) for each in office.told)
        form = {
            "sub": AGENT,
            "controller": {"org": "Org", "contact": "ops@example.org"},
            "owner": "user:idp:alice",
            "risk_tier": 2,
        }
        store = PassportStore(office.rows, public=KEY.public, key=KEY)
        store.create(read_application(form), act=act("1"))
        await herald.beat()
        [news] = [each for each in office.told if isinstance(each, PassportNews)]
        found = Roll.decode(news.roll).find(AGENT)
        assert found is not None
        assert found.risk_tier == 2
        await herald.close()

    run(main)
