"""Tells workers who may no longer act: at once when something is revoked, and each second anyway.

The database is the truth: a command writes there, then asks the keeper to look. Should the asking
fail, the next beat finds the change. A beat is signed only after the database was read, so a keeper
that cannot read it falls silent, and its workers know that they know nothing new.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from holdfast.app import wiring
from holdfast.app.channel import Message, PassportNews, RevocationNews
from holdfast.app.chronicle import Chronicle
from holdfast.app.datadir import DataDir
from holdfast.app.registers import StoredRegisters
from holdfast.audit import Act, Outbox
from holdfast.core import RANDOM_BYTES, HoldfastError, ulid
from holdfast.identity import SigningKey
from holdfast.identity.passports import PassportStore, Roll
from holdfast.identity.revocation import (
    FeedState,
    Item,
    RevocationStore,
    sign_delta,
    sign_snapshot,
    subject,
)
from holdfast.world.ports import Clock, Entropy, Store

BEAT_S = 1.0
LAPSE_BEATS = 60
"""Every so many beats, what has lapsed by itself is taken out of the set."""
KEEPER_WORKER = 9_999
"""The keeper's own journal: the highest number, which no worker has."""
KEEPER = "keeper"
"""Who does what no person asked for, in the log."""

log = structlog.get_logger("holdfast.herald")


class Herald:
    """The keeper's side of revocation and passports.

    ``announce`` tells every worker and waits for none; ``insist`` returns when all know, and how
    many those are.
    """

    def __init__(
        self,
        store: Store,
        *,
        chronicle: Chronicle,
        key: SigningKey,
        clock: Clock,
        entropy: Entropy,
        announce: Callable[[Message], None],
        insist: Callable[[bytes], Awaitable[int]],
    ) -> None:
        self._store = store
        self._revocations = RevocationStore(store)
        self._passports = PassportStore(store, public=key.public)
        self._chronicle = chronicle
        self._key = key
        self._clock = clock
        self._entropy = entropy
        self._announce = announce
        self._insist = insist
        self._state: FeedState = self._revocations.state()
        self._mark = -1
        self._roll = Roll()
        self._looking = asyncio.Lock()
        self._is_stuck = False
        self._load_roll(*self._read_roll())

    @classmethod
    def open(
        cls,
        data: DataDir,
        store: Store,
        *,
        clock: Clock,
        entropy: Entropy,
        announce: Callable[[Message], None],
        insist: Callable[[bytes], Awaitable[int]],
    ) -> "Herald":
        """The herald of an instance, with what its database holds."""
        key = wiring.registry_key(data, entropy)
        chronicle = Chronicle(
            Outbox(store),
            wiring.make_recorder(data.journals, clock, worker=KEEPER_WORKER),
            wiring.open_reader(data, store=store),
        )
        return cls(
            store,
            chronicle=chronicle,
            key=key,
            clock=clock,
            entropy=entropy,
            announce=announce,
            insist=insist,
        )

    def registers(self, uri: str) -> StoredRegisters:
        """What faces may see; ``uri`` is where outsiders fetch the status list."""
        return StoredRegisters(self._store, key=self._key, clock=self._clock, uri=uri)

    def is_revoked(self, principal: str) -> bool:
        """Whether a person is, as far as workers have been told."""
        held = self._state.held
        return held.find((subject("principal", principal), subject("agent", principal))) is not None

    def greeting(self, ticket: int) -> tuple[Message, ...]:
        """All that a worker must know that has heard nothing yet, or has missed something."""
        whole = sign_snapshot(self._state, key=self._key, now=self._clock.now())
        return (PassportNews(self._roll.encode()), RevocationNews(ticket, whole))

    async def adopt(self) -> int:
        """What was changed in the database is known to every worker when this returns."""
        async with self._looking:
            items = await self._look()
            update = sign_delta(self._state, items, key=self._key, now=self._clock.now())
        workers = await self._insist(update)
        await self._chronicle.flush()
        return workers

    async def serve(self) -> None:
        """A beat each second, for ever."""
        beats = 0
        while True:
            await asyncio.sleep(BEAT_S)
            beats += 1
            try:
                await self.beat()
                if beats % LAPSE_BEATS == 0:
                    await asyncio.to_thread(self._lapse)
            except HoldfastError as error:
                if not self._is_stuck:
                    log.error("revocations.stuck", reason=str(error))
                self._is_stuck = True
            else:
                if self._is_stuck:
                    log.info("revocations.recovered")
                self._is_stuck = False
            await self._chronicle.flush()

    async def beat(self) -> None:
        """Tell what is new, or that nothing is."""
        async with self._looking:
            items = await self._look()
            update = sign_delta(self._state, items, key=self._key, now=self._clock.now())
            self._announce(RevocationNews(0, update))

    async def close(self) -> None:
        """The last changes go into the journal."""
        await self._chronicle.close()

    async def _look(self) -> tuple[Item, ...]:
        """What the database has more than was told; the passports go out when they changed."""
        state, items = await asyncio.to_thread(self._revocations.advance, self._state)
        mark = await asyncio.to_thread(self._passports.mark)
        if mark != self._mark:
            self._load_roll(*await asyncio.to_thread(self._read_roll))
            self._announce(PassportNews(self._roll.encode()))
        self._state = state
        return items

    def _read_roll(self) -> tuple[int, Roll]:
        mark = self._passports.mark()
        return mark, Roll.of(kept.passport for kept in self._passports.list())

    def _load_roll(self, mark: int, roll: Roll) -> None:
        self._mark, self._roll = mark, roll

    def _lapse(self) -> None:
        now = self._clock.now()
        for each in self._revocations.lapsing(now):
            name = ulid(now, self._entropy.noise(RANDOM_BYTES))
            self._revocations.lapse(each.id, act=Act(id=name, by=KEEPER, at=now))
