"""A worker process: carries calls, and does what its keeper says.

Started as ``python -m holdfast.app.worker`` with a JSON argument; listens on a socket it inherits.
"""

import asyncio
import contextlib
import resource
import signal
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path

import msgspec
import uvloop

from holdfast.app.believing import adopt_trust, hosts_of
from holdfast.app.channel import (
    Adopt,
    Adopted,
    ApprovalAsked,
    ApprovalGiven,
    ApprovalWithdrawn,
    CancelNews,
    Channel,
    CheckpointNews,
    CredentialsAdopted,
    Drain,
    Drained,
    Message,
    NewCredentials,
    PassportNews,
    PinsAdopted,
    PinsNews,
    Prepare,
    Prepared,
    RenewTls,
    Report,
    RevocationNews,
    RevocationsHeard,
    RevocationsSeen,
    RevocationsWanted,
    SeenTool,
    ToolsSeen,
    TrustNews,
    UpstreamNews,
)
from holdfast.app.collecting import rest_the_collector
from holdfast.app.datadir import DataDir
from holdfast.app.files import load_texts, secrets_beside
from holdfast.app.wiring import SEAL_KEY, SESSION_KEY, digest_salt, make_recorder, registry_public
from holdfast.audit import CHECKPOINT_FIELD
from holdfast.core import HoldfastError, NodeId
from holdfast.gateway import Gateway, Journeys, News, Resource, Seen
from holdfast.gateway import Path as CallPath
from holdfast.identity import Credentials
from holdfast.identity.passports import Passports, Roll
from holdfast.identity.revocation import FeedError, FeedGapError, Revocations
from holdfast.registry import Descriptor, PinBoard, Pins
from holdfast.resilience import LeaseDenied, LeaseGranted, LeaseRecalled, LeaseShort, Purses
from holdfast.world.ports import ListenTls
from holdfast.world.real import FileMarks, SocketNetwork, SystemClock, SystemEntropy, SystemPrograms

REPORT_S = 0.25
SUCCESSORS_MAX = 8
"""The most workers of one place that live at once: one takes calls, the others finish theirs."""
PURSES_S = 0.05
IN_FLIGHT_REPORTED_MAX = 100
SEEN_BYTES = 1024 * 1024
"""Descriptions of tools in one message to the keeper, and one more."""
ORPHAN_DRAIN_S = 5.0


class WorkerSettings(msgspec.Struct, frozen=True):
    """What a worker is told on its command line; ``workers`` is how many share the calls."""

    worker: int
    workers: int
    channel_fd: int
    listen_fd: int
    data: str
    tls: ListenTls | None = None
    origins: tuple[str, ...] = ()


class Worker:
    """One worker's life."""

    def __init__(
        self, settings: WorkerSettings, channel: Channel, group: asyncio.TaskGroup
    ) -> None:
        clock, entropy = SystemClock(), SystemEntropy()
        data = DataDir(Path(settings.data))
        self._claim = data.join_workers()
        self._settings = settings
        self._channel = channel
        self._recorder = make_recorder(data.journals, clock, worker=settings.worker)
        self._group = group
        self._clock = clock
        self._purses = Purses(channel.send)
        self._revocations = Revocations(registry_public(data))
        self._passports = Passports()
        self._feed_fault: str | None = None
        self._pins = PinBoard(self._tell_tools)
        self._gateway = Gateway(
            clock=clock,
            entropy=entropy,
            network=SocketNetwork(),
            recorder=self._recorder,
            spawn=self._spawn,
            salts=lambda tenant: digest_salt(data, tenant, entropy),
            worker=settings.worker,
            workers=settings.workers,
            spending=self._purses,
            revocations=self._revocations,
            passports=self._passports,
            session_root=data.key(SESSION_KEY, entropy),
            marks=FileMarks(
                data.path / "used-proofs",
                region=settings.worker,
                regions=settings.workers * SUCCESSORS_MAX,
            ),
            hosts=hosts_of(settings.origins),
            resource=Resource(
                url=settings.origins[0] if settings.origins else None,
                is_tls=settings.tls is not None,
            ),
            programs=SystemPrograms(),
            pins=self._pins,
            seal=data.key(SEAL_KEY, entropy),
        )
        self._gateway.on_news = self._tell
        self._gateway.watch_approvals(
            on_asked=lambda question: channel.send(ApprovalAsked(question)),
            on_over=lambda call: channel.send(ApprovalWithdrawn(call)),
        )
        self._gateway.watch_cancels(lambda taken_back: channel.send(CancelNews(taken_back)))
        self._leave: asyncio.Future[Drain] = asyncio.get_running_loop().create_future()
        self._prepared: tuple[int, CallPath] | None = None
        self._listening = False
        self._reported = 0

    def _spawn(self, work: Coroutine[None, None, None]) -> object:
        return self._group.create_task(work)

    async def run(self) -> None:
        """Serve until told to drain, or until the keeper is gone."""
        reporting = self._group.create_task(self._report_always())
        listening = self._group.create_task(self._listen())
        tending = self._group.create_task(self._tend_purses())
        order = await self._leave
        cut = await self._gateway.drain(within_s=order.within_s, patient=order.patient)
        reporting.cancel()
        listening.cancel()
        tending.cancel()
        self._purses.close()
        self._channel.send(self._report())
        self._channel.send(Drained(cut))
        self._channel.close()

    async def _listen(self) -> None:
        """Obey, also while draining: a key that is revoked is revoked for the last calls too."""
        while (message := await self._channel.receive()) is not None:
            await self._obey(message)
        self._leave_within(Drain(ORPHAN_DRAIN_S))

    def _leave_within(self, order: Drain) -> None:
        if self._leave.done():
            self._gateway.hasten(within_s=order.within_s)
        else:
            self._leave.set_result(order)

    def _tell_tools(self, server: NodeId, seen: tuple[Descriptor, ...]) -> None:
        """In pieces, so that no frame of the channel grows too large."""
        items: list[SeenTool] = []
        size = 0
        for each in seen:
            items.append(SeenTool(each.kind, each.body))
            size += len(each.body)
            if size > SEEN_BYTES:
                self._channel.send(ToolsSeen(server, items))
                items, size = [], 0
        if items:
            self._channel.send(ToolsSeen(server, items))

    def _tell(self, news: News) -> None:
        self._channel.send(UpstreamNews(news))

    async def _obey(self, message: Message) -> None:
        match message:
            case Prepare():
                self._channel.send(Prepared(message.generation, self._prepare(message)))
            case Adopt():
                await self._adopt(message)
            case NewCredentials():
                self._gateway.replace_credentials(Credentials.decode(message.credentials))
                self._channel.send(CredentialsAdopted(message.ticket))
            case UpstreamNews():
                self._gateway.hear(message.news)
            case CancelNews():
                self._gateway.hear_cancelled(message.cancelled)
            case ApprovalGiven():
                self._gateway.hear_verdict(message.verdict)
            case RevocationNews():
                self._take_revocations(message)
            case PinsNews():
                self._gateway.replace_pins(Pins.decode(message.pins))
                if message.ticket:
                    self._channel.send(PinsAdopted(message.ticket))
            case CheckpointNews():
                self._gateway.stand_by(((CHECKPOINT_FIELD, message.value.encode("ascii")),))
            case TrustNews():
                adopt_trust(self._gateway.identities, message)
            case PassportNews():
                self._passports.current = Roll.decode(message.roll)
            case LeaseGranted() | LeaseShort() | LeaseDenied() | LeaseRecalled():
                clock = self._clock
                self._purses.heard(message, wall=clock.now(), now=clock.monotonic())
            case RenewTls():
                # The keeper has tried the files, and says what is wrong with them.
                with contextlib.suppress(OSError):
                    self._gateway.renew_tls()
            case Drain():
                self._leave_within(message)
            case _:
                pass

    def _take_revocations(self, news: RevocationNews) -> None:
        """What cannot be believed changes nothing: what is known grows old, and less is allowed."""
        try:
            self._revocations.take(news.update, now=self._clock.now())
        except FeedGapError:
            self._channel.send(RevocationsWanted(news.ticket))
            return
        except FeedError as error:
            self._feed_fault = str(error)
            return
        self._feed_fault = None
        if news.ticket:
            self._channel.send(RevocationsHeard(news.ticket))

    def _prepare(self, order: Prepare) -> str | None:
        try:
            loaded = load_texts(order.source, order.text, order.files, signed=order.signed)
            credentials = Credentials.decode(order.credentials)
            path = self._gateway.prepare(
                loaded.blueprint,
                loaded.policy,
                credentials,
                secret=secrets_beside(Path(order.source)),
                folder=str(Path(order.source).resolve().parent),
            )
        except HoldfastError as error:
            return str(error)
        self._prepared = (order.generation, path)
        return None

    async def _adopt(self, order: Adopt) -> None:
        if self._prepared is None or self._prepared[0] != order.generation:
            return
        self._gateway.adopt(self._prepared[1])
        self._prepared = None
        rest_the_collector()
        if not self._listening:
            self._listening = True
            settings = self._settings
            sock = socket.socket(fileno=settings.listen_fd)
            await self._gateway.start(sock=sock, tls=settings.tls)
        self._channel.send(Adopted(order.generation))

    async def _report_always(self) -> None:
        while True:
            await asyncio.sleep(REPORT_S)
            self._channel.send(self._report())

    async def _tend_purses(self) -> None:
        while True:
            await asyncio.sleep(PURSES_S)
            self._purses.tick(now=self._clock.monotonic())

    def _report(self) -> Report:
        journeys = self._gateway.journeys
        self._reported, ended = journeys.since(self._reported)
        fault = self._recorder.fault
        return Report(
            journeys.totals,
            seen_in_flight(journeys),
            ended,
            None if fault is None else str(fault),
            self._gateway.seen_nodes(),
            self._gateway.seen_upstreams(),
            self._seen_revocations(),
        )

    def _seen_revocations(self) -> RevocationsSeen:
        known = self._revocations
        freshness = known.freshness(self._clock.now())
        return RevocationsSeen(known.seq, len(known.current), freshness, self._feed_fault)


def seen_in_flight(journeys: Journeys) -> list[Seen]:
    """The longest-running calls as a watcher sees them."""
    return [journey.seen() for journey in journeys.longest(IN_FLIGHT_REPORTED_MAX)]


def _allow_files() -> None:
    """As many open files as the system grants: a call takes two, and the usual 1,024 are few."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A system may name a limit that it then refuses (macOS): what was there before stays.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _main(settings: WorkerSettings) -> None:
    _allow_files()
    # The keeper decides: a Ctrl-C at the terminal, or a signal, may reach the whole process group.
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    loop.add_signal_handler(signal.SIGUSR2, lambda: None)
    channel = await Channel.over(socket.socket(fileno=settings.channel_fd))
    async with asyncio.TaskGroup() as group:
        await Worker(settings, channel, group).run()


if __name__ == "__main__":
    uvloop.run(_main(msgspec.json.decode(sys.argv[1].encode(), type=WorkerSettings)))
