"""News between workers goes through the keeper: to every other, never back, and to late starters."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

from holdfast.app.channel import Adopt, Adopted, Channel, Prepare, UpstreamNews
from holdfast.app.workers import Fleet, WorkerHandle
from holdfast.gateway import News
from holdfast.world.real import SystemClock

OPEN = News("model", "model-1", "open", 30.0)


@contextlib.asynccontextmanager
async def fleet_of(count: int) -> AsyncIterator[tuple[Fleet, list[Channel]]]:
    """A fleet whose workers are channels that the test holds the other ends of."""
    sockets = [socket.socket() for _ in range(count)]
    async with asyncio.TaskGroup() as group:
        fleet = Fleet(
            sockets,
            data=Path(),
            clock=SystemClock(),
            group=group,
            on_report=lambda _worker, _report: None,
            on_lease=lambda _worker, _message: None,
            on_gone=lambda _worker: None,
        )
        theirs = [await connect(fleet, worker, group) for worker in fleet.workers]
        yield fleet, theirs
        for channel in theirs:
            channel.close()
    for sock in sockets:
        sock.close()


async def connect(fleet: Fleet, worker: WorkerHandle, group: asyncio.TaskGroup) -> Channel:
    ours, theirs = socket.socketpair()
    worker.channel = await Channel.over(ours)
    worker.adopted = True
    worker.listening = group.create_task(fleet._listen(worker))
    return await Channel.over(theirs)


async def heard(channel: Channel) -> object:
    async with asyncio.timeout(10):
        return await channel.receive()


def test_every_other_worker_hears_it_and_the_teller_does_not() -> None:
    async def main() -> None:
        async with fleet_of(3) as (_, [teller, *others]):
            teller.send(UpstreamNews(OPEN))
            assert [await heard(other) for other in others] == [UpstreamNews(OPEN)] * 2
            later = News("model", "model-1", "closed", 0.0)
            others[0].send(UpstreamNews(later))
            # The first thing that the teller hears is somebody else's.
            assert await heard(teller) == UpstreamNews(later)

    asyncio.run(main())


def test_a_worker_that_adopts_later_hears_what_still_holds() -> None:
    async def main() -> None:
        async with fleet_of(2) as (fleet, [teller, late]):
            late_handle = fleet.workers[1]
            late_handle.adopted = False
            teller.send(UpstreamNews(OPEN))
            adopting = asyncio.ensure_future(late_handle.ask(Adopt(7), Adopted, 7, within_s=10))
            # Nothing was told to one that has no path yet: its order comes first.
            assert await heard(late) == Adopt(7)
            late.send(Adopted(7))
            await adopting
            committing = asyncio.ensure_future(fleet._commit(late_handle, prepare()))
            assert await heard(late) == Adopt(8)
            late.send(Adopted(8))
            await committing
            told = await heard(late)
            assert isinstance(told, UpstreamNews)
            assert (told.news.kind, told.news.upstream) == ("open", "model-1")
            assert 0 < told.news.for_s <= OPEN.for_s

    asyncio.run(main())


def prepare() -> Prepare:
    return Prepare(8, "holdfast.yaml", "", {}, b"")
